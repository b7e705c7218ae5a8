//! Byte locks by which the kernel tells who lives, and what keeps them.
#![expect(unsafe_code, reason = "calls fcntl, mmap and madvise")]

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, FromRawFd as _, IntoRawFd as _, OwnedFd, RawFd};
use std::ptr;

use rustix::io::Errno;
use rustix::mm::{self, Advice, MapFlags, ProtFlags};

/// Byte locks on one open file description: held until unlocked or until the last descriptor and mapping of
/// that description is gone, however its process ends; independent of process ids and namespaces.
///
/// The descriptor is a number here and no `File`: it is owned by the table in `fork.rs`, which closes it in
/// a forked child.
///
/// # References
///
/// `fcntl_locking(2)`, "Open file description locks (non-POSIX)".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LockBytes(pub(crate) RawFd);

impl LockBytes {
    /// No descriptor at all.
    pub(crate) const CLOSED: LockBytes = LockBytes(-1);

    /// Takes one byte exclusively; false if somebody else has it.
    pub(crate) fn try_lock(self, byte: u64) -> io::Result<bool> {
        match self.fcntl(libc::F_OFD_SETLK, libc::F_WRLCK, byte, 1) {
            Ok(_) => Ok(true),
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::AGAIN | Errno::ACCESS) => Ok(false),
                _ => Err(error),
            },
        }
    }

    pub(crate) fn unlock(self, byte: u64) -> io::Result<()> {
        self.fcntl(libc::F_OFD_SETLK, libc::F_UNLCK, byte, 1)?;
        Ok(())
    }

    /// A byte in the range that somebody else holds exclusively: the first in the kernel's list, which need not be
    /// the lowest.
    ///
    /// It asks as a reader would, so that read locks of programs that may only read do not count.
    pub(crate) fn first_locked(self, start: u64, len: u64) -> io::Result<Option<u64>> {
        let found = self.fcntl(libc::F_OFD_GETLK, libc::F_RDLCK, start, len)?;
        if i32::from(found.l_type) == libc::F_UNLCK {
            return Ok(None);
        }
        // The lock found may begin before the range.
        Ok(Some(
            u64::try_from(found.l_start).unwrap_or(start).max(start),
        ))
    }

    fn fcntl(self, command: i32, kind: i32, start: u64, len: u64) -> io::Result<RawLock> {
        let out_of_range = |_| io::Error::from(io::ErrorKind::InvalidInput);
        // SAFETY: all-zero is a value of this plain struct of integers; `l_pid` must be zero for these locks.
        let mut lock: RawLock = unsafe { std::mem::zeroed() };
        lock.l_type = kind.try_into().map_err(out_of_range)?;
        lock.l_whence = libc::SEEK_SET.try_into().map_err(out_of_range)?;
        lock.l_start = start.try_into().map_err(out_of_range)?;
        lock.l_len = len.try_into().map_err(out_of_range)?;
        // SAFETY: these commands read and write one `flock` structure, which `lock` is; any descriptor number
        // may be given, a closed one is EBADF.
        #[cfg(target_pointer_width = "64")]
        let result = unsafe { libc::fcntl(self.0, command, &raw mut lock) };
        // SAFETY: as above. Not glibc's `fcntl`, which takes the structure for one of 32-bit offsets here.
        #[cfg(not(target_pointer_width = "64"))]
        let result = unsafe { libc::syscall(libc::SYS_fcntl64, self.0, command, &raw mut lock) };
        if result == -1 {
            return Err(io::Error::last_os_error());
        }
        Ok(lock)
    }
}

/// The structure with 64-bit offsets, which these commands take on every target.
#[cfg(target_pointer_width = "64")]
type RawLock = libc::flock;
#[cfg(not(target_pointer_width = "64"))]
type RawLock = libc::flock64;

/// Takes a descriptor out of the care of `File`.
pub(crate) fn into_raw(file: File) -> RawFd {
    file.into_raw_fd()
}

/// Closes a descriptor that [`into_raw`] gave.
pub(crate) fn close_raw(fd: RawFd) {
    // SAFETY: the caller owns `fd`, since `into_raw` gave it out and it is closed once.
    drop(unsafe { OwnedFd::from_raw_fd(fd) });
}

/// One page of a file mapped without access, so that the open file description and its locks live until
/// this is dropped, even if a stray `closefrom(3)` closes the descriptor; a forked child does not get it.
///
/// # References
///
/// `madvise(2)`, `MADV_DONTFORK`.
#[derive(Debug)]
pub(crate) struct Anchor(*mut std::ffi::c_void);

// SAFETY: the address is only kept to unmap it once; nothing is read or written through it.
unsafe impl Send for Anchor {}
// SAFETY: as above; there are no methods.
unsafe impl Sync for Anchor {}

impl Anchor {
    pub(crate) fn new(file: &File) -> io::Result<Self> {
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
        let at = unsafe {
            mm::mmap(
                ptr::null_mut(),
                1,
                ProtFlags::empty(),
                MapFlags::SHARED,
                file.as_fd(),
                0,
            )
        }?;
        let anchor = Anchor(at);
        // SAFETY: the page was mapped above and nobody has a reference into it.
        unsafe { mm::madvise(at, 1, Advice::LinuxDontFork) }?;
        Ok(anchor)
    }
}

impl Drop for Anchor {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, unmapped once; in a forked child nothing is mapped there, or something
        // that came later, so `forget_in_child` keeps this from running.
        let _ = unsafe { mm::munmap(self.0, 1) };
    }
}

impl Anchor {
    /// For a forked child, which never had the page.
    pub(crate) fn forget_in_child(self) {
        // The address is the only content: nothing leaks.
        let _ = std::mem::ManuallyDrop::new(self);
    }
}
