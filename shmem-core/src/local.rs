//! `LocalReader`: guards for one thread, with one locked operation instead of two.
#![expect(
    unsafe_code,
    reason = "turns the bytes of a pinned buffer into a reference"
)]

use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Deref;
use core::ptr::NonNull;

use crate::cell::{self, Alone, Current};
use crate::deadline::Deadline;
use crate::lifecycle::Attachment;
use crate::{Error, Payload, Result, SharedObject, Version};

/// One thread's opening of a shared object, for borrowing the value with one locked operation instead of two.
///
/// Made by [`SharedObject::local`]. The threads of a [`SharedObject`] count their guards in one word, which takes a
/// locked addition to pin a buffer and another to let go. A local reader has a word of its own, which one thread at
/// a time counts in: an exchange to pin, and a plain store to let go. What that saves depends on the processor:
/// nothing that shows where a locked operation takes 2 ns. It may be sent to another thread while no guard is out;
/// it may not be shared.
///
/// It is one of the object's handles: it takes a place in its table (128 unless
/// [told otherwise](crate::Options::max_handles)), keeps the object alive as every handle does, and others see it
/// among the [participants](crate::participants). Opening one takes as long as opening the object, so keep it.
///
/// # Examples
///
/// ```
/// use shmem_core::Shared;
///
/// let prices = <[u64; 3]>::create("local-example", [1, 2, 3])?;
/// let reader = prices.local()?;
/// prices.update(|prices| prices[1] = 20)?;
/// assert_eq!(reader.read()?.iter().sum::<u64>(), 24);
/// # Ok::<(), shmem_core::Error>(())
/// ```
///
/// Two threads need two:
///
/// ```compile_fail
/// # use shmem_core::Shared;
/// let reader = u64::open("telemetry").unwrap().local().unwrap();
/// std::thread::scope(|scope| {
///     scope.spawn(|| reader.read().map(|value| *value));
/// });
/// ```
pub struct LocalReader<P: ?Sized + Payload> {
    /// Nobody else has it, and so one thread at a time counts in its row.
    object: SharedObject<P>,
    /// Not `Sync`.
    alone: PhantomData<Cell<()>>,
}

impl<P: ?Sized + Payload> SharedObject<P> {
    /// Opens this very object once more, for guards of one thread; see [`LocalReader`].
    ///
    /// # Errors
    ///
    /// - [`Error::Removed`]: the object was removed or replaced.
    /// - As [`Shared::open`](crate::Shared::open).
    pub fn local(&self) -> Result<LocalReader<P>> {
        let object = match self.reopen() {
            Err(Error::NotFound { .. }) => return Err(self.view().removed()),
            other => other?,
        };
        if object.view().file != self.view().file {
            return Err(self.view().removed());
        }
        Ok(LocalReader {
            object,
            alone: PhantomData,
        })
    }
}

impl<P: ?Sized + Payload> LocalReader<P> {
    /// Borrows the current version; see [`SharedObject::read`].
    ///
    /// # Errors
    ///
    /// As [`SharedObject::read`].
    #[inline(always)] // See `read_until` in `object.rs`.
    pub fn read(&self) -> Result<LocalGuard<'_, P>> {
        self.read_until(Deadline::Never)
    }

    /// As [`read`](Self::read), without waiting where the value is changed in place.
    ///
    /// # Errors
    ///
    /// As [`SharedObject::try_read`].
    #[inline]
    pub fn try_read(&self) -> Result<LocalGuard<'_, P>> {
        self.read_until(Deadline::Now)
    }

    #[inline(always)] // As above.
    fn read_until(&self, deadline: Deadline) -> Result<LocalGuard<'_, P>> {
        let object = &self.object;
        let pinned = object.pin_as::<Alone>(deadline);
        let (value, seen) = pinned.map_err(|refusal| object.view().explain(refusal))?;
        let guard = LocalGuard {
            attachment: &object.attachment,
            value,
            seen,
            here: PhantomData,
        };
        if !const { P::SCHEMA.any_bits() } {
            object.validate(seen)?;
        }
        Ok(guard)
    }

    /// The current version. Reads one word.
    pub fn version(&self) -> Version {
        self.object.version()
    }
}

impl<P: ?Sized + Payload> fmt::Debug for LocalReader<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.object.view().debug(f, "LocalReader")
    }
}

/// A borrowed `&T`, as a [`ReadGuard`](crate::ReadGuard), that stays on its thread.
///
/// Made by [`LocalReader::read`].
#[must_use = "a guard that is not held is dropped at once"]
pub struct LocalGuard<'a, P: ?Sized + Payload> {
    attachment: &'a Attachment,
    /// Valid for reads while `seen.buffer()` is pinned in the reader's row, which it is until the guard drops.
    value: NonNull<P>,
    seen: Current,
    /// Not `Send`: one thread at a time counts in the row.
    here: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives `&P` only, and `P` is `Sync` (contract of `Shared`).
unsafe impl<P: ?Sized + Payload> Sync for LocalGuard<'_, P> {}

impl<P: ?Sized + Payload> LocalGuard<'_, P> {
    /// The version that the guard sees.
    pub fn version(guard: &Self) -> Version {
        Version(guard.seen.version())
    }
}

impl<P: ?Sized + Payload> Deref for LocalGuard<'_, P> {
    type Target = P;

    #[inline]
    fn deref(&self) -> &P {
        // SAFETY: the buffer is pinned, so nobody writes it (invariant in `cell.rs`); it was validated before the guard
        // was handed out.
        unsafe { self.value.as_ref() }
    }
}

impl<P: ?Sized + Payload> Drop for LocalGuard<'_, P> {
    #[inline]
    fn drop(&mut self) {
        // In a forked child the pin is the parent's.
        if self.attachment.is_ours() {
            if self.attachment.is_in_place() {
                self.attachment.let_guard_out();
            }
            cell::unpin::<Alone>(self.attachment.row(), self.seen.buffer());
        }
    }
}

impl<P: ?Sized + Payload + fmt::Debug> fmt::Debug for LocalGuard<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LocalGuard").field(&&**self).finish()
    }
}

impl<P: ?Sized + Payload + fmt::Display> fmt::Display for LocalGuard<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
