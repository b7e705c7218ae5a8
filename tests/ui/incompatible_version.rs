use shmem_core::{Shared, assert_compatible};

pub mod v1 {
    #[derive(shmem_core::Shared)]
    #[repr(C)]
    #[shared(version = 1, reserve = 64)]
    pub struct Order {
        pub id: u64,
    }
}

#[derive(Shared)]
#[repr(C)]
#[shared(version = 2, reserve = 64)]
pub struct Order {
    pub id: u64,
}

assert_compatible!(v1::Order, Order); //~ `Order` is not compatible with the old definition: the old has `version = 1`, the new has 2, which means something else

fn main() {}
