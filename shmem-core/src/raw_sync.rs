//! The gate itself: a process-shared `pthread_rwlock_t`, made and given back by the crate `raw_sync`.
//!
//! A guard goes through it last of all: a reader once it has pinned the buffer and may have it, a writer once it has
//! the writer lock and the last reader has left. So our programs exclude each other by our own protocol, and come to
//! the gate only to exclude others. Whoever waits at it may hold a pin or the writer lock; the one inside waits for
//! neither.
//!
//! What `raw_sync` 0.1.5 does, and what is done about it:
//!
//! - Its timed waits add the nanoseconds of the timeout to those of the clock and carry nothing over: whenever both
//!   make a second, the call fails with `EINVAL`. They go by `CLOCK_REALTIME`, which can be set; and their errors are
//!   texts. So none is called: we try, and sleep in between by the monotonic clock. Nor is a lock without a limit.
//!   (Besides, a waiter that is killed in `pthread_rwlock_wrlock` can leave the lock to nobody; one that tries
//!   cannot.)
//! - Its guards panic if unlocking fails. They are not made.
//! - It takes the attributes of a new lock from memory that is not initialised, which `pthread_rwlockattr_init` then
//!   fills: of bytes alone, but not by the letter of the language. So one function is left to it in which that is so,
//!   and it runs when an object is created.
//! - A lock that is dropped is left as it is: its version is pinned, since another could destroy it for everybody.
//!
//! # References
//!
//! `nptl/pthread_rwlock_common.c` of the GNU C library, written anew for its release 2.25; before 2.30 a try could
//! stall those who wait (bug 23844). `src/thread/pthread_rwlock_unlock.c` of musl.
#![expect(
    unsafe_code,
    reason = "calls pthread functions on a lock that other programs have as well"
)]

use core::ffi::c_int;
use core::fmt;
use std::io;
use std::ptr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ::raw_sync::locks::{LockImpl, LockInit as _, RwLock};
use libc::pthread_rwlock_t;

use crate::Error;
use crate::cell;
use crate::deadline::Deadline;
use crate::gate;
use crate::header::LINE;
use crate::lifecycle::Attachment;
use crate::mapping::Mapping;
use crate::sync::{self, Ordering};
use crate::view::{Refusal, View};

const RW_LOCK: u8 = 1;

const _: () = assert!(size_of::<pthread_rwlock_t>() as u64 <= LINE);
const _: () = assert!(align_of::<pthread_rwlock_t>() as u64 <= LINE);

/// How often to try again before the first sleep.
const SPINS: u32 = 100;
const FIRST_SLEEP: Duration = Duration::from_micros(20);
const LAST_SLEEP: Duration = Duration::from_millis(4);

/// The lock before the value, if there is one.
#[derive(Debug)]
pub(crate) struct Gate(Option<Outer>);

/// # Invariants
///
/// 1. `lock` lies in the mapping of the attachment that this belongs to, and was made before the object had a name.
/// 2. `alone` is set while a writer of this handle holds the lock, by the thread that took it.
struct Outer {
    lock: Box<dyn LockImpl>,
    alone: AtomicBool,
}

// SAFETY: the pointer in it leads into the handle's mapping, and any thread may call the functions of the lock.
unsafe impl Send for Outer {}
// SAFETY: as above.
unsafe impl Sync for Outer {}

impl fmt::Debug for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outer").finish_non_exhaustive()
    }
}

impl Gate {
    /// What word 27 says of such a lock in this program; `None` if it can have none.
    pub(crate) fn word() -> Option<u64> {
        is_new_enough().then_some(())?;
        gate::word(RW_LOCK, RwLock::size_of(None))
    }

    /// Makes the lock, free; nothing if the object has none. Nobody else has the object, or can hold the lock.
    pub(crate) fn make(mapping: &Mapping) -> io::Result<()> {
        let Some(at) = mapping.gate() else {
            return Ok(());
        };
        // SAFETY: 128 bytes that are this lock's, aligned to 128, in a mapping that is writable.
        let made = unsafe { RwLock::new(at, ptr::null_mut()) };
        made.map(drop)
            .map_err(|error| io::Error::other(error.to_string()))
    }

    /// The caller has seen that the lock is of this program's [kind](Self::word).
    pub(crate) fn of(view: &View) -> Self {
        Gate(view.mapping.gate().map(|at| {
            // SAFETY: as in `make`; it only keeps the pointer.
            let lock = unsafe { RwLock::from_existing(at, ptr::null_mut()) };
            let (lock, _) = lock.unwrap_or_else(|_| unreachable!("it looks at nothing"));
            Outer {
                lock,
                alone: AtomicBool::new(false),
            }
        }))
    }

    /// A reader of this handle goes in, which has pinned the buffer.
    pub(crate) fn enter_shared(
        &self,
        attachment: &Attachment,
        deadline: Deadline,
    ) -> Result<(), Refusal> {
        let Gate(Some(outer)) = self else {
            return Ok(());
        };
        // SAFETY: a lock that was made (invariant 1).
        let attempt = || unsafe { libc::pthread_rwlock_tryrdlock(outer.raw()) };
        wait(attachment, deadline, attempt)
    }

    /// A reader of this handle goes out, before its pin goes.
    pub(crate) fn leave_shared(&self) {
        if let Gate(Some(outer)) = self {
            // Perhaps not on the thread that went in: a guard may be sent. POSIX leaves that undefined. Both
            // libraries that `gate::word` knows count readers, without their threads, and take one off for whoever
            // does not hold the lock alone, which nobody does while it is shared.
            outer.release();
        }
    }

    /// The writer of this handle goes in, which has the writer lock and has waited for readers.
    pub(crate) fn enter_alone(
        &self,
        attachment: &Attachment,
        deadline: Deadline,
    ) -> Result<(), Refusal> {
        let Gate(Some(outer)) = self else {
            return Ok(());
        };
        // SAFETY: a lock that was made (invariant 1).
        let attempt = || unsafe { libc::pthread_rwlock_trywrlock(outer.raw()) };
        wait(attachment, deadline, attempt)?;
        outer.alone.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The writer goes out, if it was in: on the thread that went in, which a write guard does not leave.
    pub(crate) fn leave_alone(&self) {
        if let Gate(Some(outer)) = self {
            if outer.alone.swap(false, Ordering::Relaxed) {
                outer.release();
            }
        }
    }

    /// The handle is closed, and so many read guards were forgotten. A write guard that was forgotten keeps the
    /// lock: the GNU library frees it for the thread that took it, and corrupts it for others.
    pub(crate) fn leave_all(&self, readers: u32) {
        for _ in 0..readers {
            self.leave_shared();
        }
    }
}

impl Outer {
    fn raw(&self) -> *mut pthread_rwlock_t {
        self.lock.as_raw().cast()
    }

    fn release(&self) {
        let released = self.lock.release();
        debug_assert!(released.is_ok(), "{released:?}");
    }
}

/// Tries until the lock is taken. What is checked once for each version is to be checked anew then: programs outside
/// change the value without one.
fn wait(
    attachment: &Attachment,
    deadline: Deadline,
    attempt: impl Fn() -> c_int,
) -> Result<(), Refusal> {
    let view = &attachment.view;
    let mut pause = FIRST_SLEEP;
    let mut looks = 0;
    loop {
        match attempt() {
            0 => {
                // Later than what the last to hold it alone did, and than what those of this handle who checked the
                // bytes before did.
                attachment.validated.store(u64::MAX, Ordering::Relaxed);
                return Ok(());
            }
            // Of the GNU library, `EDEADLK` says that the number of the thread that holds it is ours, which in
            // containers may be another thread's; our own handles have found out before.
            libc::EBUSY | libc::EAGAIN | libc::EDEADLK => {}
            error => {
                let error = io::Error::from_raw_os_error(error);
                return Err(Error::from_io(&view.location, "taking the lock", error).into());
            }
        }
        if cell::current(view.mapping.control()).is_removed() {
            return Err(Refusal::Removed);
        }
        if looks < SPINS && !matches!(deadline, Deadline::Now) {
            looks += 1;
            std::hint::spin_loop();
            continue;
        }
        let slice = deadline.slice(pause);
        if slice.is_zero() {
            let holder = "its raw_sync lock is held by another program, or by one that was killed";
            return Err(deadline.passed(&view.location, holder.into()).into());
        }
        sync::sleep(slice);
        pause = (pause * 2).min(LAST_SLEEP);
    }
}

/// Whether the C library is one whose lock is as described above.
#[cfg(target_env = "gnu")]
fn is_new_enough() -> bool {
    // SAFETY: it returns a text that stays as it is.
    let version = unsafe { libc::gnu_get_libc_version() };
    // SAFETY: as above; it ends in a zero.
    let version = unsafe { core::ffi::CStr::from_ptr(version) };
    let mut numbers = version
        .to_bytes()
        .split(|byte| *byte == b'.')
        .map(|digits| {
            let digits = core::str::from_utf8(digits).unwrap_or("");
            digits.parse::<u32>().unwrap_or(0)
        });
    (numbers.next(), numbers.next()) >= (Some(2), Some(30))
}

#[cfg(not(target_env = "gnu"))]
fn is_new_enough() -> bool {
    true
}
