//! Arrays whose length is chosen at run time: made, opened, and read and changed item by item.
#![expect(
    unsafe_code,
    reason = "fills new arrays, and makes items from bytes that were checked"
)]

use core::mem::MaybeUninit;
use core::ptr::NonNull;

use crate::deadline::Deadline;
use crate::elements;
use crate::opened::Wanted;
use crate::view::{Refusal, View};
use crate::{
    Error, Location, Options, ReadGuard, Result, Schema, Shared, SharedObject, Version, WriteGuard,
};

/// How often an item is copied out before a guard is taken after all.
const COPY_TRIES: u32 = 64;

/// Arrays: the same options, but that an array always has one buffer.
impl<T: Shared> Options<T> {
    /// Creates an array of `len` items; see [`Shared::create_array`].
    ///
    /// # Errors
    ///
    /// As [`Shared::create_array`].
    pub fn create_array(
        &self,
        at: impl TryInto<Location, Error: Into<Error>>,
        len: usize,
        initial: T,
    ) -> Result<SharedObject<[T]>> {
        let at = at.try_into().map_err(Into::into)?;
        self.create_items(&at, len, |items| repeat(items, &initial))
    }

    /// Creates an array of `len` items, each made by `item` from its index.
    ///
    /// # Errors
    ///
    /// As [`Shared::create_array`].
    ///
    /// # Examples
    ///
    /// ```
    /// use shmem_core::Shared;
    ///
    /// let squares = u64::options().create_array_with("array-with-example", 10, |i| (i * i) as u64)?;
    /// assert_eq!(squares.load_at(9)?, 81);
    /// # Ok::<(), shmem_core::Error>(())
    /// ```
    pub fn create_array_with(
        &self,
        at: impl TryInto<Location, Error: Into<Error>>,
        len: usize,
        mut item: impl FnMut(usize) -> T,
    ) -> Result<SharedObject<[T]>> {
        let at = at.try_into().map_err(Into::into)?;
        self.create_items(&at, len, |items| {
            for (index, place) in items.iter_mut().enumerate() {
                place.write(item(index));
            }
        })
    }

    /// Creates an array of the items of an iterator.
    ///
    /// # Errors
    ///
    /// As [`Shared::create_array`].
    ///
    /// # Panics
    ///
    /// If the iterator has not as many items as it says.
    pub fn create_array_from<I>(
        &self,
        at: impl TryInto<Location, Error: Into<Error>>,
        items: I,
    ) -> Result<SharedObject<[T]>>
    where
        I: IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    {
        let mut items = items.into_iter();
        self.create_array_with(at, items.len(), |_| {
            items.next().expect("as many items as the iterator says")
        })
    }

    /// Opens an array with these options; see [`Shared::open_array`].
    ///
    /// # Errors
    ///
    /// As [`Shared::open`].
    pub fn open_array(
        &self,
        at: impl TryInto<Location, Error: Into<Error>>,
    ) -> Result<SharedObject<[T]>> {
        let at = at.try_into().map_err(Into::into)?;
        let attachment = self.settings.join(&at, Wanted::any_number::<T>())?;
        Ok(SharedObject::new(attachment, self.settings))
    }

    /// Opens an array, of whatever length, or creates one of `len` items; see [`Shared::open_or_create_array`].
    ///
    /// # Errors
    ///
    /// As [`Shared::open_or_create`].
    pub fn open_or_create_array(
        &self,
        at: impl TryInto<Location, Error: Into<Error>>,
        len: usize,
        initial: T,
    ) -> Result<SharedObject<[T]>> {
        let at = at.try_into().map_err(Into::into)?;
        loop {
            match self.open_array(at.clone()) {
                Err(Error::NotFound { .. }) => {}
                other => return other,
            }
            match self.create_items(&at, len, |items| repeat(items, &initial)) {
                // Somebody was faster: open what it made.
                Err(Error::AlreadyExists { .. }) => {}
                other => return other,
            }
        }
    }

    fn create_items(
        &self,
        at: &Location,
        len: usize,
        init: impl FnOnce(&mut [MaybeUninit<T>]),
    ) -> Result<SharedObject<[T]>> {
        if len.checked_mul(size_of::<T>()).is_none() {
            return Err(Error::TooLarge {
                location: at.clone(),
                what: "number of items",
                found: len as u64,
                limit: (usize::MAX / size_of::<T>()) as u64,
            });
        }
        let schema = Schema::array(T::SCHEMA, len);
        let wanted = Wanted::array(&schema, const { Wanted::any_number::<T>().item });
        let fill = |buffer: NonNull<u8>| {
            let items = NonNull::slice_from_raw_parts(buffer.cast(), len);
            // SAFETY: a new buffer has room for `len` items, is aligned for them, and nobody else has it.
            init(unsafe { &mut *items.as_ptr() });
        };
        let attachment = self.create_with_schema(at, wanted, fill)?;
        Ok(SharedObject::new(attachment, self.settings))
    }
}

/// Zeros stand there already: a large array costs only the pages that are touched.
fn repeat<T: Shared>(items: &mut [MaybeUninit<T>], initial: &T) {
    let bytes = bytes_of(initial);
    if bytes.iter().all(|byte| *byte == 0) {
        return;
    }
    for place in items {
        let to = place.as_mut_ptr().cast::<u8>();
        // SAFETY: a place has room for the bytes of a `T`, and a `T` is its bytes (contract of `Shared`).
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }
}

/// The bytes of a value of this thread's.
#[expect(clippy::disallowed_methods, reason = "of a value that is no object's")]
fn bytes_of<T: Shared>(value: &T) -> &[u8] {
    // SAFETY: a `T` has no padding (contract of `Shared`); nobody else has a reference to a value that was given
    // to us, so that even its atomics do not change.
    unsafe { core::slice::from_raw_parts((&raw const *value).cast(), size_of::<T>()) }
}

/// An array, item by item.
impl<T: Shared> SharedObject<[T]> {
    /// How many items there are. It never changes.
    pub fn len(&self) -> usize {
        self.view().items
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies one item out, as one version of it; waits for a writer only while that changes this item or a
    /// neighbour in the same stripe.
    ///
    /// It takes no lock and, as a rule, stores nothing in shared memory.
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
        if !copy_item(self.view(), index, item.as_mut_ptr(), COPY_TRIES) {
            // SAFETY: it is not dereferenced.
            let guard = unsafe { self.pin(Deadline::Never) };
            let guard = guard.map_err(|refusal| self.view().explain(refusal))?;
            let (from, size) = (index * size_of::<T>(), size_of::<T>());
            let buffer = ReadGuard::seen(&guard).buffer();
            let mapping = &self.view().mapping;
            // SAFETY: `item` has room for a `T`; the item lies in the array.
            unsafe { mapping.copy_out_from(buffer, from, item.as_mut_ptr().cast(), size) };
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
        Ok(guard.put(index, bytes_of(&value)))
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
        unsafe { mapping.copy_out_from(0, from, item.as_mut_ptr().cast(), size) };
        // SAFETY: filled just now.
        unsafe { self.view().check_copy(item.as_ptr()) }?;
        // SAFETY: seen to be a `T`.
        let mut item = unsafe { item.assume_init() };
        let result = f(&mut item);
        guard.put(index, bytes_of(&item));
        Ok(result)
    }

    /// Copies the items from `start` on into `out`, all of one version, and returns which.
    ///
    /// # Errors
    ///
    /// - [`Error::TooLarge`]: there are not so many items.
    /// - As [`read`](Self::read); `out` is unchanged then.
    pub fn load_range(&self, start: usize, out: &mut [T]) -> Result<Version> {
        self.bound_range(start, out.len())?;
        // SAFETY: it is not dereferenced.
        let guard = unsafe { self.pin(Deadline::Never) };
        let guard = guard.map_err(|refusal| self.view().explain(refusal))?;
        let seen = ReadGuard::seen(&guard);
        let mapping = &self.view().mapping;
        let (from, size) = (start * size_of::<T>(), size_of_val(out));
        if const { T::SCHEMA.any_bits() } {
            // SAFETY: `out` has room for so many items, which lie in the array, and any bytes are items.
            unsafe { mapping.copy_out_from(seen.buffer(), from, out.as_mut_ptr().cast(), size) };
            return Ok(ReadGuard::version(&guard));
        }
        let mut copy = vec![0; size];
        // SAFETY: as above, for a copy that is checked before it becomes items.
        unsafe { mapping.copy_out_from(seen.buffer(), from, copy.as_mut_ptr(), size) };
        let schema = Schema::array(T::SCHEMA, out.len());
        self.view().check(&schema, &copy)?;
        // SAFETY: as many bytes, seen to be items.
        unsafe { core::ptr::copy_nonoverlapping(copy.as_ptr(), out.as_mut_ptr().cast(), size) };
        Ok(ReadGuard::version(&guard))
    }

    fn begin_item(&self) -> Result<WriteGuard<'_, [T]>> {
        let guard = self.begin(Deadline::Never, false)?;
        if WriteGuard::recovered(&guard) {
            return Err(self.view().explain(Refusal::Poisoned));
        }
        Ok(guard)
    }

    fn bound(&self, index: usize) -> Result<()> {
        bound(self.view(), index, 1)
    }

    fn bound_range(&self, start: usize, count: usize) -> Result<()> {
        bound(self.view(), start, count)
    }
}

/// Whether an array has `count` items from `start` on.
fn bound(view: &View, start: usize, count: usize) -> Result<()> {
    let end = start.saturating_add(count);
    if end <= view.items {
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
        limit: view.items as u64,
    })
}

/// Copies one item out without a lock; false if it kept changing.
fn copy_item<T: Shared>(view: &View, index: usize, out: *mut T, tries: u32) -> bool {
    let mapping = &view.mapping;
    let Some(elements) = mapping.elements() else {
        return false;
    };
    let control = mapping.control();
    let (from, size) = (index * size_of::<T>(), size_of::<T>());
    for _ in 0..tries {
        let Some(before) = elements::stamps(control, elements, index) else {
            core::hint::spin_loop();
            continue;
        };
        // SAFETY: callers pass a place for a `T` and an index in range.
        unsafe { mapping.copy_out_from(0, from, out.cast(), size) };
        if elements::still_hold(control, elements, index, before) {
            return true;
        }
    }
    false
}
