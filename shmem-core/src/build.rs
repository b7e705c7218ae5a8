//! Builds an object in a file without a name, and names it when it is complete.
//!
//! Invariant: what has a name is complete, so a creator killed anywhere leaves nothing.
#![expect(
    unsafe_code,
    reason = "writes the first bytes of an object that nobody else can see yet"
)]

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::ptr::NonNull;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::additions;
use crate::cell::Current;
use crate::control::MAX_BUFFERS;
use crate::directory::Spot;
use crate::discovery;
use crate::durable;
use crate::elements;
use crate::fork::Registered;
use crate::gate;
use crate::header::{Header, Layout, MAX_ALIGN, MAX_HANDLES, MAX_SCHEMA, Shape};
use crate::lifecycle::{self, Attachment, stuck};
use crate::mapping::Mapping;
use crate::opened::{Wanted, check_trust, lock_file_name, lock_mode};
use crate::options::Settings;
use crate::os::{self, Access};
use crate::participant::{Locks, PATIENCE};
use crate::raw_sync::Gate;
use crate::sync::Ordering;
use crate::view::{self, View};
use crate::{Error, Lifetime, Location, Lock};

/// The locks of an object lie at this offset of its own file: far behind its bytes, which they do not touch.
const OWN_LOCK_BASE: u64 = 1 << 62;

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

/// What the object is to hold.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The stored form.
    pub(crate) schema: Vec<u8>,
    pub(crate) fingerprint: u64,
    /// Of the value, with what is reserved.
    pub(crate) size: u64,
    pub(crate) align: u64,
    /// The size of an item, if the value is an array whose length was chosen at run time; or 0.
    pub(crate) item: u64,
    pub(crate) reserve: u64,
}

impl From<Wanted<'_>> for Plan {
    fn from(wanted: Wanted<'_>) -> Self {
        Plan {
            schema: wanted.schema.stored_form(),
            fingerprint: wanted.fingerprint,
            size: wanted.size() as u64,
            align: wanted.schema.align as u64,
            item: wanted.item,
            reserve: wanted.reserve as u64,
        }
    }
}

/// Builds the object; `init` fills the first buffer, which is zero. If it fails, there is none.
pub(crate) fn build<'a>(
    spot: &'a Spot,
    location: &Location,
    plan: &Plan,
    settings: &Settings,
    init: impl FnOnce(NonNull<u8>) -> Result<(), Error>,
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
    let (schema, name) = (&plan.schema, location.stored_name());
    let lifetime = settings.lifetime.unwrap_or(location.default_lifetime());
    let durable = lifetime == Lifetime::Keep && location.name().is_none();
    let gate = match settings.lock {
        Lock::Native => 0,
        Lock::RawSync => gate::ours()?,
    };
    let shape = Shape {
        size: plan.size,
        align: plan.align,
        buffers: match settings.buffers {
            _ if plan.item != 0 || gate != 0 => 1,
            // One to write beside the current and the flushed one.
            2 if durable => 3,
            other => other,
        },
        handles: settings.max_handles,
        item: plan.item,
        schema_len: schema.len() as u64,
        name_len: name.len() as u64,
        additions_len: match plan.reserve {
            0 => 0,
            reserve => additions::room(schema.len() as u64, reserve),
        },
        gate,
    };
    let layout = Layout::of(shape).ok_or_else(|| too_large(location, &shape))?;
    // A filesystem may run out of files before it runs out of bytes.
    let io = |source| {
        if os::is_no_space(&source) {
            return Error::NoSpace {
                location: location.clone(),
                needed: layout.total,
                source,
            };
        }
        io(source)
    };
    let (file, temporary) = match spot.directory.create_unnamed(mode) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            discovery::sweep_temporaries(spot);
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
    os::allocate(&file, layout.total).map_err(io)?;
    let info = os::file_info(&file).map_err(io)?;
    let boot = os::boot().map_err(io)?;
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
        fingerprint: plan.fingerprint,
        id,
        lifetime,
        always_wake: lock_mode != 0,
        durable,
        created: u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
        lock_mode,
        lock_inode: if lock_mode == 0 {
            0
        } else {
            registered.file().inode
        },
        lock_base,
    };
    let mapping = Mapping::new(&file, layout, true, None).map_err(io)?;
    // SAFETY: the mapping is writable, and the file has no name and no other descriptor than ours (or a name
    // of 64 random bits that was made here and that nobody opens).
    unsafe { mapping.initialise(0, &header.to_bytes(schema, name)) };
    Gate::make(&mapping).map_err(io)?;
    view::settle(&mapping, location, settings.residence)?;
    // Live before `init` runs, however long that takes: where the file has a name, others find it.
    let locks = Locks::new(registered, &header);
    let busy = || stuck(location);
    let seat = {
        let member = locks.member(PATIENCE).map_err(io)?.ok_or_else(busy)?;
        member.sit(&mapping).map_err(io)?.ok_or_else(busy)?
    };
    init(mapping.buffer(0))?;
    let control = mapping.control();
    let first = Current::FIRST;
    if plan.item != 0 {
        control.stamps[elements::WHOLE].store(first.version(), Ordering::Relaxed);
    }
    control.high_water.boot.store(boot, Ordering::Relaxed);
    control
        .published_at
        .store(os::coarse_clock(), Ordering::Relaxed);
    control.current.store(first.to_bits(), Ordering::SeqCst);
    control
        .publisher
        .store(seat.token.to_bits(), Ordering::Relaxed);
    // Fits: the whole is mapped.
    let items = 0..usize::try_from(shape.len()).unwrap_or(usize::MAX);
    let view = View {
        location: location.clone(),
        path: spot.path.clone(),
        file: info.id,
        header,
        mapping,
        items,
        descriptor: None,
    };
    if durable {
        durable::begin(&view);
    }
    let stamp = &view.mapping.control().stamps[first.buffer() as usize];
    stamp.store(first.version(), Ordering::Relaxed);
    if durable {
        // Before it has a name, which a power cut could leave without its bytes.
        file.sync_all().map_err(io)?;
    }
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
            Ok(()) => self.enter().map(Ok),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Err(self)),
            Err(error) => {
                let location = &self.attachment.view.location;
                Err(Error::from_io(location, "naming the object", error))
            }
        }
    }

    /// Has the disk write the name of a file that is kept; takes it away again if that fails.
    fn enter(self) -> Result<Attachment, Error> {
        let Unnamed {
            attachment,
            temporary,
            ..
        } = self;
        let spot = temporary.spot;
        // The other name first, or the disk would have both.
        drop(temporary);
        let view = &attachment.view;
        if !view.header.durable {
            return Ok(attachment);
        }
        if let Err(source) = durable::enter(view, spot) {
            let doing = "writing the name of the object to the disk";
            let error = Error::from_io(&view.location, doing, source);
            if let Ok(Some(_member)) = attachment.locks.member(PATIENCE) {
                if matches!(spot.leads_to(view.file), Ok(true)) {
                    drop(lifecycle::retire(spot, view));
                }
            }
            return Err(error);
        }
        Ok(attachment)
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
            MAX_BUFFERS.into(),
        )
    })
    .or_else(|| over("alignment of the type", shape.align, MAX_ALIGN))
    .or_else(|| over("length of the stored schema", shape.schema_len, MAX_SCHEMA))
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
    if spot.directory.entry(&name).is_ok() {
        return Ok(name);
    }
    // Its mode and group are right before it has its name: a creator killed in between would leave a file
    // that the group cannot open, for good.
    let made = match spot.directory.create_unnamed(mode) {
        Ok(file) => {
            if mode & 0o060 != 0 {
                os::set_group(&file, group)?;
            }
            spot.directory.link(&file, &name)
        }
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            let file = spot.directory.create_file(&name, mode);
            file.and_then(|file| match mode & 0o060 {
                0 => Ok(()),
                _ => os::set_group(&file, group),
            })
        }
        Err(error) => Err(error),
    };
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(name),
    }
}
