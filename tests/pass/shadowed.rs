//! Names of the user's that are also names of the language, of shmem-core, or in the derive's output.
#![allow(non_camel_case_types, non_upper_case_globals, dead_code)]
#![deny(unused)]

pub mod core {}
pub mod std {}
pub mod shmem_core {}
pub mod diagnostic {}
pub struct Schema;
pub struct Field;
pub struct Described;
pub struct Probe;
pub struct usize_;
pub type i128 = String;
pub type u32 = ::shmem_core::FixedStr<4>;
pub const value: u8 = 3;
pub const BUFFERS: u8 = 3;
pub fn described() {}
macro_rules! panic {
    () => {};
}
panic!();

#[derive(::shmem_core::Shared)]
#[repr(u8)]
pub enum Some {
    None = 1,
    Ok = 2,
}

#[derive(::shmem_core::Shared)]
#[repr(C)]
#[shared(version = 1, buffers = 3)]
pub struct Option {
    pub value: Some,
    pub described: u8,
    pub hint: [u8; 2],
    pub size: u32,
}

impl Option {
    pub const SCHEMA: u8 = 0;
    pub const DESCRIPTION: u8 = 0;
    pub fn open() {}
}
