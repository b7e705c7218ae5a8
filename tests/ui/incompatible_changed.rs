use shmem_core::{Shared, assert_compatible};

pub mod v1 {
    #[derive(shmem_core::Shared)]
    #[repr(C)]
    #[shared(reserve = 64)]
    pub struct Order {
        pub id: u64,
        pub price: f32,
        pub _pad: [u8; 4],
    }
}

#[derive(Shared)]
#[repr(C)]
#[shared(reserve = 64)]
pub struct Order {
    pub id: u64,
    pub price: i32,
    pub qty: u32,
}

assert_compatible!(v1::Order, Order); //~ `Order` is not compatible with the old definition: field `price` is f32 at offset 8 in the old, i32 at offset 8 in the new

fn main() {}
