//! What `fork` would otherwise break: a child must not look like its parent.
//!
//! A child inherits descriptors, and with them the locks by which others know that the parent lives. So the
//! lock descriptors of all handles stand in one table, and a child closes them before it runs on. It never
//! unlocks them: an unlock would reach through to the parent. Each handle remembers the epoch it was opened
//! in; a word that the kernel wipes in a child tells, by one load, that this is another process now.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use crate::os::{self, Anchor, FileId, LockBytes};
use crate::sync;

/// One lock descriptor of this process.
struct Entry {
    bytes: LockBytes,
    file: FileId,
    /// Where its `LIVE` byte lies, if it has one.
    live: Option<u64>,
    /// The thread that holds the writer lock through this descriptor's handle; 0 if none.
    writer: Arc<AtomicU64>,
    /// Whether the number is a later entry's by now.
    lost: Arc<AtomicBool>,
}

/// By index; `None` is free to be used again.
static TABLE: Mutex<Vec<Option<Entry>>> = Mutex::new(Vec::new());
static EPOCHS: AtomicU64 = AtomicU64::new(0);

fn table() -> MutexGuard<'static, Vec<Option<Entry>>> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// The table is locked while the process forks, so that no descriptor is open and not yet in it.
    static DURING_FORK: Cell<Option<MutexGuard<'static, Vec<Option<Entry>>>>> = const { Cell::new(None) };
}

extern "C" fn before() {
    let _ = DURING_FORK.try_with(|held| held.set(Some(table())));
}

extern "C" fn after_in_parent() {
    let _ = DURING_FORK.try_with(|held| drop(held.take()));
}

extern "C" fn after_in_child() {
    let _ = DURING_FORK.try_with(|held| {
        if let Some(mut table) = held.take() {
            close_all(&mut table);
        }
    });
}

/// Closes what was inherited. The entries keep their memory: a child of a threaded process allocates and
/// frees as little as it can.
fn close_all(table: &mut [Option<Entry>]) {
    for entry in table.iter_mut().flatten() {
        let bytes = std::mem::replace(&mut entry.bytes, LockBytes::CLOSED);
        // It may have been closed before, and be a file of the program's own by now.
        if os::raw_file_id(bytes.0) == Some(entry.file) {
            os::close_raw(bytes.0);
        }
    }
}

/// A lock descriptor in the table. Dropped, it closes the descriptor, unless that is the parent's.
#[derive(Debug)]
pub(crate) struct Registered {
    index: usize,
    bytes: LockBytes,
    file: FileId,
    anchor: Option<Anchor>,
    /// The thread that holds the writer lock through this handle; 0 if none.
    pub(crate) writer: Arc<AtomicU64>,
    lost: Arc<AtomicBool>,
    word: &'static AtomicU64,
    epoch: u64,
}

impl Registered {
    /// Opens a lock descriptor with `open` and enters it; `anchored` if its locks must outlast `closefrom`.
    pub(crate) fn open(
        anchored: bool,
        open: impl FnOnce() -> io::Result<File>,
    ) -> io::Result<Self> {
        static INSTALL: Once = Once::new();
        INSTALL.call_once(|| os::at_fork(before, after_in_parent, after_in_child));
        let word = os::process_word()?;
        let mut table = table();
        if word.load(Ordering::Relaxed) == 0 {
            // The first handle of this process; or a child made past `fork(3)`, by a bare `clone`.
            close_all(&mut table);
            word.store(
                EPOCHS.fetch_add(1, Ordering::Relaxed) + 1,
                Ordering::Relaxed,
            );
        }
        let file = open()?;
        let id = os::file_info(&file)?.id;
        let anchor = if anchored {
            Some(Anchor::new(&file)?)
        } else {
            None
        };
        let bytes = LockBytes(os::into_raw(file));
        let writer = Arc::new(AtomicU64::new(0));
        for entry in table.iter_mut().flatten() {
            if entry.bytes == bytes {
                // Its number was closed behind its back, and is ours now.
                entry.bytes = LockBytes::CLOSED;
                entry.lost.store(true, Ordering::Relaxed);
            }
        }
        let lost = Arc::new(AtomicBool::new(false));
        let entry = Some(Entry {
            bytes,
            file: id,
            live: None,
            writer: Arc::clone(&writer),
            lost: Arc::clone(&lost),
        });
        let index = match table.iter().position(Option::is_none) {
            Some(index) => {
                table[index] = entry;
                index
            }
            None => {
                table.push(entry);
                table.len() - 1
            }
        };
        Ok(Registered {
            index,
            bytes,
            file: id,
            anchor,
            writer,
            lost,
            word,
            epoch: word.load(Ordering::Relaxed),
        })
    }

    /// Whether this process is the one that opened it.
    #[inline]
    pub(crate) fn is_ours(&self) -> bool {
        self.word.load(Ordering::Relaxed) == self.epoch
    }

    /// The lock bytes, if the descriptor is still the one that was opened.
    ///
    /// A stray `closefrom(3)` may have closed it, and its number may lead to another file by now, on which
    /// nobody would seem to hold any lock; or to the same file by way of a later handle, which would not see
    /// its own lock. An error, never "dead".
    pub(crate) fn bytes(&self) -> io::Result<LockBytes> {
        let lost = self.lost.load(Ordering::Relaxed);
        if !lost && os::raw_file_id(self.bytes.0) == Some(self.file) {
            return Ok(self.bytes);
        }
        Err(io::Error::other(
            "the descriptor of the object's locks was closed by another part of this program",
        ))
    }

    /// Which file holds the lock bytes.
    pub(crate) fn file(&self) -> FileId {
        self.file
    }

    /// Remembers the byte by which others know that this handle lives.
    pub(crate) fn set_live(&self, byte: u64) {
        if let Some(Some(entry)) = table().get_mut(self.index) {
            entry.live = Some(byte);
        }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        if !self.is_ours() {
            if let Some(anchor) = self.anchor.take() {
                anchor.forget_in_child();
            }
            return;
        }
        let mut table = table();
        drop(table.get_mut(self.index).and_then(Option::take));
        if self.bytes().is_ok() {
            os::close_raw(self.bytes.0);
        }
    }
}

/// Whether the calling thread holds the writer lock of the handle, in this process, whose `LIVE` byte is
/// `byte` of `file`.
pub(crate) fn is_own_writer(file: FileId, byte: u64) -> bool {
    let me = sync::thread();
    table().iter().flatten().any(|entry| {
        // What a forked child inherited is closed: threads of the parent are not its own.
        entry.bytes != LockBytes::CLOSED
            && entry.file == file
            && entry.live == Some(byte)
            && entry.writer.load(Ordering::Relaxed) == me
    })
}
