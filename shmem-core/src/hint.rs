//! The types that are refused, and what the compiler says to use instead.
//!
//! The derive asks for [`Described`] of each field, and that is what soundness rests on. Beside it, for the
//! sake of the message alone, it calls `Probe::<String>::hint()`: for a refused type that is an inherent
//! function whose bound no type meets, so the compiler prints the words of that bound, at the field's type,
//! through type aliases too; for every other type it is the function of [`NoHint`], which asks for nothing.
//!
//! So that a refused type is reported once, it has a [`Described`] of its own, which fails when it is
//! evaluated. The derive puts both mentions into one constant: after the first error it is not evaluated.
#![expect(
    unsafe_code,
    reason = "declares `Described`, and a failing one for each refused type"
)]

use crate::Schema;
use core::cell::{Cell, LazyCell, OnceCell, RefCell, UnsafeCell};
use core::marker::PhantomData;
use core::mem::{ManuallyDrop, MaybeUninit};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::num::{NonZeroIsize, NonZeroUsize};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicBool, AtomicIsize, AtomicPtr, AtomicUsize};
use core::time::Duration;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::ffi::{CString, OsString};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Condvar, LazyLock, Mutex, Once, OnceLock, RwLock};
use std::time::{Instant, SystemTime};

/// A type whose layout is known, field by field.
///
/// # Safety
///
/// Either evaluating `DESCRIPTION` fails, or it is exact:
///
/// - `size` and `align` are the type's own, and every byte of a value belongs to exactly one leaf;
/// - bytes that the schema accepts are a value of the type, and every value's bytes are accepted;
/// - the type holds no address, changes nothing behind a shared reference, and is `Send` and `Sync`.
///
/// Only the derive and this crate implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot live in shared memory: it does not implement `Shared`",
    label = "this type is not `Shared`",
    note = "if `{Self}` is your own type, put `#[derive(Shared)]` and `#[repr(C)]` on it",
    note = "otherwise store the data in place: `FixedStr<N>` for text, `FixedVec<T, N>` or `[T; N]` for lists, `u64` for sizes and times"
)]
pub unsafe trait Described {
    const DESCRIPTION: &'static Schema;
}

/// What the derive asks for advice about a field's type.
#[derive(Debug)]
pub struct Probe<T: ?Sized>(PhantomData<T>);

/// No advice: the type is shared, or nobody foresaw it and [`Described`] reports it.
pub trait NoHint {
    fn hint() {}
}
impl<T: ?Sized> NoHint for Probe<T> {}

/// The subject of the bounds that never hold. It differs from the type that is refused, because the
/// compiler prints the words of an inner bound only when its subject is not the outer bound's.
#[derive(Debug)]
pub struct Hint;

/// The integers whose `Option` has a layout that the language fixes: all-zero bytes are `None`.
///
/// # Safety
///
/// `OPTION` describes `Option<Self>` as [`Described`] asks.
///
/// # References
///
/// "Representation" in the documentation of `core::option`.
#[diagnostic::on_unimplemented(
    message = "`Option<{Self}>` cannot live in shared memory: the language does not fix how it stores `None`",
    label = "use `FixedOption<{Self}>`; or `Option<NonZeroU32>` and the like, where 0 is `None`"
)]
pub unsafe trait OptionNiche {
    const OPTION: &'static Schema;
}

// SAFETY: as `OptionNiche` promises.
unsafe impl<T: OptionNiche> Described for Option<T> {
    const DESCRIPTION: &'static Schema = T::OPTION;
}

/// Bounds that no type meets. Their words are the advice.
macro_rules! advice {
    ($($name:ident: $message:literal, $label:literal;)*) => {$(
        #[diagnostic::on_unimplemented(message = $message, label = $label)]
        pub trait $name<T: ?Sized> {}
    )*};
}
advice! {
    HeapText: "`{T}` cannot live in shared memory: its text is on this process's heap",
        "use `FixedStr<N>`: text of at most N bytes, stored in place";
    HeapItems: "`Vec<{T}>` cannot live in shared memory: its items are on this process's heap",
        "use `FixedVec<{T}, N>`: at most N items, stored in place; or `[{T}; N]`";
    HeapQueue: "`{T}` cannot live in shared memory: its items are on this process's heap",
        "use `FixedVec<T, N>`: at most N items, stored in place; or `[T; N]`";
    HeapMap: "`{T}` cannot live in shared memory: its entries are on this process's heap",
        "use `FixedVec<Entry, N>`, with your own `#[derive(Shared)] struct Entry`";
    Heap: "`{T}` cannot live in shared memory: it points at this process's heap",
        "store the value itself, without the pointer";
    TextAddress: "`&str` cannot live in shared memory: it is an address, which means nothing in another process",
        "use `FixedStr<N>`: text of at most N bytes, stored in place";
    ListAddress: "`&[{T}]` cannot live in shared memory: it is an address, which means nothing in another process",
        "use `FixedVec<{T}, N>`: at most N items, stored in place; or `[{T}; N]`";
    Reference: "`&{T}` cannot live in shared memory: it is an address, which means nothing in another process",
        "store the value itself: `{T}`";
    Pointer: "`{T}` cannot live in shared memory: it is an address, which means nothing in another process",
        "store an index, or a `u64` offset";
    Code: "`{T}` cannot live in shared memory: it is the address of code, which means nothing in another process",
        "store a number, or an enum that says what to call";
    WordSize: "`{T}` cannot live in shared memory: its size differs between 32-bit and 64-bit programs",
        "use a type of fixed size: `u64` for `usize`, `i64` for `isize`";
    InProcess: "`{T}` cannot live in shared memory: other processes do not take part in its rules",
        "use a plain field: a guard of the whole object lets one process change it";
    Atomic: "`{T}` cannot live in shared memory: not every byte is a value of it, and nothing checks it after it was opened",
        "use `AtomicU8`, and 0 and 1";
    Clock: "`{T}` cannot live in shared memory: its layout is not fixed",
        "use `u64` nanoseconds";
    Address: "`{T}` cannot live in shared memory: its layout is not fixed",
        "use its bytes: `[u8; 4]` or `[u8; 16]`, and `u16` for a port";
    Uninit: "`{T}` cannot live in shared memory: its bytes may be uninitialised, or never dropped",
        "store the value itself";
    Either: "`{T}` cannot live in shared memory: its layout is not fixed",
        "use an error code, 0 for none, next to the value";
    Tuple: "`{T}` cannot live in shared memory: a tuple's layout is not fixed",
        "use a `#[derive(Shared)] #[repr(C)]` struct with named fields";
}

// One line each: the compiler shows them in its note.
#[rustfmt::skip]
#[expect(unused_lifetimes, reason = "`for<'a>` keeps the compiler from checking the bound here")]
mod refused {
    use super::*;

    impl Probe<String> { pub fn hint() where for<'a> Hint: HeapText<String> {} }
    impl Probe<PathBuf> { pub fn hint() where for<'a> Hint: HeapText<PathBuf> {} }
    impl Probe<OsString> { pub fn hint() where for<'a> Hint: HeapText<OsString> {} }
    impl Probe<CString> { pub fn hint() where for<'a> Hint: HeapText<CString> {} }
    impl<'a, B: ?Sized + ToOwned> Probe<Cow<'a, B>> { pub fn hint() where Hint: Heap<Cow<'a, B>> {} }
    impl<T> Probe<Vec<T>> { pub fn hint() where Hint: HeapItems<T> {} }
    impl<T> Probe<VecDeque<T>> { pub fn hint() where Hint: HeapQueue<VecDeque<T>> {} }
    impl<T> Probe<BinaryHeap<T>> { pub fn hint() where Hint: HeapQueue<BinaryHeap<T>> {} }
    impl<K, V, S> Probe<HashMap<K, V, S>> { pub fn hint() where Hint: HeapMap<HashMap<K, V, S>> {} }
    impl<K, V> Probe<BTreeMap<K, V>> { pub fn hint() where Hint: HeapMap<BTreeMap<K, V>> {} }
    impl<K, S> Probe<HashSet<K, S>> { pub fn hint() where Hint: HeapMap<HashSet<K, S>> {} }
    impl<K> Probe<BTreeSet<K>> { pub fn hint() where Hint: HeapMap<BTreeSet<K>> {} }
    impl<T: ?Sized> Probe<Box<T>> { pub fn hint() where Hint: Heap<Box<T>> {} }
    impl<T: ?Sized> Probe<Rc<T>> { pub fn hint() where Hint: Heap<Rc<T>> {} }
    impl<T: ?Sized> Probe<Arc<T>> { pub fn hint() where Hint: Heap<Arc<T>> {} }
    impl Probe<&str> { pub fn hint() where for<'a> Hint: TextAddress<str> {} }
    impl<T> Probe<&[T]> { pub fn hint() where Hint: ListAddress<T> {} }
    impl<T> Probe<&T> { pub fn hint() where Hint: Reference<T> {} }
    impl<T: ?Sized> Probe<&mut T> { pub fn hint() where Hint: Reference<T> {} }
    impl<T: ?Sized> Probe<*const T> { pub fn hint() where Hint: Pointer<*const T> {} }
    impl<T: ?Sized> Probe<*mut T> { pub fn hint() where Hint: Pointer<*mut T> {} }
    impl<T: ?Sized> Probe<NonNull<T>> { pub fn hint() where Hint: Pointer<NonNull<T>> {} }
    impl<T> Probe<AtomicPtr<T>> { pub fn hint() where Hint: Pointer<AtomicPtr<T>> {} }
    impl<R> Probe<fn() -> R> { pub fn hint() where Hint: Code<fn() -> R> {} }
    impl<A, R> Probe<fn(A) -> R> { pub fn hint() where Hint: Code<fn(A) -> R> {} }
    impl<A, B, R> Probe<fn(A, B) -> R> { pub fn hint() where Hint: Code<fn(A, B) -> R> {} }
    impl<R> Probe<extern "C" fn() -> R> { pub fn hint() where Hint: Code<extern "C" fn() -> R> {} }
    impl<A, R> Probe<extern "C" fn(A) -> R> { pub fn hint() where Hint: Code<extern "C" fn(A) -> R> {} }
    impl<A, B, R> Probe<extern "C" fn(A, B) -> R> { pub fn hint() where Hint: Code<extern "C" fn(A, B) -> R> {} }
    impl Probe<usize> { pub fn hint() where for<'a> Hint: WordSize<usize> {} }
    impl Probe<isize> { pub fn hint() where for<'a> Hint: WordSize<isize> {} }
    impl Probe<NonZeroUsize> { pub fn hint() where for<'a> Hint: WordSize<NonZeroUsize> {} }
    impl Probe<NonZeroIsize> { pub fn hint() where for<'a> Hint: WordSize<NonZeroIsize> {} }
    impl Probe<AtomicUsize> { pub fn hint() where for<'a> Hint: WordSize<AtomicUsize> {} }
    impl Probe<AtomicIsize> { pub fn hint() where for<'a> Hint: WordSize<AtomicIsize> {} }
    impl Probe<AtomicBool> { pub fn hint() where for<'a> Hint: Atomic<AtomicBool> {} }
    impl Probe<Duration> { pub fn hint() where for<'a> Hint: Clock<Duration> {} }
    impl Probe<Instant> { pub fn hint() where for<'a> Hint: Clock<Instant> {} }
    impl Probe<SystemTime> { pub fn hint() where for<'a> Hint: Clock<SystemTime> {} }
    impl Probe<IpAddr> { pub fn hint() where for<'a> Hint: Address<IpAddr> {} }
    impl Probe<Ipv4Addr> { pub fn hint() where for<'a> Hint: Address<Ipv4Addr> {} }
    impl Probe<Ipv6Addr> { pub fn hint() where for<'a> Hint: Address<Ipv6Addr> {} }
    impl Probe<SocketAddr> { pub fn hint() where for<'a> Hint: Address<SocketAddr> {} }
    impl<T: ?Sized> Probe<Cell<T>> { pub fn hint() where Hint: InProcess<Cell<T>> {} }
    impl<T: ?Sized> Probe<RefCell<T>> { pub fn hint() where Hint: InProcess<RefCell<T>> {} }
    impl<T: ?Sized> Probe<UnsafeCell<T>> { pub fn hint() where Hint: InProcess<UnsafeCell<T>> {} }
    impl<T> Probe<OnceCell<T>> { pub fn hint() where Hint: InProcess<OnceCell<T>> {} }
    impl<T, F> Probe<LazyCell<T, F>> { pub fn hint() where Hint: InProcess<LazyCell<T, F>> {} }
    impl<T: ?Sized> Probe<Mutex<T>> { pub fn hint() where Hint: InProcess<Mutex<T>> {} }
    impl<T: ?Sized> Probe<RwLock<T>> { pub fn hint() where Hint: InProcess<RwLock<T>> {} }
    impl<T> Probe<OnceLock<T>> { pub fn hint() where Hint: InProcess<OnceLock<T>> {} }
    impl<T, F> Probe<LazyLock<T, F>> { pub fn hint() where Hint: InProcess<LazyLock<T, F>> {} }
    impl Probe<Condvar> { pub fn hint() where for<'a> Hint: InProcess<Condvar> {} }
    impl Probe<Once> { pub fn hint() where for<'a> Hint: InProcess<Once> {} }
    impl<T> Probe<MaybeUninit<T>> { pub fn hint() where Hint: Uninit<MaybeUninit<T>> {} }
    impl<T: ?Sized> Probe<ManuallyDrop<T>> { pub fn hint() where Hint: Uninit<ManuallyDrop<T>> {} }
    impl<T, E> Probe<Result<T, E>> { pub fn hint() where Hint: Either<Result<T, E>> {} }
    impl<A, B> Probe<(A, B)> { pub fn hint() where Hint: Tuple<(A, B)> {} }
    impl<A, B, C> Probe<(A, B, C)> { pub fn hint() where Hint: Tuple<(A, B, C)> {} }
    impl<A, B, C, D> Probe<(A, B, C, D)> { pub fn hint() where Hint: Tuple<(A, B, C, D)> {} }
}

#[track_caller]
const fn refused(message: &str) -> ! {
    panic!("{}", message)
}

/// Keeps [`Described`] quiet about a type that [`Probe`] reports; fails if it is ever evaluated.
macro_rules! quiet {
    ($([$($generics:tt)*] $type:ty;)*) => {$(
        // SAFETY: evaluating `DESCRIPTION` fails.
        #[diagnostic::do_not_recommend]
        unsafe impl<$($generics)*> Described for $type {
            const DESCRIPTION: &'static Schema = refused(concat!(
                "`", stringify!($type), "` cannot live in shared memory: ",
                "name the type without an alias, and the error says what to use instead",
            ));
        }
    )*};
}
quiet! {
    [] String; [] PathBuf; [] OsString; [] CString; [B: ?Sized + ToOwned] Cow<'_, B>;
    [T] Vec<T>; [T] VecDeque<T>; [T] BinaryHeap<T>;
    [K, V, S] HashMap<K, V, S>; [K, V] BTreeMap<K, V>; [K, S] HashSet<K, S>; [K] BTreeSet<K>;
    [T: ?Sized] Box<T>; [T: ?Sized] Rc<T>; [T: ?Sized] Arc<T>;
    [] &str; [T] &[T]; [T] &T; [T: ?Sized] &mut T;
    [T: ?Sized] *const T; [T: ?Sized] *mut T; [T: ?Sized] NonNull<T>; [T] AtomicPtr<T>;
    [R] fn() -> R; [A, R] fn(A) -> R; [A, B, R] fn(A, B) -> R;
    [R] extern "C" fn() -> R; [A, R] extern "C" fn(A) -> R; [A, B, R] extern "C" fn(A, B) -> R;
    [] usize; [] isize; [] NonZeroUsize; [] NonZeroIsize; [] AtomicUsize; [] AtomicIsize;
    [] AtomicBool;
    [] Duration; [] Instant; [] SystemTime; [] IpAddr; [] Ipv4Addr; [] Ipv6Addr; [] SocketAddr;
    [T: ?Sized] Cell<T>; [T: ?Sized] RefCell<T>; [T: ?Sized] UnsafeCell<T>; [T] OnceCell<T>; [T, F] LazyCell<T, F>;
    [T: ?Sized] Mutex<T>; [T: ?Sized] RwLock<T>; [T] OnceLock<T>; [T, F] LazyLock<T, F>; [] Condvar; [] Once;
    [T] MaybeUninit<T>; [T: ?Sized] ManuallyDrop<T>; [T, E] Result<T, E>;
    [A, B] (A, B); [A, B, C] (A, B, C); [A, B, C, D] (A, B, C, D);
}
