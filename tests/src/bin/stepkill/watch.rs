//! What others can see of an object: its file's bytes, as the harness's own mapping shows them.
#![expect(unsafe_code, reason = "maps the object's file")]

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// The header and the texts behind it never change: what is compared begins here.
const FROM: usize = 4096;

/// Watches the file under one name.
#[derive(Debug)]
pub(crate) struct Watch {
    path: PathBuf,
    seen: Option<Mapped>,
}

/// # Invariants
///
/// 1. `at` is valid for reads of `len` bytes, a multiple of 8, until it drops.
#[derive(Debug)]
struct Mapped {
    inode: u64,
    at: *const AtomicU64,
    len: usize,
    copy: Vec<u64>,
}

impl Watch {
    pub(crate) fn new(path: PathBuf) -> Self {
        let mut watch = Watch { path, seen: None };
        watch.look_up();
        watch
    }

    /// Looks whether the name leads to another file now.
    pub(crate) fn look_up(&mut self) {
        let Ok(data) = std::fs::metadata(&self.path) else {
            return;
        };
        if self
            .seen
            .as_ref()
            .is_some_and(|seen| seen.inode == data.ino())
        {
            return;
        }
        self.seen = Mapped::new(&self.path, data.ino(), data.len());
    }

    /// Whether any byte differs from the last time, and where the first one is.
    pub(crate) fn change(&mut self) -> Option<usize> {
        self.seen.as_mut()?.change()
    }
}

impl Mapped {
    fn new(path: &Path, inode: u64, len: u64) -> Option<Self> {
        let len = usize::try_from(len).ok()? / 8 * 8;
        let file = File::open(path).ok()?;
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
        let at = unsafe {
            mmap(
                ptr::null_mut(),
                len,
                ProtFlags::READ,
                MapFlags::SHARED,
                &file,
                0,
            )
        };
        let mut mapped = Mapped {
            inode,
            at: at.ok()?.cast_const().cast(),
            len,
            copy: vec![0; len / 8],
        };
        mapped.change();
        Some(mapped)
    }

    fn change(&mut self) -> Option<usize> {
        let mut first = None;
        for index in FROM / 8..self.len / 8 {
            let word = self.at.wrapping_add(index);
            // SAFETY: within `len` (invariant 1), aligned, since a mapping begins at a page; any bytes are a
            // value of an atomic, and the file keeps its length.
            let word = unsafe { &*word };
            let word = word.load(Ordering::Relaxed);
            if self.copy[index] != word {
                self.copy[index] = word;
                first.get_or_insert(index * 8);
            }
        }
        first
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`; nobody has a reference into it.
        let _ = unsafe { munmap(self.at.cast_mut().cast(), self.len) };
    }
}
