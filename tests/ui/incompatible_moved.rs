use shmem_core::{Shared, assert_compatible};

pub mod v1 {
    #[derive(shmem_core::Shared)]
    #[repr(C)]
    #[shared(reserve = 64)]
    pub struct Order {
        pub id: u64,
        pub levels: [u16; 2],
        pub _pad: [u8; 4],
    }
}

#[derive(Shared)]
#[repr(C)]
#[shared(reserve = 64)]
pub struct Order {
    pub id: u64,
    pub qty: u32,
    pub levels: [u16; 2],
}

assert_compatible!(v1::Order, Order); //~ `Order` is not compatible with the old definition: field `levels` is [u16; 2] at offset 8 in the old, [u16; 2] at offset 12 in the new

fn main() {}
