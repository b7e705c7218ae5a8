//! `PrivateCopy`: one version of a value, for this process to change as it likes.
#![expect(
    unsafe_code,
    reason = "maps a pinned buffer, and makes references into that"
)]

use core::fmt;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;

use memmap2::{MmapMut, MmapOptions};

use crate::directory::Spot;
use crate::os::{self, Access};
use crate::{Error, Location, Options, Payload, ReadGuard, Result, Shared, SharedObject, Version};

/// From this size on a buffer is mapped instead of copied: below, the copy takes less than the mapping.
const MAPPED: usize = 64 << 10;

/// One published version of a value, which this process may change freely.
///
/// Made by [`Shared::open_private`] and [`Shared::open_private_array`]. Nobody sees the changes, and it never sees
/// what others publish later. A large value in an object with three buffers or more is not copied: its pages are
/// shared until they are changed, and one buffer is kept from the writers for as long as this lives. (A plain
/// private mapping of a file does not give that: pages that were not touched yet show later writes.) Everything
/// else is a copy.
///
/// In a forked child it is good for as long as the parent keeps it.
///
/// # Examples
///
/// ```
/// use shmem_core::{PrivateCopy, Shared};
///
/// let limits = <[u32; 4]>::create("private-example", [1, 2, 3, 4])?;
/// let mut mine = <[u32; 4]>::open_private("private-example")?;
/// mine[0] = 100;
/// limits.update(|limits| limits[1] = 200)?;
/// assert_eq!(*mine, [100, 2, 3, 4]);
/// assert_eq!(limits.load()?, [1, 200, 3, 4]);
/// # Ok::<(), shmem_core::Error>(())
/// ```
pub struct PrivateCopy<P: ?Sized + Payload> {
    version: Version,
    held: Held<P>,
}

enum Held<P: ?Sized + Payload> {
    Copied(Box<P>),
    Mapped {
        /// Valid for reads and writes in `pages`, which only this process sees change.
        value: NonNull<P>,
        _pages: MmapMut,
        /// Keeps the pin: what was not changed yet is read from the buffer itself.
        _object: Box<SharedObject<P>>,
    },
}

// SAFETY: it owns its value, and a `P` may pass between threads (contract of `Shared`).
unsafe impl<P: ?Sized + Payload> Send for PrivateCopy<P> {}
// SAFETY: as above; a shared reference gives `&P` only.
unsafe impl<P: ?Sized + Payload> Sync for PrivateCopy<P> {}

impl<T: Shared> Options<T> {
    /// Takes a private copy of the current version; see [`Shared::open_private`].
    ///
    /// # Errors
    ///
    /// As [`Shared::open_private`].
    pub fn open_private(
        &self,
        at: impl TryInto<Location, Error: Into<Error>>,
    ) -> Result<PrivateCopy<T>> {
        let at = at.try_into().map_err(Into::into)?;
        loop {
            let object = match self.open(at.clone()) {
                // Whoever may only read may copy.
                Err(Error::PermissionDenied { .. } | Error::Untrusted { .. }) => {
                    let (value, version) = self.open_read_only(at)?.load_versioned()?;
                    let held = Held::Copied(value);
                    return Ok(PrivateCopy { version, held });
                }
                other => other?,
            };
            let header = &object.view().header;
            // One that is current, one that the copy keeps, one to write; and in a file the one that was flushed.
            let needed = 3 + u32::from(header.durable);
            if size_of::<T>() < MAPPED || header.layout.shape.buffers < needed {
                let (value, version) = object.load_versioned()?;
                let held = Held::Copied(value);
                return Ok(PrivateCopy { version, held });
            }
            if let Some(copy) = PrivateCopy::map(object)? {
                return Ok(copy);
            }
        }
    }

    /// Takes a private copy of an array; see [`Shared::open_private_array`].
    ///
    /// # Errors
    ///
    /// As [`Shared::open_private`].
    pub fn open_private_array(
        &self,
        at: impl TryInto<Location, Error: Into<Error>>,
    ) -> Result<PrivateCopy<[T]>> {
        let at = at.try_into().map_err(Into::into)?;
        let (items, version) = match self.open_array_read_only(at.clone()) {
            // A reader cannot take the lock before it.
            Err(Error::UnsupportedFormat { .. }) => self.open_array(at)?.load_all()?,
            other => other?.load_all()?,
        };
        Ok(PrivateCopy {
            version,
            held: Held::Copied(items),
        })
    }
}

impl<T: Shared> PrivateCopy<T> {
    /// Pins the current buffer of `object` for good and maps it; `None` if its name leads elsewhere by now.
    fn map(object: SharedObject<T>) -> Result<Option<Self>> {
        let view = object.view();
        let io = |source| Error::from_io(&view.location, "mapping a private copy", source);
        let spot = Spot::at(&view.path).map_err(io)?;
        let file = spot.directory.open_file(&spot.file, Access::ReadWrite);
        let file = match file {
            Ok(file) if os::file_info(&file).map_err(io)?.id == view.file => file,
            _ => return Ok(None),
        };
        // Checks the bytes. The pin goes with the handle.
        let guard = ManuallyDrop::new(object.read()?);
        let (version, buffer) = (ReadGuard::version(&guard), ReadGuard::seen(&guard).buffer());
        let layout = &view.header.layout;
        let offset = layout.buffers + u64::from(buffer) * layout.stride;
        let mut options = MmapOptions::new();
        options.offset(offset).len(size_of::<T>());
        // SAFETY: the pages that this process has not changed are the pinned buffer's, which nobody writes
        // (invariant in `cell.rs`); that the file keeps its length is the trust of the crate docs.
        let mut pages = unsafe { options.map_copy(&file) }.map_err(io)?;
        let value = NonNull::from(&mut pages[..]).cast();
        Ok(Some(PrivateCopy {
            version,
            held: Held::Mapped {
                value,
                _pages: pages,
                _object: Box::new(object),
            },
        }))
    }
}

impl<P: ?Sized + Payload> PrivateCopy<P> {
    /// The version that it was taken from.
    pub fn version(copy: &Self) -> Version {
        copy.version
    }
}

impl<P: ?Sized + Payload> Deref for PrivateCopy<P> {
    type Target = P;

    fn deref(&self) -> &P {
        match &self.held {
            Held::Copied(value) => value,
            // SAFETY: valid (the field's promise), a value (checked before it was mapped), and borrowed from us.
            Held::Mapped { value, .. } => unsafe { value.as_ref() },
        }
    }
}

impl<P: ?Sized + Payload> DerefMut for PrivateCopy<P> {
    fn deref_mut(&mut self) -> &mut P {
        match &mut self.held {
            Held::Copied(value) => value,
            // SAFETY: as above, mutably.
            Held::Mapped { value, .. } => unsafe { value.as_mut() },
        }
    }
}

impl<P: ?Sized + Payload + fmt::Debug> fmt::Debug for PrivateCopy<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PrivateCopy").field(&&**self).finish()
    }
}
