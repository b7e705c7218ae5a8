use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
#[shared(buffers = 1)] //~ one buffer means that the value is changed in place: write `in_place`
pub struct Order {
    pub id: u64,
}

fn main() {}
