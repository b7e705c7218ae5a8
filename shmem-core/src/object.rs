//! `SharedObject`: the order of the steps of reading and waiting; those of writing are in `writing.rs`.
#![expect(
    unsafe_code,
    reason = "makes guards, and values from bytes that were checked"
)]

use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;
use std::time::Duration;

#[cfg(doc)]
use crate::Error;
use crate::cell::{self, Counting, Current, Together};
use crate::deadline::Deadline;
use crate::elements;
use crate::guard::ReadGuard;
use crate::info::{Info, type_name};
use crate::lifecycle::Attachment;
use crate::notify;
use crate::options::Settings;
use crate::os::Event;
use crate::sync::Ordering;
use crate::view::{Refusal, View};
use crate::{Payload, Result, Schema};

/// Counts the publications of an object: a fresh one has `Version(1)`, and `Version(0)` is before everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One process's opening of a shared object, for reading and writing.
///
/// Made by the accessors of [`Shared`](crate::Shared) and by [`Options`](crate::Options). It is `Send` and `Sync`: threads share it by
/// reference or `Arc`. Dropping the last one anywhere removes an object that lives only
/// [while it is open](crate::Lifetime::WhileOpen).
///
/// A forked child gets [`Error::Forked`] from it and calls [`reopen`](Self::reopen). (A child made by a bare
/// `clone(2)`, past the handlers of `fork(3)`, holds its parent's descriptors until it opens an object itself;
/// until then a parent that was killed looks alive.)
///
/// # Examples
///
/// ```
/// use shmem_core::{Shared, WriteGuard};
///
/// let hits = u64::create("object-example", 0)?;
/// *hits.write()? += 1;
/// hits.update(|hits| *hits += 1)?;
/// assert_eq!(hits.load()?, 2);
/// assert_eq!(*hits.read()?, 2);
/// # Ok::<(), shmem_core::Error>(())
/// ```
pub struct SharedObject<P: ?Sized + Payload> {
    pub(crate) attachment: Attachment,
    settings: Settings,
    payload: PhantomData<fn(&P) -> &P>,
}

impl<P: ?Sized + Payload> SharedObject<P> {
    pub(crate) fn new(attachment: Attachment, settings: Settings) -> Self {
        SharedObject {
            attachment,
            settings,
            payload: PhantomData,
        }
    }

    pub(crate) fn view(&self) -> &View {
        &self.attachment.view
    }

    /// Whether this process is the one that opened the handle.
    #[inline]
    pub(crate) fn is_ours(&self) -> bool {
        self.attachment.is_ours()
    }

    /// Borrows the current version; never waits for a writer, unless the value is changed in place.
    ///
    /// The guard sees one consistent version for as long as it lives, while writers publish others. Other
    /// processes see nothing of it, except that it keeps one buffer from being written. In an object with one
    /// buffer ([in place](crate::Options::buffers)) readers share the value, and wait while a writer has it.
    ///
    /// # Errors
    ///
    /// - [`Error::Poisoned`]: a writer died, or gave up, in the middle of a change in place.
    /// - [`Error::WouldDeadlock`]: this thread holds the write guard of an object that is changed in place.
    /// - [`Error::InvalidValue`]: the bytes are not a value of the type (checked once for each handle and
    ///   version, and only for types that have invalid bytes).
    /// - [`Error::Forked`]: the handle is the parent process's.
    /// - [`Error::Busy`]: 2³¹ guards of this handle were forgotten.
    /// - [`Error::Corrupt`]: another program wrote nonsense into the control words.
    #[inline(always)] // See `read_until`.
    pub fn read(&self) -> Result<ReadGuard<'_, P>> {
        self.read_until(Deadline::Never)
    }

    /// As [`read`](Self::read), without waiting where the value is changed in place.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); [`Error::Busy`] also if a writer has the only buffer.
    #[inline]
    pub fn try_read(&self) -> Result<ReadGuard<'_, P>> {
        self.read_until(Deadline::Now)
    }

    /// As [`read`](Self::read), waiting at most for `timeout` where the value is changed in place.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); [`Error::TimedOut`] if a writer has had the only buffer for so long.
    pub fn read_timeout(&self, timeout: Duration) -> Result<ReadGuard<'_, P>> {
        self.read_until(Deadline::after(timeout))
    }

    // Always, and all that is on the way: a guard that comes back through memory is stored word by word and loaded in
    // pairs, for which the processor waits three times as long as for everything else.
    #[inline(always)]
    fn read_until(&self, deadline: Deadline) -> Result<ReadGuard<'_, P>> {
        // SAFETY: the bytes are checked next.
        let guard = unsafe { self.pin(deadline) };
        let guard = guard.map_err(|refusal| self.view().explain(refusal))?;
        if !const { P::SCHEMA.any_bits() } {
            self.validate(ReadGuard::seen(&guard))?;
        }
        Ok(guard)
    }

    /// A guard of bytes that nobody has checked.
    ///
    /// # Safety
    ///
    /// - The guard is dereferenced only once its bytes were seen to be a value.
    #[inline(always)] // See `read_until`.
    pub(crate) unsafe fn pin(
        &self,
        deadline: Deadline,
    ) -> core::result::Result<ReadGuard<'_, P>, Refusal> {
        let (value, seen) = self.pin_as::<Together>(deadline)?;
        // SAFETY: pinned and let in just now; the caller promises the rest.
        Ok(unsafe { ReadGuard::new(&self.attachment, value, seen) })
    }

    /// Pins the current buffer and is let in, for a guard: what was seen, and its value, which nobody has checked.
    #[inline(always)] // See `read_until`.
    pub(crate) fn pin_as<C: Counting>(
        &self,
        deadline: Deadline,
    ) -> core::result::Result<(NonNull<P>, Current), Refusal> {
        let attachment = &self.attachment;
        if !attachment.is_ours() {
            return Err(Refusal::Forked);
        }
        let mapping = &self.view().mapping;
        let Ok(mut seen) = cell::pin::<C>(mapping.control(), attachment.row()) else {
            return Err(Refusal::TooManyGuards);
        };
        if !mapping.is_lent(seen.buffer()) {
            seen = self.admit(seen, deadline)?;
        }
        let value = P::at(mapping.buffer(seen.buffer()), self.view().items.len());
        Ok((value, seen))
    }

    /// Lets in a reader that has pinned the only buffer, once no writer has it; or refuses what is no buffer.
    #[cold]
    fn admit(
        &self,
        mut seen: Current,
        deadline: Deadline,
    ) -> core::result::Result<Current, Refusal> {
        let attachment = &self.attachment;
        let mapping = &self.view().mapping;
        if seen.is_closed() && attachment.is_in_place() {
            seen = match attachment.enter(seen, deadline) {
                Err(Refusal::Poisoned) => {
                    self.unpoison(seen, deadline)?;
                    let pinned = cell::pin::<Together>(mapping.control(), attachment.row());
                    let seen = pinned.map_err(|_| Refusal::TooManyGuards)?;
                    return self.admit(seen, deadline);
                }
                other => other?,
            };
        }
        let admitted = match seen.buffer() < mapping.buffers() {
            true => attachment.let_guard_in(deadline),
            false => Err(Refusal::Word(seen)),
        };
        if admitted.is_err() {
            cell::unpin::<Together>(attachment.row(), seen.buffer());
        }
        admitted.map(|()| seen)
    }

    /// Publishes what a dead writer had recorded, though nobody else may write any more; or sees that somebody has
    /// published since `seen`. Otherwise the value is poisoned.
    #[cold]
    fn unpoison(&self, seen: Current, deadline: Deadline) -> core::result::Result<(), Refusal> {
        let now = self.view().current()?;
        if elements::pending(&self.view().mapping, now).is_some() {
            let held = self.hold(&deadline)?;
            drop(self.begin_in_place(held, deadline, false)?);
        } else if now.is_dirty() && now.version() == seen.version()
            || cfg!(mutation = "poisoned_by_an_item")
        {
            return Err(Refusal::Poisoned);
        }
        Ok(())
    }

    /// Of the value, in bytes.
    #[inline]
    pub(crate) fn size(&self) -> usize {
        let item = P::SCHEMA.size();
        if P::IS_ARRAY {
            item * self.view().items.len()
        } else {
            item
        }
    }

    /// Checks bytes that nobody writes.
    fn check(&self, bytes: &[u8]) -> Result<()> {
        if P::IS_ARRAY {
            let schema = Schema::array(P::SCHEMA, self.view().items.len());
            return self.view().check(&schema, bytes);
        }
        self.view().check(P::SCHEMA, bytes)
    }

    /// Checks the bytes of a buffer that is pinned, or current while the writer lock is held.
    pub(crate) fn validate(&self, seen: Current) -> Result<()> {
        let validated = &self.attachment.validated;
        if validated.load(Ordering::Relaxed) == seen.version() {
            return Ok(());
        }
        let (mapping, size) = (&self.view().mapping, self.size());
        if const { P::SCHEMA.has_atomics() } {
            // They change meanwhile, so the rest is looked at in a copy.
            let mut copy = vec![0; size];
            // SAFETY: as many bytes as the value has.
            unsafe { mapping.copy_out(seen.buffer(), 0, copy.as_mut_ptr(), size) };
            self.check(&copy)?;
        } else {
            // SAFETY: pinned or current under the lock, the caller says; the size is that of the schema.
            let bytes = unsafe { mapping.stable_bytes(seen.buffer(), size) };
            self.check(bytes)?;
        }
        validated.store(seen.version(), Ordering::Relaxed);
        Ok(())
    }

    /// The current version. Reads one word, and takes no lock.
    pub fn version(&self) -> Version {
        self.view().version()
    }

    /// Waits until there is a version newer than `after`, at most for `timeout`, and returns it.
    ///
    /// It sleeps in the kernel. Versions may be skipped: what comes back is the newest. A signal handler does
    /// not end it; [`interrupt`](Self::interrupt) does, and may be called from one.
    ///
    /// # Errors
    ///
    /// - [`Error::TimedOut`]: nothing was published within `timeout`, by the monotonic clock.
    /// - [`Error::Removed`]: the object was removed or replaced; its last value can still be read.
    /// - [`Error::Interrupted`]: [`interrupt`](Self::interrupt) was called.
    pub fn wait(&self, after: Version, timeout: Duration) -> Result<Version> {
        self.wait_until(after, Deadline::after(timeout))
    }

    /// As [`wait`](Self::wait), without a limit.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait), but for `TimedOut`.
    pub fn wait_forever(&self, after: Version) -> Result<Version> {
        self.wait_until(after, Deadline::Never)
    }

    fn wait_until(&self, after: Version, deadline: Deadline) -> Result<Version> {
        let waiters = self.view().mapping.waiters();
        let interrupted = &self.attachment.interrupted;
        notify::wait(self.view(), Some(waiters), interrupted, after, deadline)
    }

    /// Ends every wait of this handle with [`Error::Interrupted`], those to come as well: for a clean shutdown.
    ///
    /// It stores one word and makes one system call, so a signal handler may call it.
    pub fn interrupt(&self) {
        self.attachment.interrupted.store(true, Ordering::SeqCst);
        Event.wake_all(&self.view().mapping.control().current);
    }

    /// The time since the last publication, to the tick of the coarse monotonic clock (1 to 10 ms).
    ///
    /// [`Duration::MAX`] if that was before the machine last booted.
    pub fn age(&self) -> Duration {
        self.view().age()
    }

    /// Whether the name still leads to this object: it was neither removed nor replaced.
    pub fn is_current(&self) -> bool {
        self.view().is_current()
    }

    /// Opens what the name leads to now, with the options this handle was opened with.
    ///
    /// # Errors
    ///
    /// As [`Shared::open`](crate::Shared::open).
    pub fn reopen(&self) -> Result<Self> {
        let location = &self.view().location;
        let attachment = self.settings.join(location, P::WANTED)?;
        Ok(SharedObject::new(attachment, self.settings))
    }

    /// Describes the object: sizes, options, versions, live handles.
    pub fn info(&self) -> Info {
        let Attachment { locks, seat, .. } = &self.attachment;
        // The parent's locks say nothing to a forked child.
        let locks = self.attachment.is_ours().then_some((locks, *seat));
        Info::of(self.view(), type_name::<P>(self.view()), locks)
    }
}

impl<P: ?Sized + Payload> fmt::Debug for SharedObject<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().debug(f, "SharedObject")
    }
}
