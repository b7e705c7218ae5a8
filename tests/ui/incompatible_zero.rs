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
#[shared(reserve = 64)]
pub struct Order {
    pub id: u64,
    pub owner: core::num::NonZeroU64,
}

assert_compatible!(v1::Order, Order); //~ `Order` is not compatible with the old definition: field `owner` is absent in the old, NonZeroU64 at offset 8 in the new: programs that do not know a field leave it zero

fn main() {}
