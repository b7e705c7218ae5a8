#![no_implicit_prelude]
#![deny(warnings)]

#[derive(::shmem_core::Shared)]
#[repr(u8)]
pub enum Side {
    Buy = 1,
    Sell = 2,
}

#[derive(::shmem_core::Shared)]
#[repr(C)]
pub struct Order<T, const N: usize> {
    pub side: [Side; N],
    pub item: T,
}

#[derive(::shmem_core::Shared)]
#[repr(C)]
#[shared(size = 8, version = 2)]
pub struct Book {
    pub order: Order<u32, 4>,
}
