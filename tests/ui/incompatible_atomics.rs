use shmem_core::{Shared, assert_compatible};
use std::sync::atomic::AtomicU64;

pub mod v1 {
    #[derive(shmem_core::Shared)]
    #[repr(C)]
    #[shared(reserve = 64, in_place)]
    pub struct Order {
        pub id: u64,
        pub _pad: [u8; 8],
    }
}

#[derive(Shared)]
#[repr(C)]
#[shared(reserve = 64, in_place)]
pub struct Order {
    pub id: u64,
    pub hits: AtomicU64,
}

assert_compatible!(v1::Order, Order); //~ field `hits` is absent in the old, AtomicU64 at offset 8 in the new: atomics change under

fn main() {}
