use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub id: u64,
    pub item: *const u8, //~ store an index, or a `u64` offset
}

fn main() {}
