//! `SharedObject` and `SharedReader`: the only file that orders the steps.
#![expect(
    unsafe_code,
    reason = "makes guards, and values from bytes that were checked"
)]

use core::fmt;
use core::marker::PhantomData;
use core::ptr::NonNull;
use std::io;
use std::time::Duration;

use crate::cell::{self, AllPinned, Counting, Current, Together};
use crate::deadline::Deadline;
use crate::durable;
use crate::elements;
use crate::guard::{Held, ReadGuard, WriteGuard};
use crate::in_place;
use crate::info::{Info, type_name};
use crate::lifecycle::Attachment;
use crate::lock::{self, Token, Waiter};
use crate::notify;
use crate::options::Settings;
use crate::os::Event;
use crate::participant;
use crate::preserve;
use crate::sync::{self, Ordering};
use crate::view::{Refusal, View};
use crate::{Error, Payload, Result, Schema};

/// Counts the publications of an object: a fresh one has `Version(1)`, and `Version(0)` is before everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How long a writer waits for a buffer that no guard holds, if it was not told how long.
const BUFFER_PATIENCE: Duration = Duration::from_secs(1);

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
    attachment: Attachment,
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

    pub(crate) fn attachment(&self) -> &Attachment {
        &self.attachment
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
    fn size(&self) -> usize {
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

    /// Borrows a copy of the current version for changing it, exclusively among all processes; waits for
    /// other writers.
    ///
    /// A writer that died is noticed and its lock taken over, within milliseconds; one that is stopped
    /// (SIGSTOP, a debugger) is waited for: use [`write_timeout`](Self::write_timeout) where that matters.
    ///
    /// # Errors
    ///
    /// - [`Error::WouldDeadlock`]: this thread holds a write guard of the object already.
    /// - [`Error::Removed`]: the object was removed or replaced.
    /// - [`Error::Busy`]: for a second every other buffer was held by guards; it names the handles.
    /// - [`Error::InvalidValue`]: the current bytes are not a value of the type.
    /// - [`Error::Forked`], [`Error::Corrupt`]: as for [`read`](Self::read).
    /// - [`Error::Io`]: the system could not say whether the owner of the lock lives.
    #[inline]
    pub fn write(&self) -> Result<WriteGuard<'_, P>> {
        self.begin(Deadline::Never, true)
    }

    /// As [`write`](Self::write), without waiting; it does take over from a writer that died.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write); [`Error::Busy`] also if somebody else is writing.
    pub fn try_write(&self) -> Result<WriteGuard<'_, P>> {
        self.begin(Deadline::Now, true)
    }

    /// As [`write`](Self::write), waiting at most for `timeout`.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write), and [`Error::TimedOut`] in place of `Busy`.
    pub fn write_timeout(&self, timeout: Duration) -> Result<WriteGuard<'_, P>> {
        self.begin(Deadline::after(timeout), true)
    }

    /// Begins a change: of a copy of the current version, or of a buffer to be filled, if not `copy`.
    #[inline]
    pub(crate) fn begin(&self, deadline: Deadline, copy: bool) -> Result<WriteGuard<'_, P>> {
        let guard = self.lock_and_copy(&deadline, copy);
        guard.map_err(|refusal| self.view().explain(refusal))
    }

    /// Takes the lock, chooses a buffer and, if `copy`, fills it with the current version.
    ///
    /// The deadline is looked at only by those who wait: a copy of it would be made, and waited for, in each call.
    #[inline]
    fn lock_and_copy(
        &self,
        deadline: &Deadline,
        copy: bool,
    ) -> core::result::Result<WriteGuard<'_, P>, Refusal> {
        let held = self.hold(deadline)?;
        let mapping = &self.view().mapping;
        let control = mapping.control();
        let seen = cell::current_in_order(control);
        if seen.is_removed() {
            return Err(Refusal::Removed);
        }
        let buffers = mapping.buffers();
        if buffers == 1 {
            return self.begin_in_place(held, *deadline, copy);
        }
        if seen.buffer() >= buffers {
            return Err(Refusal::Word(seen));
        }
        let buffer = self.choose(seen, buffers, deadline)?;
        if copy && !const { P::SCHEMA.any_bits() } {
            self.validate(seen)?;
        }
        cell::begin(control, buffer);
        let (from, to) = (mapping.buffer(seen.buffer()), mapping.buffer(buffer));
        if copy {
            // SAFETY: two different buffers, valid for the size of the value; the current one is written by
            // nobody while the lock is held, the other is ours.
            unsafe { to.copy_from_nonoverlapping(from, self.size()) };
        }
        // SAFETY: as above.
        unsafe { preserve::copy_tail::<P>(from, to) };
        // Whoever ends a change alive publishes it or clears this word: see `WriteGuard::touch`.
        let writing = &control.writer.writing;
        let recovered = writing.load(Ordering::Relaxed) == seen.version() + 1;
        if recovered {
            writing.store(0, Ordering::Relaxed);
        }
        // SAFETY: chosen and begun above, under the lock; filled with a value, or the caller fills it.
        Ok(unsafe { WriteGuard::new(held, to, seen, buffer, recovered) })
    }

    /// Takes the lock.
    #[inline]
    fn hold(&self, deadline: &Deadline) -> core::result::Result<Held<'_>, Refusal> {
        let attachment = &self.attachment;
        if !attachment.is_ours() {
            return Err(Refusal::Forked);
        }
        let control = self.view().mapping.control();
        if !lock::try_acquire(&control.writer, attachment.seat.token) {
            self.acquire(*deadline)?;
        }
        attachment.locks.set_writer(sync::thread());
        Ok(Held(attachment))
    }

    /// Waits until no reader has the only buffer.
    fn begin_in_place<'a>(
        &'a self,
        held: Held<'a>,
        deadline: Deadline,
        copy: bool,
    ) -> core::result::Result<WriteGuard<'a, P>, Refusal> {
        let mapping = &self.view().mapping;
        let seen = loop {
            // From here on `held` lets readers in again, however this ends.
            let seen = in_place::drain(mapping.control());
            if !matches!(self.attachment.is_drained(), Ok(true)) {
                self.attachment.wait_for_readers(deadline)?;
            }
            // Last, when no reader of ours is left who could wait for it; `held` leaves it, however this ends.
            self.attachment
                .gate
                .enter_alone(&self.attachment, deadline)?;
            durable::unsettle(self.view())?;
            let Some(index) = elements::pending(mapping, seen) else {
                elements::mend(mapping, seen);
                break seen;
            };
            // A writer died with one item in the record. Publishing it lets readers in: once more.
            elements::apply(mapping, seen, index).map_err(|source| {
                let doing = "mapping an item that a writer died over";
                Error::from_io(&self.view().location, doing, source)
            })?;
            let _ = cell::publish(mapping.control(), seen, 0);
            self.attachment.gate.leave_alone();
            notify::wake(mapping, notify::take_request(mapping), Event);
        };
        let recovered = seen.is_dirty();
        if copy && !const { P::SCHEMA.any_bits() } {
            if recovered {
                // Not the bytes that were looked at when its version was published.
                self.attachment.validated.store(u64::MAX, Ordering::Relaxed);
            }
            self.validate(seen)?;
        }
        // SAFETY: the only buffer, and this writer has it to itself.
        Ok(unsafe { WriteGuard::new(held, mapping.buffer(0), seen, 0, recovered) })
    }

    /// The slow path of taking the lock.
    #[cold]
    fn acquire(&self, deadline: Deadline) -> Result<()> {
        let Attachment {
            view, locks, seat, ..
        } = &self.attachment;
        let control = view.mapping.control();
        let me = seat.token;
        let owner = Token::from_bits(control.writer.lock.load(Ordering::Relaxed));
        if locks.is_own_writer(owner) {
            return Err(Error::WouldDeadlock {
                location: view.location.clone(),
            });
        }
        let waiter = Waiter {
            me,
            event: Event,
            deadline,
        };
        let is_dead = |owner| participant::is_dead(locks, &view.mapping, me, owner);
        lock::acquire(&control.writer, waiter, is_dead)
            .map_err(|source| {
                Error::from_io(&view.location, "asking whether the writer lives", source)
            })?
            .map_err(|owner| {
                let holder = format!("its writer lock is held by {}", view.who(owner.row()));
                deadline.passed(&view.location, holder)
            })
    }

    /// Chooses a buffer, waiting for readers if they hold all others.
    #[inline]
    fn choose(
        &self,
        seen: Current,
        buffers: u32,
        deadline: &Deadline,
    ) -> core::result::Result<u32, Refusal> {
        match self.choose_now(seen, buffers) {
            Ok(Ok(buffer)) => Ok(buffer),
            _ => Ok(self.choose_later(seen, buffers, *deadline)?),
        }
    }

    #[inline]
    fn choose_now(
        &self,
        seen: Current,
        buffers: u32,
    ) -> io::Result<core::result::Result<u32, AllPinned>> {
        let Attachment {
            view, locks, seat, ..
        } = &self.attachment;
        let mapping = &view.mapping;
        let alive = |index| locks.is_live(index);
        cell::choose(
            mapping.control(),
            seen,
            buffers,
            seat.row,
            mapping.rows(),
            alive,
        )
    }

    #[cold]
    fn choose_later(&self, seen: Current, buffers: u32, deadline: Deadline) -> Result<u32> {
        let patience = match deadline {
            Deadline::Never => Deadline::after(BUFFER_PATIENCE),
            other => other,
        };
        let mut pause = Duration::from_micros(20);
        loop {
            let doing = "asking whether a reader lives";
            let choice = self.choose_now(seen, buffers);
            let choice = choice.map_err(|e| Error::from_io(&self.view().location, doing, e))?;
            let pinned = match choice {
                Ok(buffer) => return Ok(buffer),
                Err(AllPinned(rows)) => rows,
            };
            let slice = patience.slice(pause);
            if slice.is_zero() {
                let rows: Vec<_> = pinned.iter().map(|row| self.view().who(*row)).collect();
                let holder = format!(
                    "every other buffer is held by guards of {}",
                    rows.join(", ")
                );
                return Err(deadline.passed(&self.view().location, holder));
            }
            sync::sleep(slice);
            pause = (pause * 2).min(Duration::from_millis(1));
        }
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
