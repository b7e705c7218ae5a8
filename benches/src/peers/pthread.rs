//! The locks of the C library, in shared memory: a robust mutex with a condition variable, and a rwlock.
#![expect(unsafe_code, reason = "calls the C library")]

use std::mem::MaybeUninit;

use harness::{Outcome, Peer, Place, Region, Value, failed};

const CONDITION: usize = 128;
const VALUE: usize = 4096;

fn check(result: libc::c_int) -> Outcome<()> {
    match result {
        0 => Ok(()),
        error => Err(failed(std::io::Error::from_raw_os_error(error))),
    }
}

pub(super) struct Mutex<const W: usize>(Region);

impl<const W: usize> Mutex<W> {
    fn mutex(&self) -> *mut libc::pthread_mutex_t {
        self.0.at(0)
    }

    fn condition(&self) -> *mut libc::pthread_cond_t {
        self.0.at(CONDITION)
    }

    fn set_up(&self) -> Outcome<()> {
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: made by the first call, and used by the others; the mutex is in memory that nobody uses yet.
        check(unsafe { libc::pthread_mutexattr_init(attributes.as_mut_ptr()) })?;
        let shared = libc::PTHREAD_PROCESS_SHARED;
        // SAFETY: as above.
        check(unsafe { libc::pthread_mutexattr_setpshared(attributes.as_mut_ptr(), shared) })?;
        let robust = libc::PTHREAD_MUTEX_ROBUST;
        // SAFETY: as above.
        check(unsafe { libc::pthread_mutexattr_setrobust(attributes.as_mut_ptr(), robust) })?;
        // SAFETY: as above.
        check(unsafe { libc::pthread_mutex_init(self.mutex(), attributes.as_ptr()) })?;
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: as above, for the condition variable.
        check(unsafe { libc::pthread_condattr_init(attributes.as_mut_ptr()) })?;
        // SAFETY: as above.
        check(unsafe { libc::pthread_condattr_setpshared(attributes.as_mut_ptr(), shared) })?;
        // SAFETY: as above.
        check(unsafe { libc::pthread_cond_init(self.condition(), attributes.as_ptr()) })
    }

    #[inline]
    fn locked<R>(&mut self, f: impl FnOnce(&mut Value<W>) -> R) -> Outcome<R> {
        // SAFETY: set up by the creator.
        match unsafe { libc::pthread_mutex_lock(self.mutex()) } {
            // Its owner died. The program goes on with what it left.
            // SAFETY: held now, as all that follows.
            libc::EOWNERDEAD => check(unsafe { libc::pthread_mutex_consistent(self.mutex()) })?,
            other => check(other)?,
        }
        // SAFETY: within the region, and the lock is held.
        let result = f(unsafe { &mut *self.0.at::<Value<W>>(VALUE) });
        // SAFETY: held.
        check(unsafe { libc::pthread_mutex_unlock(self.mutex()) })?;
        Ok(result)
    }
}

impl<const W: usize> Peer<W> for Mutex<W> {
    fn create(place: &Place) -> Outcome<Self> {
        let mutex = Mutex(Region::create(place, VALUE + size_of::<Value<W>>())?);
        mutex.set_up()?;
        Ok(mutex)
    }

    fn open(place: &Place) -> Outcome<Self> {
        Ok(Mutex(Region::open(place, VALUE + size_of::<Value<W>>())?))
    }

    #[inline]
    fn view<R>(&mut self, f: impl FnOnce(&Value<W>) -> R) -> Outcome<R> {
        self.locked(|value| f(value))
    }

    #[inline]
    fn change<R>(&mut self, f: impl FnOnce(&mut Value<W>) -> R) -> Outcome<R> {
        self.locked(f)
    }

    fn wait(&mut self, seen: u64) -> Outcome<u64> {
        // SAFETY: set up by the creator.
        check(unsafe { libc::pthread_mutex_lock(self.mutex()) })?;
        let word = self.0.at::<u64>(VALUE);
        // SAFETY: within the region, and the lock is held.
        while unsafe { word.read() } == seen {
            // SAFETY: the lock is held.
            check(unsafe { libc::pthread_cond_wait(self.condition(), self.mutex()) })?;
        }
        // SAFETY: as above.
        let word = unsafe { word.read() };
        // SAFETY: held.
        check(unsafe { libc::pthread_mutex_unlock(self.mutex()) })?;
        Ok(word)
    }

    fn announce(&mut self, word: u64) -> Outcome<()> {
        self.write_field(word)?;
        // SAFETY: set up by the creator.
        check(unsafe { libc::pthread_cond_broadcast(self.condition()) })
    }
}

pub(super) struct RwLock<const W: usize>(Region);

impl<const W: usize> RwLock<W> {
    fn lock(&self) -> *mut libc::pthread_rwlock_t {
        self.0.at(0)
    }
}

impl<const W: usize> Peer<W> for RwLock<W> {
    fn create(place: &Place) -> Outcome<Self> {
        let lock = RwLock(Region::create(place, VALUE + size_of::<Value<W>>())?);
        let mut attributes = MaybeUninit::uninit();
        // SAFETY: made by the first call, and used by the others; the lock is in memory that nobody uses yet.
        check(unsafe { libc::pthread_rwlockattr_init(attributes.as_mut_ptr()) })?;
        let shared = libc::PTHREAD_PROCESS_SHARED;
        // SAFETY: as above.
        check(unsafe { libc::pthread_rwlockattr_setpshared(attributes.as_mut_ptr(), shared) })?;
        // SAFETY: as above.
        check(unsafe { libc::pthread_rwlock_init(RwLock::lock(&lock), attributes.as_ptr()) })?;
        Ok(lock)
    }

    fn open(place: &Place) -> Outcome<Self> {
        Ok(RwLock(Region::open(place, VALUE + size_of::<Value<W>>())?))
    }

    #[inline]
    fn view<R>(&mut self, f: impl FnOnce(&Value<W>) -> R) -> Outcome<R> {
        // SAFETY: set up by the creator.
        check(unsafe { libc::pthread_rwlock_rdlock(self.lock()) })?;
        // SAFETY: within the region, and nobody writes while the lock is held.
        let result = f(unsafe { &*self.0.at::<Value<W>>(VALUE) });
        // SAFETY: held.
        check(unsafe { libc::pthread_rwlock_unlock(self.lock()) })?;
        Ok(result)
    }

    #[inline]
    fn change<R>(&mut self, f: impl FnOnce(&mut Value<W>) -> R) -> Outcome<R> {
        // SAFETY: set up by the creator.
        check(unsafe { libc::pthread_rwlock_wrlock(self.lock()) })?;
        // SAFETY: within the region, and the lock is held.
        let result = f(unsafe { &mut *self.0.at::<Value<W>>(VALUE) });
        // SAFETY: held.
        check(unsafe { libc::pthread_rwlock_unlock(self.lock()) })?;
        Ok(result)
    }
}
