//! `SharedObject` and `SharedReader`: the only file that orders the steps.
#![expect(
    unsafe_code,
    reason = "makes guards, and values from bytes that were checked"
)]

use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::cell::{self, AllPinned, Current};
use crate::deadline::Deadline;
use crate::fork;
use crate::guard::{Held, ReadGuard, WriteGuard};
use crate::info::Info;
use crate::lifecycle::{Attachment, View};
use crate::lock::{self, Acquired, Token, Waiter};
use crate::mapping::WaitersPage;
use crate::notify;
use crate::options::Settings;
use crate::os::{self, Access, Event};
use crate::participant;
use crate::sync::Ordering;
use crate::{Error, Location, Options, Result, Schema, Shared};

/// Counts the publications of an object: a fresh one has `Version(1)`, and `Version(0)` is before everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an object holds: one value of a [`Shared`] type. Implemented for all of them, and for nothing else.
pub trait Payload: sealed::Sealed + 'static {}

impl<T: Shared> Payload for T {}

mod sealed {
    use core::ptr::NonNull;

    use crate::Schema;

    /// # Safety
    ///
    /// Implementors ensure that `SCHEMA` describes `Self`, and that `at` only casts.
    pub unsafe trait Sealed {
        const SCHEMA: &'static Schema;
        fn at(buffer: NonNull<u8>) -> NonNull<Self>;
    }

    // SAFETY: the contract of `Shared`.
    unsafe impl<T: crate::Shared> Sealed for T {
        const SCHEMA: &'static Schema = <T as crate::Shared>::SCHEMA;

        #[inline]
        fn at(buffer: NonNull<u8>) -> NonNull<Self> {
            buffer.cast()
        }
    }
}

/// How long a writer waits for a buffer that no guard holds, if it was not told how long.
const BUFFER_PATIENCE: Duration = Duration::from_secs(1);

/// Up to this size `load` copies the value out and checks afterwards; above, it pins the buffer first.
const COPY_OUT: usize = 512;

/// How often a copy is tried before it gives up: each time the writer was faster by all buffers.
const COPY_TRIES: u32 = 10_000;

/// One process's opening of a shared object, for reading and writing.
///
/// Made by the accessors of [`Shared`] and by [`Options`]. It is `Send` and `Sync`: threads share it by
/// reference or `Arc`. Dropping the last one anywhere removes an object that lives only
/// [while it is open](crate::Lifetime::WhileOpen).
///
/// A forked child gets [`Error::Forked`] from it and calls [`reopen`](Self::reopen).
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

    fn view(&self) -> &View {
        &self.attachment.view
    }

    /// Borrows the current version; never waits for a writer.
    ///
    /// The guard sees one consistent version for as long as it lives, while writers publish others. Other
    /// processes see nothing of it, except that it keeps one buffer from being written.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidValue`]: the bytes are not a value of the type (checked once for each handle and
    ///   version, and only for types that have invalid bytes).
    /// - [`Error::Forked`]: the handle is the parent process's.
    /// - [`Error::Busy`]: 2³¹ guards of this handle were forgotten.
    /// - [`Error::Corrupt`]: another program wrote nonsense into the control words.
    #[inline]
    pub fn read(&self) -> Result<ReadGuard<'_, P>> {
        let attachment = &self.attachment;
        if !attachment.is_ours() {
            return Err(forked(self.view()));
        }
        let mapping = &self.view().mapping;
        let Ok(seen) = cell::pin(mapping.control(), attachment.row()) else {
            return Err(too_many_guards(self.view()));
        };
        if seen.buffer() >= self.view().header.layout.shape.buffers {
            cell::unpin(attachment.row(), seen.buffer());
            return Err(corrupt_word(self.view(), seen));
        }
        let value = P::at(mapping.buffer(seen.buffer()));
        // SAFETY: pinned just now; checked next, before anybody can dereference it.
        let guard = unsafe { ReadGuard::new(attachment, value, seen) };
        if !const { P::SCHEMA.any_bits() } {
            self.validate(seen)?;
        }
        Ok(guard)
    }

    /// As [`read`](Self::read), which never waits.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn try_read(&self) -> Result<ReadGuard<'_, P>> {
        self.read()
    }

    /// As [`read`](Self::read), which never waits: there is nothing to time out while an object has two or
    /// more buffers.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_timeout(&self, _timeout: Duration) -> Result<ReadGuard<'_, P>> {
        self.read()
    }

    /// Checks the bytes of a buffer that is pinned, or current while the writer lock is held.
    fn validate(&self, seen: Current) -> Result<()> {
        let validated = &self.attachment.validated;
        if validated.load(Ordering::Relaxed) == seen.version() {
            return Ok(());
        }
        // SAFETY: pinned or current under the lock, the caller says; the size is that of the schema.
        let bytes = unsafe {
            self.view()
                .mapping
                .stable_bytes(seen.buffer(), P::SCHEMA.size())
        };
        check(self.view(), P::SCHEMA, bytes)?;
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

    /// Takes the lock, chooses a buffer and, if `copy`, fills it with the current version.
    #[inline]
    fn begin(&self, deadline: Deadline, copy: bool) -> Result<WriteGuard<'_, P>> {
        let attachment = &self.attachment;
        if !attachment.is_ours() {
            return Err(forked(self.view()));
        }
        let mapping = &self.view().mapping;
        let control = mapping.control();
        let acquired = if lock::try_acquire(&control.writer, attachment.seat.token) {
            Acquired::Free
        } else {
            self.acquire(deadline)?
        };
        attachment.locks.set_writer(fork::thread());
        let held = Held(attachment);
        let seen = cell::current_in_order(control);
        if seen.is_removed() {
            return Err(removed(self.view()));
        }
        let buffers = self.view().header.layout.shape.buffers;
        if seen.buffer() >= buffers {
            return Err(corrupt_word(self.view(), seen));
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
            unsafe { to.copy_from_nonoverlapping(from, P::SCHEMA.size()) };
        }
        let writing = &control.writer.writing;
        let recovered = acquired == Acquired::TakenOver
            && writing.swap(0, Ordering::Relaxed) == seen.version() + 1;
        // SAFETY: chosen and begun above, under the lock; filled with a value, or the caller fills it.
        Ok(unsafe { WriteGuard::new(held, P::at(to), seen, buffer, recovered) })
    }

    /// The slow path of taking the lock.
    #[cold]
    fn acquire(&self, deadline: Deadline) -> Result<Acquired> {
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
            half: view.mapping.writer_half(),
            deadline,
        };
        let is_dead = |owner| participant::is_dead(locks, &view.mapping, me, owner);
        lock::acquire(&control.writer, &waiter, is_dead)
            .map_err(|source| {
                Error::from_io(&view.location, "asking whether the writer lives", source)
            })?
            .map_err(|owner| {
                let holder = format!("its writer lock is held by {}", who(view, owner.row()));
                deadline.passed(&view.location, holder)
            })
    }

    /// Chooses a buffer, waiting for readers if they hold all others.
    #[inline]
    fn choose(&self, seen: Current, buffers: u32, deadline: Deadline) -> Result<u32> {
        match self.choose_now(seen, buffers)? {
            Ok(buffer) => Ok(buffer),
            Err(_) => self.choose_later(seen, buffers, deadline),
        }
    }

    #[inline]
    fn choose_now(
        &self,
        seen: Current,
        buffers: u32,
    ) -> Result<core::result::Result<u32, AllPinned>> {
        let Attachment {
            view, locks, seat, ..
        } = &self.attachment;
        let mapping = &view.mapping;
        let row = |index| mapping.row(index);
        let alive = |index| locks.is_live(index);
        cell::choose(mapping.control(), seen, buffers, seat.row, row, alive).map_err(|source| {
            Error::from_io(&view.location, "asking whether a reader lives", source)
        })
    }

    #[cold]
    fn choose_later(&self, seen: Current, buffers: u32, deadline: Deadline) -> Result<u32> {
        let patience = match deadline {
            Deadline::Never => Deadline::after(BUFFER_PATIENCE),
            other => other,
        };
        let mut pause = Duration::from_micros(20);
        loop {
            let pinned = match self.choose_now(seen, buffers)? {
                Ok(buffer) => return Ok(buffer),
                Err(AllPinned(rows)) => rows,
            };
            let slice = patience.slice(pause);
            if slice.is_zero() {
                let rows: Vec<_> = pinned.iter().map(|row| who(self.view(), *row)).collect();
                let holder = format!(
                    "every other buffer is held by guards of {}",
                    rows.join(", ")
                );
                return Err(deadline.passed(&self.view().location, holder));
            }
            std::thread::sleep(slice);
            pause = (pause * 2).min(Duration::from_millis(1));
        }
    }

    /// The current version. Reads one word, and takes no lock.
    pub fn version(&self) -> Version {
        Version(cell::current(self.view().mapping.control()).version())
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
        Event.wake_all(self.view().mapping.current_half());
    }

    /// The time since the last publication, to the tick of the coarse monotonic clock (1 to 10 ms).
    ///
    /// [`Duration::MAX`] if that was before the machine last booted.
    pub fn age(&self) -> Duration {
        age(self.view())
    }

    /// Whether the name still leads to this object: it was neither removed nor replaced.
    pub fn is_current(&self) -> bool {
        is_current(self.view())
    }

    /// Opens what the name leads to now, with the options this handle was opened with.
    ///
    /// # Errors
    ///
    /// As [`Shared::open`].
    pub fn reopen(&self) -> Result<Self> {
        let location = &self.view().location;
        let wanted = crate::lifecycle::Wanted {
            schema: P::SCHEMA,
            fingerprint: const { P::SCHEMA.fingerprint() },
        };
        let attachment = crate::lifecycle::join(location, wanted, &self.settings)?;
        Ok(SharedObject::new(attachment, self.settings))
    }

    /// Describes the object: sizes, options, versions, live handles.
    pub fn info(&self) -> Info {
        Info::of(
            self.view(),
            P::SCHEMA.name().to_owned(),
            Some((&self.attachment.locks, self.attachment.seat)),
        )
    }

    /// Has the operating system write everything published so far to the file; nothing for a name.
    ///
    /// # Errors
    ///
    /// - [`Error::Io`]: the disk refused.
    pub fn flush(&self) -> Result<()> {
        let view = self.view();
        if view.location.name().is_some() {
            return Ok(());
        }
        let io = |source| Error::from_io(&view.location, "writing the object to its file", source);
        view.mapping.flush().map_err(io)
    }
}

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
        let mut value = MaybeUninit::uninit();
        self.load_to(value.as_mut_ptr())?;
        // SAFETY: `load_to` has put a value there.
        Ok(unsafe { value.assume_init() })
    }

    /// Copies the current version into `out`, without a second copy on the stack, and returns which it is.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); `out` is unchanged then.
    pub fn load_into(&self, out: &mut T) -> Result<Version> {
        let guard = self.read()?;
        let version = ReadGuard::version(&guard);
        // SAFETY: a `T` is its bytes (contract of `Shared`); `out` is not in the mapping, since it is borrowed.
        unsafe { core::ptr::copy_nonoverlapping(&raw const *guard, out, 1) };
        Ok(version)
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

    /// Puts a checked copy of the current version at `out`, which is valid for writes of a `T`.
    #[inline]
    fn load_to(&self, out: *mut T) -> Result<()> {
        let size = size_of::<T>();
        if size <= COPY_OUT {
            // SAFETY: `out` is valid for writes of a `T`.
            let copied = unsafe { copy_out(self.view(), out.cast(), size, 64) };
            if copied.is_ok() {
                // SAFETY: `out` was filled just now.
                return unsafe { check_copy(self.view(), out) };
            }
        }
        let guard = self.read()?;
        // SAFETY: a `T` is its bytes, `out` is valid for one and outside the mapping.
        unsafe { core::ptr::copy_nonoverlapping(&raw const *guard, out, 1) };
        Ok(())
    }

    /// Publishes `value` as the new version, whatever was there, and returns which it is.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write), but for `InvalidValue`.
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

impl<P: ?Sized + Payload> fmt::Debug for SharedObject<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "SharedObject", self.view())
    }
}

/// One process's opening of a shared object for reading only.
///
/// Made by [`Shared::open_read_only`]. The mapping is `PROT_READ`: it registers nowhere, takes no lock and
/// stores nothing, so it does not keep the object alive, counts against no limit, needs read permission only,
/// and needs no trust in the owner: what it copies out is checked. (An owner who cuts the file short under it
/// can kill it with SIGBUS; open only the objects of users whose programs you run.)
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
pub struct SharedReader<T: Shared> {
    view: View,
    interrupted: AtomicBool,
    /// The one page that `wait` may map writable, if this program has the right to.
    waiters: OnceLock<Option<WaitersPage>>,
    value: PhantomData<fn() -> T>,
}

impl<T: Shared> SharedReader<T> {
    pub(crate) fn new(view: View) -> Self {
        SharedReader {
            view,
            interrupted: AtomicBool::new(false),
            waiters: OnceLock::new(),
            value: PhantomData,
        }
    }

    /// Copies the current version out; see [`SharedObject::load`].
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidValue`]: the bytes are not a value of the type.
    /// - [`Error::Busy`]: writers published faster than the value could be copied, thousands of times.
    /// - [`Error::Corrupt`]: another program wrote nonsense into the control words.
    #[inline]
    pub fn load(&self) -> Result<T> {
        let mut value = MaybeUninit::uninit();
        self.load_to(value.as_mut_ptr())?;
        // SAFETY: `load_to` has put a value there.
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
        let mut value = Box::<T>::new_uninit();
        let version = self.load_to(value.as_mut_ptr())?;
        // SAFETY: `load_to` has put a value there; a `T` is its bytes; a new allocation is apart from `out`.
        unsafe { core::ptr::copy_nonoverlapping(value.as_ptr(), out, 1) };
        Ok(version)
    }

    /// Copies the current version to the heap, without a copy on the stack.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    pub fn load_boxed(&self) -> Result<Box<T>> {
        let mut value = Box::new_uninit();
        self.load_to(value.as_mut_ptr())?;
        // SAFETY: `load_to` has put a value there.
        Ok(unsafe { value.assume_init() })
    }

    #[inline]
    fn load_to(&self, out: *mut T) -> Result<Version> {
        // SAFETY: callers pass a place for a `T`.
        let seen = unsafe { copy_out(&self.view, out.cast(), size_of::<T>(), COPY_TRIES) }?;
        // SAFETY: `out` was filled just now.
        unsafe { check_copy(&self.view, out) }?;
        Ok(Version(seen.version()))
    }

    /// The current version. Reads one word.
    pub fn version(&self) -> Version {
        Version(cell::current(self.view.mapping.control()).version())
    }

    /// Waits until there is a version newer than `after`; see [`SharedObject::wait`].
    ///
    /// A program that may write the object's file asks to be woken, in one page that it maps writable for
    /// that. Others are woken by every publication.
    ///
    /// # Errors
    ///
    /// As [`SharedObject::wait`].
    pub fn wait(&self, after: Version, timeout: Duration) -> Result<Version> {
        self.wait_until(after, Deadline::after(timeout))
    }

    /// As [`wait`](Self::wait), without a limit.
    ///
    /// # Errors
    ///
    /// As [`SharedObject::wait_forever`].
    pub fn wait_forever(&self, after: Version) -> Result<Version> {
        self.wait_until(after, Deadline::Never)
    }

    fn wait_until(&self, after: Version, deadline: Deadline) -> Result<Version> {
        let page = self.waiters.get_or_init(|| self.map_waiters());
        let waiters = page.as_ref().map(WaitersPage::word);
        notify::wait(&self.view, waiters, &self.interrupted, after, deadline)
    }

    /// Maps the waiters' page, if the object's publishers look at it and this program may write it.
    fn map_waiters(&self) -> Option<WaitersPage> {
        if self.view.header.always_wake {
            return None;
        }
        let spot = crate::directory::Spot::at(&self.view.path).ok()?;
        let file = spot
            .directory
            .open_file(&spot.file, Access::ReadWrite)
            .ok()?;
        if os::file_info(&file).ok()?.id != self.view.file {
            return None;
        }
        WaitersPage::new(&file, &self.view.header.layout).ok()
    }

    /// Ends every wait of this handle; see [`SharedObject::interrupt`].
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
        Event.wake_all(self.view.mapping.current_half());
    }

    /// The time since the last publication; see [`SharedObject::age`].
    pub fn age(&self) -> Duration {
        age(&self.view)
    }

    /// Whether the name still leads to this object; see [`SharedObject::is_current`].
    pub fn is_current(&self) -> bool {
        is_current(&self.view)
    }

    /// Describes the object; see [`SharedObject::info`].
    pub fn info(&self) -> Info {
        Info::of(&self.view, T::SCHEMA.name().to_owned(), None)
    }

    /// Opens what the name leads to now.
    ///
    /// # Errors
    ///
    /// As [`Shared::open_read_only`].
    pub fn reopen(&self) -> Result<Self> {
        Options::<T>::new().open_read_only(self.view.location.clone())
    }
}

impl<T: Shared> fmt::Debug for SharedReader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(f, "SharedReader", &self.view)
    }
}

fn debug(f: &mut fmt::Formatter<'_>, name: &str, view: &View) -> fmt::Result {
    let version = cell::current(view.mapping.control()).version();
    f.debug_struct(name)
        .field("location", &view.location)
        .field("version", &version)
        .finish_non_exhaustive()
}

/// Copies the current version to `out`, trying at most `tries` times, and says which it is.
///
/// # Safety
///
/// - `out` is valid for writes of `len` bytes, and `len` is the size of the value.
#[inline]
unsafe fn copy_out(view: &View, out: *mut u8, len: usize, tries: u32) -> Result<Current> {
    let mapping = &view.mapping;
    let control = mapping.control();
    for _ in 0..tries {
        let seen = cell::current(control);
        if seen.buffer() >= view.header.layout.shape.buffers {
            return Err(corrupt_word(view, seen));
        }
        // SAFETY: the caller's promise.
        unsafe { mapping.copy_out(seen.buffer(), out, len) };
        if cell::still_holds(control, seen) {
            return Ok(seen);
        }
    }
    Err(Error::Busy {
        location: view.location.clone(),
        holder: format!(
            "writers published faster than {len} bytes could be copied, {tries} times in a row"
        ),
    })
}

/// Checks that the bytes at `value` are one.
///
/// # Safety
///
/// - `value` is valid for reads of the bytes of a `T`, all of them initialised.
#[inline]
unsafe fn check_copy<T: Shared>(view: &View, value: *const T) -> Result<()> {
    if const { T::SCHEMA.any_bits() } {
        return Ok(());
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "a private copy, which nobody else writes"
    )]
    // SAFETY: the caller's promise; the copy is ours alone.
    let bytes = unsafe { core::slice::from_raw_parts(value.cast(), size_of::<T>()) };
    check(view, T::SCHEMA, bytes)
}

fn check(view: &View, schema: &Schema, bytes: &[u8]) -> Result<()> {
    schema
        .validate(bytes)
        .map_err(|invalid| Error::InvalidValue {
            location: view.location.clone(),
            field: invalid.field,
            offset: invalid.offset,
            found: invalid.found,
            expected: invalid.expected,
        })
}

/// Which handle and process a row belongs to, for messages.
fn who(view: &View, row: u32) -> String {
    match view.mapping.row(row) {
        Some(found) => format!(
            "handle {row} (process {})",
            found.process.load(Ordering::Relaxed)
        ),
        None => "a process that is gone".into(),
    }
}

pub(crate) fn age(view: &View) -> Duration {
    let published = view.mapping.control().published_at.load(Ordering::Relaxed);
    let now = os::coarse_clock();
    now.checked_sub(published)
        .map_or(Duration::MAX, Duration::from_nanos)
}

fn is_current(view: &View) -> bool {
    !cell::current(view.mapping.control()).is_removed() && notify::is_linked(view)
}

#[cold]
fn removed(view: &View) -> Error {
    Error::Removed {
        location: location(view),
    }
}

#[cold]
fn forked(view: &View) -> Error {
    Error::Forked {
        location: location(view),
    }
}

#[cold]
fn too_many_guards(view: &View) -> Error {
    Error::Busy {
        location: location(view),
        holder: "this handle has 2147483648 guards that were never dropped; reopen it".into(),
    }
}

#[cold]
fn corrupt_word(view: &View, seen: Current) -> Error {
    Error::Corrupt {
        location: location(view),
        what: "current buffer",
        found: seen.buffer().to_string(),
        expected: format!("below {}", view.header.layout.shape.buffers),
    }
}

fn location(view: &View) -> Location {
    view.location.clone()
}
