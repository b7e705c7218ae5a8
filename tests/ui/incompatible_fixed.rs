use shmem_core::{Shared, assert_compatible};

pub mod v1 {
    #[derive(shmem_core::Shared)]
    #[repr(C)]
    #[shared(version = 1)]
    pub struct Order {
        pub id: u64,
    }
}

#[derive(Shared)]
#[repr(C)]
#[shared(version = 1)]
pub struct Order {
    pub id: u64,
    pub qty: u64,
}

assert_compatible!(v1::Order, Order); //~ `Order` is not compatible with the old definition: it differs, and neither has room to grow: give both the same

fn main() {}
