//! Which objects there are, and what they hold; and the leftovers of programs that were killed.

use std::ffi::OsStr;
use std::time::Duration;

use crate::build::TEMPORARY;
use crate::directory::{self, Spot};
use crate::info::Info;
use crate::lifecycle::{self, Occupant};
use crate::location::Place;
use crate::opened::{Opened, stored_schema};
use crate::os::{self, Access};
use crate::participant::Locks;
use crate::view::View;
use crate::{Error, Lifetime, Location, Result, StoredKind, StoredSchema};

/// How many names `create` looks at, to see whether a program that was killed left them.
const LOOKS: usize = 4;

/// How many leftovers `list` removes at most.
const SWEEPS: usize = 64;

/// How many names `create` reads at most; with more objects than that it still finds those at the front.
const NAMES: usize = 4096;

/// How old a file without its name must be to count as given up: building takes milliseconds.
const GIVEN_UP: Duration = Duration::from_secs(60);

/// Lists the objects of this user, by name, in the order of their names.
///
/// Files are not listed: they may be anywhere. Leftovers that nobody has open are not listed either, and
/// some of them are removed. What is not an object of ours, or cannot be read, is left out.
///
/// # Errors
///
/// - [`Error::PermissionDenied`], [`Error::Io`]: the directory of named objects cannot be read.
///
/// # Examples
///
/// ```
/// use shmem_core::Shared;
///
/// let hits = u64::create("list-example", 1)?;
/// let all = shmem_core::list()?;
/// let found = all.iter().find(|info| info.location.name() == Some("list-example")).unwrap();
/// assert_eq!((found.type_name.as_str(), found.handles), ("u64", Some(1)));
/// # Ok::<(), shmem_core::Error>(())
/// ```
pub fn list() -> Result<Vec<Info>> {
    list_of(os::user())
}

/// As [`list`], of the named objects of another user, by user id.
///
/// Other users' directories can be searched and not listed, so this is for root. Nothing of theirs is removed.
///
/// # Errors
///
/// - [`Error::PermissionDenied`]: this user may not list them.
/// - [`Error::Io`].
pub fn list_of(uid: u32) -> Result<Vec<Info>> {
    let mut found = Vec::new();
    let mut sweeps = if uid == os::user() { 0 } else { SWEEPS };
    for_each_named(uid, |spot| {
        if is_temporary(&spot.file) {
            return;
        }
        let Ok(visit) = Visit::new(uid, spot) else {
            return;
        };
        match visit.info() {
            Some(info) => found.push(info),
            None if sweeps < SWEEPS => {
                sweeps += 1;
                drop(lifecycle::sweep(spot, &Location::of(spot)));
            }
            None => {}
        }
    })?;
    found.sort_by(|a, b| a.location.name().cmp(&b.location.name()));
    Ok(found)
}

/// The users who have, or had, named objects, by user id.
///
/// # Errors
///
/// [`Error::PermissionDenied`], [`Error::Io`]: the directory of the users' directories cannot be read.
pub fn users() -> Result<Vec<u32>> {
    directory::users().map_err(|source| {
        let doing = "reading the directory of the users' directories";
        Error::from_io(&nowhere(), doing, source)
    })
}

/// Removes every leftover of this user's: objects that live only while somebody has them open, and that
/// nobody has. Returns how many there were.
///
/// There is no need to call it for a name to become free, only to get the memory back at once.
///
/// # Errors
///
/// As [`list`].
pub fn prune() -> Result<usize> {
    let mut swept = 0;
    for_each_named(os::user(), |spot| {
        if is_temporary(&spot.file) {
            swept += usize::from(sweep_temporary(spot));
            return;
        }
        let result = lifecycle::sweep(spot, &Location::of(spot));
        swept += usize::from(matches!(result, Ok(Occupant::Swept)));
    })?;
    Ok(swept)
}

/// Removes the object at `at`, whoever has it open.
///
/// They keep its last value: reads go on, while `write`, `store`, `update` and `wait` say
/// [`Error::Removed`]; those who wait are woken. The name is free at once.
///
/// # Errors
///
/// - [`Error::NotFound`]: there is none.
/// - [`Error::NotAnObject`], [`Error::Corrupt`], [`Error::UnsupportedFormat`]: the file is left as it is.
/// - [`Error::PermissionDenied`]: it is somebody else's, or stands in a directory that this user may not change.
/// - [`Error::Busy`]: for a second a stopped process held the table of handles.
/// - [`Error::InvalidName`], [`Error::Io`].
pub fn remove(at: impl TryInto<Location, Error: Into<Error>>) -> Result<()> {
    let at = at.try_into().map_err(Into::into)?;
    lifecycle::remove(&at)
}

/// Removes a few leftovers, if there are any, so that programs that are killed again and again under ever
/// new names do not fill the memory.
pub(crate) fn sweep_some(spot: &Spot, at: &Location) {
    if !matches!(at.0, Place::Name { .. }) {
        return;
    }
    // A different few each time: reservoir sampling (Vitter, 1985).
    let mut sample = Vec::with_capacity(LOOKS);
    let mut seen = 0_usize;
    let mut random = os::random();
    let read = spot.directory.names(|name| {
        if os::is_hidden(&name) || name == spot.file {
            return true;
        }
        seen += 1;
        if sample.len() < LOOKS {
            sample.push(name);
            return seen < NAMES;
        }
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let slot = usize::try_from(random >> 33).unwrap_or(0) % seen;
        if let Some(place) = sample.get_mut(slot) {
            *place = name;
        }
        seen < NAMES
    });
    if read.is_err() {
        return;
    }
    for name in sample {
        if let Ok(other) = spot.sibling(&name) {
            drop(lifecycle::sweep(&other, &Location::of(&other)));
        }
    }
}

/// For errors that belong to no object.
fn nowhere() -> Location {
    Location(Place::Name {
        owner: None,
        name: "*".into(),
    })
}

/// Calls `each` with every file in a user's directory of named objects, lock files left out.
fn for_each_named(uid: u32, mut each: impl FnMut(&Spot)) -> Result<()> {
    let nowhere = nowhere();
    let Some((directory, path)) = directory::directory_of(uid, &nowhere, false)? else {
        return Ok(());
    };
    let mut names = Vec::new();
    let doing = "reading the directory of named objects";
    directory
        .names(|name| {
            names.push(name);
            true
        })
        .map_err(|source| Error::from_io(&nowhere, doing, source))?;
    for name in names {
        if os::is_hidden(&name) && !is_temporary(&name) {
            continue;
        }
        if let Ok(spot) = Spot::at(&path.join(&name)) {
            each(&spot);
        }
    }
    Ok(())
}

fn is_temporary(file: &OsStr) -> bool {
    file.as_encoded_bytes().starts_with(TEMPORARY.as_bytes())
}

/// Removes the files beside `spot` that killed creators left before they had named them, where files without
/// a name cannot be had.
pub(crate) fn sweep_temporaries(spot: &Spot) {
    let mut found = Vec::new();
    let read = spot.directory.names(|name| {
        if is_temporary(&name) {
            found.push(name);
        }
        found.len() < SWEEPS
    });
    if read.is_ok() {
        for other in found.iter().filter_map(|name| spot.sibling(name).ok()) {
            sweep_temporary(&other);
        }
    }
}

/// Removes a file that has no name of its own yet, if its creator was killed: it is old, and if it is so far
/// that somebody could hold a lock in it, nobody does.
fn sweep_temporary(spot: &Spot) -> bool {
    let age = std::fs::symlink_metadata(&spot.path)
        .and_then(|data| data.modified())
        .map(|time| time.elapsed().unwrap_or_default());
    if !age.is_ok_and(|age| age > GIVEN_UP) {
        return false;
    }
    let live = Visit::new(os::user(), spot).is_ok_and(|visit| {
        let locks = visit.locks.as_ref();
        locks.map_or(true, |locks| !matches!(locks.anyone(), Ok(false)))
    });
    !live && spot.directory.unlink(&spot.file).is_ok()
}

/// A look at an object whose name and type the caller need not know.
pub(crate) struct Visit {
    pub(crate) view: View,
    /// Or why this program may not ask who lives.
    pub(crate) locks: Result<Locks>,
    type_name: String,
}

impl Visit {
    /// Of whatever stands at a spot, in the directory of a user's named objects.
    fn new(uid: u32, spot: &Spot) -> Result<Self> {
        let anywhere = Location::of(spot);
        let opened = Opened::new(spot, &anywhere, Access::Read)?;
        let location = match opened.description.name.as_str() {
            "" => anywhere,
            name if uid == os::user() => Location::try_from(name)?,
            name => Location::owned_by(uid, name)?,
        };
        if location.name().is_some()
            && location.file_name() != spot.file
            && !is_temporary(&spot.file)
        {
            // A copy: its name leads to another file, or nowhere.
            return Err(Error::NotFound { location });
        }
        Visit::to(opened, spot, &location)
    }

    /// Of the object that a location leads to.
    pub(crate) fn of(spot: &Spot, location: &Location) -> Result<Self> {
        let opened = Opened::new(spot, location, Access::Read)?;
        let visit = Visit::to(opened, spot, location)?;
        match visit.info() {
            Some(_) => Ok(visit),
            None => Err(Error::NotFound {
                location: location.clone(),
            }),
        }
    }

    fn to(opened: Opened, spot: &Spot, location: &Location) -> Result<Self> {
        let locks = opened.locks(spot, location, false, Access::Read);
        let schema = stored_schema(&opened.description, location)?;
        let type_name = match schema.kind() {
            StoredKind::Array => schema.type_text(),
            _ => schema.name().to_owned(),
        };
        let view = opened.into_view(spot, location, false, None)?;
        Ok(Visit {
            view,
            locks,
            type_name,
        })
    }

    /// `None` if it is a leftover.
    fn info(&self) -> Option<Info> {
        let mut info = Info::of(&self.view, self.type_name.clone(), None);
        if let Some(live) = self
            .locks
            .as_ref()
            .ok()
            .and_then(|locks| locks.live_rows().ok())
        {
            if live.is_empty() && info.lifetime == Lifetime::WhileOpen {
                return None;
            }
            info.set_live(&self.view, &live);
        }
        (!info.removed).then_some(info)
    }
}

/// Reads the layout of the value at `at`, without knowing its type.
///
/// Of a type that has [grown](derive@crate::Shared#types-that-grow), with the fields of all programs that have
/// the object, or had.
///
/// # Errors
///
/// As [`Shared::open_read_only`](crate::Shared::open_read_only), but for `LayoutMismatch`.
///
/// # Examples
///
/// ```
/// use shmem_core::Shared;
///
/// let _hits = u64::create("schema-example", 1)?;
/// let schema = shmem_core::schema("schema-example")?;
/// assert_eq!((schema.name(), schema.size()), ("u64", 8));
/// # Ok::<(), shmem_core::Error>(())
/// ```
pub fn schema(at: impl TryInto<Location, Error: Into<Error>>) -> Result<StoredSchema> {
    let at = at.try_into().map_err(Into::into)?;
    let spot = Spot::open(&at, false)?;
    let opened = Opened::new(&spot, &at, Access::Read)?;
    opened.layout(&at)
}
