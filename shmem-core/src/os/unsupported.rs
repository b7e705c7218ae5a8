//! A system that is not supported yet: everything compiles, and every attempt is a typed error.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::sync::{self, AtomicU64};

use super::{Access, FileInfo};

pub(crate) const DEFAULT_PARENT: &str = "";

fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn user() -> u32 {
    0
}

pub(crate) fn user_is_unmapped() -> bool {
    false
}

pub(crate) fn elevated() -> bool {
    false
}

pub(crate) fn memory_lock_limit() -> Option<u64> {
    None
}

pub(crate) fn coarse_clock() -> u64 {
    0
}

pub(crate) fn boot() -> io::Result<u64> {
    Ok(0)
}

#[derive(Debug)]
pub(crate) struct Directory;

impl Directory {
    pub(crate) fn open(_: &Path, _: bool) -> io::Result<Self> {
        unsupported()
    }
    pub(crate) fn make(_: &Path) -> io::Result<()> {
        unsupported()
    }
    pub(crate) fn finish(&self) -> io::Result<()> {
        unsupported()
    }
    pub(crate) fn info(&self) -> io::Result<FileInfo> {
        unsupported()
    }
    pub(crate) fn entry(&self, _: &OsStr) -> io::Result<FileInfo> {
        unsupported()
    }
    pub(crate) fn open_file(&self, _: &OsStr, _: Access) -> io::Result<File> {
        unsupported()
    }
    pub(crate) fn create_file(&self, _: &OsStr, _: u32) -> io::Result<File> {
        unsupported()
    }
    pub(crate) fn create_unnamed(&self, _: u32) -> io::Result<File> {
        unsupported()
    }
    pub(crate) fn link(&self, _: &File, _: &OsStr) -> io::Result<()> {
        unsupported()
    }
    pub(crate) fn link_name(&self, _: &OsStr, _: &OsStr) -> io::Result<()> {
        unsupported()
    }
    pub(crate) fn unlink(&self, _: &OsStr) -> io::Result<()> {
        unsupported()
    }
    pub(crate) fn sync(&self, _: &OsStr) -> io::Result<()> {
        unsupported()
    }
    pub(crate) fn may_unlink(&self, _: &FileInfo) -> io::Result<()> {
        unsupported()
    }
    pub(crate) fn names(&self, _: impl FnMut(OsString) -> bool) -> io::Result<()> {
        unsupported()
    }
    pub(crate) fn incoherent_filesystem(&self) -> io::Result<Option<String>> {
        unsupported()
    }
}

pub(crate) fn open_again(_: &File) -> io::Result<File> {
    unsupported()
}

pub(crate) fn file_info(_: &File) -> io::Result<FileInfo> {
    unsupported()
}

pub(crate) fn raw_file_id(_: i32) -> Option<super::FileId> {
    None
}

pub(crate) fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<()> {
    unsupported()
}

pub(crate) fn write_at(_: &File, _: &[u8], _: u64) -> io::Result<()> {
    unsupported()
}

pub(crate) fn path_info(_: &Path) -> io::Result<FileInfo> {
    unsupported()
}

pub(crate) fn set_group(_: &File, _: u32) -> io::Result<()> {
    unsupported()
}

pub(crate) fn allocate(_: &File, _: u64) -> io::Result<()> {
    unsupported()
}

pub(crate) fn is_no_space(_: &io::Error) -> bool {
    false
}

pub(crate) fn is_symbolic_link(_: &io::Error) -> bool {
    false
}

pub(crate) fn is_wrong_kind(_: &io::Error) -> bool {
    false
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LockBytes(pub(crate) i32);

impl LockBytes {
    /// No descriptor at all.
    pub(crate) const CLOSED: LockBytes = LockBytes(-1);

    pub(crate) fn try_lock(self, _: u64) -> io::Result<bool> {
        unsupported()
    }
    pub(crate) fn unlock(self, _: u64) -> io::Result<()> {
        unsupported()
    }
    pub(crate) fn first_locked(self, _: u64, _: u64) -> io::Result<Option<u64>> {
        unsupported()
    }
}

pub(crate) fn into_raw(_: File) -> i32 {
    -1
}

pub(crate) fn close_raw(_: i32) {}

#[derive(Debug)]
pub(crate) struct Anchor;

impl Anchor {
    pub(crate) fn new(_: &File) -> io::Result<Self> {
        unsupported()
    }
    pub(crate) fn forget_in_child(self) {}
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Event;

impl Event {
    pub(crate) fn wait(self, _: &AtomicU64, _: u32, timeout: Duration) {
        sync::sleep(timeout);
    }
    pub(crate) fn wake_one(self, _: &AtomicU64) {}
    pub(crate) fn wake_all(self, _: &AtomicU64) {}
}

pub(crate) fn process_word() -> io::Result<&'static std::sync::atomic::AtomicU64> {
    unsupported()
}

pub(crate) fn at_fork(_: extern "C" fn(), _: extern "C" fn(), _: extern "C" fn()) {}

pub(crate) fn random() -> u64 {
    0
}

pub(crate) fn is_hidden(_: &OsStr) -> bool {
    false
}
