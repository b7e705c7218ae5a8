//! A type that has grown, from definition to definition, and checks of it.

use shmem_core::{FixedOption, FixedStr, Shared, assert_compatible};

mod v1 {
    #[derive(shmem_core::Shared)]
    #[repr(C)]
    #[shared(reserve = 256, size = 16, version = 3)]
    pub struct Order {
        pub id: u64,
        pub qty: u32,
        pub _pad: [u8; 4],
    }
}

mod v2 {
    #[derive(shmem_core::Shared)]
    #[repr(C)]
    #[shared(name = "Order", reserve = 256, version = 3)]
    pub struct BigOrder {
        #[shared(name = "id")]
        pub number: u64,
        pub qty: u32,
        pub urgent: bool,
        pub _pad: [u8; 3],
        pub price: f64,
    }
}

/// More strictly aligned than those before it, and without a field that nobody wants any more.
#[derive(Shared)]
#[repr(C, align(16))]
#[shared(reserve = 256, version = 3)]
pub struct Order {
    pub id: u64,
    pub _qty: [u8; 4],
    pub urgent: bool,
    pub _pad: [u8; 3],
    pub price: f64,
    pub owner: Option<core::num::NonZeroU64>,
    pub wide: u128,
    pub client: FixedOption<u64>,
    pub note: FixedStr<12>,
    pub _end: [u8; 16],
}

assert_compatible!(v1::Order, v2::BigOrder);
assert_compatible!(v2::BigOrder, Order);
assert_compatible!(v1::Order, Order,);
// Equal definitions need no room to grow.
assert_compatible!([u64; 4], [u64; 4]);

/// A type with parameters may grow, too, to the same size with all of them.
#[derive(Shared)]
#[repr(C)]
#[shared(reserve = 64, in_place)]
pub struct Pair<T> {
    pub first: T,
    pub second: T,
}

const _: () = {
    assert_compatible!(Pair<u64>, Pair<u64>);
};

pub fn use_it() -> shmem_core::Result<()> {
    drop(Pair::<u64>::open("pair")?);
    drop(Order::open("order")?);
    Ok(())
}
