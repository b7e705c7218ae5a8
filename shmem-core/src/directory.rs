//! The directory in which a location's file stands, checked and held open.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::location::{self, Place};
use crate::os::{self, FileId, FileInfo};
use crate::{Error, Location};

/// A location's directory, and the name of its file there.
#[derive(Debug)]
pub(crate) struct Spot {
    pub(crate) directory: os::Directory,
    pub(crate) file: OsString,
    /// Directory and name together, for looking up without holding a descriptor.
    pub(crate) path: PathBuf,
}

/// How many names to try if somebody else has taken ours.
const SQUATTERS: u32 = 10;

impl Spot {
    /// Opens the directory of `location`; makes the user's own directory of named objects if `make`.
    pub(crate) fn open(location: &Location, make: bool) -> Result<Self, Error> {
        let doing = "opening the directory of the object";
        let io = |source: io::Error| match source.kind() {
            // The object is absent; its directory should not be.
            io::ErrorKind::NotFound if make => Error::Io {
                location: location.clone(),
                doing,
                source,
            },
            _ => Error::from_io(location, doing, source),
        };
        let file = location.file_name();
        let (directory, path) = match &location.0 {
            Place::Name { owner, .. } => {
                let found = match *owner {
                    None => own_directory(location, make)?,
                    Some(uid) => directory_of(uid, location, make)?,
                };
                found.ok_or_else(|| Error::NotFound {
                    location: location.clone(),
                })?
            }
            Place::File(path) => {
                let parent = path.parent().unwrap_or(Path::new("/"));
                let directory = os::Directory::open(parent, true).map_err(io)?;
                (directory, parent.to_owned())
            }
        };
        let path = path.join(&file);
        Ok(Spot {
            directory,
            file,
            path,
        })
    }

    /// The spot of a path that [`Spot::open`] gave, wherever the location would lead by now.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        let (Some(parent), Some(file)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        Ok(Spot {
            directory: os::Directory::open(parent, true)?,
            file: file.to_owned(),
            path: path.to_owned(),
        })
    }

    /// Another name in the same directory.
    pub(crate) fn sibling(&self, file: &std::ffi::OsStr) -> io::Result<Self> {
        Spot::at(&self.path.with_file_name(file))
    }

    /// What stands under the name now, if anything.
    pub(crate) fn entry(&self) -> io::Result<Option<FileInfo>> {
        match self.directory.entry(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    /// Whether the name leads to this very file now. Under the file's `MEMBER` that stays so.
    pub(crate) fn leads_to(&self, id: FileId) -> io::Result<bool> {
        let same = self.entry()?.is_some_and(|entry| entry.id == id);
        Ok(same || cfg!(mutation = "unlink_without_looking"))
    }
}

/// The directory of this user's named objects; `None` if there is none yet and `make` is false.
pub(crate) fn own_directory(
    location: &Location,
    make: bool,
) -> Result<Option<(os::Directory, PathBuf)>, Error> {
    let doing = "opening the directory of named objects";
    if os::user_is_unmapped() {
        let source = io::Error::other(
            "this user id stands for every unmapped user, so its directory would be everybody's",
        );
        return Err(Error::PermissionDenied {
            location: location.clone(),
            doing,
            source,
        });
    }
    find(os::user(), make).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::Io {
            location: location.clone(),
            doing,
            source,
        },
        _ => Error::from_io(location, doing, source),
    })
}

/// The directory of a user's named objects, which is made for nobody but this one.
pub(crate) fn directory_of(
    uid: u32,
    location: &Location,
    make: bool,
) -> Result<Option<(os::Directory, PathBuf)>, Error> {
    if uid == os::user() {
        return own_directory(location, make);
    }
    let doing = "opening the directory of another user's objects";
    find(uid, false).map_err(|source| Error::from_io(location, doing, source))
}

/// The users who have a directory of named objects.
pub(crate) fn users() -> io::Result<Vec<u32>> {
    let parent = os::Directory::open(&location::parent_of_names(), true)?;
    let mut found = BTreeSet::new();
    parent.names(|name| {
        let rest = name.to_str().and_then(|name| name.strip_prefix("shmem-"));
        let number = rest.and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        found.extend(number);
        true
    })?;
    let has_one = |uid: &u32| matches!(find(*uid, false), Ok(Some(_)));
    Ok(found.into_iter().filter(has_one).collect())
}

/// The lowest-numbered `shmem-<uid>` or `shmem-<uid>-<k>` that belongs to `uid` and that only `uid` can
/// write; made, if there is none and `make` is true.
///
/// The parent is sticky and everybody's: anybody may have taken the name.
fn find(uid: u32, make: bool) -> io::Result<Option<(os::Directory, PathBuf)>> {
    let parent = location::parent_of_names();
    let candidate = |k: u32| match k {
        0 => parent.join(format!("shmem-{uid}")),
        _ => parent.join(format!("shmem-{uid}-{k}")),
    };
    let mut free = None;
    for k in 0..SQUATTERS {
        let path = candidate(k);
        match os::Directory::open(&path, false) {
            Ok(directory) => {
                let info = directory.info()?;
                if info.owner == uid && info.mode & 0o022 == 0 {
                    finish(&directory, &info)?;
                    return Ok(Some((directory, path)));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                free.get_or_insert(path);
            }
            Err(error) if is_strangers(&error) => {}
            // Such as no descriptors left: it may be ours all the same, and the next one that is free is not.
            Err(error) => return Err(error),
        }
    }
    if !make {
        return Ok(None);
    }
    let Some(path) = free else {
        let text = "every name for the directory of named objects is taken by somebody else";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    };
    match os::Directory::make(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => other?,
    }
    let directory = os::Directory::open(&path, false)?;
    let info = directory.info()?;
    if info.owner != uid || info.mode & 0o022 != 0 {
        let text = "somebody else took the name of the directory of named objects just now";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    finish(&directory, &info)?;
    Ok(Some((directory, path)))
}

/// Whether what was to be opened is no directory, as a link is none, or closed to us: not ours.
fn is_strangers(error: &io::Error) -> bool {
    let kinds = [
        io::ErrorKind::NotADirectory,
        io::ErrorKind::PermissionDenied,
    ];
    kinds.contains(&error.kind())
}

/// Gives our directory its mode if whoever made it has not come to that, and may never.
fn finish(directory: &os::Directory, info: &FileInfo) -> io::Result<()> {
    if info.owner == os::user() && info.mode & os::UNFINISHED != 0 {
        directory.finish()?;
    }
    Ok(())
}
