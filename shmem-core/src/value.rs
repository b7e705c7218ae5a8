//! Whole values of a `SharedObject`: copied out, put in, changed by a function.
#![expect(unsafe_code, reason = "makes values from bytes that were checked")]

use core::mem::MaybeUninit;

use crate::deadline::Deadline;
use crate::view::Refusal;
use crate::{ReadGuard, Result, Shared, SharedObject, Version, WriteGuard};

/// Up to this size `load` copies the value out and checks afterwards; above, it pins the buffer first.
const COPY_OUT: usize = 512;

/// How often it tries that before it pins after all.
const COPY_TRIES: u32 = 64;

impl<T: Shared> SharedObject<T> {
    /// Copies the current version out.
    ///
    /// A small value costs a copy and two loads: nothing is stored in shared memory. The copy is checked, so
    /// whatever bytes others write, what comes back is a `T`.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    #[inline]
    pub fn load(&self) -> Result<T> {
        if size_of::<T>() > COPY_OUT {
            let mut value = MaybeUninit::uninit();
            self.pin_to(value.as_mut_ptr())?;
            // SAFETY: `pin_to` has put a value there.
            return Ok(unsafe { value.assume_init() });
        }
        let mut value = MaybeUninit::uninit();
        // SAFETY: a place for a `T`.
        match unsafe { self.copy_to(value.as_mut_ptr()) } {
            // SAFETY: `copy_to` has put a value there.
            Some(copied) => copied.map(|()| unsafe { value.assume_init() }),
            None => Ok(*self.load_pinned()?),
        }
    }

    /// Copies the current version into `out`, without a second copy on the stack, and returns which it is.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); `out` is unchanged then.
    pub fn load_into(&self, out: &mut T) -> Result<Version> {
        let guard = self.read()?;
        let version = ReadGuard::version(&guard);
        // SAFETY: `out` is not in the mapping, since it is borrowed.
        unsafe { self.copy_guarded(&guard, out) };
        Ok(version)
    }

    /// Copies the bytes that a guard holds.
    ///
    /// # Safety
    ///
    /// - `out` is valid for writes of a `T`, and outside the mapping.
    #[inline]
    unsafe fn copy_guarded(&self, guard: &ReadGuard<'_, T>, out: *mut T) {
        if const { T::SCHEMA.has_atomics() } {
            let buffer = ReadGuard::seen(guard).buffer();
            // SAFETY: the caller's promise; atomics that change meanwhile are copied as such.
            unsafe {
                self.view()
                    .mapping
                    .copy_out(buffer, 0, out.cast(), size_of::<T>())
            };
        } else {
            // SAFETY: the guard's pointer is valid for the bytes of a `T`, which nobody writes; a `T` is its
            // bytes (contract of `Shared`); `out` is apart from them.
            unsafe { core::ptr::copy_nonoverlapping(ReadGuard::as_ptr(guard), out, 1) };
        }
    }

    /// Copies the current version to the heap, without a copy on the stack.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn load_boxed(&self) -> Result<Box<T>> {
        let mut value = Box::new_uninit();
        self.load_to(value.as_mut_ptr())?;
        // SAFETY: `load_to` has put a value there.
        Ok(unsafe { value.assume_init() })
    }

    pub(crate) fn load_versioned(&self) -> Result<(Box<T>, Version)> {
        let guard = self.read()?;
        let mut value = Box::<T>::new_uninit();
        // SAFETY: a new allocation is apart from the mapping.
        unsafe { self.copy_guarded(&guard, value.as_mut_ptr()) };
        // SAFETY: filled from a guard, whose bytes are a value.
        Ok((unsafe { value.assume_init() }, ReadGuard::version(&guard)))
    }

    /// Puts a checked copy of the current version at `out`, which is valid for writes of a `T`.
    fn load_to(&self, out: *mut T) -> Result<()> {
        if size_of::<T>() <= COPY_OUT {
            // SAFETY: the caller's promise.
            if let Some(copied) = unsafe { self.copy_to(out) } {
                return copied;
            }
        }
        self.pin_to(out)
    }

    /// Puts a checked copy at `out` without a pin; `None` if writers were faster, many times.
    ///
    /// # Safety
    ///
    /// - `out` is valid for writes of a `T`.
    #[inline]
    unsafe fn copy_to(&self, out: *mut T) -> Option<Result<()>> {
        if !self.is_ours() {
            // A small copy would do no harm; but what a child may do should not depend on a size.
            return Some(Err(self.view().explain(Refusal::Forked)));
        }
        // SAFETY: the caller's promise.
        let copied = unsafe { self.view().copy_out(out.cast(), size_of::<T>(), COPY_TRIES) };
        // SAFETY: `out` was filled just now.
        copied.ok().map(|_| unsafe { self.view().check_copy(out) })
    }

    /// As [`load_to`](Self::load_to), by a pin.
    #[inline]
    fn pin_to(&self, out: *mut T) -> Result<()> {
        // SAFETY: it is not dereferenced.
        let guard =
            unsafe { self.pin(Deadline::Never) }.map_err(|refusal| self.view().explain(refusal))?;
        // SAFETY: `out` is valid for writes of a `T`, and outside the mapping.
        unsafe { self.copy_guarded(&guard, out) };
        // The copy and not the buffer, however often this version was checked: nothing can change it any more.
        // SAFETY: `out` was filled just now.
        unsafe { self.view().check_copy(out) }
    }

    /// For a small value that could not be copied without a pin. (Were the place of `load` handed to a call, its copy
    /// would lie in memory and not in registers, however it was made.)
    #[cold]
    fn load_pinned(&self) -> Result<Box<T>> {
        let mut value = Box::new_uninit();
        self.pin_to(value.as_mut_ptr())?;
        // SAFETY: `pin_to` has put a value there.
        Ok(unsafe { value.assume_init() })
    }

    /// Publishes `value` as the new version, whatever was there, and returns which it is.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write), but for `InvalidValue`.
    #[inline]
    pub fn store(&self, value: T) -> Result<Version> {
        let mut guard = self.begin(Deadline::Never, false)?;
        guard.fill(value);
        Ok(WriteGuard::commit(guard))
    }

    /// Changes the value through `f` and publishes it; nobody else writes meanwhile.
    ///
    /// A panic in `f` publishes nothing.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn update<R>(&self, f: impl FnOnce(&mut T) -> R) -> Result<R> {
        let mut guard = self.write()?;
        let result = f(&mut guard);
        WriteGuard::commit(guard);
        Ok(result)
    }

    /// Changes the value through `f`, and publishes it only if `f` returns `Ok`.
    ///
    /// A panic in `f` publishes nothing.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write); what `f` returns is inside.
    ///
    /// # Examples
    ///
    /// ```
    /// use shmem_core::Shared;
    ///
    /// let stock = u32::create("try-update-example", 3)?;
    /// let take = |n: u32| stock.try_update(|stock| {
    ///     *stock = stock.checked_sub(n).ok_or("not so many left")?;
    ///     Ok::<_, &str>(*stock)
    /// });
    /// assert_eq!(take(2)?, Ok(1));
    /// assert_eq!(take(2)?, Err("not so many left"));
    /// assert_eq!(stock.load()?, 1);
    /// # Ok::<(), shmem_core::Error>(())
    /// ```
    pub fn try_update<R, E>(
        &self,
        f: impl FnOnce(&mut T) -> core::result::Result<R, E>,
    ) -> Result<core::result::Result<R, E>> {
        let mut guard = self.write()?;
        let result = f(&mut guard);
        match result {
            Ok(_) => drop(guard),
            Err(_) => WriteGuard::discard(guard),
        }
        Ok(result)
    }
}
