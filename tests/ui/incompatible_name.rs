use shmem_core::{Shared, assert_compatible};

pub mod v1 {
    #[derive(shmem_core::Shared)]
    #[repr(C)]
    #[shared(name = "OrderV1", reserve = 64)]
    pub struct Order {
        pub id: u64,
    }
}

#[derive(Shared)]
#[repr(C)]
#[shared(reserve = 64)]
pub struct Order {
    pub id: u64,
}

assert_compatible!(v1::Order, Order); //~ `Order` is not compatible with the old definition: that is of `OrderV1`: give both the same `#[shared(name = "..")]`

fn main() {}
