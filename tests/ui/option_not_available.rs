use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
#[shared(in_place)] //~ `in_place` is not available yet
pub struct Order {
    pub id: u64,
}

fn main() {}
