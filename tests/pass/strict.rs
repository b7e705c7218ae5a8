//! Under every lint that a user may have made an error.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unused, nonstandard_style, future_incompatible)]
#![deny(unreachable_pub, unused_qualifications, unused_results, trivial_casts, trivial_numeric_casts)]
#![deny(missing_debug_implementations, single_use_lifetimes, unused_lifetimes, let_underscore_drop)]
#![deny(elided_lifetimes_in_paths, explicit_outlives_requirements, non_ascii_idents)]

/// An enum.
#[derive(Debug, shmem_core::Shared)]
#[repr(i16)]
pub enum Side {
    /// A.
    Buy = -3,
    /// B.
    Sell = { 1 + 1 },
}

/// A struct with a field that is called like a local variable of the derive's.
#[derive(Debug, shmem_core::Shared)]
#[repr(C)]
#[shared(name = "other name", version = 7, buffers = 8)]
pub struct Order {
    /// A.
    pub r#type: u32,
    /// B.
    pub value: [Side; 2],
    /// C.
    #[deprecated]
    pub old: [u8; 4 * 2],
}

/// A tuple struct.
#[derive(Debug, shmem_core::Shared)]
#[repr(C)]
pub struct Pair(pub u32, pub [[u16; 1]; 2]);

/// A struct without fields.
#[derive(Debug, shmem_core::Shared)]
#[repr(C)]
pub struct Unit;

/// A struct of one other.
#[derive(Debug, shmem_core::Shared)]
#[repr(transparent)]
pub struct Transparent(pub Order, pub std::marker::PhantomData<u64>);

/// Another alignment.
#[derive(Debug, shmem_core::Shared)]
#[repr(C, align(64))]
#[shared(size = 64, align = 64)]
pub struct Line {
    /// A.
    pub bytes: [u8; 64],
}

#[derive(Debug, shmem_core::Shared)]
#[repr(C)]
struct Private {
    a: u32,
}

/// Uses it.
#[must_use]
pub fn size() -> u32 {
    Private { a: 1 }.a
}
