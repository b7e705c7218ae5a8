//! Some of the items of an array: a handle that maps these and no others.

use std::ops::Range;

use crate::opened::Wanted;
use crate::{Error, Location, Options, Result, Shared, SharedObject, SharedReader};

/// The items that are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    start: usize,
    end: usize,
}

impl Window {
    /// The items of an array that has `len`, if it has them.
    pub(crate) fn of(self, location: &Location, len: usize) -> Result<Range<usize>> {
        let too_large = |what, found: usize, limit: usize| Error::TooLarge {
            location: location.clone(),
            what,
            found: found as u64,
            limit: limit as u64,
        };
        if self.end > len {
            return Err(too_large("end of the window", self.end, len));
        }
        if self.start > self.end {
            return Err(too_large("start of the window", self.start, self.end));
        }
        Ok(self.start..self.end)
    }
}

/// Windows on arrays.
impl<T: Shared> Options<T> {
    /// Opens an array, of which only some items are mapped, for reading and writing.
    ///
    /// The handle sees `items` as if they were the array: they count from 0, guards lead to them, and
    /// [`len`](SharedObject::len) says how many there are. It takes address space and memory for these alone, however
    /// large the array is. Windows and whole arrays share the items that they have in common, and one writer lock: a
    /// guard of a window keeps others from all of the array. A window has one descriptor more.
    ///
    /// # Errors
    ///
    /// - [`Error::TooLarge`]: the array has not so many items, or the range starts behind its end.
    /// - As [`Shared::open`].
    ///
    /// # Examples
    ///
    /// ```
    /// use shmem_core::Shared;
    ///
    /// let table = u64::create_array("window-example", 1_000_000, 0)?;
    /// let window = u64::options().open_array_window("window-example", 500_000..500_010)?;
    /// window.store_at(3, 7)?;
    /// window.write()?[4] = 8;
    /// assert_eq!((window.len(), window.read()?.iter().sum::<u64>()), (10, 15));
    /// assert_eq!(table.load_at(500_003)?, 7);
    /// # Ok::<(), shmem_core::Error>(())
    /// ```
    pub fn open_array_window(
        &self,
        at: impl TryInto<Location, Error: Into<Error>>,
        items: Range<usize>,
    ) -> Result<SharedObject<[T]>> {
        let at = at.try_into().map_err(Into::into)?;
        let settings = self.through(items).settings;
        let attachment = settings.join(&at, Wanted::any_number::<T>())?;
        Ok(SharedObject::new(attachment, settings))
    }

    /// Opens some items of an array for reading only; see [`open_array_window`](Self::open_array_window).
    ///
    /// # Errors
    ///
    /// As [`open_array_window`](Self::open_array_window) and [`Shared::open_read_only`].
    pub fn open_array_window_read_only(
        &self,
        at: impl TryInto<Location, Error: Into<Error>>,
        items: Range<usize>,
    ) -> Result<SharedReader<[T]>> {
        let at = at.try_into().map_err(Into::into)?;
        SharedReader::open(self.through(items).settings, &at)
    }

    fn through(&self, items: Range<usize>) -> Self {
        let mut options = self.clone();
        options.settings.window = Some(Window {
            start: items.start,
            end: items.end,
        });
        options
    }
}
