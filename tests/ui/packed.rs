use shmem_core::Shared;

#[derive(Shared)]
#[repr(C, packed)] //~ the fields of a packed struct cannot be borrowed: write `#[repr(C)]` alone
pub struct Order {
    pub side: u8,
    pub qty: u32,
}

fn main() {}
