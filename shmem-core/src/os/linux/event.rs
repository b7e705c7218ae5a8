//! Sleeping on a word of an object, and waking those who sleep.
#![expect(unsafe_code, reason = "gives the kernel half of a word")]

use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

use rustix::thread::futex;
use rustix::time::Timespec;

/// Sleeping on a word of an object and waking those who sleep, across processes.
///
/// On Linux the word's place in the file is all it takes; systems that wake by name will keep a handle here.
///
/// # References
///
/// `futex(2)`: without `FUTEX_PRIVATE_FLAG` the word is known by its file and offset, so every process that
/// maps the object meets there. Waiting needs read permission only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event;

impl Event {
    /// Sleeps until woken or for `timeout`, unless the less significant half of `word` is not `expected` any
    /// more. May return early.
    pub(crate) fn wait(self, word: &AtomicU64, expected: u32, timeout: Duration) {
        let timeout = Timespec {
            tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        let _ = futex::wait(half(word), futex::Flags::empty(), expected, Some(&timeout));
    }

    pub(crate) fn wake_one(self, word: &AtomicU64) {
        let _ = futex::wake(half(word), futex::Flags::empty(), 1);
    }

    pub(crate) fn wake_all(self, word: &AtomicU64) {
        let _ = futex::wake(half(word), futex::Flags::empty(), i32::MAX.unsigned_abs());
    }
}

/// The less significant half of a word, for the kernel to compare; this program never loads or stores it.
fn half(word: &AtomicU64) -> &AtomicU32 {
    let index = usize::from(cfg!(target_endian = "big"));
    let word: *const AtomicU64 = word;
    // SAFETY: the half lies within the word, and a word of 8 bytes is aligned for one of 4.
    let half = unsafe { word.cast::<AtomicU32>().add(index) };
    // SAFETY: as above; only its address is used, by the kernel.
    unsafe { &*half }
}
