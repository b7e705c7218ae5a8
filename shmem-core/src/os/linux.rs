//! Linux: files by descriptor, open-file-description locks, shared futexes.
#![expect(
    unsafe_code,
    reason = "calls the operating system where rustix has no safe form"
)]
#![expect(
    clippy::allow_attributes,
    reason = "some casts are needed on some targets only"
)]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd, BorrowedFd, FromRawFd as _, IntoRawFd as _, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use rustix::fs::{self, AtFlags, FallocateFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mm::{self, Advice, MapFlags, ProtFlags};
use rustix::thread::futex;
use rustix::time::{ClockId, Timespec};

use crate::schema::{FNV_OFFSET, fnv1a};

use super::{Access, FileId, FileInfo, FileKind};

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

/// A directory held open, so that nobody can put another in its place between two steps.
#[derive(Debug)]
pub(crate) struct Directory(OwnedFd);

impl Directory {
    /// Opens it for looking up names in it; a symbolic link in its place is refused if `follow` is false.
    ///
    /// `O_PATH` asks for permission to search, not to list: other users may have that one only.
    pub(crate) fn open(path: &Path, follow: bool) -> io::Result<Self> {
        let mut flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if !follow {
            flags |= OFlags::NOFOLLOW;
        }
        Ok(Directory(fs::open(path, flags, Mode::empty())?))
    }

    /// Makes it, [`UNFINISHED`](super::UNFINISHED): the umask may have taken bits of its mode away.
    pub(crate) fn make(path: &Path) -> io::Result<()> {
        let mode = Mode::from_raw_mode(0o711 | super::UNFINISHED);
        Ok(fs::mkdir(path, mode)?)
    }

    /// Makes it searchable by everybody and readable by its owner alone, whatever the umask was.
    pub(crate) fn finish(&self) -> io::Result<()> {
        // Not `fchmod(2)`: it asks for a descriptor to read by, which the umask may forbid even the owner.
        let path = proc_path(&self.0);
        Ok(fs::chmod(path, Mode::from_raw_mode(0o711))?)
    }

    pub(crate) fn info(&self) -> io::Result<FileInfo> {
        Ok(describe(&fs::fstat(&self.0)?))
    }

    /// What stands under `name`, without following a symbolic link.
    pub(crate) fn entry(&self, name: &OsStr) -> io::Result<FileInfo> {
        let stat = fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(describe(&stat))
    }

    /// Opens a file without following a symbolic link, and without waiting for the other end of a pipe.
    pub(crate) fn open_file(&self, name: &OsStr, access: Access) -> io::Result<File> {
        let flags = match access {
            Access::Read => OFlags::RDONLY,
            Access::ReadWrite => OFlags::RDWR,
        };
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        Ok(File::from(fs::openat(&self.0, name, flags, Mode::empty())?))
    }

    /// Makes a file under a name that nobody has, with exactly these permission bits.
    pub(crate) fn create_file(&self, name: &OsStr, mode: u32) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let flags = flags | OFlags::CLOEXEC;
        let file = fs::openat(&self.0, name, flags, Mode::from_raw_mode(mode))?;
        fs::fchmod(&file, Mode::from_raw_mode(mode))?;
        Ok(File::from(file))
    }

    /// Makes a file without a name; it is gone with its last descriptor unless it is [linked](Self::link).
    ///
    /// `Unsupported` where the filesystem cannot, or where it could not be linked for want of `/proc`.
    ///
    /// # References
    ///
    /// `open(2)`, `O_TMPFILE`.
    pub(crate) fn create_unnamed(&self, mode: u32) -> io::Result<File> {
        static LINKABLE: OnceLock<bool> = OnceLock::new();
        if !LINKABLE.get_or_init(|| Path::new("/proc/self/fd").exists()) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
        let file = match fs::openat(&self.0, ".", flags, Mode::from_raw_mode(mode)) {
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
                return Err(io::ErrorKind::Unsupported.into());
            }
            other => other?,
        };
        fs::fchmod(&file, Mode::from_raw_mode(mode))?;
        Ok(File::from(file))
    }

    /// Gives the unnamed `file` a name; `AlreadyExists` if the name is taken.
    ///
    /// # References
    ///
    /// `open(2)` shows this use of `/proc/self/fd` for files made with `O_TMPFILE`; the form without `/proc`,
    /// `AT_EMPTY_PATH`, asks for a capability on older kernels.
    pub(crate) fn link(&self, file: &File, name: &OsStr) -> io::Result<()> {
        let path = proc_path(file);
        Ok(fs::linkat(
            fs::CWD,
            path,
            &self.0,
            name,
            AtFlags::SYMLINK_FOLLOW,
        )?)
    }

    /// Gives a file of this directory a second name; `AlreadyExists` if that is taken.
    pub(crate) fn link_name(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(fs::linkat(&self.0, from, &self.0, to, AtFlags::empty())?)
    }

    pub(crate) fn unlink(&self, name: &OsStr) -> io::Result<()> {
        Ok(fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    /// Calls `each` with the names in it, `.` and `..` left out, until it returns false.
    pub(crate) fn names(&self, mut each: impl FnMut(OsString) -> bool) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let listed = fs::openat(&self.0, ".", flags, Mode::empty())?;
        for entry in fs::Dir::new(listed)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." && !each(OsString::from_vec(name)) {
                break;
            }
        }
        Ok(())
    }

    /// The name of the filesystem if it is one whose maps or locks are not coherent.
    ///
    /// # References
    ///
    /// `statfs(2)`; `linux/magic.h`.
    pub(crate) fn incoherent_filesystem(&self) -> io::Result<Option<String>> {
        // The field's type differs between targets; a magic number has 32 bits.
        #[allow(
            clippy::unnecessary_cast,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the type of f_type differs between targets"
        )]
        let magic = fs::fstatfs(&self.0)?.f_type as u32;
        Ok(INCOHERENT
            .iter()
            .find(|(number, _)| *number == magic)
            .map(|(_, name)| (*name).to_owned()))
    }
}

const INCOHERENT: [(u32, &str); 13] = [
    (0x6969, "nfs"),
    (0x517B, "smb"),
    (0xFF53_4D42, "cifs"),
    (0xFE53_4D42, "smb2"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "fuse"),
    (0x9584_58F6, "hugetlbfs"),
    (0x00C3_6400, "ceph"),
    (0x5346_414F, "afs"),
    (0x6B41_4653, "kafs"),
    (0x7375_7245, "coda"),
    (0x786F_4256, "vboxsf"),
    (0x9FA0, "proc"),
];

/// A path that leads to an open file, even one without a name.
fn proc_path(file: &impl AsRawFd) -> OsString {
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

/// Opens an open file once more, for reading and writing, as an open file description of its own.
pub(crate) fn open_again(file: &File) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    Ok(File::from(fs::open(proc_path(file), flags, Mode::empty())?))
}

pub(crate) fn file_info(file: &File) -> io::Result<FileInfo> {
    Ok(describe(&fs::fstat(file)?))
}

/// Which file an open descriptor number leads to now, if any.
pub(crate) fn raw_file_id(fd: RawFd) -> Option<FileId> {
    if fd < 0 {
        return None;
    }
    // SAFETY: only asked about, within this call; a number that is closed is EBADF.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    fs::fstat(fd).ok().map(|stat| describe(&stat).id)
}

/// Fills `buffer` from the bytes at `offset`.
pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    file.read_exact_at(buffer, offset)
}

/// What a path leads to, without following a symbolic link at its end.
pub(crate) fn path_info(path: &Path) -> io::Result<FileInfo> {
    Ok(describe(&fs::lstat(path)?))
}

pub(crate) fn set_group(file: &File, group: u32) -> io::Result<()> {
    let group = rustix::fs::Gid::from_raw(group);
    Ok(fs::fchown(file, None, Some(group))?)
}

#[allow(
    clippy::unnecessary_cast,
    clippy::cast_sign_loss,
    clippy::useless_conversion,
    reason = "the types of the fields differ between targets"
)]
fn describe(stat: &fs::Stat) -> FileInfo {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => FileKind::Regular,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::SymbolicLink,
        _ => FileKind::Other,
    };
    FileInfo {
        id: FileId {
            device: stat.st_dev as u64,
            inode: stat.st_ino as u64,
        },
        kind,
        owner: stat.st_uid,
        group: stat.st_gid,
        mode: stat.st_mode & 0o7777,
        size: stat.st_size as u64,
    }
}

/// Gives `file` its size and the room for it, so that a full filesystem is an error now and not SIGBUS later.
///
/// # References
///
/// `fallocate(2)`. Where the filesystem has no such call, zeros are written: glibc's own stand-in does the
/// same, a byte for each block. Nobody else has the file yet.
pub(crate) fn allocate(file: &File, len: u64) -> io::Result<()> {
    loop {
        match fs::fallocate(file, FallocateFlags::empty(), 0, len) {
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP) => break,
            other => return Ok(other?),
        }
    }
    let zeros = [0; 65_536];
    let mut at = 0;
    while at < len {
        let rest = usize::try_from(len - at).unwrap_or(usize::MAX);
        let chunk = &zeros[..rest.min(zeros.len())];
        at += rustix::io::pwrite(file, chunk, at)? as u64;
    }
    Ok(())
}

/// Whether the cause is that the filesystem, the quota or the largest file size is exhausted.
pub(crate) fn is_no_space(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [Errno::NOSPC, Errno::DQUOT, Errno::FBIG]
        .iter()
        .any(|errno| code == Some(errno.raw_os_error()))
}

/// Whether a symbolic link stood where a file was to be opened without following one.
pub(crate) fn is_symbolic_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
}

/// Whether what was opened cannot be opened that way: a directory for writing, a socket, a device.
pub(crate) fn is_wrong_kind(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [Errno::ISDIR, Errno::NXIO, Errno::NODEV]
        .iter()
        .any(|errno| code == Some(errno.raw_os_error()))
}

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
        let result = unsafe { libc::fcntl(self.0, command, &raw mut lock) };
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

/// A word of this process's own that reads as zero in a child made by `fork` or a bare `clone`.
///
/// # References
///
/// `madvise(2)`, `MADV_WIPEONFORK`.
pub(crate) fn process_word() -> io::Result<&'static AtomicU64> {
    static WORD: OnceLock<&'static AtomicU64> = OnceLock::new();
    if let Some(word) = WORD.get() {
        return Ok(word);
    }
    let len = size_of::<AtomicU64>();
    // SAFETY: a new anonymous mapping at an address of the kernel's choice replaces nothing.
    let at = unsafe {
        mm::mmap_anonymous(
            ptr::null_mut(),
            len,
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::PRIVATE,
        )
    }?;
    // SAFETY: the page was mapped above and nobody has a reference into it.
    unsafe { mm::madvise(at, len, Advice::LinuxWipeOnFork) }?;
    // SAFETY: page-aligned, readable and writable, zero (a value of `AtomicU64`), and never unmapped.
    let word: &'static AtomicU64 = unsafe { &*at.cast::<AtomicU64>() };
    // Two threads may come here at once; the page of the slower one stays unused.
    Ok(WORD.get_or_init(|| word))
}

/// Has the three functions called around every later `fork(3)`: before it, in the parent, in the child.
///
/// # References
///
/// `pthread_atfork(3)`.
pub(crate) fn at_fork(before: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) {
    unsafe extern "C" {
        fn pthread_atfork(
            prepare: Option<extern "C" fn()>,
            parent: Option<extern "C" fn()>,
            child: Option<extern "C" fn()>,
        ) -> libc::c_int;
    }
    // SAFETY: the three are functions of this program, which is never unloaded before its last fork.
    unsafe { pthread_atfork(Some(before), Some(parent), Some(child)) };
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

/// Whether `name` begins like a file that no object has.
pub(crate) fn is_hidden(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b".")
}
