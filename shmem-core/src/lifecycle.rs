//! Joining, retiring and leaving an object.
//!
//! Invariant: a name is taken away only under `MEMBER`, after comparing that it leads to the very file whose
//! `MEMBER` is held. Comparing without it is not atomic: a live object would lose its name.

use std::io;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::cell;
use crate::control::Row;
use crate::directory::Spot;
use crate::durable;
use crate::gate;
use crate::in_place;
use crate::lock;
use crate::notify;
use crate::opened::{Opened, Wanted, check_trust};
use crate::options::Settings;
use crate::os::{self, Access, Event, FileInfo};
use crate::participant::{self, Locks, PATIENCE, Seat};
use crate::preserve::Aside;
use crate::raw_sync::Gate;
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use crate::view::{self, View};
use crate::write_guard::ChangeCell;
use crate::{Error, Lifetime, Location};

/// A handle's part in an object.
#[derive(Debug)]
pub(crate) struct Attachment {
    pub(crate) view: View,
    pub(crate) locks: Locks,
    pub(crate) seat: Seat,
    /// The last version whose bytes this handle has seen to be a value; `u64::MAX`, which is no version, before.
    pub(crate) validated: AtomicU64,
    pub(crate) interrupted: AtomicBool,
    pub(crate) change: ChangeCell,
    /// How many guards read the only buffer of an object that is changed in place.
    pub(crate) readers: AtomicU32,
    /// What its writer has put aside of a value that is changed in place: see `preserve.rs`.
    pub(crate) aside: Aside,
    /// The lock that programs outside take, if there is one.
    pub(crate) gate: Gate,
}

/// Opens the object and takes a row in it.
pub(crate) fn join(
    location: &Location,
    wanted: Wanted<'_>,
    settings: &Settings,
) -> Result<Attachment, Error> {
    let io = |source| Error::from_io(location, "joining the object", source);
    let boot = os::boot().map_err(io)?;
    loop {
        let spot = Spot::open(location, false)?;
        let opened = Opened::new(&spot, location, Access::ReadWrite)?;
        let FileInfo {
            id, owner, mode, ..
        } = opened.info;
        let locks = match opened.locks(&spot, location, true, Access::ReadWrite) {
            Err(Error::NotFound { .. }) => continue,
            other => other?,
        };
        let header = opened.description.header;
        // What nobody has open does not exist, nor what was removed, whatever it holds and whoever may write it.
        let leftover = opened.is_removed().map_err(io)?
            || (header.lifetime == Lifetime::WhileOpen && !locks.anyone().map_err(io)?);
        if !leftover {
            check_trust(location, owner, mode, settings.trust)?;
            gate::check(&header, location)?;
            opened.check_layout(location, wanted)?;
        }
        let member = locks.member(PATIENCE).map_err(io)?;
        let member = member.ok_or_else(|| stuck(location))?;
        // Under MEMBER the name stays; before, it may have led elsewhere.
        if !spot.leads_to(id).map_err(io)? {
            continue;
        }
        let claim = match leftover {
            true => None,
            false => opened.claim(location, wanted)?,
        };
        let window = settings.window.filter(|_| !leftover);
        let view = opened.into_view(&spot, location, true, window)?;
        let control = view.mapping.control();
        let nobody = !locks.anyone().map_err(io)?;
        let gone = nobody && header.lifetime == Lifetime::WhileOpen;
        if gone || cell::current(control).is_removed() {
            retire(&spot, &view).map_err(io)?;
            continue;
        }
        if leftover {
            // Somebody has opened it after all, and it was not checked.
            continue;
        }
        if nobody {
            revive(&view, boot)?;
        }
        let Some(seat) = member.sit(&view.mapping).map_err(io)? else {
            return Err(Error::TooManyHandles {
                location: location.clone(),
                limit: header.layout.shape.handles,
            });
        };
        let noted = claim.map_or(Ok(()), |claim| claim.write(location));
        drop(member);
        let attachment = Attachment::new(view, locks, seat);
        noted?;
        view::settle(&attachment.view.mapping, location, settings.residence)?;
        return Ok(attachment);
    }
}

/// Makes an object that nobody has open ready for the first who opens it, in this `boot`. Under `MEMBER`.
fn revive(view: &View, boot: u64) -> Result<(), Error> {
    let control = view.mapping.control();
    let whole = durable::examine(view, boot)?;
    lock::orphan(&control.writer);
    in_place::let_in(control);
    durable::recover(view, whole);
    if control.high_water.boot.load(Ordering::Relaxed) != boot {
        // Whoever held it then is gone. Before the boot is stored, or a kill in between would leave it as it is.
        Gate::make(&view.mapping)
            .map_err(|e| Error::from_io(&view.location, "making the lock anew", e))?;
    }
    if control.high_water.boot.swap(boot, Ordering::Relaxed) != boot {
        // Later than any clock says: the value is from another boot.
        control.published_at.store(u64::MAX, Ordering::Relaxed);
    }
    Ok(())
}

/// Opens the object for reading only, through a mapping or not: registers nowhere, and stores nothing.
pub(crate) fn view(
    location: &Location,
    wanted: Wanted<'_>,
    settings: &Settings,
) -> Result<View, Error> {
    if cfg!(any(target_arch = "x86", target_arch = "arm")) {
        // There the language allows atomic loads of 4 bytes at most in memory that is read-only.
        return Err(Error::UnsupportedPlatform {
            what: "opening for reading only on a 32-bit processor",
        });
    }
    let spot = Spot::open(location, false)?;
    let opened = Opened::new(&spot, location, Access::Read)?;
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
    let io = |source| Error::from_io(location, "reading the object", source);
    if opened.is_removed().map_err(io)? {
        return Err(not_found());
    }
    gate::refuse_reader(&opened.description.header, location)?;
    opened.check_layout(location, wanted)?;
    let view = if settings.mapped {
        let view = opened.into_view(&spot, location, false, settings.window)?;
        view::settle(&view.mapping, location, settings.residence)?;
        view
    } else {
        opened.into_unmapped_view(&spot, location, settings.window)?
    };
    if view.current()?.is_removed() {
        return Err(not_found());
    }
    durable::check_readable(&view)?;
    Ok(view)
}

pub(crate) fn stuck(location: &Location) -> Error {
    Error::Busy {
        location: location.clone(),
        holder: "a process that is stopped holds the table of handles; continue or kill it".into(),
    }
}

/// Takes the name away and wakes everybody who waits. The caller holds `MEMBER` and has compared.
pub(crate) fn retire(spot: &Spot, view: &View) -> io::Result<()> {
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
    let id = opened.info.id;
    // Marked and not unlinked: whoever removed it was killed in between.
    let goes =
        || -> io::Result<bool> { Ok(opened.is_removed()? || condemned(lifetime, locks.anyone()?)) };
    // Without `MEMBER`, since usually this is the answer.
    if !goes().map_err(io)? {
        return Ok(Occupant::Stays);
    }
    // The mark is for good, so an object that would keep its name must not get it.
    spot.directory.may_unlink(&opened.info).map_err(io)?;
    let member = locks.member(PATIENCE).map_err(io)?;
    let member = member.ok_or_else(|| stuck(location))?;
    let _member = (!cfg!(mutation = "remove_without_member")).then_some(member);
    if !spot.leads_to(id).map_err(io)? {
        return Ok(Occupant::Gone);
    }
    if !goes().map_err(io)? {
        return Ok(Occupant::Stays);
    }
    let view = opened.into_view(spot, location, true, None)?;
    retire(spot, &view).map_err(io)?;
    Ok(Occupant::Swept)
}

/// How long a handle that closes waits for somebody who joins or leaves.
const LEAVING: Duration = Duration::from_millis(200);

impl Attachment {
    pub(crate) fn new(view: View, locks: Locks, seat: Seat) -> Self {
        let gate = Gate::of(&view);
        Attachment {
            view,
            locks,
            seat,
            validated: AtomicU64::new(u64::MAX),
            interrupted: AtomicBool::new(false),
            change: ChangeCell::new(),
            readers: AtomicU32::new(0),
            aside: Aside::default(),
            gate,
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
        let attachment = &*self;
        let Attachment {
            view, locks, seat, ..
        } = attachment;
        let mapping = &view.mapping;
        let line = &mapping.control().writer;
        // Guards that were forgotten.
        attachment
            .gate
            .leave_all(attachment.readers.load(Ordering::Relaxed));
        if lock::is_held_by(line, seat.token) {
            // A guard was forgotten, and its change with it: nobody died.
            line.writing.store(0, Ordering::Relaxed);
            if view.header.layout.shape.buffers == 1 {
                in_place::let_in(mapping.control());
                notify::wake_everybody(mapping, Event);
            }
            lock::release(line, seat.token, Event);
        }
        durable::settle_at_the_end(attachment);
        let Ok(Some(member)) = locks.member(LEAVING) else {
            // A stopped process holds it. A leftover does no harm: the next `create` sweeps it.
            participant::leave(locks, mapping, *seat);
            return;
        };
        member.leave(mapping, *seat);
        let _member = (!cfg!(mutation = "close_without_member")).then_some(member);
        if view.header.lifetime == Lifetime::Keep || !matches!(locks.anyone(), Ok(false)) {
            return;
        }
        let Ok(spot) = Spot::at(&view.path) else {
            return;
        };
        if matches!(spot.leads_to(view.file), Ok(true)) {
            drop(retire(&spot, view));
        }
    }
}
