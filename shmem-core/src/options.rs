//! How to create or open an object.

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::time::Duration;

use crate::build::{self, Plan};
use crate::deadline::Deadline;
use crate::directory::Spot;
use crate::discovery;
use crate::guard::{build_in_place, place_first};
use crate::lifecycle::{self, Attachment, Occupant};
use crate::mapping::Residence;
use crate::opened::Wanted;
use crate::window::Window;
use crate::{Error, Location, Result, Shared, SharedObject, SharedReader};

/// How long an object exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lifetime {
    /// While some [`SharedObject`] anywhere is open. The last one out removes the name; if all of them were
    /// killed, the name is free all the same. The default for names.
    WhileOpen,
    /// Until it is [removed](crate::remove). The default for files.
    Keep,
}

/// Who, besides root, may be able to write an object that is opened.
///
/// Whoever can write it is trusted to speak the protocol: a guard's `&T` rests on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trust {
    /// Its owner, who must be this program's user or root. The default.
    OwnerOnly,
    /// Its owner, whoever that is, and its group.
    Group,
    /// Everybody.
    Anyone,
}

/// By what a change of the value excludes others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lock {
    /// By this library's own protocol: who is killed blocks nobody. The default.
    Native,
    /// By a process-shared `pthread_rwlock_t` that lies in the object as well, made and released by the crate
    /// `raw_sync`: for programs in other languages that map the object and change its value under that lock. Needs
    /// the feature `raw_sync`, Linux with the GNU C library or musl, and the same in all programs that open it.
    ///
    /// The value is [changed in place](Options::buffers), whatever number of buffers was asked for. A read guard
    /// holds the lock shared and a write guard holds it alone, around the library's own protocol, by which its
    /// programs exclude each other as ever. `load`, `load_at` and `load_range` take it shared too; each guard
    /// checks the bytes of a type that has invalid ones; [`SharedReader`] cannot take it, so `open_read_only` is
    /// [`Error::UnsupportedFormat`]. `docs/format.md` says where the lock lies and what such programs have to do.
    /// What they change is no publication: the version stays, nobody is woken, and a power cut may leave it torn.
    ///
    /// **A process that is killed while it holds this lock blocks the others for ever**, unlike anything else here:
    /// a `pthread_rwlock_t` does not tell that its owner died. Killed as a reader it blocks writers, and as a writer
    /// everybody; a write guard that is forgotten does the same. `read`, `load`, `write`, `store` and so on then
    /// wait for ever; the `try_` functions say [`Error::Busy`], those with a timeout [`Error::TimedOut`]. The way out
    /// is to [`remove`](crate::remove) the object, which ends all those waits with [`Error::Removed`], and to create
    /// it anew. (The lock of a file is also made anew by the first program that opens it after the machine has
    /// booted.)
    ///
    /// Programs outside whose read locks overlap without a gap keep writers out, as this kind of lock has it.
    ///
    /// This library waits for the lock by trying it every 20 µs to 4 ms, and not in the kernel: so one of its
    /// programs that is killed while it waits leaves nothing behind, and timeouts are kept whatever they are. (The
    /// timed waits of `raw_sync` itself fail at random if the timeout has a fraction of a second, and go by the
    /// clock that can be set.)
    RawSync,
}

/// What [`Options`] say besides the type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) lifetime: Option<Lifetime>,
    pub(crate) mode: u32,
    pub(crate) trust: Trust,
    pub(crate) max_handles: u32,
    pub(crate) buffers: u32,
    pub(crate) lock: Lock,
    pub(crate) residence: Residence,
    pub(crate) mapped: bool,
    pub(crate) window: Option<Window>,
    pub(crate) wait_for: Option<Duration>,
}

/// How to create or open an object of type `T`; made by [`Shared::options`].
///
/// The creator's lifetime, mode, number of handles and of buffers, and lock stand; an opener's are ignored.
///
/// # Examples
///
/// ```
/// use shmem_core::{Lifetime, Shared};
/// use std::time::Duration;
///
/// let made = u64::options().lifetime(Lifetime::Keep).max_handles(16).create("options-example", 7)?;
/// let opened = u64::options().wait_for(Duration::from_secs(1)).open("options-example")?;
/// assert_eq!(opened.load()?, 7);
/// assert_eq!(opened.info().max_handles, 16);
/// shmem_core::remove("options-example")?;
/// # Ok::<(), shmem_core::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "options do nothing until `create`, `open`, `open_or_create` or `open_read_only`"]
pub struct Options<T> {
    pub(crate) settings: Settings,
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for Options<T> {
    fn clone(&self) -> Self {
        Options {
            settings: self.settings,
            value: PhantomData,
        }
    }
}

impl Settings {
    pub(crate) const DEFAULT: Self = Settings {
        lifetime: None,
        mode: 0o600,
        trust: Trust::OwnerOnly,
        max_handles: 128,
        buffers: 4,
        lock: Lock::Native,
        residence: Residence {
            prefault: false,
            huge_pages: false,
            locked: false,
        },
        mapped: true,
        window: None,
        wait_for: None,
    };
}

impl<T: Shared> Options<T> {
    pub(crate) fn new() -> Self {
        Options {
            settings: Settings {
                buffers: T::BUFFERS,
                ..Settings::DEFAULT
            },
            value: PhantomData,
        }
    }

    /// How long the object exists; by default `WhileOpen` for a name and `Keep` for a file.
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.settings.lifetime = Some(lifetime);
        self
    }

    /// The permission bits of a created object, whatever the umask; 0o600 by default.
    ///
    /// The owner may always read and write. If some may read who may not write, publishers make a system
    /// call for each publication, since such a reader cannot say that it waits. Bits that let others write
    /// ask for the same [`trust`](Self::trust) here as in those who open it.
    pub fn mode(mut self, mode: u32) -> Self {
        self.settings.mode = mode;
        self
    }

    /// Who may be able to write an object that is opened for writing; [`Trust::OwnerOnly`] by default.
    pub fn trust(mut self, trust: Trust) -> Self {
        self.settings.trust = trust;
        self
    }

    /// How many [`SharedObject`]s of all processes may be open at once: 1 to 1,024, 128 by default.
    ///
    /// Each takes 128 bytes. Read-only handles do not count.
    pub fn max_handles(mut self, handles: u32) -> Self {
        self.settings.max_handles = handles.max(1);
        self
    }

    /// How many copies of the value the object has: 1 to 8, 4 by default.
    ///
    /// A writer needs one that no guard holds: with `n` buffers, `n - 2` versions may be held by readers
    /// before a writer has to wait for one of them. A file that is kept reserves one more, for the version that a
    /// [power cut](SharedObject::flush) leads back to, so there 2 are 3.
    ///
    /// With 1 the value is changed **in place**, as for a type with `#[shared(in_place)]`: nothing is copied,
    /// which is for values of megabytes and more. Then readers share the value and a writer excludes them; a
    /// writer that dies, panics or [discards](crate::WriteGuard::discard) in the middle of a change leaves the
    /// object [`Poisoned`](Error::Poisoned) until another has published. A type with atomics has no other form.
    pub fn buffers(mut self, buffers: u32) -> Self {
        self.settings.buffers = if const { T::SCHEMA.has_atomics() } {
            1
        } else {
            buffers.max(1)
        };
        self
    }

    /// By what a change of the value excludes others: [`Lock::Native`] by default.
    ///
    /// [`Lock::RawSync`] is for values that programs in other languages change under a pthread lock; read there
    /// what it lacks. Creating an object with it is [`Error::UnsupportedPlatform`] in a program that was built
    /// without the feature `raw_sync`, or on a system where that is not supported.
    pub fn lock(mut self, lock: Lock) -> Self {
        self.settings.lock = lock;
        self
    }

    /// Whether to bring every page into memory at once, so that no later access waits for one.
    pub fn prefault(mut self, prefault: bool) -> Self {
        self.settings.residence.prefault = prefault;
        self
    }

    /// Whether to ask the kernel for huge pages, so that a value of many megabytes takes fewer entries of the
    /// processor's address cache.
    ///
    /// Advice, which the kernel may ignore: for names it does unless
    /// `/sys/kernel/mm/transparent_hugepage/shmem_enabled` is `advise` or `always`, and most filesystems have none.
    pub fn huge_pages(mut self, huge_pages: bool) -> Self {
        self.settings.residence.huge_pages = huge_pages;
        self
    }

    /// Whether to lock the object in memory, so that none of it is ever swapped out or written back and dropped.
    ///
    /// For this handle, until it is dropped; a forked child's memory is not locked. How much a user may lock is
    /// limited (`ulimit -l`); where that is not enough, creating and opening are [`Error::TooLarge`].
    pub fn lock_in_memory(mut self, lock: bool) -> Self {
        self.settings.residence.locked = lock;
        self
    }

    /// Whether `open_read_only` reads through its mapping, as it does by default, or by `pread(2)`.
    ///
    /// Whoever may write a file may also cut it short, and an access beyond the new end of a mapping ends the
    /// process with SIGBUS. Without the mapping the same is [`Error::Corrupt`], for which each
    /// [`load`](SharedReader::load) pays with three system calls, and [`version`](SharedReader::version) with one.
    /// For the objects of users whose programs could be hostile. Handles that write use their mapping anyway.
    pub fn mapped(mut self, mapped: bool) -> Self {
        self.settings.mapped = mapped;
        self
    }

    /// Has `open` and `open_read_only` wait so long for an object that does not exist yet, so that a consumer
    /// may be started first.
    pub fn wait_for(mut self, timeout: Duration) -> Self {
        self.settings.wait_for = Some(timeout);
        self
    }

    /// Creates the object with these options; see [`Shared::create`].
    ///
    /// # Errors
    ///
    /// As [`Shared::create`].
    pub fn create(
        &self,
        at: impl TryInto<Location, Error: Into<Error>>,
        initial: T,
    ) -> Result<SharedObject<T>> {
        let at = at.try_into().map_err(Into::into)?;
        self.create_at(&at, |buffer| place_first(buffer, initial))
    }

    /// Creates the object and builds its value in place from zeros; see [`Shared::create_with`].
    ///
    /// # Errors
    ///
    /// As [`Shared::create`].
    pub fn create_with(
        &self,
        at: impl TryInto<Location, Error: Into<Error>>,
        init: impl FnOnce(&mut T),
    ) -> Result<SharedObject<T>> {
        let () = ZeroIsValid::<T>::CHECK;
        let at = at.try_into().map_err(Into::into)?;
        self.create_at(&at, |buffer| build_in_place(buffer, init))
    }

    fn create_at(&self, at: &Location, init: impl FnOnce(NonNull<u8>)) -> Result<SharedObject<T>> {
        let attachment = self.create_with_schema(at, Wanted::one::<T>(), init)?;
        Ok(SharedObject::new(attachment, self.settings))
    }

    pub(crate) fn create_with_schema(
        &self,
        at: &Location,
        wanted: Wanted<'_>,
        init: impl FnOnce(NonNull<u8>),
    ) -> Result<Attachment> {
        create(at, &wanted.into(), &self.settings, |buffer| {
            init(buffer);
            Ok(())
        })
    }

    /// Opens the object with these options; see [`Shared::open`].
    ///
    /// # Errors
    ///
    /// As [`Shared::open`].
    pub fn open(&self, at: impl TryInto<Location, Error: Into<Error>>) -> Result<SharedObject<T>> {
        let at = at.try_into().map_err(Into::into)?;
        let wanted = Wanted::one::<T>();
        let attachment = self.settings.join(&at, wanted)?;
        Ok(SharedObject::new(attachment, self.settings))
    }

    /// Opens the object, or creates it with these options; see [`Shared::open_or_create`].
    ///
    /// # Errors
    ///
    /// As [`Shared::open_or_create`].
    pub fn open_or_create(
        &self,
        at: impl TryInto<Location, Error: Into<Error>>,
        initial: T,
    ) -> Result<SharedObject<T>> {
        let at = at.try_into().map_err(Into::into)?;
        let attachment = open_or_create(&at, Wanted::one::<T>(), &self.settings, |buffer| {
            place_first(buffer, initial)
        })?;
        Ok(SharedObject::new(attachment, self.settings))
    }

    /// Opens the object for reading only with these options; see [`Shared::open_read_only`].
    ///
    /// # Errors
    ///
    /// As [`Shared::open_read_only`].
    pub fn open_read_only(
        &self,
        at: impl TryInto<Location, Error: Into<Error>>,
    ) -> Result<SharedReader<T>> {
        let at = at.try_into().map_err(Into::into)?;
        SharedReader::open(self.settings, &at)
    }
}

impl Settings {
    /// Opens the object for reading and writing.
    pub(crate) fn join(&self, at: &Location, wanted: Wanted<'_>) -> Result<Attachment> {
        self.patiently(|| lifecycle::join(at, wanted, self))
    }

    /// Tries again, for as long as `wait_for` says, while there is no object.
    pub(crate) fn patiently<R>(&self, mut open: impl FnMut() -> Result<R>) -> Result<R> {
        let deadline = match self.wait_for {
            Some(timeout) => Deadline::after(timeout),
            None => Deadline::Now,
        };
        let mut pause = Duration::from_millis(1);
        loop {
            match open() {
                Err(Error::NotFound { location }) => {
                    let slice = deadline.slice(pause);
                    if slice.is_zero() {
                        return Err(Error::NotFound { location });
                    }
                    std::thread::sleep(slice);
                    pause = (pause * 2).min(Duration::from_millis(16));
                }
                other => return other,
            }
        }
    }
}

/// Fails the build where a value is to be built from zeros that zeros are not.
struct ZeroIsValid<T>(PhantomData<T>);

impl<T: Shared> ZeroIsValid<T> {
    const CHECK: () = assert!(
        T::SCHEMA.zero_is_valid(),
        "`create_with` builds the value from zeros, and all-zero bytes are not a value of this type: use `create`"
    );
}

/// Under a name that is free, or that a leftover has.
pub(crate) fn create(
    at: &Location,
    plan: &Plan,
    settings: &Settings,
    init: impl FnOnce(NonNull<u8>) -> Result<()>,
) -> Result<Attachment> {
    let spot = Spot::open(at, true)?;
    make_way(&spot, at)?;
    discovery::sweep_some(&spot, at);
    let mut unnamed = build::build(&spot, at, plan, settings, init)?;
    loop {
        match unnamed.link()? {
            Ok(attachment) => return Ok(attachment),
            Err(back) => unnamed = back,
        }
        make_way(&spot, at)?;
    }
}

/// `AlreadyExists` if anything but a leftover has the name.
fn make_way(spot: &Spot, at: &Location) -> Result<()> {
    let taken = || Error::AlreadyExists {
        location: at.clone(),
    };
    match lifecycle::sweep(spot, at) {
        Ok(Occupant::Gone | Occupant::Swept) => Ok(()),
        Ok(Occupant::Stays) => Err(taken()),
        // Short of descriptors, say: what has the name may be a leftover.
        Err(error @ Error::Io { .. }) => Err(error),
        // Something that is no object of ours, or that we may not open, has the name.
        Err(_) if matches!(spot.entry(), Ok(Some(_))) => Err(taken()),
        Err(error) => Err(error),
    }
}

fn open_or_create(
    at: &Location,
    wanted: Wanted<'_>,
    settings: &Settings,
    init: impl FnOnce(NonNull<u8>),
) -> Result<Attachment> {
    match lifecycle::join(at, wanted, settings) {
        Err(Error::NotFound { .. }) => {}
        other => return other,
    }
    let spot = Spot::open(at, true)?;
    discovery::sweep_some(&spot, at);
    let mut unnamed = build::build(&spot, at, &wanted.into(), settings, |buffer| {
        init(buffer);
        Ok(())
    })?;
    loop {
        match unnamed.link()? {
            Ok(attachment) => return Ok(attachment),
            Err(back) => unnamed = back,
        }
        match lifecycle::join(at, wanted, settings) {
            Err(Error::NotFound { .. }) => {}
            other => return other,
        }
    }
}
