//! Operations that break the protocol: the proof that a violation is noticed.
#![expect(unsafe_code, reason = "writes an object's bytes without asking")]

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap};
use tests::Small;
use tests::raw::{ROW, Raw, control, word};

use crate::operations::{NAME, NEW, ONE};
use crate::stage::home;

const DIRTY: u64 = 1 << 5;

/// An object, mapped for writing.
///
/// # Invariants
///
/// 1. `at` is valid for reads and writes of the whole file for as long as the process lives, from the start of a
///    page.
pub(crate) struct Mapped {
    at: *mut u64,
    control: usize,
    value: usize,
    elements: usize,
}

impl Mapped {
    pub(crate) fn new(path: &Path) -> Self {
        let raw = Raw::read(path);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .unwrap();
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
        let at = unsafe {
            mmap(
                ptr::null_mut(),
                raw.0.len(),
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                &file,
                0,
            )
        };
        Mapped {
            at: at.unwrap().cast(),
            control: raw.offset(word::CONTROL),
            value: raw.value().start,
            elements: raw.offset(word::ROWS) + ROW * raw.offset(word::HANDLES),
        }
    }

    /// A word of the object, which lies within it.
    fn word(&self, offset: usize) -> &AtomicU64 {
        let at = self.at.wrapping_add(offset / 8).cast::<AtomicU64>();
        // SAFETY: within the file (invariant 1), as its header said, and aligned; any bytes are an atomic's.
        unsafe { &*at }
    }

    /// Without a lock, a stamp, or a buffer of its own.
    fn put(&self, offset: usize) {
        let at = self.at.wrapping_add(offset / 8).cast::<Small>();
        // SAFETY: within the file (invariant 1), aligned. Others may read it meanwhile, which is just what must be
        // noticed; they check whatever they find.
        unsafe { at.write_volatile(Small::new(NEW)) };
    }

    fn soil(&self) {
        self.word(self.control + control::CURRENT)
            .fetch_or(DIRTY, Ordering::SeqCst);
    }

    fn publish(&self) {
        let current = self.word(self.control + control::CURRENT);
        let next = ((current.load(Ordering::SeqCst) >> 8) + 1) << 8;
        self.word(self.control + control::STAMPS)
            .store(next >> 8, Ordering::SeqCst);
        current.store(next, Ordering::SeqCst);
    }
}

/// Writes the current buffer.
pub(crate) fn write(object: &Mapped) {
    object.put(object.value);
}

/// Writes one item of an array.
pub(crate) fn item(object: &Mapped) {
    object.put(object.value + ONE * size_of::<Small>());
}

/// Says that a record is complete, then completes it.
pub(crate) fn record(object: &Mapped) {
    let version = object.word(object.control + control::CURRENT);
    let version = version.load(Ordering::SeqCst) >> 8;
    let word = |offset| object.word(object.elements + offset);
    word(520).store(ONE as u64, Ordering::SeqCst);
    word(512).store(version + 1, Ordering::SeqCst);
    object.soil();
    object.put(object.elements + 640);
    item(object);
    object.publish();
}

/// Says that a value is half-written when it has been written.
pub(crate) fn in_place(object: &Mapped) {
    object.put(object.value);
    object.soil();
    object.publish();
}

/// Makes the file under its name first, and fills it then.
pub(crate) fn create() -> File {
    let bytes = Raw::forge(&tests::raw::Forged {
        schema: b"",
        name: NAME.as_bytes(),
        size: 64,
        align: 8,
        handles: 6,
        buffers: 4,
        flags: 1,
    });
    let path: PathBuf = home().join(NAME);
    let mut file = File::create_new(path).unwrap();
    file.write_all(&bytes.0).unwrap();
    file
}
