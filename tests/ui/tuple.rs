use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub id: u64,
    pub item: (u32, u32), //~ use a `#[derive(Shared)] #[repr(C)]` struct with named fields
}

fn main() {}
