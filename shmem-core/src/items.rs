//! The items of an array: copied out and changed one by one, or a range at a time.
#![expect(unsafe_code, reason = "makes items from bytes that were checked")]

use core::mem::MaybeUninit;
use std::time::Duration;

use crate::cell;
use crate::deadline::Deadline;
use crate::elements;
use crate::sync;
use crate::unmapped;
use crate::view::{Refusal, View};
use crate::{
    Error, ReadGuard, Result, Schema, Shared, SharedObject, SharedReader, Version, WriteGuard,
};

/// How often an item is copied out before a guard is taken after all.
const COPY_TRIES: u32 = 64;

/// An array, item by item.
impl<T: Shared> SharedObject<[T]> {
    /// How many items there are, in the whole array or in the [window](crate::Options::open_array_window) that this
    /// handle sees. It never changes.
    pub fn len(&self) -> usize {
        self.view().items.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies one item out, as one version of it; waits for a writer only while that changes this item or a
    /// neighbour in the same stripe.
    ///
    /// It takes no lock and, as a rule, stores nothing in shared memory; but see [`Lock::RawSync`](crate::Lock).
    ///
    /// # Errors
    ///
    /// - [`Error::TooLarge`]: there is no such item.
    /// - As [`read`](Self::read).
    pub fn load_at(&self, index: usize) -> Result<T> {
        self.bound(index)?;
        if !self.is_ours() {
            return Err(self.view().explain(Refusal::Forked));
        }
        let mut item = MaybeUninit::<T>::uninit();
        let copyable = self.view().header.layout.copyable != 0;
        let (out, size) = (item.as_mut_ptr().cast(), size_of::<T>());
        // SAFETY: `item` has room for a `T`; the index is in range.
        if !(copyable && unsafe { copy_item(self.view(), index, out, size, COPY_TRIES) }) {
            // SAFETY: it is not dereferenced.
            let guard = unsafe { self.pin(Deadline::Never) };
            let guard = guard.map_err(|refusal| self.view().explain(refusal))?;
            let (from, size) = (index * size_of::<T>(), size_of::<T>());
            let buffer = ReadGuard::seen(&guard).buffer();
            let mapping = &self.view().mapping;
            // SAFETY: `item` has room for a `T`; the item lies in the array.
            unsafe { mapping.copy_out(buffer, from, item.as_mut_ptr().cast(), size) };
        }
        // SAFETY: filled just now, one way or the other.
        unsafe { self.view().check_copy(item.as_ptr()) }?;
        // SAFETY: seen to be a `T`.
        Ok(unsafe { item.assume_init() })
    }

    /// Replaces one item and publishes that; nothing else is copied.
    ///
    /// It waits for other writers and for guards of the array. A process that is killed meanwhile has either
    /// stored the item or not; the array is never poisoned by it.
    ///
    /// # Errors
    ///
    /// - [`Error::TooLarge`]: there is no such item.
    /// - [`Error::Poisoned`]: the array as a whole was left half-changed.
    /// - As [`write`](Self::write), but for `InvalidValue`.
    pub fn store_at(&self, index: usize, value: T) -> Result<Version> {
        self.bound(index)?;
        let guard = self.begin_item()?;
        Ok(guard.put(self.view().items.start + index, bytes_of(&value)))
    }

    /// Changes one item through `f` and publishes that; nobody else writes meanwhile.
    ///
    /// A panic in `f` publishes nothing.
    ///
    /// # Errors
    ///
    /// As [`store_at`](Self::store_at), and [`Error::InvalidValue`].
    pub fn update_at<R>(&self, index: usize, f: impl FnOnce(&mut T) -> R) -> Result<R> {
        self.bound(index)?;
        let guard = self.begin_item()?;
        let mut item = MaybeUninit::<T>::uninit();
        let (from, size) = (index * size_of::<T>(), size_of::<T>());
        let mapping = &self.view().mapping;
        // SAFETY: `item` has room for a `T`; the item lies in the array.
        unsafe { mapping.copy_out(0, from, item.as_mut_ptr().cast(), size) };
        // SAFETY: filled just now.
        unsafe { self.view().check_copy(item.as_ptr()) }?;
        // SAFETY: seen to be a `T`.
        let mut item = unsafe { item.assume_init() };
        let result = f(&mut item);
        guard.put(self.view().items.start + index, bytes_of(&item));
        Ok(result)
    }

    /// Copies the items from `start` on into `out`, all of one version, and returns which.
    ///
    /// # Errors
    ///
    /// - [`Error::TooLarge`]: there are not so many items.
    /// - As [`read`](Self::read); `out` is unchanged then.
    pub fn load_range(&self, start: usize, out: &mut [T]) -> Result<Version> {
        self.load_to(start, places(out))
    }

    fn load_to(&self, start: usize, out: &mut [MaybeUninit<T>]) -> Result<Version> {
        bound(self.view(), start, out.len())?;
        // SAFETY: it is not dereferenced.
        let guard = unsafe { self.pin(Deadline::Never) };
        let guard = guard.map_err(|refusal| self.view().explain(refusal))?;
        let seen = ReadGuard::seen(&guard);
        let mapping = &self.view().mapping;
        let (from, size) = (start * size_of::<T>(), size_of_val(out));
        if const { T::SCHEMA.any_bits() && !T::SCHEMA.has_atomics() } {
            // SAFETY: `out` has room for so many items, which lie in the array, and any bytes are items; the array is
            // pinned, so nobody writes it.
            unsafe { mapping.copy_stable(seen.buffer(), from, out.as_mut_ptr().cast(), size) };
            return Ok(ReadGuard::version(&guard));
        }
        let mut copy = vec![0; size];
        // SAFETY: as above, for a copy that is checked before it becomes items.
        unsafe { mapping.copy_out(seen.buffer(), from, copy.as_mut_ptr(), size) };
        let schema = Schema::array(T::SCHEMA, out.len());
        self.view().check(&schema, &copy)?;
        // SAFETY: as many bytes, seen to be items.
        unsafe { core::ptr::copy_nonoverlapping(copy.as_ptr(), out.as_mut_ptr().cast(), size) };
        Ok(ReadGuard::version(&guard))
    }

    /// All items of one version.
    pub(crate) fn load_all(&self) -> Result<(Box<[T]>, Version)> {
        let mut items = Box::<[T]>::new_uninit_slice(self.len());
        let version = self.load_to(0, &mut items)?;
        // SAFETY: filled just now.
        Ok((unsafe { items.assume_init() }, version))
    }

    fn begin_item(&self) -> Result<WriteGuard<'_, [T]>> {
        let guard = self.begin(Deadline::Never, false)?;
        if WriteGuard::recovered(&guard) && !cfg!(mutation = "item_into_a_poisoned_array") {
            return Err(self.view().explain(Refusal::Poisoned));
        }
        Ok(guard)
    }

    fn bound(&self, index: usize) -> Result<()> {
        bound(self.view(), index, 1)
    }
}

/// An array, item by item, for reading only.
impl<T: Shared> SharedReader<[T]> {
    /// How many items there are, in the whole array or in the [window](crate::Options::open_array_window) that this
    /// handle sees. It never changes.
    pub fn len(&self) -> usize {
        self.view().items.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies one item out, as one version of it.
    ///
    /// # Errors
    ///
    /// - [`Error::TooLarge`]: there is no such item.
    /// - [`Error::Busy`]: for a second the item, or the whole array, was being changed; or a writer that died left
    ///   it half-changed.
    /// - As [`SharedReader::load`].
    pub fn load_at(&self, index: usize) -> Result<T> {
        let view = self.view();
        bound(view, index, 1)?;
        let mut item = MaybeUninit::<T>::uninit();
        let out = item.as_mut_ptr();
        // SAFETY: `item` has room for a `T`; the index is in range.
        unsafe { load_item_to(view, index, out.cast(), size_of::<T>()) }?;
        // SAFETY: filled just now.
        unsafe { view.check_copy(out) }?;
        // SAFETY: seen to be a `T`.
        Ok(unsafe { item.assume_init() })
    }

    /// Copies the items from `start` on into `out`, all of one version, and returns which.
    ///
    /// # Errors
    ///
    /// - [`Error::TooLarge`]: there are not so many items.
    /// - As [`load_at`](Self::load_at); `out` is unchanged then.
    pub fn load_range(&self, start: usize, out: &mut [T]) -> Result<Version> {
        self.load_to(start, places(out))
    }

    fn load_to(&self, start: usize, out: &mut [MaybeUninit<T>]) -> Result<Version> {
        let view = self.view();
        bound(view, start, out.len())?;
        let (from, size) = (start * size_of::<T>(), size_of_val(out));
        let mut copy = vec![0; size];
        let version = load_part(view, from, &mut copy)?;
        let schema = Schema::array(T::SCHEMA, out.len());
        view.check(&schema, &copy)?;
        // SAFETY: as many bytes, seen to be items.
        unsafe { core::ptr::copy_nonoverlapping(copy.as_ptr(), out.as_mut_ptr().cast(), size) };
        Ok(version)
    }
}

impl<T: Shared> SharedReader<[T]> {
    /// All items of one version.
    pub(crate) fn load_all(&self) -> Result<(Box<[T]>, Version)> {
        let mut items = Box::<[T]>::new_uninit_slice(self.len());
        let version = self.load_to(0, &mut items)?;
        // SAFETY: filled just now.
        Ok((unsafe { items.assume_init() }, version))
    }
}

/// For `load_to`, which puts none but items there.
fn places<T>(out: &mut [T]) -> &mut [MaybeUninit<T>] {
    // SAFETY: items are no less than places for items, and our callers put none but items there.
    unsafe { &mut *(core::ptr::from_mut(out) as *mut [MaybeUninit<T>]) }
}

/// Copies one item out, without a lock, as soon as nobody changes it. `out` has the size of an item.
pub(crate) fn load_item(view: &View, index: usize, out: &mut [u8]) -> Result<()> {
    let size = out.len();
    bound(view, index * size, size)?;
    let out = out.as_mut_ptr();
    // SAFETY: `out` has room for its length, which is an item's; the index is in range.
    unsafe { load_item_to(view, index, out, size) }
}

/// As [`load_item`].
///
/// # Safety
///
/// - `out` is valid for writes of `size` bytes, which are those of an item, and `index` is in range.
unsafe fn load_item_to(view: &View, index: usize, out: *mut u8, size: usize) -> Result<()> {
    let Some(file) = &view.descriptor else {
        // SAFETY: the caller's promise.
        let copied = || unsafe { copy_item(view, index, out, size, COPY_TRIES) }.then_some(());
        return settled(view, copied);
    };
    let mut bytes = vec![0; size];
    settled(view, || {
        unmapped::read_part(view, file, index * size, &mut bytes).transpose()
    })??;
    // SAFETY: the caller's promise.
    unsafe { out.copy_from_nonoverlapping(bytes.as_ptr(), size) };
    Ok(())
}

/// Copies the bytes of the value from `from` on, all of one version, as soon as nobody changes it. They lie in the value.
pub(crate) fn load_part(view: &View, from: usize, out: &mut [u8]) -> Result<Version> {
    match &view.descriptor {
        None => settled(view, || copy_part(view, from, out)),
        Some(file) => settled(view, || {
            unmapped::read_part(view, file, from, out).transpose()
        })?,
    }
}

/// How long a reader that cannot ask who lives waits for a change in place to end.
const PATIENCE: Duration = Duration::from_secs(1);

/// Tries until something came of it, or patience ends.
fn settled<R>(view: &View, mut attempt: impl FnMut() -> Option<R>) -> Result<R> {
    let deadline = Deadline::after(PATIENCE);
    let mut pause = Duration::from_micros(20);
    loop {
        if let Some(result) = attempt() {
            return Ok(result);
        }
        let slice = deadline.slice(pause);
        if slice.is_zero() {
            return Err(view.explain(Refusal::Overtaken));
        }
        sync::sleep(slice);
        pause = (pause * 2).min(Duration::from_millis(1));
    }
}

/// Copies a part of the value out, if it is of one version.
fn copy_part(view: &View, from: usize, out: &mut [u8]) -> Option<Version> {
    let control = view.mapping.control();
    let seen = cell::current(control);
    if !cell::still_holds(control, seen) || view.bound(seen).is_err() {
        return None;
    }
    // SAFETY: `out` has room for its length; the part lies in the value, the caller has seen to it.
    unsafe {
        view.mapping
            .copy_out(seen.buffer(), from, out.as_mut_ptr(), out.len());
    };
    cell::still_holds(control, seen).then(|| Version(seen.version()))
}

/// Whether an array has `count` items from `start` on.
fn bound(view: &View, start: usize, count: usize) -> Result<()> {
    let end = start.saturating_add(count);
    if end <= view.items.len() {
        return Ok(());
    }
    Err(Error::TooLarge {
        location: view.location.clone(),
        what: if count == 1 {
            "index"
        } else {
            "end of the range"
        },
        found: if count == 1 { start } else { end } as u64,
        limit: view.items.len() as u64,
    })
}

/// Copies one item out without a lock; false if it kept changing.
///
/// # Safety
///
/// - `out` is valid for writes of `size` bytes, which are those of an item, and `index` is in range.
unsafe fn copy_item(view: &View, index: usize, out: *mut u8, size: usize, tries: u32) -> bool {
    let mapping = &view.mapping;
    let Some(elements) = mapping.elements() else {
        return false;
    };
    let control = mapping.control();
    let from = index * size;
    // Stripes count from the first item of the whole array.
    let number = view.items.start + index;
    for _ in 0..tries {
        let Some(before) = elements::stamps(control, elements, number) else {
            core::hint::spin_loop();
            continue;
        };
        // SAFETY: the caller's promise.
        unsafe { mapping.copy_out(0, from, out, size) };
        if elements::still_hold(control, elements, number, before) {
            return true;
        }
    }
    false
}

/// The bytes of a value of this thread's.
#[expect(clippy::disallowed_methods, reason = "of a value that is no object's")]
pub(crate) fn bytes_of<T: Shared>(value: &T) -> &[u8] {
    // SAFETY: a `T` has no padding (contract of `Shared`); nobody else has a reference to a value that was given
    // to us, so that even its atomics do not change.
    unsafe { core::slice::from_raw_parts((&raw const *value).cast(), size_of::<T>()) }
}
