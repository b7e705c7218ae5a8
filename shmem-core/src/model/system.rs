//! The system as the model checker sees it: byte locks, and sleeping until woken.
//!
//! A thread of the model stands for a process: it opens a handle of its own, and [`kill`] is what the kernel
//! does when one dies. There are no files; for everything else this is an unsupported system.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64 as Word, Ordering};
use std::time::Duration;

use loom::sync::{Condvar, Mutex, MutexGuard};

use super::{Access, FileId, FileInfo, FileKind};
use crate::sync::{AtomicU64, fence};

#[expect(dead_code, reason = "what is modelled below takes its place")]
#[path = "../os/unsupported.rs"]
mod unsupported;
pub(crate) use unsupported::*;

/// What the kernel knows. Each call takes the one lock, as the kernel's calls take locks of theirs.
#[derive(Default)]
struct Kernel {
    /// Which byte is locked through which descriptor.
    locked: Vec<(u64, i32)>,
    /// Who sleeps: on the word at which address.
    asleep: Vec<(usize, Arc<Condvar>)>,
}

fn kernel() -> MutexGuard<'static, Kernel> {
    loom::lazy_static! {
        static ref KERNEL: Mutex<Kernel> = Mutex::new(Kernel::default());
    }
    KERNEL.lock().unwrap_or_else(|broken| broken.into_inner())
}

/// Drops every lock of the process that holds `byte`, as happens when it is killed.
#[cfg(test)]
pub(crate) fn kill(byte: u64) {
    let mut kernel = kernel();
    let holder = kernel.locked.iter().find(|(locked, _)| *locked == byte);
    let dead = holder.map(|(_, descriptor)| *descriptor);
    kernel
        .locked
        .retain(|(_, descriptor)| Some(*descriptor) != dead);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LockBytes(pub(crate) i32);

impl LockBytes {
    pub(crate) const CLOSED: LockBytes = LockBytes(-1);

    pub(crate) fn try_lock(self, byte: u64) -> io::Result<bool> {
        let mut kernel = kernel();
        if let Some((_, holder)) = kernel.locked.iter().find(|(locked, _)| *locked == byte) {
            return Ok(*holder == self.0);
        }
        kernel.locked.push((byte, self.0));
        Ok(true)
    }

    pub(crate) fn unlock(self, byte: u64) -> io::Result<()> {
        kernel().locked.retain(|locked| *locked != (byte, self.0));
        Ok(())
    }

    pub(crate) fn first_locked(self, start: u64, len: u64) -> io::Result<Option<u64>> {
        let kernel = kernel();
        let others = kernel.locked.iter().filter(|(byte, holder)| {
            (start..start.saturating_add(len)).contains(byte) && *holder != self.0
        });
        Ok(others.map(|(byte, _)| *byte).min())
    }
}

/// Never ends by its timeout: a test whose waiters sleep for ever has found a lost wake-up, which the timeout
/// would only hide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event;

impl Event {
    pub(crate) fn wait(self, word: &AtomicU64, expected: u32, _: Duration) {
        let mut kernel = kernel();
        // futex(2): compared in order with all that was woken before.
        fence(Ordering::SeqCst);
        if word.load(Ordering::Relaxed) & 0xFFFF_FFFF != u64::from(expected) {
            return;
        }
        let address = std::ptr::from_ref(word).addr();
        let woken = Arc::new(Condvar::new());
        kernel.asleep.push((address, Arc::clone(&woken)));
        while kernel
            .asleep
            .iter()
            .any(|(_, sleeper)| Arc::ptr_eq(sleeper, &woken))
        {
            kernel = woken
                .wait(kernel)
                .unwrap_or_else(|broken| broken.into_inner());
        }
    }

    pub(crate) fn wake_one(self, word: &AtomicU64) {
        wake(word, 1);
    }

    pub(crate) fn wake_all(self, word: &AtomicU64) {
        wake(word, usize::MAX);
    }
}

fn wake(word: &AtomicU64, most: usize) {
    let address = std::ptr::from_ref(word).addr();
    let mut kernel = kernel();
    for _ in 0..most {
        let mut asleep = kernel.asleep.iter();
        let Some(first) = asleep.position(|(on, _)| *on == address) else {
            break;
        };
        kernel.asleep.remove(first).1.notify_one();
    }
}

/// Every descriptor is of the one object.
const OBJECT: FileId = FileId {
    device: 0,
    inode: 0,
};

pub(crate) fn file_info(_: &File) -> io::Result<FileInfo> {
    Ok(FileInfo {
        id: OBJECT,
        kind: FileKind::Regular,
        owner: 0,
        group: 0,
        mode: 0o600,
        size: 0,
    })
}

pub(crate) fn raw_file_id(_: i32) -> Option<FileId> {
    Some(OBJECT)
}

pub(crate) fn into_raw(_: File) -> i32 {
    static DESCRIPTORS: AtomicI32 = AtomicI32::new(0);
    DESCRIPTORS.fetch_add(1, Ordering::Relaxed)
}

/// Nobody forks.
pub(crate) fn process_word() -> io::Result<&'static Word> {
    static WORD: Word = Word::new(0);
    Ok(&WORD)
}
