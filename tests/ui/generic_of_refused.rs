use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Slot<T> {
    pub value: T,
}

#[derive(Shared)]
#[repr(C)]
pub struct Table {
    pub slot: Slot<String>, //~ `String` cannot live in shared memory: it does not implement `Shared`
}

fn main() {}
