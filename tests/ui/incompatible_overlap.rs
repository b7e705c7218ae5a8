use shmem_core::{Shared, assert_compatible};

pub mod v1 {
    #[derive(shmem_core::Shared)]
    #[repr(C)]
    #[shared(reserve = 64)]
    pub struct Order {
        pub id: u64,
        pub price: f64,
    }
}

#[derive(Shared)]
#[repr(C)]
#[shared(reserve = 64)]
pub struct Order {
    pub id: u64,
    pub qty: u64,
}

assert_compatible!(v1::Order, Order); //~ `Order` is not compatible with the old definition: field `price` is f64 at offset 8 in the old, `qty` is u64 at offset 8 in the new: a new field goes

fn main() {}
