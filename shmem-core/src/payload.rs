//! What an object may hold.
#![expect(unsafe_code, reason = "casts a buffer to what it holds")]

use crate::Shared;

/// What an object holds: one value of a [`Shared`] type. Implemented for all of them, and for nothing else.
pub trait Payload: sealed::Sealed + 'static {}

impl<T: Shared> Payload for T {}

mod sealed {
    use core::ptr::NonNull;

    use crate::Schema;

    /// # Safety
    ///
    /// Implementors ensure that `SCHEMA` describes `Self`, and that `at` only casts.
    pub unsafe trait Sealed {
        const SCHEMA: &'static Schema;
        fn at(buffer: NonNull<u8>) -> NonNull<Self>;
    }

    // SAFETY: the contract of `Shared`.
    unsafe impl<T: crate::Shared> Sealed for T {
        const SCHEMA: &'static Schema = <T as crate::Shared>::SCHEMA;

        #[inline]
        fn at(buffer: NonNull<u8>) -> NonNull<Self> {
            buffer.cast()
        }
    }
}
