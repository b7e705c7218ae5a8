//! Directories and files, by descriptor.
#![expect(unsafe_code, reason = "asks about a descriptor by its number")]
#![expect(
    clippy::allow_attributes,
    reason = "some casts are needed on some targets only"
)]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::OnceLock;

use rustix::fs::{self, AtFlags, FallocateFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::os::{Access, FileId, FileInfo, FileKind, UNFINISHED};

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

    /// Makes it, [`UNFINISHED`](UNFINISHED): the umask may have taken bits of its mode away.
    pub(crate) fn make(path: &Path) -> io::Result<()> {
        let mode = Mode::from_raw_mode(0o711 | UNFINISHED);
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
        if let Err(error) = fs::fchmod(&file, Mode::from_raw_mode(mode)) {
            drop(self.unlink(name));
            return Err(error.into());
        }
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

    /// Waits until the disk has the names in this directory, `file` among them.
    ///
    /// # References
    ///
    /// `fsync(2)`: that of a file says nothing of its name. EINVAL: such a filesystem has nothing to write. Who may
    /// make names in a directory and not read them has to have the whole filesystem written: `syncfs(2)`.
    pub(crate) fn sync(&self, file: &OsStr) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let synced = match fs::openat(&self.0, ".", flags, Mode::empty()) {
            Err(Errno::ACCESS) => fs::syncfs(self.open_file(file, Access::Read)?),
            other => fs::fsync(other?),
        };
        match synced {
            Err(Errno::INVAL) => Ok(()),
            other => Ok(other?),
        }
    }

    /// An error if this process may not take the name of `file` in this directory away.
    ///
    /// # References
    ///
    /// `unlink(2)`, EACCES, EROFS and EPERM; `inode(7)`, "restricted deletion flag".
    pub(crate) fn may_unlink(&self, file: &FileInfo) -> io::Result<()> {
        let needed = fs::Access::WRITE_OK | fs::Access::EXEC_OK;
        match fs::accessat(&self.0, ".", needed, AtFlags::EACCESS) {
            // Before Linux 5.8 a set-uid program cannot ask.
            Err(Errno::NOSYS) => {}
            other => other?,
        }
        let (directory, me) = (self.info()?, super::user());
        let sticky = directory.mode & 0o1000 != 0;
        if sticky && ![0, directory.owner, file.owner].contains(&me) {
            return Err(Errno::PERM.into());
        }
        Ok(())
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

/// Writes all of `bytes`.
pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
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

/// Whether `name` begins like a file that no object has.
pub(crate) fn is_hidden(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b".")
}
