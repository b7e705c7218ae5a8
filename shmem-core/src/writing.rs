//! How a change begins: the writer lock, then bytes that the writer has to itself.
#![expect(
    unsafe_code,
    reason = "copies between buffers, and makes guards of what was copied"
)]

use std::time::Duration;

use crate::cell::{self, AllPinned, Current};
use crate::deadline::Deadline;
use crate::durable;
use crate::elements;
use crate::in_place;
use crate::lifecycle::Attachment;
use crate::lock::{self, Token, Waiter};
use crate::notify;
use crate::os::Event;
use crate::participant;
use crate::preserve;
use crate::sync::{self, Ordering};
use crate::view::Refusal;
use crate::write_guard::{Held, WriteGuard};
use crate::{Error, Payload, Result, SharedObject};

/// How long a writer waits for a buffer that no guard holds, if it was not told how long.
const BUFFER_PATIENCE: Duration = Duration::from_secs(1);

impl<P: ?Sized + Payload> SharedObject<P> {
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
        let seen = cell::current_in_order(mapping.control());
        if !seen.is_removed() && mapping.is_lent(seen.buffer()) {
            let next = cell::next_free(mapping.control(), seen, mapping.buffers(), mapping.rows());
            if let Some(buffer) = next {
                return self.fill(held, seen, buffer, copy);
            }
        }
        self.begin_otherwise(held, seen, deadline, copy)
    }

    /// As [`lock_and_copy`](Self::lock_and_copy) from `held` on, where more is to be done than to take the next buffer.
    #[cold]
    fn begin_otherwise<'a>(
        &'a self,
        held: Held<'a>,
        seen: Current,
        deadline: &Deadline,
        copy: bool,
    ) -> core::result::Result<WriteGuard<'a, P>, Refusal> {
        let buffers = self.view().mapping.buffers();
        if seen.is_removed() {
            Err(Refusal::Removed)
        } else if buffers == 1 {
            self.begin_in_place(held, *deadline, copy)
        } else if seen.buffer() >= buffers {
            Err(Refusal::Word(seen))
        } else {
            let buffer = self.choose(seen, *deadline)?;
            self.fill(held, seen, buffer, copy)
        }
    }

    /// Begins to write `buffer`, which was chosen behind the current one, that `seen` says; `copy`: with its value.
    #[inline]
    fn fill<'a>(
        &'a self,
        held: Held<'a>,
        seen: Current,
        buffer: u32,
        copy: bool,
    ) -> core::result::Result<WriteGuard<'a, P>, Refusal> {
        if copy && !const { P::SCHEMA.any_bits() } {
            self.validate(seen)?;
        }
        let mapping = &self.view().mapping;
        let control = mapping.control();
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
        // SAFETY: chosen and begun under the lock; filled with a value, or the caller fills it.
        Ok(unsafe { WriteGuard::new(held, to, seen, buffer, recovered) })
    }

    /// Takes the lock.
    #[inline]
    pub(crate) fn hold(&self, deadline: &Deadline) -> core::result::Result<Held<'_>, Refusal> {
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
    pub(crate) fn begin_in_place<'a>(
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
    fn choose(&self, seen: Current, deadline: Deadline) -> Result<u32> {
        let Attachment {
            view, locks, seat, ..
        } = &self.attachment;
        let mapping = &view.mapping;
        let patience = match deadline {
            Deadline::Never => Deadline::after(BUFFER_PATIENCE),
            other => other,
        };
        let mut pause = Duration::from_micros(20);
        loop {
            let doing = "asking whether a reader lives";
            let choice = cell::choose(
                mapping.control(),
                seen,
                mapping.buffers(),
                seat.row,
                mapping.rows(),
                |index| locks.is_live(index),
            );
            let choice = choice.map_err(|e| Error::from_io(&view.location, doing, e))?;
            let pinned = match choice {
                Ok(buffer) => return Ok(buffer),
                Err(AllPinned(rows)) => rows,
            };
            let slice = patience.slice(pause);
            if slice.is_zero() {
                let rows: Vec<_> = pinned.iter().map(|row| view.who(*row)).collect();
                let holder = format!(
                    "every other buffer is held by guards of {}",
                    rows.join(", ")
                );
                return Err(deadline.passed(&view.location, holder));
            }
            sync::sleep(slice);
            pause = (pause * 2).min(Duration::from_millis(1));
        }
    }
}
