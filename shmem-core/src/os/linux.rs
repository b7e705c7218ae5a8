//! Linux: files by descriptor, open-file-description locks, shared futexes.
#![expect(unsafe_code, reason = "asks for the auxiliary vector")]

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::time::ClockId;

use crate::schema::{FNV_OFFSET, fnv1a};

#[path = "linux/event.rs"]
mod event;
#[path = "linux/files.rs"]
mod files;
#[path = "linux/locks.rs"]
mod locks;
#[path = "linux/process.rs"]
mod process;

pub(crate) use event::*;
pub(crate) use files::*;
pub(crate) use locks::*;
pub(crate) use process::*;

/// Memory that is a file system: named objects need no disk.
pub(crate) const DEFAULT_PARENT: &str = "/dev/shm";

/// The user whose objects these are: the effective user id.
pub(crate) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The id that stands for every user without a number of their own in this user namespace.
///
/// # References
///
/// `user_namespaces(7)`, "Unmapped user and group IDs"; `proc_sys_kernel(5)`, `overflowuid`.
pub(crate) fn user_is_unmapped() -> bool {
    static OVERFLOW: OnceLock<u32> = OnceLock::new();
    let overflow = *OVERFLOW.get_or_init(|| {
        std::fs::read_to_string("/proc/sys/kernel/overflowuid")
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(65_534)
    });
    user() == overflow
}

/// Whether the program runs with more rights than its caller, so that the environment is not to be trusted.
///
/// # References
///
/// `getauxval(3)`, `AT_SECURE`.
pub(crate) fn elevated() -> bool {
    // SAFETY: `getauxval` has no preconditions.
    let secure = unsafe { libc::getauxval(libc::AT_SECURE) };
    secure != 0
}

/// How many bytes a program of this user may lock in memory; `None` if there is no limit.
///
/// # References
///
/// `getrlimit(2)`, `RLIMIT_MEMLOCK`.
pub(crate) fn memory_lock_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Memlock).current
}

/// The machine's monotonic clock in nanoseconds, as of the last timer tick (1 to 10 ms): a read of memory only.
///
/// The same in every time namespace, once [`boot`] has been asked.
///
/// # References
///
/// `clock_gettime(2)`, `CLOCK_MONOTONIC_COARSE`.
#[inline]
pub(crate) fn coarse_clock() -> u64 {
    let now = rustix::time::clock_gettime(ClockId::MonotonicCoarse);
    nanos(now.tv_sec, now.tv_nsec).wrapping_sub(CLOCK_SHIFT.load(Ordering::Relaxed))
}

/// By how many nanoseconds, modulo 2^64, this process's monotonic clock is ahead of the machine's.
static CLOCK_SHIFT: AtomicU64 = AtomicU64::new(0);

/// Modulo 2^64.
#[inline]
fn nanos(seconds: i64, nanos: i64) -> u64 {
    let total = seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos);
    u64::from_ne_bytes(total.to_ne_bytes())
}

/// How far the time namespace of this process has shifted its monotonic clock, as [`nanos`].
///
/// # References
///
/// `time_namespaces(7)`, `/proc/pid/timens_offsets`: a line `monotonic`, seconds, nanoseconds.
fn clock_shift() -> io::Result<u64> {
    let text = match std::fs::read_to_string("/proc/self/timens_offsets") {
        Err(error) if is_absent(&error) => String::new(),
        other => other?,
    };
    let shift = text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let is_ours = words.next() == Some("monotonic");
        let mut number = || words.next()?.parse().ok();
        is_ours.then_some(nanos(number()?, number()?))
    });
    Ok(shift.unwrap_or(0))
}

/// A number that stands for the time since the machine last booted: the monotonic clock began with it.
///
/// The same for every program without `/proc`. That there is no descriptor or no memory left for asking is an
/// error, and not remembered: taken for an answer, it would be the stamp of an object for good.
///
/// # References
///
/// `proc_sys_kernel(5)`, `random/boot_id`.
pub(crate) fn boot() -> io::Result<u64> {
    static BOOT: OnceLock<u64> = OnceLock::new();
    if let Some(boot) = BOOT.get() {
        return Ok(*boot);
    }
    let id = match std::fs::read("/proc/sys/kernel/random/boot_id") {
        Err(error) if is_absent(&error) => Vec::new(),
        other => other?,
    };
    let boot = id.iter().fold(FNV_OFFSET, |hash, byte| fnv1a(hash, *byte));
    CLOCK_SHIFT.store(clock_shift()?, Ordering::Relaxed);
    Ok(*BOOT.get_or_init(|| boot))
}

/// Whether a file is not there for this program, now or later.
fn is_absent(error: &io::Error) -> bool {
    let kinds = [
        io::ErrorKind::NotFound,
        io::ErrorKind::NotADirectory,
        io::ErrorKind::PermissionDenied,
    ];
    kinds.contains(&error.kind())
}

/// A number that nobody else has drawn.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    if filled == Ok(bytes.len()) {
        return u64::from_ne_bytes(bytes);
    }
    // Early at boot or under a filter: unique is enough, it need not be secret.
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let id = u64::from(std::process::id());
    coarse_clock() ^ id.rotate_left(40) ^ count.rotate_left(20)
}
