use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub id: u64,
    pub item: Box<u64>, //~ store the value itself, without the pointer
}

fn main() {}
