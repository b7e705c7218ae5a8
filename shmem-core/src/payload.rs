//! What an object may hold.
#![expect(unsafe_code, reason = "casts a buffer to what it holds")]

use crate::Shared;

/// What an object holds: one value of a [`Shared`] type, or an array of them whose length was chosen at run time.
/// Implemented for these, and for nothing else.
pub trait Payload: sealed::Sealed + 'static {}

impl<T: Shared> Payload for T {}
impl<T: Shared> Payload for [T] {}

mod sealed {
    use core::ptr::NonNull;

    use crate::Schema;
    use crate::opened::Wanted;

    /// # Safety
    ///
    /// Implementors ensure that a value consists of values that `SCHEMA` describes, one after the other, `len` of
    /// them in an array; that `at` only casts; and that `RESERVE` is 0 or at least the size that `SCHEMA` says.
    pub unsafe trait Sealed {
        /// Of the value, or of an item.
        const SCHEMA: &'static Schema;
        const IS_ARRAY: bool;
        /// What to ask of an object that is opened.
        const WANTED: Wanted<'static>;
        /// How far the type may grow, in bytes; 0 if it may not.
        const RESERVE: usize = Self::WANTED.reserve;
        fn at(buffer: NonNull<u8>, len: usize) -> NonNull<Self>;
    }

    // SAFETY: the contract of `Shared`; naming `SCHEMA` has the reserve compared with the size.
    unsafe impl<T: crate::Shared> Sealed for T {
        const SCHEMA: &'static Schema = <T as crate::Shared>::SCHEMA;
        const IS_ARRAY: bool = false;
        const WANTED: Wanted<'static> = Wanted::one::<T>();

        #[inline]
        fn at(buffer: NonNull<u8>, _: usize) -> NonNull<Self> {
            buffer.cast()
        }
    }

    // SAFETY: the contract of `Shared`, and a slice is its items.
    unsafe impl<T: crate::Shared> Sealed for [T] {
        const SCHEMA: &'static Schema = <T as crate::Shared>::SCHEMA;
        const IS_ARRAY: bool = true;
        const WANTED: Wanted<'static> = Wanted::any_number::<T>();

        #[inline]
        fn at(buffer: NonNull<u8>, len: usize) -> NonNull<Self> {
            NonNull::slice_from_raw_parts(buffer.cast(), len)
        }
    }
}
