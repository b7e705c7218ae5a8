//! The system calls that creating and opening an object take at least, and nothing else: the limit of `life`.
#![expect(unsafe_code, reason = "calls the operating system")]

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::ptr;

use harness::{Outcome, Peer, Place, Value, failed};

const FOLDER: &str = "/dev/shm";
/// The header, the words that are shared, and the rows.
const HEAD: usize = 16 << 10;
const BUFFERS: usize = 4;

/// A mapped file and a second descriptor of it, to which the locks of the handle belong.
///
/// What is promised takes these: to be there whole or not at all, an unnamed file that is named at the end; never to
/// run out of memory later, an allocation; to know who lives, a lock of the kernel's on the row of each handle, taken
/// under one that orders who comes and goes; to trust nothing that was not looked at, the file's properties and header.
pub(super) struct Calls<const W: usize> {
    start: *mut libc::c_void,
    locks: File,
    created: Option<String>,
}

fn check(result: libc::c_int) -> Outcome<()> {
    if result < 0 {
        return Err(failed(std::io::Error::last_os_error()));
    }
    Ok(())
}

/// Locks a byte, gives it back, or asks who has it.
fn lock(file: &File, command: libc::c_int, kind: libc::c_int, byte: libc::off_t) -> Outcome<()> {
    // SAFETY: all zeros is a lock.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock.l_start = (1 << 62) + byte;
    lock.l_len = 1;
    // SAFETY: `lock` is valid for reads and writes.
    check(unsafe { libc::fcntl(file.as_raw_fd(), command, &mut lock) })
}

impl<const W: usize> Calls<W> {
    const LEN: usize = HEAD + BUFFERS * size_of::<Value<W>>().next_multiple_of(64);

    fn map(file: &File, locks: File) -> Outcome<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let (none, flags, fd) = (ptr::null_mut(), libc::MAP_SHARED, file.as_raw_fd());
        // SAFETY: a new mapping, which replaces none.
        let start = unsafe { libc::mmap(none, Self::LEN, protection, flags, fd, 0) };
        if start == libc::MAP_FAILED {
            return Err(failed(std::io::Error::last_os_error()));
        }
        Ok(Calls {
            start,
            locks,
            created: None,
        })
    }

    /// Takes a row, under the lock that orders who comes and goes.
    fn sit(&self, row: libc::off_t) -> Outcome<()> {
        lock(&self.locks, libc::F_OFD_SETLK, libc::F_WRLCK, 0)?;
        lock(&self.locks, libc::F_OFD_GETLK, libc::F_WRLCK, row)?;
        lock(&self.locks, libc::F_OFD_SETLK, libc::F_WRLCK, row)?;
        // The first touch of what every handle uses: the header, and its row.
        for page in [0, 1] {
            let word = self.start.cast::<u64>().wrapping_add(page * 4096 / 8);
            // SAFETY: within the mapping, which has more pages than that.
            unsafe { word.write_volatile(1) };
        }
        lock(&self.locks, libc::F_OFD_SETLK, libc::F_UNLCK, 0)
    }
}

impl<const W: usize> Peer<W> for Calls<W> {
    const OPERATIONS: &[&str] = &[];

    fn create(place: &Place) -> Outcome<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let file = options
            .clone()
            .custom_flags(libc::O_TMPFILE)
            .mode(0o600)
            .open(FOLDER)?;
        let len = Self::LEN as libc::off_t;
        // SAFETY: no pointers.
        check(unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, len) })?;
        let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
        let locks = options.open(&unnamed)?;
        let mut new = Self::map(&file, locks)?;
        new.sit(1)?;
        let path = place.path();
        let (from, to) = (CString::new(unnamed)?, CString::new(path.as_str())?);
        let (here, follow) = (libc::AT_FDCWD, libc::AT_SYMLINK_FOLLOW);
        // SAFETY: two strings that end with a zero.
        check(unsafe { libc::linkat(here, from.as_ptr(), here, to.as_ptr(), follow) })?;
        new.created = Some(path);
        Ok(new)
    }

    fn open(place: &Place) -> Outcome<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let file = options.open(place.path())?;
        file.metadata()?;
        file.read_exact_at(&mut [0; 256], 0)?;
        let new = Self::map(&file, options.open(place.path())?)?;
        new.sit(2)?;
        Ok(new)
    }
}

impl<const W: usize> Drop for Calls<W> {
    fn drop(&mut self) {
        // SAFETY: mapped in `map` with that length; nothing is borrowed from it.
        unsafe { libc::munmap(self.start, Self::LEN) };
        if let Some(path) = &self.created {
            drop(std::fs::remove_file(path));
        }
    }
}
