use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
#[shared(reserve = 64)] //~ `reserve` is not available yet
pub struct Order {
    pub id: u64,
}

fn main() {}
