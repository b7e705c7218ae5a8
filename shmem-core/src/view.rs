//! An object as this process sees it: the part that needs no permission to write.
#![expect(unsafe_code, reason = "copies and checks the bytes of a value")]

use core::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use crate::cell::{self, Current};
use crate::control::Control;
use crate::header::Header;
use crate::mapping::{Mapping, Residence};
use crate::os::{self, FileId};
use crate::sync::Ordering;
use crate::unmapped;
use crate::{Error, Location, Result, Schema, Shared, Version};

/// A mapped object whose header was checked.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) location: Location,
    pub(crate) path: PathBuf,
    pub(crate) file: FileId,
    pub(crate) header: Header,
    pub(crate) mapping: Mapping,
    /// Which items of an array this handle sees; none of everything else.
    pub(crate) items: Range<usize>,
    /// What is read by system calls if the mapping is not to be touched: a file that is cut short makes a trap
    /// of it. Then the mapping only tells the kernel which word to sleep on.
    pub(crate) descriptor: Option<File>,
}

impl View {
    pub(crate) fn debug(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        f.debug_struct(name)
            .field("location", &self.location)
            .field("version", &self.version().0)
            .finish_non_exhaustive()
    }

    /// What `look` says of the control words, or of a copy of them.
    #[inline]
    pub(crate) fn look<R>(&self, look: impl FnOnce(&Control) -> R) -> Result<R> {
        match &self.descriptor {
            None => Ok(look(self.mapping.control())),
            Some(file) => Ok(look(&unmapped::read_control(self, file)?)),
        }
    }

    /// The current version, and the buffer that holds it.
    #[inline]
    pub(crate) fn current(&self) -> Result<Current> {
        self.look(cell::current)
    }

    /// Version 0 if the file was cut short.
    pub(crate) fn version(&self) -> Version {
        Version(self.current().map_or(0, Current::version))
    }

    pub(crate) fn age(&self) -> Duration {
        self.look(Self::age_of).unwrap_or(Duration::MAX)
    }

    fn age_of(control: &Control) -> Duration {
        let boot = control.high_water.boot.load(Ordering::Relaxed);
        if os::boot().ok() != Some(boot) {
            return Duration::MAX;
        }
        let published = control.published_at.load(Ordering::Relaxed);
        // Published in another boot, and opened in this one: see `join`.
        let age = os::coarse_clock().checked_sub(published);
        age.map_or(Duration::MAX, Duration::from_nanos)
    }

    pub(crate) fn is_current(&self) -> bool {
        self.current().is_ok_and(|seen| !seen.is_removed()) && self.is_linked()
    }

    /// Whether the name still leads to this object. What cannot be looked up is believed.
    pub(crate) fn is_linked(&self) -> bool {
        match os::path_info(&self.path) {
            Ok(info) => info.id == self.file,
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        }
    }

    /// Copies the current version to `out`, trying at most `tries` times, and says which it is.
    ///
    /// # Safety
    ///
    /// - `out` is valid for writes of `len` bytes, and `len` is the size of the value.
    #[inline]
    pub(crate) unsafe fn copy_out(
        &self,
        out: *mut u8,
        len: usize,
        tries: u32,
    ) -> core::result::Result<Current, Refusal> {
        let control = self.mapping.control();
        for attempt in 0..tries {
            let seen = cell::current(control);
            if !self.mapping.may_copy(seen.buffer()) {
                self.bound(seen)?;
                // Programs outside change it under a lock, and no stamp tells.
                return Err(Refusal::Overtaken);
            }
            // Once a copy was in vain, none is made that is known to be: thousands of a large value take minutes.
            if attempt > 0 && !cell::is_stamped(control, seen) {
                continue;
            }
            // SAFETY: the caller's promise; the buffer was bounded just now.
            unsafe { self.mapping.copy_out(seen.buffer(), 0, out, len) };
            if cell::still_holds(control, seen) {
                return Ok(seen);
            }
        }
        Err(Refusal::Overtaken)
    }

    /// Whether the object has the buffer that a word from it names.
    #[inline]
    pub(crate) fn bound(&self, seen: Current) -> core::result::Result<(), Refusal> {
        if seen.buffer() < self.mapping.buffers() {
            return Ok(());
        }
        Err(Refusal::Word(seen))
    }

    /// Checks that the bytes at `value`, which are this thread's alone, are a value.
    ///
    /// # Safety
    ///
    /// - `value` is valid for reads of the bytes of a `T`, all of them initialised.
    #[inline]
    pub(crate) unsafe fn check_copy<T: Shared>(&self, value: *const T) -> Result<()> {
        if const { T::SCHEMA.any_bits() } {
            return Ok(());
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "a private copy, which nobody else writes"
        )]
        // SAFETY: the caller's promise; the copy is ours alone.
        let bytes = unsafe { core::slice::from_raw_parts(value.cast(), size_of::<T>()) };
        self.check(T::SCHEMA, bytes)
    }

    /// Checks that bytes that nobody writes are a value.
    pub(crate) fn check(&self, schema: &Schema, bytes: &[u8]) -> Result<()> {
        schema
            .validate(bytes)
            .map_err(|invalid| Error::InvalidValue {
                location: self.location.clone(),
                field: invalid.field,
                offset: invalid.offset,
                found: invalid.found,
                expected: invalid.expected,
            })
    }
}

/// Has the bytes of an object stay in memory as they are to.
pub(crate) fn settle(mapping: &Mapping, location: &Location, residence: Residence) -> Result<()> {
    let settled = mapping.settle(residence);
    settled.map_err(|source| match (source.kind(), os::memory_lock_limit()) {
        (io::ErrorKind::OutOfMemory | io::ErrorKind::PermissionDenied, Some(limit)) => {
            Error::TooLarge {
                location: location.clone(),
                what: "memory to lock, in bytes and beside what this process has locked,",
                found: mapping.len() as u64,
                limit,
            }
        }
        _ => Error::from_io(location, "locking the object in memory", source),
    })
}

/// Why an operation was refused, in a form small enough to stay in registers on the way out: an [`Error`]
/// under construction would keep the guard beside it in memory.
pub(crate) enum Refusal {
    Removed,
    Forked,
    TooManyGuards,
    Poisoned,
    Overtaken,
    Word(Current),
    Other(Box<Error>),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::Other(Box::new(error))
    }
}

impl View {
    #[cold]
    pub(crate) fn explain(&self, refusal: Refusal) -> Error {
        let location = self.location.clone();
        match refusal {
            Refusal::Removed => Error::Removed { location },
            Refusal::Forked => Error::Forked { location },
            Refusal::TooManyGuards => Error::Busy {
                location,
                holder: "this handle has 2147483648 guards that were never dropped; reopen it"
                    .into(),
            },
            Refusal::Poisoned => Error::Poisoned { location },
            Refusal::Overtaken if self.header.layout.shape.buffers == 1 => Error::Busy {
                location,
                holder: "it is being changed in place, or was left half-changed".into(),
            },
            Refusal::Overtaken => Error::Busy {
                location,
                holder: "writers published faster than the value could be copied, many times"
                    .into(),
            },
            Refusal::Word(seen) => Error::Corrupt {
                location,
                what: "current buffer",
                found: seen.buffer().to_string(),
                expected: format!("below {}", self.header.layout.shape.buffers),
            },
            Refusal::Other(error) => *error,
        }
    }

    pub(crate) fn removed(&self) -> Error {
        self.explain(Refusal::Removed)
    }

    /// Which handle and process a row belongs to, for messages.
    pub(crate) fn who(&self, row: u32) -> String {
        match self.mapping.row(row) {
            Some(found) => {
                let process = found.process.load(Ordering::Relaxed);
                format!("handle {row} (process {process})")
            }
            None => "a process that is gone".into(),
        }
    }
}
