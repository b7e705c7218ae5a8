//! Arrays whose length is chosen at run time: made and opened.
#![expect(unsafe_code, reason = "fills new arrays")]

use core::mem::MaybeUninit;
use core::ptr::NonNull;

use crate::items::bytes_of;
use crate::opened::Wanted;
use crate::{Error, Location, Options, Result, Schema, Shared, SharedObject, SharedReader};

/// How many bytes of items are made from one report of progress to the next.
const PROGRESS: usize = 16 << 20;

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
        item: impl FnMut(usize) -> T,
    ) -> Result<SharedObject<[T]>> {
        self.create_array_with_progress(at, len, item, |_| ())
    }

    /// Creates an array as [`create_array_with`](Self::create_array_with) does, and says how far it is.
    ///
    /// `progress` is called with the number of items that are made, after each 16 MiB of them and at the end. Nobody
    /// sees the array before it is complete; a program that is killed meanwhile leaves nothing.
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
    /// let len = 5 << 20;
    /// let mut seen = Vec::new();
    /// let numbers = u64::options().create_array_with_progress(
    ///     "array-progress-example",
    ///     len,
    ///     |i| i as u64,
    ///     |done| seen.push(100 * done / len),
    /// )?;
    /// assert_eq!((numbers.len(), seen), (len, vec![40, 80, 100]));
    /// # Ok::<(), shmem_core::Error>(())
    /// ```
    pub fn create_array_with_progress(
        &self,
        at: impl TryInto<Location, Error: Into<Error>>,
        len: usize,
        mut item: impl FnMut(usize) -> T,
        mut progress: impl FnMut(usize),
    ) -> Result<SharedObject<[T]>> {
        let at = at.try_into().map_err(Into::into)?;
        self.create_items(&at, len, |items| {
            let mut done = 0;
            for chunk in items.chunks_mut((PROGRESS / size_of::<T>()).max(1)) {
                for place in chunk {
                    place.write(item(done));
                    done += 1;
                }
                progress(done);
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

    /// Opens an array for reading only; see [`Shared::open_array_read_only`].
    ///
    /// # Errors
    ///
    /// As [`Shared::open_read_only`].
    pub fn open_array_read_only(
        &self,
        at: impl TryInto<Location, Error: Into<Error>>,
    ) -> Result<SharedReader<[T]>> {
        let at = at.try_into().map_err(Into::into)?;
        SharedReader::open(self.settings, &at)
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
