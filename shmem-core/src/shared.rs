//! What a type promises to be shared, and the accessors it gets.
#![expect(
    unsafe_code,
    reason = "declares the unsafe trait that every reference into an object rests on"
)]

use crate::hint::Described;
use crate::layout;
use crate::{Error, Location, Options, PrivateCopy, Result, Schema, SharedObject, SharedReader};

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
/// 4. there is no destructor, and nothing but the atomics that [`SCHEMA`](Self::SCHEMA) names changes behind a
///    shared reference (no `Cell`);
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

    /// How many bytes an object of this type has for its value, so that the type may grow; 0 if it may not.
    #[doc(hidden)]
    const RESERVE: usize = 0;

    /// Creates the object at `at` with the value `initial`.
    ///
    /// `at` is a name (`&str`, `String`: memory only) or a file (`&Path`, `PathBuf`). The object appears under
    /// its name complete, or not at all. A leftover of programs that were killed, which lives only
    /// [while it is open](crate::Lifetime::WhileOpen) and which nobody has open, counts as absent. When a file
    /// that is kept has been created, the disk has it and its name; see [`SharedObject::flush`].
    ///
    /// # Errors
    ///
    /// - [`Error::AlreadyExists`]: something has the name.
    /// - [`Error::InvalidName`]: see [`Location`].
    /// - [`Error::NoSpace`], [`Error::TooLarge`]: the object does not fit; nothing is left of it.
    /// - [`Error::PermissionDenied`], [`Error::UnsupportedFilesystem`], [`Error::Io`]: the directory refuses.
    /// - [`Error::Untrusted`]: [`Options::mode`] lets others write, and [`Options::trust`] does not say so.
    /// - [`Error::UnsupportedPlatform`]: this system is not supported yet.
    ///
    /// # Examples
    ///
    /// ```
    /// use shmem_core::Shared;
    ///
    /// let hits = u64::create("create-example", 0)?;
    /// assert!(u64::create("create-example", 0).is_err());
    /// drop(hits);
    /// assert!(u64::open("create-example").is_err()); // the last one out removed it
    /// # Ok::<(), shmem_core::Error>(())
    /// ```
    fn create(
        at: impl TryInto<Location, Error: Into<Error>>,
        initial: Self,
    ) -> Result<SharedObject<Self>> {
        Self::options().create(at, initial)
    }

    /// Creates the object at `at` and builds its value in place, from zeros: for values too big for a stack.
    ///
    /// It compiles only for types of which all-zero bytes are a value (no `NonZero`, no enum without a 0).
    /// Nobody sees the value before `init` is done; a panic in it leaves nothing.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # Examples
    ///
    /// ```
    /// use shmem_core::Shared;
    ///
    /// let frame = <[u8; 8 << 20]>::create_with("create-with-example", |frame| frame[7] = 1)?;
    /// assert_eq!(frame.read()?[7], 1);
    /// # Ok::<(), shmem_core::Error>(())
    /// ```
    fn create_with(
        at: impl TryInto<Location, Error: Into<Error>>,
        init: impl FnOnce(&mut Self),
    ) -> Result<SharedObject<Self>> {
        Self::options().create_with(at, init)
    }

    /// Opens the object at `at` for reading and writing.
    ///
    /// Changes nothing that it finds: neither a damaged object nor one of another type is touched.
    ///
    /// # Errors
    ///
    /// - [`Error::NotFound`]: there is none, or only a leftover that nobody has open.
    /// - [`Error::LayoutMismatch`]: it holds another type, or another layout; the message names the field.
    /// - [`Error::NotAnObject`], [`Error::UnsupportedFormat`], [`Error::Corrupt`]: it is not one of ours, or
    ///   damaged.
    /// - [`Error::Untrusted`]: others may write it; see [`Options::trust`].
    /// - [`Error::TooManyHandles`]: its table is full.
    /// - [`Error::TooLarge`]: of a type that [grows](derive@crate::Shared#types-that-grow), programs have
    ///   added more fields than an object can list.
    /// - [`Error::Busy`]: for a second a stopped process held the table.
    /// - [`Error::InvalidName`], [`Error::PermissionDenied`], [`Error::UnsupportedFilesystem`], [`Error::Io`],
    ///   [`Error::UnsupportedPlatform`].
    fn open(at: impl TryInto<Location, Error: Into<Error>>) -> Result<SharedObject<Self>> {
        Self::options().open(at)
    }

    /// Opens the object at `at`, or creates it with the value `initial` if there is none.
    ///
    /// Of several that race, exactly one creates, and all others open what it created.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open) and [`create`](Self::create), but for `NotFound` and `AlreadyExists`.
    fn open_or_create(
        at: impl TryInto<Location, Error: Into<Error>>,
        initial: Self,
    ) -> Result<SharedObject<Self>> {
        Self::options().open_or_create(at, initial)
    }

    /// Opens the object at `at` for reading only, which takes read permission only, and no trust.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), but for `Untrusted`, `TooManyHandles`, `TooLarge` and `Busy`.
    fn open_read_only(
        at: impl TryInto<Location, Error: Into<Error>>,
    ) -> Result<SharedReader<Self>> {
        Self::options().open_read_only(at)
    }

    /// Creates an array of `len` items at `at`, each of them `initial`; its length never changes.
    ///
    /// An array is changed [in place](Options::buffers): guards lead to a `[Self]`, and single items are read and
    /// changed without copying or locking the rest. All-zero items are not written, so that a large array costs
    /// only the pages that are touched.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # Examples
    ///
    /// ```
    /// use shmem_core::Shared;
    ///
    /// let levels = u32::create_array("array-example", 1000, 0)?;
    /// levels.store_at(7, 42)?;
    /// assert_eq!(levels.load_at(7)?, 42);
    /// assert_eq!(levels.read()?.iter().sum::<u32>(), 42);
    /// # Ok::<(), shmem_core::Error>(())
    /// ```
    fn create_array(
        at: impl TryInto<Location, Error: Into<Error>>,
        len: usize,
        initial: Self,
    ) -> Result<SharedObject<[Self]>> {
        Self::options().create_array(at, len, initial)
    }

    /// Opens an array of whatever length.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open). An object that holds one value is a `LayoutMismatch`.
    fn open_array(at: impl TryInto<Location, Error: Into<Error>>) -> Result<SharedObject<[Self]>> {
        Self::options().open_array(at)
    }

    /// Takes a private copy of the current version, which this process may change freely and which never sees later
    /// writes; see [`PrivateCopy`].
    ///
    /// # Errors
    ///
    /// As [`open_read_only`](Self::open_read_only), [`TooManyHandles`](Error::TooManyHandles), and those of
    /// [`SharedObject::read`].
    fn open_private(at: impl TryInto<Location, Error: Into<Error>>) -> Result<PrivateCopy<Self>> {
        Self::options().open_private(at)
    }

    /// Takes a private copy of an array; see [`open_private`](Self::open_private).
    ///
    /// # Errors
    ///
    /// As [`open_private`](Self::open_private).
    fn open_private_array(
        at: impl TryInto<Location, Error: Into<Error>>,
    ) -> Result<PrivateCopy<[Self]>> {
        Self::options().open_private_array(at)
    }

    /// Opens an array of whatever length for reading only.
    ///
    /// # Errors
    ///
    /// As [`open_read_only`](Self::open_read_only).
    fn open_array_read_only(
        at: impl TryInto<Location, Error: Into<Error>>,
    ) -> Result<SharedReader<[Self]>> {
        Self::options().open_array_read_only(at)
    }

    /// Opens an array, of whatever length, or creates one of `len` items.
    ///
    /// # Errors
    ///
    /// As [`open_or_create`](Self::open_or_create).
    fn open_or_create_array(
        at: impl TryInto<Location, Error: Into<Error>>,
        len: usize,
        initial: Self,
    ) -> Result<SharedObject<[Self]>> {
        Self::options().open_or_create_array(at, len, initial)
    }

    /// How to create or open an object of this type, beyond the defaults.
    fn options() -> Options<Self> {
        Options::new()
    }
}
