use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
#[shared(size = 16)] //~ `size` pins the layout of one type, and `Slot` has parameters
pub struct Slot<T> {
    pub value: T,
}

fn main() {}
