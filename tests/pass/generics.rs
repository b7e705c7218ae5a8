//! Parameters of types and numbers, bounds, defaults, and what is known about such a type at compile time.
#![deny(warnings)]
#![forbid(unsafe_code)]

use shmem_core::{FixedOption, FixedStr, FixedVec, Schema, Shared};
use std::fmt::Debug;
use std::marker::PhantomData;
use std::num::{NonZeroI128, NonZeroU8};

#[derive(Shared)]
#[repr(C)]
pub struct Slot<T: Copy, const N: usize = 4>
where
    T: Debug,
{
    pub items: [[T; N]; 2],
    pub mark: PhantomData<fn() -> String>,
}

#[derive(Shared)]
#[repr(transparent)]
pub struct Wrapper<T>(pub T);

#[derive(Shared)]
#[repr(C)]
pub struct Table<T, const N: usize> {
    pub list: FixedVec<Wrapper<T>, N>,
    pub last: FixedOption<T>,
    pub name: [FixedStr<8>; N],
}

pub trait Unit {
    type Number: Shared;
}

#[derive(Shared)]
#[repr(C)]
pub struct Measure<U: Unit> {
    pub number: U::Number,
}

#[derive(Shared)]
#[repr(C)]
pub struct Metre(pub u32);

impl Unit for Metre {
    type Number = u64;
}

#[derive(Shared)]
#[repr(C)]
#[shared(size = 64)]
pub struct All {
    pub a: Slot<u8>,
    pub b: Wrapper<u64>,
    pub c: Measure<Metre>,
    pub d: Option<NonZeroU8>,
    pub e: [NonZeroU8; 7],
    pub f: NonZeroI128,
    pub g: Wrapper<Wrapper<[u128; 1]>>,
}

pub const SCHEMAS: [&Schema; 3] = [
    All::SCHEMA,
    Table::<u64, 4>::SCHEMA,
    <[[Wrapper<u16>; 3]; 2]>::SCHEMA,
];
pub const FINGERPRINT: u64 = Slot::<i64, 2>::FINGERPRINT;

pub fn bounded<T: Shared>() -> usize {
    T::SCHEMA.size()
}

pub fn is_send_and_sync<T: Send + Sync>() {}

pub fn all_is() {
    is_send_and_sync::<All>();
}
