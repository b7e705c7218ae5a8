//! What a type promises to be shared, and the accessors it gets.
#![expect(
    unsafe_code,
    reason = "declares the unsafe trait that every reference into an object rests on"
)]

use crate::Schema;
use crate::hint::Described;
use crate::layout;

/// A type that may live in memory shared between processes; implement it with `#[derive(Shared)]`.
///
/// The derive goes on a `#[repr(C)]` struct (or an enum without data that has a fixed integer `repr` and
/// explicit numbers) and proves at compile time what the contract below asks. Nobody who uses the derive
/// needs to read it.
///
/// # Safety
///
/// Implementors ensure that
///
/// 1. [`SCHEMA`](Self::SCHEMA) describes the type exactly: its size and alignment (at most 4,096), and for
///    each byte the one leaf (integer, float, `bool`, …) that it belongs to. There is no padding;
/// 2. bytes that [`SCHEMA`](Self::SCHEMA) accepts are a value of the type, wherever they came from;
/// 3. a value holds no address of anything: no pointer, reference, function or handle of this process;
/// 4. there is no destructor, and nothing changes behind a shared reference (no `Cell`);
/// 5. the type is `Send` and `Sync`: it consists of numbers.
///
/// Unsafe code may assume all five. So it may copy a value by its bytes, write bytes of a value where other
/// processes read them, turn bytes into a value once they are validated, forget a value, and hand out `&T`
/// and `&mut T` to a buffer of an object as long as no other process writes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot live in shared memory: it does not implement `Shared`",
    label = "this type is not `Shared`",
    note = "if `{Self}` is your own type, put `#[derive(Shared)]` and `#[repr(C)]` on it",
    note = "otherwise store the data in place: `FixedStr<N>` for text, `FixedVec<T, N>` or `[T; N]` for lists, `u64` for sizes and times"
)]
pub unsafe trait Shared: Described + Sized + 'static {
    /// The layout: names, types, offsets and sizes, recursively.
    const SCHEMA: &'static Schema = {
        let () = Self::LAYOUT_OK;
        Self::DESCRIPTION
    };

    /// A number that differs when the layout differs.
    const FINGERPRINT: u64 = Self::SCHEMA.fingerprint();

    /// Checks the layout where the type is used: a generic type has none before. Naming `SCHEMA` is enough.
    #[doc(hidden)]
    const LAYOUT_OK: () = layout::check::<Self>();

    /// How many buffers an object of this type has unless its creator says otherwise.
    #[doc(hidden)]
    const BUFFERS: u32 = 4;
}
