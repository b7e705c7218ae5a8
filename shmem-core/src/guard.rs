//! The proof that `&T` into an object is allowed now, and how values get into buffers that nobody reads.
#![expect(unsafe_code, reason = "turns the bytes of a buffer into references")]

use core::fmt;
use core::ops::Deref;
use core::ptr::NonNull;

use crate::cell::{self, Current, Together};
use crate::lifecycle::Attachment;
use crate::preserve;
use crate::{Payload, Shared, Version};

/// Puts `value` into a buffer that is as large as it and that nobody reads.
///
/// Safe to call with the buffers that `lifecycle::build` and the writer hand out, and only these reach it.
pub(crate) fn place<T: Shared>(buffer: NonNull<u8>, value: T) {
    // SAFETY: a buffer is valid for writes of `T::SCHEMA.size()` bytes and aligned for `T`: the layout was
    // made from, or compared with, that schema. Nobody reads it: it is not current.
    unsafe { buffer.cast::<T>().write(value) };
}

/// As [`place`], for the first value of an object.
pub(crate) fn place_first<T: Shared>(buffer: NonNull<u8>, value: T) {
    place(buffer, value);
    // SAFETY: as there.
    unsafe { preserve::clear_padding::<T>(buffer) };
}

/// Hands out a zeroed buffer as a `T` of which all-zero is a value.
pub(crate) fn build_in_place<T: Shared>(buffer: NonNull<u8>, init: impl FnOnce(&mut T)) {
    debug_assert!(T::SCHEMA.zero_is_valid());
    // SAFETY: valid and aligned as in `place`; a new file is zero, which is a value of `T`, as the caller
    // checked when it was compiled; no other reference exists.
    init(unsafe { buffer.cast::<T>().as_mut() });
    // SAFETY: as above; the reference is gone.
    unsafe { preserve::clear_padding::<T>(buffer) };
}

/// A borrowed `&T`: one consistent version, which stays as it is while the guard lives.
///
/// Made by [`SharedObject::read`](crate::SharedObject::read). Writers go on meanwhile, in other buffers; a
/// guard that is held for long keeps one buffer from them. If the process dies, the buffer is free again.
#[must_use = "a guard that is not held is dropped at once"]
pub struct ReadGuard<'a, P: ?Sized + Payload> {
    attachment: &'a Attachment,
    /// Valid for reads while `seen.buffer()` is pinned in the handle's row, which it is until the guard drops.
    value: NonNull<P>,
    seen: Current,
}

// SAFETY: the pin belongs to the handle and not to a thread, and so does what lets a guard through the lock of
// programs outside (`raw_sync.rs` says why); `P` is `Send` and `Sync` (contract of `Shared`).
unsafe impl<P: ?Sized + Payload> Send for ReadGuard<'_, P> {}
// SAFETY: as above; a shared guard gives `&P` only.
unsafe impl<P: ?Sized + Payload> Sync for ReadGuard<'_, P> {}

impl<'a, P: ?Sized + Payload> ReadGuard<'a, P> {
    /// # Safety
    ///
    /// - `seen.buffer()` was pinned in the row of `attachment` by [`cell::pin`], which returned `seen`; the
    ///   guard takes the pin over.
    /// - If there is one buffer, [`Attachment::let_guard_in`] has let the guard in.
    /// - `value` is that buffer; its bytes are a value before the guard is dereferenced.
    #[inline]
    pub(crate) unsafe fn new(attachment: &'a Attachment, value: NonNull<P>, seen: Current) -> Self {
        ReadGuard {
            attachment,
            value,
            seen,
        }
    }

    /// The version that the guard sees.
    pub fn version(guard: &Self) -> Version {
        Version(guard.seen.version())
    }

    pub(crate) fn seen(guard: &Self) -> Current {
        guard.seen
    }

    /// Valid for reads of the value's bytes while the guard lives.
    pub(crate) fn as_ptr(guard: &Self) -> *const P {
        guard.value.as_ptr()
    }
}

impl<P: ?Sized + Payload> Deref for ReadGuard<'_, P> {
    type Target = P;

    #[inline]
    fn deref(&self) -> &P {
        // SAFETY: the buffer is pinned, so nobody writes it (invariant in `cell.rs`), and it holds a value.
        unsafe { self.value.as_ref() }
    }
}

impl<P: ?Sized + Payload> Drop for ReadGuard<'_, P> {
    #[inline]
    fn drop(&mut self) {
        // In a forked child the pin is the parent's.
        if self.attachment.is_ours() {
            if self.attachment.is_in_place() {
                self.attachment.let_guard_out();
            }
            cell::unpin::<Together>(self.attachment.row(), self.seen.buffer());
        }
    }
}

impl<P: ?Sized + Payload + fmt::Debug> fmt::Debug for ReadGuard<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadGuard").field(&&**self).finish()
    }
}

impl<P: ?Sized + Payload + fmt::Display> fmt::Display for ReadGuard<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
