use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub id: u64,
    pub item: std::time::Duration, //~ use `u64` nanoseconds
}

fn main() {}
