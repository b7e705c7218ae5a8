//! The few dozen things a system must give. This file alone asks which system it is.
//!
//! Siblings have the same names and signatures:
//!
//! | item | what it gives |
//! |---|---|
//! | `Directory` | a directory held open: look up, create unnamed, link, unlink, list, all relative to it |
//! | `FileId`, `FileInfo` | which file it is; what kind, whose, how large |
//! | `LockBytes` | byte locks that the kernel holds for an open file and drops when its last holder dies |
//! | `Anchor` | keeps an open file alive in this process only |
//! | `Event` | sleeping on a word of an object and waking those who sleep |
//! | `Process` | a word that a forked child sees as zero |
//! | `coarse_clock`, `user`, `elevated` | the monotonic clock, cheaply; who we are |
//!
//! For the model checker, a model is the system.

#[cfg_attr(all(target_os = "linux", not(loom)), path = "linux.rs")]
#[cfg_attr(not(any(target_os = "linux", loom)), path = "unsupported.rs")]
#[cfg_attr(loom, path = "../model/system.rs")]
mod imp;

pub(crate) use imp::*;

/// Which file it is, whatever name leads to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId {
    pub(crate) device: u64,
    pub(crate) inode: u64,
}

/// The sticky bit: in the mode of a directory of named objects until that is what it should be. A umask takes
/// bits away when a directory is made, and its maker may be killed before it has put them back.
pub(crate) const UNFINISHED: u32 = 0o1000;

/// What a directory entry or an open file is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileInfo {
    pub(crate) id: FileId,
    pub(crate) kind: FileKind,
    pub(crate) owner: u32,
    pub(crate) group: u32,
    /// The permission bits.
    pub(crate) mode: u32,
    /// In bytes.
    pub(crate) size: u64,
}

/// The kinds of file that an error message tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    loom,
    expect(dead_code, reason = "the model checker has one kind of file")
)]
pub(crate) enum FileKind {
    Regular,
    Directory,
    SymbolicLink,
    Other,
}

/// How an object's file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    ReadWrite,
}
