//! From nothing to an object and back: create, join, retire, close. Files, links and permissions.
//!
//! Invariant: what has a name is complete. An object is built in a file without a name and linked when it is
//! done, so a creator killed anywhere leaves nothing.
//!
//! Invariant: a name is taken away only under `MEMBER`, after comparing that it leads to the very file whose
//! `MEMBER` is held. Comparing without it is not atomic: a live object would lose its name.
#![expect(
    unsafe_code,
    reason = "writes the first bytes of an object that nobody else can see yet"
)]

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::atomic::AtomicBool;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::cell::{self, Current};
use crate::directory::Spot;
use crate::fork::Registered;
use crate::header::{Description, Header, Layout, MAX_HANDLES, Row, Shape};
use crate::info::Info;
use crate::location::Place;
use crate::lock;
use crate::mapping::Mapping;
use crate::notify;
use crate::options::Settings;
use crate::os::{self, Access, Event, FileId, FileInfo, FileKind};
use crate::participant::{self, Locks, PATIENCE, Seat};
use crate::sync::{AtomicU64, Ordering};
use crate::{Difference, Error, Lifetime, Location, Schema, StoredSchema, Trust};

/// The locks of an object lie at this offset of its own file: far behind its bytes, which they do not touch.
const OWN_LOCK_BASE: u64 = 1 << 62;

/// The type a program wants to see in an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) schema: &'static Schema,
    pub(crate) fingerprint: u64,
}

/// An object opened for reading: the part that needs no permission to write.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) location: Location,
    pub(crate) path: PathBuf,
    pub(crate) file: FileId,
    pub(crate) header: Header,
    pub(crate) mapping: Mapping,
}

/// A handle's part in an object.
#[derive(Debug)]
pub(crate) struct Attachment {
    pub(crate) view: View,
    pub(crate) locks: Locks,
    pub(crate) seat: Seat,
    /// The last version whose bytes this handle has seen to be a value.
    pub(crate) validated: AtomicU64,
    pub(crate) interrupted: AtomicBool,
}

/// An object's file that was opened and whose header was checked.
struct Opened {
    file: File,
    info: FileInfo,
    description: Description,
}

impl Opened {
    /// Opens what stands under the name. Changes nothing, follows no link, waits for nobody.
    fn new(spot: &Spot, location: &Location, access: Access) -> Result<Self, Error> {
        let not_an_object = |found: &str| Error::NotAnObject {
            location: location.clone(),
            found: found.to_owned(),
            expected: "a regular file",
        };
        let file = match spot.directory.open_file(&spot.file, access) {
            Err(error) if os::is_symbolic_link(&error) => {
                return Err(not_an_object("a symbolic link"));
            }
            Err(error) if os::is_wrong_kind(&error) => {
                return Err(not_an_object("a directory, socket or device"));
            }
            other => other.map_err(|e| Error::from_io(location, "opening the object", e))?,
        };
        let io = |source| Error::from_io(location, "looking at the object", source);
        let info = os::file_info(&file).map_err(io)?;
        match info.kind {
            FileKind::Regular => {}
            FileKind::Directory => return Err(not_an_object("a directory")),
            FileKind::SymbolicLink | FileKind::Other => {
                return Err(not_an_object("a pipe, socket or device"));
            }
        }
        if let Some(found) = spot.directory.incoherent_filesystem().map_err(io)? {
            return Err(Error::UnsupportedFilesystem {
                location: location.clone(),
                found,
            });
        }
        let description = Description::read(&file, info.size, location)?;
        // A named object whose name is cut and hashed must be the one that was asked for; a file may be moved.
        let name = &description.name;
        if location.name().is_some() && name != location.stored_name() {
            return Err(Error::NotAnObject {
                location: location.clone(),
                found: format!("an object named `{name}`"),
                expected: "an object of this name",
            });
        }
        Ok(Opened {
            file,
            info,
            description,
        })
    }

    /// A lock descriptor of its own for this object: payload is mapped through another.
    fn locks(
        &self,
        spot: &Spot,
        location: &Location,
        anchored: bool,
        access: Access,
    ) -> Result<Locks, Error> {
        let header = &self.description.header;
        let (name, expected) = match header.lock_inode {
            0 => (spot.file.clone(), self.info.id.inode),
            inode => (lock_file_name(header.lock_mode, self.info.group), inode),
        };
        let open = || spot.directory.open_file(&name, access);
        let doing = "opening the object's locks";
        let registered =
            Registered::open(anchored, open).map_err(|source| match source.kind() {
                // The file that holds the locks is gone: never "nobody has it open".
                io::ErrorKind::NotFound if header.lock_inode != 0 => Error::Corrupt {
                    location: location.clone(),
                    what: "lock file",
                    found: "missing".into(),
                    expected: format!("inode {expected}"),
                },
                _ => Error::from_io(location, doing, source),
            })?;
        let found = registered.file();
        if found.inode == expected && found.device == self.info.id.device {
            return Ok(Locks::new(registered, header));
        }
        if header.lock_inode == 0 {
            // The name led elsewhere between two looks at it: the caller starts over.
            return Err(Error::NotFound {
                location: location.clone(),
            });
        }
        Err(Error::Corrupt {
            location: location.clone(),
            what: "lock file",
            found: format!("inode {}", found.inode),
            expected: format!("inode {expected}"),
        })
    }

    fn into_view(self, spot: &Spot, location: &Location, writable: bool) -> Result<View, Error> {
        let mapping = Mapping::new(&self.file, self.description.header.layout, writable)
            .map_err(|source| Error::from_io(location, "mapping the object", source))?;
        Ok(View {
            location: location.clone(),
            path: spot.path.clone(),
            file: self.info.id,
            header: self.description.header,
            mapping,
        })
    }

    fn check_layout(&self, location: &Location, wanted: Wanted) -> Result<(), Error> {
        if self.description.header.fingerprint == wanted.fingerprint {
            let shape = &self.description.header.layout.shape;
            let size = wanted.schema.size() as u64;
            if shape.size == size && shape.align.max(128) >= wanted.schema.align as u64 {
                return Ok(());
            }
            return Err(Error::Corrupt {
                location: location.clone(),
                what: "size of the value",
                found: format!("{} bytes aligned to {}", shape.size, shape.align),
                expected: format!("{size} bytes aligned to {}", wanted.schema.align),
            });
        }
        let theirs = stored_schema(&self.description, location)?;
        let ours = StoredSchema::from(wanted.schema);
        match Difference::between(&theirs, &ours) {
            Some(diff) => Err(Error::LayoutMismatch {
                location: location.clone(),
                diff: Box::new(diff),
            }),
            // Two texts with one meaning: not what this library writes.
            None => Err(Error::Corrupt {
                location: location.clone(),
                what: "schema",
                found: "a layout like this program's in other words".into(),
                expected: "the words of docs/format.md".into(),
            }),
        }
    }
}

/// Whether only those whom `trust` names can write the file.
fn check_trust(location: &Location, owner: u32, mode: u32, trust: Trust) -> Result<(), Error> {
    let foreign = owner != os::user() && owner != 0;
    let who = match trust {
        Trust::Anyone => return Ok(()),
        _ if mode & 0o002 != 0 => "every user",
        Trust::Group => return Ok(()),
        Trust::OwnerOnly if mode & 0o020 != 0 => "its group",
        Trust::OwnerOnly if foreign => "its owner",
        Trust::OwnerOnly => return Ok(()),
    };
    Err(Error::Untrusted {
        location: location.clone(),
        owner,
        mode,
        who,
    })
}

/// The lock file for objects that some may read and not write: open to those who may write, and nobody else,
/// since who can open it can hold its locks.
fn lock_file_name(mode: u32, group: u32) -> OsString {
    match mode & 0o060 {
        0 => format!(".lock-{mode:o}").into(),
        _ => format!(".lock-{mode:o}-{group}").into(),
    }
}

/// The permission bits of that lock file; 0 if everybody who may read may write as well.
fn lock_mode(mode: u32) -> u32 {
    let readers = mode >> 2 & 0o111;
    let writers = mode >> 1 & 0o111;
    if readers & !writers == 0 {
        0
    } else {
        writers * 6
    }
}

/// Opens the object and takes a row in it.
pub(crate) fn join(
    location: &Location,
    wanted: Wanted,
    settings: &Settings,
) -> Result<Attachment, Error> {
    loop {
        let spot = Spot::open(location, false)?;
        let opened = Opened::new(&spot, location, Access::ReadWrite)?;
        let FileInfo { owner, mode, .. } = opened.info;
        check_trust(location, owner, mode, settings.trust)?;
        opened.check_layout(location, wanted)?;
        let locks = match opened.locks(&spot, location, true, Access::ReadWrite) {
            Err(Error::NotFound { .. }) => continue,
            other => other?,
        };
        let io = |source| Error::from_io(location, "joining the object", source);
        let member = locks.member(PATIENCE).map_err(io)?;
        let member = member.ok_or_else(|| stuck(location))?;
        // Under MEMBER the name stays; before, it may have led elsewhere.
        match spot.entry().map_err(io)? {
            Some(entry) if entry.id == opened.info.id => {}
            _ => continue,
        }
        let limit = opened.description.header.layout.shape.handles;
        let view = opened.into_view(&spot, location, true)?;
        let control = view.mapping.control();
        let nobody = !locks.anyone().map_err(io)?;
        if cell::current(control).is_removed()
            || nobody && view.header.lifetime == Lifetime::WhileOpen
        {
            retire(&spot, &view).map_err(io)?;
            continue;
        }
        if nobody {
            lock::orphan(&control.writer);
        }
        let Some(seat) = member.sit(&view.mapping).map_err(io)? else {
            return Err(Error::TooManyHandles {
                location: location.clone(),
                limit,
            });
        };
        drop(member);
        if settings.prefault {
            view.mapping.prefault();
        }
        return Ok(Attachment::new(view, locks, seat));
    }
}

/// Opens the object for reading only: registers nowhere, and stores nothing.
pub(crate) fn view(location: &Location, wanted: Wanted) -> Result<View, Error> {
    let spot = Spot::open(location, false)?;
    let opened = Opened::new(&spot, location, Access::Read)?;
    opened.check_layout(location, wanted)?;
    let not_found = || Error::NotFound {
        location: location.clone(),
    };
    if opened.description.header.lifetime == Lifetime::WhileOpen {
        // A leftover does not exist. Whoever may not open the locks cannot tell, and reads the last value.
        match opened.locks(&spot, location, false, Access::Read) {
            Ok(locks) => {
                let io = |source| Error::from_io(location, "looking for live handles", source);
                if !locks.anyone().map_err(io)? {
                    return Err(not_found());
                }
            }
            Err(Error::PermissionDenied { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    let view = opened.into_view(&spot, location, false)?;
    if cell::current(view.mapping.control()).is_removed() {
        return Err(not_found());
    }
    Ok(view)
}

fn stuck(location: &Location) -> Error {
    Error::Busy {
        location: location.clone(),
        holder: "a process that is stopped holds the table of handles; continue or kill it".into(),
    }
}

/// Takes the name away and wakes everybody who waits. The caller holds `MEMBER` and has compared.
fn retire(spot: &Spot, view: &View) -> io::Result<()> {
    cell::remove(view.mapping.control());
    notify::wake_everybody(&view.mapping, Event);
    match spot.directory.unlink(&spot.file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// What became of a name that was in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occupant {
    /// Nothing has the name (any more).
    Gone,
    /// A leftover had it, which is removed now.
    Swept,
    /// Somebody has the object open, or it is to be kept, or it is no object of ours.
    Stays,
}

/// Removes the object under the name if nobody has it open and it lives only while somebody has.
pub(crate) fn sweep(spot: &Spot, location: &Location) -> Result<Occupant, Error> {
    clear(spot, location, |lifetime, anyone| {
        lifetime == Lifetime::WhileOpen && !anyone
    })
}

/// Removes the object under the name whoever has it open.
pub(crate) fn remove(location: &Location) -> Result<(), Error> {
    let spot = Spot::open(location, false)?;
    match clear(&spot, location, |_, _| true)? {
        Occupant::Swept => Ok(()),
        Occupant::Gone | Occupant::Stays => Err(Error::NotFound {
            location: location.clone(),
        }),
    }
}

fn clear(
    spot: &Spot,
    location: &Location,
    condemned: impl Fn(Lifetime, bool) -> bool,
) -> Result<Occupant, Error> {
    let opened = match Opened::new(spot, location, Access::ReadWrite) {
        Err(Error::NotFound { .. }) => return Ok(Occupant::Gone),
        other => other?,
    };
    let locks = match opened.locks(spot, location, false, Access::ReadWrite) {
        Err(Error::NotFound { .. }) => return Ok(Occupant::Gone),
        other => other?,
    };
    let io = |source| Error::from_io(location, "removing the object", source);
    let lifetime = opened.description.header.lifetime;
    // Marked and not unlinked: whoever removed it was killed in between.
    let id = opened.info.id;
    let view = opened.into_view(spot, location, true)?;
    let removed = cell::current(view.mapping.control()).is_removed();
    let goes = || Ok(removed || condemned(lifetime, locks.anyone()?));
    // Without `MEMBER`, since usually this is the answer.
    if !goes().map_err(io)? {
        return Ok(Occupant::Stays);
    }
    let member = locks.member(PATIENCE).map_err(io)?;
    let _member = member.ok_or_else(|| stuck(location))?;
    match spot.entry().map_err(io)? {
        Some(entry) if entry.id == id => {}
        _ => return Ok(Occupant::Gone),
    }
    if !goes().map_err(io)? {
        return Ok(Occupant::Stays);
    }
    retire(spot, &view).map_err(io)?;
    Ok(Occupant::Swept)
}

/// How the names of objects that are not complete begin, where the filesystem has no files without a name.
pub(crate) const TEMPORARY: &str = ".new-";

/// The name of an object that is not complete, if it has to have one. Dropped, it is gone.
struct Temporary<'a> {
    spot: &'a Spot,
    name: Option<OsString>,
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            drop(self.spot.directory.unlink(name));
        }
    }
}

/// An object that is complete but has no name yet. Dropped, it is gone.
pub(crate) struct Unnamed<'a> {
    attachment: Attachment,
    file: File,
    temporary: Temporary<'a>,
}

/// Builds the object; `init` fills the first buffer, which is zero.
pub(crate) fn build<'a>(
    spot: &'a Spot,
    location: &Location,
    wanted: Wanted,
    settings: &Settings,
    init: impl FnOnce(NonNull<u8>),
) -> Result<Unnamed<'a>, Error> {
    let mode = settings.mode & 0o666 | 0o600;
    check_trust(location, os::user(), mode, settings.trust)?;
    let io = |source| Error::from_io(location, "creating the object", source);
    if let Some(found) = spot.directory.incoherent_filesystem().map_err(io)? {
        return Err(Error::UnsupportedFilesystem {
            location: location.clone(),
            found,
        });
    }
    let (schema, name) = (wanted.schema.stored_form(), location.stored_name());
    let shape = Shape {
        size: wanted.schema.size() as u64,
        align: wanted.schema.align as u64,
        buffers: settings.buffers,
        handles: settings.max_handles,
        schema_len: schema.len() as u64,
        name_len: name.len() as u64,
    };
    let layout = Layout::of(shape).ok_or_else(|| too_large(location, &shape))?;
    let (file, temporary) = match spot.directory.create_unnamed(mode) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            let name = OsString::from(format!("{TEMPORARY}{:016x}", os::random()));
            (
                spot.directory.create_file(&name, mode).map_err(io)?,
                Some(name),
            )
        }
        other => (other.map_err(io)?, None),
    };
    let temporary = Temporary {
        spot,
        name: temporary,
    };
    os::allocate(&file, layout.total).map_err(|source| {
        if os::is_no_space(&source) {
            return Error::NoSpace {
                location: location.clone(),
                needed: layout.total,
                source,
            };
        }
        io(source)
    })?;
    let info = os::file_info(&file).map_err(io)?;
    let id = os::random();
    let lock_mode = lock_mode(mode);
    let mut lock_base = OWN_LOCK_BASE;
    let mut lock_file = None;
    if lock_mode != 0 {
        // Apart from every other object's bytes in that file.
        let span = u64::from(2 * MAX_HANDLES);
        lock_base = id % (1 << 50) * span;
        lock_file = Some(lock_file_of(spot, lock_mode, info.group).map_err(io)?);
    }
    let open = || match &lock_file {
        Some(name) => spot.directory.open_file(name, Access::ReadWrite),
        None => match &temporary.name {
            Some(name) => spot.directory.open_file(name, Access::ReadWrite),
            None => os::open_again(&file),
        },
    };
    let registered = Registered::open(true, open).map_err(io)?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let header = Header {
        layout,
        fingerprint: wanted.fingerprint,
        id,
        lifetime: settings.lifetime.unwrap_or(location.default_lifetime()),
        always_wake: lock_mode != 0,
        created: u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
        lock_mode,
        lock_inode: if lock_mode == 0 {
            0
        } else {
            registered.file().inode
        },
        lock_base,
    };
    let mapping = Mapping::new(&file, layout, true).map_err(io)?;
    // SAFETY: the mapping is writable, and the file has no name and no other descriptor than ours (or a name
    // of 64 random bits that was made here and that nobody opens).
    unsafe { mapping.initialise(0, &header.to_bytes(&schema, name)) };
    if settings.prefault {
        mapping.prefault();
    }
    init(mapping.buffer(0));
    let control = mapping.control();
    let first = Current::FIRST;
    control.stamps[first.buffer() as usize].store(first.version(), Ordering::Relaxed);
    control
        .published_at
        .store(os::coarse_clock(), Ordering::Relaxed);
    control.current.store(first.to_bits(), Ordering::SeqCst);
    let locks = Locks::new(registered, &header);
    let busy = || stuck(location);
    let seat = {
        let member = locks.member(PATIENCE).map_err(io)?.ok_or_else(busy)?;
        member.sit(&mapping).map_err(io)?.ok_or_else(busy)?
    };
    control
        .publisher
        .store(seat.token.to_bits(), Ordering::Relaxed);
    let view = View {
        location: location.clone(),
        path: spot.path.clone(),
        file: info.id,
        header,
        mapping,
    };
    Ok(Unnamed {
        file,
        temporary,
        attachment: Attachment::new(view, locks, seat),
    })
}

impl Unnamed<'_> {
    /// Gives the object its name; gives the object back if something has the name already.
    pub(crate) fn link(self) -> Result<Result<Attachment, Self>, Error> {
        let Temporary { spot, name } = &self.temporary;
        let linked = match name {
            Some(temporary) => spot.directory.link_name(temporary, &spot.file),
            None => spot.directory.link(&self.file, &spot.file),
        };
        match linked {
            Ok(()) => Ok(Ok(self.attachment)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Err(self)),
            Err(error) => {
                let location = &self.attachment.view.location;
                Err(Error::from_io(location, "naming the object", error))
            }
        }
    }
}

fn too_large(location: &Location, shape: &Shape) -> Error {
    let over = |what, found: u64, limit: u64| {
        (found > limit).then(|| Error::TooLarge {
            location: location.clone(),
            what,
            found,
            limit,
        })
    };
    over(
        "number of handles",
        shape.handles.into(),
        MAX_HANDLES.into(),
    )
    .or_else(|| {
        over(
            "number of buffers",
            shape.buffers.into(),
            crate::header::MAX_BUFFERS.into(),
        )
    })
    .or_else(|| {
        over(
            "alignment of the type",
            shape.align,
            crate::header::MAX_ALIGN,
        )
    })
    .unwrap_or_else(|| Error::TooLarge {
        location: location.clone(),
        what: "size of the value times its buffers",
        found: shape.size.saturating_mul(shape.buffers.into()),
        limit: i64::MAX.unsigned_abs(),
    })
}

/// The directory's lock file for this mode and group, made if it is not there. It is never deleted.
fn lock_file_of(spot: &Spot, mode: u32, group: u32) -> io::Result<OsString> {
    let name = lock_file_name(mode, group);
    match spot.directory.create_file(&name, mode) {
        Ok(file) if mode & 0o060 != 0 => os::set_group(&file, group)?,
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    Ok(name)
}

/// How long a handle that closes waits for somebody who joins or leaves.
const LEAVING: std::time::Duration = std::time::Duration::from_millis(200);

impl Attachment {
    fn new(view: View, locks: Locks, seat: Seat) -> Self {
        Attachment {
            view,
            locks,
            seat,
            validated: AtomicU64::new(0),
            interrupted: AtomicBool::new(false),
        }
    }

    /// This handle's row.
    #[inline]
    pub(crate) fn row(&self) -> &Row {
        let row = self.view.mapping.row(self.seat.row);
        // A seat's row was taken in this very mapping.
        row.unwrap_or_else(|| unreachable!("a seat without a row"))
    }

    /// Whether this process is the one that opened the handle.
    #[inline]
    pub(crate) fn is_ours(&self) -> bool {
        self.locks.is_ours()
    }
}

impl Drop for Attachment {
    /// Leaves the object; the last one out of an object that lives while it is open takes the name away.
    fn drop(&mut self) {
        if !self.is_ours() {
            return;
        }
        let Attachment {
            view, locks, seat, ..
        } = self;
        let mapping = &view.mapping;
        // Held still only if a guard was forgotten.
        let line = &mapping.control().writer;
        lock::release(line, seat.token, Event, mapping.writer_half());
        let Ok(Some(member)) = locks.member(LEAVING) else {
            // A stopped process holds it. A leftover does no harm: the next `create` sweeps it.
            participant::leave(locks, mapping, *seat);
            return;
        };
        member.leave(mapping, *seat);
        if view.header.lifetime == Lifetime::Keep || !matches!(locks.anyone(), Ok(false)) {
            return;
        }
        let Ok(spot) = Spot::at(&view.path) else {
            return;
        };
        if matches!(spot.entry(), Ok(Some(entry)) if entry.id == view.file) {
            drop(retire(&spot, view));
        }
    }
}

/// A look at an object whose name and type the caller need not know.
pub(crate) struct Visit {
    view: View,
    locks: Option<Locks>,
    type_name: String,
}

impl Visit {
    pub(crate) fn new(spot: &Spot) -> Result<Self, Error> {
        let anywhere = Location(Place::File(spot.path.clone()));
        let opened = Opened::new(spot, &anywhere, Access::Read)?;
        let location = match opened.description.name.as_str() {
            "" => anywhere,
            name => Location::try_from(name)?,
        };
        let locks = opened.locks(spot, &location, false, Access::Read).ok();
        let schema = stored_schema(&opened.description, &location)?;
        let type_name = schema.name().to_owned();
        let view = opened.into_view(spot, &location, false)?;
        Ok(Visit {
            view,
            locks,
            type_name,
        })
    }

    pub(crate) fn location(&self) -> &Location {
        &self.view.location
    }

    /// `None` if it is a leftover.
    pub(crate) fn info(&self) -> Option<Info> {
        let mut info = Info::of(&self.view, self.type_name.clone(), None);
        if let Some(live) = self.locks.as_ref().and_then(|locks| locks.live_rows().ok()) {
            if live.is_empty() && info.lifetime == Lifetime::WhileOpen {
                return None;
            }
            info.set_live(&self.view, &live);
        }
        (!info.removed).then_some(info)
    }
}

fn stored_schema(description: &Description, location: &Location) -> Result<StoredSchema, Error> {
    StoredSchema::parse(&description.schema).map_err(|error| Error::Corrupt {
        location: location.clone(),
        what: "schema",
        found: error.to_string(),
        expected: "text in the grammar of docs/format.md".into(),
    })
}

/// Reads the layout of the value at `at`, without knowing its type.
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
pub fn schema(at: impl TryInto<Location, Error: Into<Error>>) -> Result<StoredSchema, Error> {
    let at = at.try_into().map_err(Into::into)?;
    let spot = Spot::open(&at, false)?;
    let opened = Opened::new(&spot, &at, Access::Read)?;
    stored_schema(&opened.description, &at)
}
