use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
#[shared(version = 1)]
#[shared(version = 2)] //~ this option is given twice
pub struct Order {
    pub id: u64,
}

fn main() {}
