//! `SharedReader`: reading without registering anywhere.
#![expect(unsafe_code, reason = "makes values from bytes that were checked")]

use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use std::fs::File;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::directory::Spot;
use crate::info::{Info, type_name};
use crate::lifecycle;
use crate::mapping::WaitersPage;
use crate::notify;
use crate::options::Settings;
use crate::os::{self, Access, Event};
use crate::sync::Ordering;
use crate::unmapped;
use crate::view::View;
use crate::{Location, Payload, Result, Shared, Version};

/// How often a copy is tried before it gives up: each time the writers were faster by all buffers.
pub(crate) const COPY_TRIES: u32 = 10_000;

/// One process's opening of a shared object for reading only.
///
/// Made by [`Shared::open_read_only`]. The mapping is `PROT_READ`: it registers nowhere, takes no lock and
/// stores nothing, so it does not keep the object alive, counts against no limit, needs read permission only,
/// and needs no trust in the owner: what it copies out is checked. An owner who cuts the file short under it
/// can kill it with SIGBUS, unless it was opened to read without its mapping:
/// [`Options::mapped`](crate::Options::mapped).
///
/// It goes on working in a forked child.
///
/// Nothing that writes compiles:
///
/// ```compile_fail
/// # use shmem_core::Shared;
/// let reader = u64::open_read_only("telemetry").unwrap();
/// reader.store(1);
/// ```
pub struct SharedReader<P: ?Sized + Payload> {
    view: View,
    interrupted: AtomicBool,
    /// The one page that `wait` may map writable, if this program has the right to.
    waiters: OnceLock<WaitersPage>,
    settings: Settings,
    payload: PhantomData<fn(&P) -> &P>,
}

impl<T: Shared> SharedReader<T> {
    /// Copies the current version out; see [`SharedObject::load`](crate::SharedObject::load).
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidValue`](crate::Error::InvalidValue): the bytes are not a value of the type.
    /// - [`Error::Busy`](crate::Error::Busy): writers published faster than the value could be copied, thousands of times.
    /// - [`Error::Corrupt`](crate::Error::Corrupt): another program wrote nonsense into the control words.
    #[inline]
    pub fn load(&self) -> Result<T> {
        if let Some(file) = &self.view.descriptor {
            return Ok(*self.read(file)?.0);
        }
        let mut value = MaybeUninit::uninit();
        self.copy_to(value.as_mut_ptr())?;
        // SAFETY: `copy_to` has put a value there.
        Ok(unsafe { value.assume_init() })
    }

    /// Copies the current version into `out` and returns which it is.
    ///
    /// The copy is made and checked on the heap first, so that `out` never holds half of one.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load); `out` is unchanged then.
    pub fn load_into(&self, out: &mut T) -> Result<Version> {
        let (value, version) = self.load_versioned()?;
        // SAFETY: a `T` is its bytes; an allocation of ours is apart from `out`.
        unsafe { core::ptr::copy_nonoverlapping(&raw const *value, out, 1) };
        Ok(version)
    }

    /// Copies the current version to the heap, without a copy on the stack.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_boxed(&self) -> Result<Box<T>> {
        Ok(self.load_versioned()?.0)
    }

    pub(crate) fn load_versioned(&self) -> Result<(Box<T>, Version)> {
        if let Some(file) = &self.view.descriptor {
            return self.read(file);
        }
        let mut value = Box::new_uninit();
        let version = self.copy_to(value.as_mut_ptr())?;
        // SAFETY: `copy_to` has put a value there.
        Ok((unsafe { value.assume_init() }, version))
    }

    /// Puts a checked copy of the current version at `out`, which is valid for writes of a `T`.
    #[inline]
    fn copy_to(&self, out: *mut T) -> Result<Version> {
        // SAFETY: the caller's promise.
        let copied = unsafe { self.view.copy_out(out.cast(), size_of::<T>(), COPY_TRIES) };
        let seen = copied.map_err(|refusal| self.view.explain(refusal))?;
        // SAFETY: `out` was filled just now.
        unsafe { self.view.check_copy(out) }?;
        Ok(Version(seen.version()))
    }

    /// As [`load_versioned`](Self::load_versioned), without touching the mapping. (A place on the caller's stack whose
    /// address came here would keep the copies of all others in memory instead of in registers.)
    #[cold]
    fn read(&self, file: &File) -> Result<(Box<T>, Version)> {
        let mut bytes = vec![0; size_of::<T>()];
        let version = unmapped::read_out(&self.view, file, &mut bytes, COPY_TRIES);
        let version = version.map_err(|refusal| self.view.explain(refusal))?;
        self.view.check(T::SCHEMA, &bytes)?;
        let mut value = Box::<T>::new_uninit();
        // SAFETY: a `T` is its bytes, of which there are as many, and which were checked just now; two allocations.
        unsafe {
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), value.as_mut_ptr().cast(), bytes.len())
        };
        // SAFETY: filled just now.
        Ok((unsafe { value.assume_init() }, version))
    }
}

impl<P: ?Sized + Payload> SharedReader<P> {
    pub(crate) fn open(settings: Settings, at: &Location) -> Result<Self> {
        let view = settings.patiently(|| lifecycle::view(at, P::WANTED, &settings))?;
        Ok(SharedReader::of(view, settings))
    }

    pub(crate) fn of(view: View, settings: Settings) -> Self {
        SharedReader {
            view,
            settings,
            interrupted: AtomicBool::new(false),
            waiters: OnceLock::new(),
            payload: PhantomData,
        }
    }

    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    /// The current version, from one word; `Version(0)` if [the file was cut short](crate::Options::mapped).
    pub fn version(&self) -> Version {
        self.view.version()
    }

    /// Waits until there is a version newer than `after`; see [`SharedObject::wait`](crate::SharedObject::wait).
    ///
    /// A program that may write the object's file asks to be woken, in one page that it maps writable for
    /// that. Others are woken by every publication. One that reads [without its
    /// mapping](crate::Options::mapped) does not ask: if others do not have to be woken, it looks every 50 ms.
    ///
    /// # Errors
    ///
    /// As [`SharedObject::wait`](crate::SharedObject::wait).
    pub fn wait(&self, after: Version, timeout: Duration) -> Result<Version> {
        self.wait_until(after, Deadline::after(timeout))
    }

    /// As [`wait`](Self::wait), without a limit.
    ///
    /// # Errors
    ///
    /// As [`SharedObject::wait_forever`](crate::SharedObject::wait_forever).
    pub fn wait_forever(&self, after: Version) -> Result<Version> {
        self.wait_until(after, Deadline::Never)
    }

    fn wait_until(&self, after: Version, deadline: Deadline) -> Result<Version> {
        if self.waiters.get().is_none() {
            // Another thread may be faster: either page does.
            drop(self.map_waiters().map(|page| self.waiters.set(page)));
        }
        let waiters = self.waiters.get().map(WaitersPage::word);
        notify::wait(&self.view, waiters, &self.interrupted, after, deadline)
    }

    /// Maps the waiters' page, if the object's publishers look at it and this program may write it.
    fn map_waiters(&self) -> Option<WaitersPage> {
        if self.view.header.always_wake || self.view.descriptor.is_some() {
            return None;
        }
        let spot = Spot::at(&self.view.path).ok()?;
        let file = spot
            .directory
            .open_file(&spot.file, Access::ReadWrite)
            .ok()?;
        if os::file_info(&file).ok()?.id != self.view.file {
            return None;
        }
        WaitersPage::new(&file, &self.view.header.layout).ok()
    }

    /// Ends every wait of this handle; see [`SharedObject::interrupt`](crate::SharedObject::interrupt).
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
        Event.wake_all(&self.view.mapping.control().current);
    }

    /// The time since the last publication; see [`SharedObject::age`](crate::SharedObject::age).
    pub fn age(&self) -> Duration {
        self.view.age()
    }

    /// Whether the name still leads to this object; see [`SharedObject::is_current`](crate::SharedObject::is_current).
    pub fn is_current(&self) -> bool {
        self.view.is_current()
    }

    /// Describes the object; see [`SharedObject::info`](crate::SharedObject::info).
    pub fn info(&self) -> Info {
        Info::of(&self.view, type_name::<P>(&self.view), None)
    }

    /// Opens what the name leads to now, with the options this handle was opened with.
    ///
    /// # Errors
    ///
    /// As [`Shared::open_read_only`].
    pub fn reopen(&self) -> Result<Self> {
        Self::open(self.settings, &self.view.location)
    }
}

impl<P: ?Sized + Payload> fmt::Debug for SharedReader<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view.debug(f, "SharedReader")
    }
}
