use shmem_core::{Shared, assert_compatible};

pub mod v1 {
    #[derive(shmem_core::Shared)]
    #[repr(C)]
    #[shared(reserve = 64)]
    pub struct Order {
        pub id: u64,
    }
}

#[derive(Shared)]
#[repr(C)]
#[shared(reserve = 128)]
pub struct Order {
    pub id: u64,
    pub qty: u64,
}

assert_compatible!(v1::Order, Order); //~ `Order` is not compatible with the old definition: the old reserves 64 bytes, the new 128: give both the same

fn main() {}
