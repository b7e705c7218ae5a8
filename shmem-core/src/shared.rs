//! What a type promises to be shared, and the accessors it gets.
#![expect(
    unsafe_code,
    reason = "declares the unsafe trait that every reference into an object rests on"
)]

use crate::Schema;

/// A type that may live in memory shared between processes; implement it with `#[derive(Shared)]`.
///
/// # Safety
///
/// TODO
pub unsafe trait Shared: Sized + 'static {
    /// The layout: names, types, offsets and sizes, recursively.
    const SCHEMA: &'static Schema;

    /// A number that differs when the layout differs.
    const FINGERPRINT: u64 = Self::SCHEMA.fingerprint();
}
