//! The types that every shared type is made of.
//!
//! zerocopy's traits are the second opinion on each of them: any initialised byte can be read and written
//! as bytes (`IntoBytes`: no padding), and some bytes are a value (`TryFromBytes`).
#![expect(unsafe_code, reason = "vouches for the primitive types, one line each")]

use crate::hint::{Described, OptionNiche};
use crate::schema::Kind;
use crate::{Schema, Shared};
use core::marker::PhantomData;
use core::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroU8, NonZeroU16, NonZeroU32,
    NonZeroU64, NonZeroU128,
};
use core::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
};

const fn zerocopy_agrees<T: zerocopy::TryFromBytes + zerocopy::IntoBytes>() {}

macro_rules! leaf {
    ($($kind:ident: $($type:ty)*;)*) => {$($(
        const _: () = zerocopy_agrees::<$type>();

        // SAFETY: a primitive without padding (zerocopy agrees), whose values are those of its kind.
        #[diagnostic::do_not_recommend]
        unsafe impl Described for $type {
            const DESCRIPTION: &'static Schema = &Schema::of::<$type>(stringify!($type), Kind::$kind);
        }

        // SAFETY: described exactly.
        #[diagnostic::do_not_recommend]
        unsafe impl Shared for $type {}
    )*)*};
}
leaf! {
    Uint: u8 u16 u32 u64 u128;
    Int: i8 i16 i32 i64 i128;
    Float: f32 f64;
    Bool: bool;
    Char: char;
    NonZeroUint: NonZeroU8 NonZeroU16 NonZeroU32 NonZeroU64 NonZeroU128;
    NonZeroInt: NonZeroI8 NonZeroI16 NonZeroI32 NonZeroI64 NonZeroI128;
}

macro_rules! atomic {
    ($($kind:ident: $($type:ident $bits:literal)*;)*) => {$($(
        #[cfg(target_has_atomic = $bits)]
        const _: () = zerocopy_agrees::<$type>();

        // SAFETY: an atomic has the size and the values of its integer ("Layout" in `core::sync::atomic`).
        #[cfg(target_has_atomic = $bits)]
        #[diagnostic::do_not_recommend]
        unsafe impl Described for $type {
            const DESCRIPTION: &'static Schema = &Schema::of::<$type>(stringify!($type), Kind::$kind);
        }

        // SAFETY: described exactly; it changes behind a shared reference, and says so by its kind.
        #[cfg(target_has_atomic = $bits)]
        #[diagnostic::do_not_recommend]
        unsafe impl Shared for $type {
            const BUFFERS: u32 = 1;
        }
    )*)*};
}
atomic! {
    AtomicUint: AtomicU8 "8" AtomicU16 "16" AtomicU32 "32" AtomicU64 "64";
    AtomicInt: AtomicI8 "8" AtomicI16 "16" AtomicI32 "32" AtomicI64 "64";
}

macro_rules! option {
    ($($kind:ident: $($type:ty)*;)*) => {$($(
        const _: () = zerocopy_agrees::<Option<$type>>();

        // SAFETY: `Option<NonZero…>` has the size of the integer, and 0 is `None` ("Representation" in
        // `core::option`), so every pattern is a value.
        #[diagnostic::do_not_recommend]
        unsafe impl OptionNiche for $type {
            const OPTION: &'static Schema =
                &Schema::of::<Option<$type>>(concat!("Option<", stringify!($type), ">"), Kind::$kind);
        }

        // SAFETY: described exactly.
        #[diagnostic::do_not_recommend]
        unsafe impl Shared for Option<$type> {}
    )*)*};
}
option! {
    MaybeUint: NonZeroU8 NonZeroU16 NonZeroU32 NonZeroU64 NonZeroU128;
    MaybeInt: NonZeroI8 NonZeroI16 NonZeroI32 NonZeroI64 NonZeroI128;
}

// SAFETY: an array is its items, one after the other.
#[diagnostic::do_not_recommend]
unsafe impl<T: Described, const N: usize> Described for [T; N] {
    const DESCRIPTION: &'static Schema = &Schema::array(T::DESCRIPTION, N);
}

// SAFETY: described exactly, as its items are.
#[diagnostic::do_not_recommend]
unsafe impl<T: Shared, const N: usize> Shared for [T; N] {
    const BUFFERS: u32 = T::BUFFERS;
}

// SAFETY: no bytes. `T` decides whether a type that is marked with it may pass between threads.
#[diagnostic::do_not_recommend]
unsafe impl<T: ?Sized + Send + Sync + 'static> Described for PhantomData<T> {
    const DESCRIPTION: &'static Schema = &Schema::of::<Self>("PhantomData", Kind::Struct(&[]));
}

// SAFETY: described exactly.
#[diagnostic::do_not_recommend]
unsafe impl<T: ?Sized + Send + Sync + 'static> Shared for PhantomData<T> {}
