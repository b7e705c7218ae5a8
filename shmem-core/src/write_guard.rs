//! The proof that `&mut T` into an object is allowed now, and what becomes of the change.
#![expect(unsafe_code, reason = "turns the bytes of a buffer into references")]

use core::cell::UnsafeCell;
use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use std::thread;

use crate::cell::{self, Current};
use crate::elements;
use crate::guard::place;
use crate::in_place;
use crate::lifecycle::Attachment;
use crate::lock;
use crate::notify;
use crate::os::{self, Event};
use crate::preserve;
use crate::sums;
use crate::sync::{Ordering, fence};
use crate::{Payload, Shared, Version};

/// A borrowed `&mut T`, exclusive among all processes, to a copy of the current value.
///
/// Made by [`SharedObject::write`](crate::SharedObject::write). What is changed through it appears to others
/// all at once, as a new version, when the guard is dropped or [committed](Self::commit). A guard that was
/// never mutably dereferenced publishes nothing; nor does one dropped by a panic, nor one whose process is
/// killed.
///
/// **An early `?` publishes what was changed so far**, as with any lock: where a change can fail half-way,
/// use [`SharedObject::try_update`](crate::SharedObject::try_update) or [`discard`](Self::discard).
#[must_use = "a guard that is not held unlocks at once"]
pub struct WriteGuard<'a, P: ?Sized + Payload> {
    /// Holds the writer lock, and with it the handle's [`Change`]; its drop gives it back.
    held: Held<'a>,
    /// Not `Send`: the lock remembers its thread.
    payload: PhantomData<(&'a mut P, *const ())>,
}

// SAFETY: a shared guard gives `&P` only, and `P` is `Sync` (contract of `Shared`).
unsafe impl<P: ?Sized + Payload> Sync for WriteGuard<'_, P> {}

/// What the holder of the writer lock is about.
///
/// It lies in the handle and not in the guard, because a guard of one word travels in a register: one of five
/// words is stored in pieces and loaded in larger ones each time it is moved, which took 7 ns of a write.
#[derive(Debug)]
pub(crate) struct Change {
    /// The buffer that is written: valid for reads and writes, and nobody else's, while the lock is held.
    pub(crate) value: NonNull<u8>,
    pub(crate) buffer: u32,
    /// What was current when the lock was taken.
    pub(crate) seen: Current,
    pub(crate) recovered: bool,
    touched: bool,
    /// Whether only one item of an array changes.
    single: bool,
    panicking: bool,
}

/// The change of a handle that holds the writer lock.
///
/// # Invariants
///
/// 1. Only the thread that holds the lock through this handle touches it, or whoever it lends its guard to.
#[derive(Debug)]
pub(crate) struct ChangeCell(UnsafeCell<Change>);

// SAFETY: invariant 1; taking the lock orders what its last holder did before.
unsafe impl Sync for ChangeCell {}
// SAFETY: the pointer in it leads into the handle's mapping, which any thread may use.
unsafe impl Send for ChangeCell {}

impl ChangeCell {
    pub(crate) const fn new() -> Self {
        ChangeCell(UnsafeCell::new(Change {
            value: NonNull::dangling(),
            buffer: 0,
            seen: Current::FIRST,
            recovered: false,
            touched: false,
            single: false,
            panicking: false,
        }))
    }
}

/// The writer lock, held by this handle. Dropped, it is free.
pub(crate) struct Held<'a>(pub(crate) &'a Attachment);

impl Drop for Held<'_> {
    #[inline]
    fn drop(&mut self) {
        let Held(attachment) = self;
        // In a forked child the lock is the parent's.
        if attachment.is_ours() {
            attachment.locks.set_writer(0);
            let mapping = &attachment.view.mapping;
            if attachment.is_in_place() {
                attachment.gate.leave_alone();
                attachment.let_readers_in();
            }
            let line = &mapping.control().writer;
            lock::release(line, attachment.seat.token, Event);
        }
    }
}

impl<'a, P: ?Sized + Payload> WriteGuard<'a, P> {
    /// # Safety
    ///
    /// - `buffer` was [chosen](cell::choose) and [begun](cell::begin) under the lock that `held` holds, after
    ///   `seen` was loaded; `value` is that buffer.
    /// - Its bytes are a value, or the caller makes them one before the guard is dereferenced.
    #[inline]
    pub(crate) unsafe fn new(
        held: Held<'a>,
        value: NonNull<u8>,
        seen: Current,
        buffer: u32,
        recovered: bool,
    ) -> Self {
        let mut guard: Self = WriteGuard {
            held,
            payload: PhantomData,
        };
        *guard.change_mut() = Change {
            value,
            buffer,
            seen,
            recovered,
            touched: false,
            single: false,
            panicking: thread::panicking(),
        };
        guard
    }

    #[inline]
    fn change(&self) -> &Change {
        let change = self.held.0.change.0.get();
        // SAFETY: the lock is held (invariant 1), and the change is borrowed as the guard is.
        unsafe { &*change }
    }

    #[inline]
    fn change_mut(&mut self) -> &mut Change {
        let change = self.held.0.change.0.get();
        // SAFETY: as above, mutably.
        unsafe { &mut *change }
    }

    /// The version that the guard began with.
    pub fn version(guard: &Self) -> Version {
        Version(guard.change().seen.version())
    }

    /// Whether the writer before this one died with a change that it had not published.
    ///
    /// The change is gone: the guard begins with the last published version. True once for each such death.
    pub fn recovered(guard: &Self) -> bool {
        guard.change().recovered
    }

    /// Publishes now, changed or not, and returns the new version.
    ///
    /// If the object was removed meanwhile, those who still have it open get the version. Should the kernel
    /// have taken this process's liveness away (somebody closed all its descriptors and unmapped its memory),
    /// so that another writer has gone on, nothing is published and the version that the guard began with is
    /// returned.
    #[inline]
    pub fn commit(mut guard: Self) -> Version {
        guard.change_mut().touched = false;
        guard.publish()
    }

    /// Drops the guard without publishing anything.
    pub fn discard(mut guard: Self) {
        guard.forget_change();
    }

    #[cold]
    fn forget_change(&mut self) {
        let attachment = self.held.0;
        if attachment.is_ours() && attachment.is_in_place() {
            self.restore_padding();
        } else if self.change().touched && attachment.is_ours() {
            let writing = &self.held.0.view.mapping.control().writer.writing;
            writing.store(0, Ordering::Relaxed);
        }
        self.change_mut().touched = false;
    }

    /// Notes that the buffer is about to differ from the current one.
    ///
    /// `writing` holds the version to come from here until it is published. If the next holder of the lock
    /// finds that version still to come, this one died.
    #[inline]
    pub(crate) fn touch(&mut self) {
        let attachment = self.held.0;
        let change = self.change_mut();
        if !change.touched {
            change.touched = true;
            if attachment.is_in_place() {
                let mapping = &attachment.view.mapping;
                elements::begin_whole(mapping);
                change.seen = in_place::soil(mapping.control(), change.seen);
                // SAFETY: the only buffer, which this guard has to itself and has not lent out yet.
                unsafe { attachment.aside.put::<P>(change.value) };
                return;
            }
            let version = change.seen.version() + 1;
            let writing = &self.held.0.view.mapping.control().writer.writing;
            writing.store(version, Ordering::Relaxed);
            // Before the first changed byte: whoever takes over from us tells by it whether we had begun.
            fence(Ordering::Release);
        }
    }

    /// Undoes what the program made of bytes that are not its own to change.
    #[inline]
    fn restore_padding(&mut self) {
        if !const { preserve::has_padding::<P>() } {
            return;
        }
        let Change { value, seen, .. } = *self.change();
        let attachment = self.held.0;
        if attachment.is_in_place() {
            // SAFETY: the only buffer; nobody borrows it from this guard any more.
            unsafe { attachment.aside.take::<P>(value) };
        } else {
            let current = attachment.view.mapping.buffer(seen.buffer());
            // SAFETY: two different buffers; the current one is written by nobody while the lock is held, and
            // nobody borrows the other from this guard any more.
            unsafe { preserve::copy_padding::<P>(current, value) };
        }
    }

    /// Makes `value` the buffer's, whatever bytes are there.
    #[inline]
    pub(crate) fn fill(&mut self, value: P)
    where
        P: Shared,
    {
        self.touch();
        place(self.change().value, value);
    }

    /// Changes one item of an array and publishes that, whatever else happens to this process.
    ///
    /// The guard was not mutably dereferenced, and the item, which is numbered in the whole array, is in the window.
    pub(crate) fn put(mut self, index: usize, item: &[u8]) -> Version {
        let mapping = &self.held.0.view.mapping;
        let seen = self.change().seen;
        if !cfg!(mutation = "record_after_dirty") {
            elements::record(mapping, seen, index, item);
        }
        let seen = in_place::soil(mapping.control(), seen);
        if cfg!(mutation = "record_after_dirty") {
            elements::record(mapping, seen, index, item);
        }
        let applied = elements::apply(mapping, seen, index);
        applied.unwrap_or_else(|_| unreachable!("an item in the window is mapped"));
        let change = self.change_mut();
        change.seen = seen;
        change.single = true;
        self.publish()
    }

    #[inline]
    fn publish(&mut self) -> Version {
        let Change {
            seen,
            buffer,
            single,
            ..
        } = *self.change();
        let attachment = self.held.0;
        if !attachment.is_ours() {
            return Version(seen.version());
        }
        self.restore_padding();
        let mapping = &attachment.view.mapping;
        let control = mapping.control();
        control
            .published_at
            .store(os::coarse_clock(), Ordering::Relaxed);
        control
            .publisher
            .store(attachment.seat.token.to_bits(), Ordering::Relaxed);
        let asked = notify::take_request(mapping) || attachment.view.header.always_wake;
        if cfg!(mutation = "wake_before_publish") {
            notify::wake(mapping, asked, Event);
        }
        if cfg!(mutation = "unlock_before_publish") {
            lock::release(&control.writer, attachment.seat.token, Event);
        }
        if attachment.is_in_place() && !single {
            elements::end_whole(mapping, seen.version() + 1);
        }
        let summed = attachment.view.header.is_summed();
        if summed && !cfg!(mutation = "sum_after_publish") {
            sums::seal(&attachment.view, seen, buffer);
        }
        let published = cell::publish(control, seen, buffer);
        if summed && cfg!(mutation = "sum_after_publish") {
            sums::seal(&attachment.view, seen, buffer);
        }
        if !cfg!(mutation = "wake_before_publish") {
            notify::wake(mapping, asked, Event);
        }
        match published {
            Ok(now) => {
                attachment.validated.store(now.version(), Ordering::Relaxed);
                Version(now.version())
            }
            Err(_) => Version(seen.version()),
        }
    }
}

impl<P: ?Sized + Payload> Deref for WriteGuard<'_, P> {
    type Target = P;

    #[inline]
    fn deref(&self) -> &P {
        let value = P::at(self.change().value, self.held.0.view.items.len());
        // SAFETY: only the lock's holder writes the buffer, and it is borrowed from this guard.
        unsafe { value.as_ref() }
    }
}

impl<P: ?Sized + Payload> DerefMut for WriteGuard<'_, P> {
    #[inline]
    fn deref_mut(&mut self) -> &mut P {
        self.touch();
        let mut value = P::at(self.change().value, self.held.0.view.items.len());
        // SAFETY: as above, mutably; no guard reads the buffer, since it was chosen unpinned, and whoever
        // copies it out throws the copy away.
        unsafe { value.as_mut() }
    }
}

impl<P: ?Sized + Payload> Drop for WriteGuard<'_, P> {
    #[inline]
    fn drop(&mut self) {
        let change = self.change();
        if !change.touched {
            return;
        }
        if thread::panicking() && !change.panicking {
            self.forget_change();
        } else {
            self.publish();
        }
    }
}

impl<P: ?Sized + Payload + fmt::Debug> fmt::Debug for WriteGuard<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WriteGuard").field(&&**self).finish()
    }
}

impl<P: ?Sized + Payload + fmt::Display> fmt::Display for WriteGuard<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
