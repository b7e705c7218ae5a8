//! What survives a power cut: the version that was flushed, and how an object is recovered.
//!
//! In a file with several buffers each has a checksum (`sums.rs`), and the word `flushed` says which version the
//! disk surely has. Its buffer is not written until a newer version has been flushed: writers leave it out when
//! they choose one ([`is_reserved`]), and a flusher pins what it flushes until the word says so.
//!
//! Invariant: between two flushes the bytes, the stamp and the sum of the flushed version do not change, neither
//! in memory nor, whatever the kernel writes when, on the disk. So after a power cut some buffer is whole, and
//! the newest that is whole is no older than the last flush.
//!
//! A value that is changed in place has one buffer, and nothing to go back to. Before the first change after a
//! flush the disk is told that the value is not settled any more; so a power cut leaves either the flushed value,
//! untouched, or a value that opens as poisoned.
#![expect(
    unsafe_code,
    reason = "copies a buffer, and pins without looking at the value"
)]

use std::io;

use crate::cell::{self, Current, Together};
use crate::control::Control;
use crate::deadline::Deadline;
use crate::directory::Spot;
use crate::elements;
use crate::in_place;
use crate::lifecycle::Attachment;
use crate::schema::FNV_OFFSET;
use crate::sums;
use crate::sync::{Ordering, fence};
use crate::unmapped;
use crate::view::{Refusal, View};
use crate::{Error, Location, Payload, Result, SharedObject, Version, os};

/// The word `flushed`: a [`Current`] without flags, but for one of its own.
///
/// | Value | Meaning |
/// |---|---|
/// | 0 | no file, or one that is changed in place and not settled |
/// | version, buffer | the disk has this version, whole |
/// | with `UNENTERED` | perhaps not yet the name under which it is found |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flushed(u64);

/// Where `current` has `REMOVED`.
const UNENTERED: u64 = 1 << 3;

impl Flushed {
    /// By a relaxed load and a fence, since a reader's mapping allows no acquire load.
    fn load(control: &Control) -> Self {
        let flushed = control.flushed.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        Flushed(flushed)
    }

    fn of(seen: Current) -> Self {
        Flushed(Current::new(seen.version(), seen.buffer()).to_bits())
    }

    fn version(self) -> u64 {
        Current::from_bits(self.0).version()
    }

    fn is_entered(self) -> bool {
        self.0 & UNENTERED == 0
    }

    /// As it is, but that the disk has the name.
    fn entered(self) -> Self {
        Flushed(self.0 & !UNENTERED)
    }
}

/// Whether a power cut would lead back to the value in this buffer. Objects in memory reserve none.
#[inline]
pub(crate) fn is_reserved(control: &Control, buffer: u32) -> bool {
    let flushed = control.flushed.load(Ordering::Relaxed);
    flushed != 0
        && Current::from_bits(flushed).buffer() == buffer
        && !cfg!(mutation = "flushed_not_reserved")
}

/// Makes version 1 of a file that has no name yet a flushed one: its caller has the disk write the file.
pub(crate) fn begin(view: &View) {
    if view.header.is_summed() {
        sums::seal(view, Current::NONE, Current::FIRST.buffer());
    }
    let first = Flushed::of(Current::FIRST).0 | UNENTERED;
    view.mapping
        .control()
        .flushed
        .store(first, Ordering::Relaxed);
}

/// Has the disk write the name of a file that was created.
pub(crate) fn enter(view: &View, spot: &Spot) -> io::Result<()> {
    spot.directory.sync(&spot.file)?;
    let flushed = &view.mapping.control().flushed;
    flushed.fetch_and(!UNENTERED, Ordering::Relaxed);
    Ok(())
}

/// Has the disk write the version that `seen` says, which the caller has pinned.
fn flush(view: &View, seen: Current) -> io::Result<()> {
    let control = view.mapping.control();
    let flushed = Flushed::load(control);
    let in_place = !view.header.is_summed();
    if flushed.version() < seen.version() {
        view.mapping.flush_buffer(seen.buffer())?;
    } else if flushed.is_entered() && !in_place {
        // Somebody has flushed this version or a newer one, to the end.
        return Ok(());
    }
    if !flushed.is_entered() {
        // Its creator was killed before it did, or is about to.
        let spot = Spot::at(&view.path)?;
        spot.directory.sync(&spot.file)?;
    }
    if in_place {
        // The word itself is what has to reach the disk, after the value.
        advance(control, seen);
        return view.mapping.flush_control().inspect_err(|_| {
            control.flushed.fetch_and(UNENTERED, Ordering::Release);
        });
    }
    if !cfg!(mutation = "control_not_flushed") {
        view.mapping.flush_control()?;
    }
    // Before the pin goes: see `cell::choose`.
    advance(control, seen);
    Ok(())
}

/// Says that the disk has the version that `seen` says, and the name; never goes back to an older one.
fn advance(control: &Control, seen: Current) {
    let mut old = Flushed::load(control);
    loop {
        let new = match old.version() < seen.version() {
            true => Flushed::of(seen),
            false => old.entered(),
        };
        let swap =
            control
                .flushed
                .compare_exchange(old.0, new.0, Ordering::Release, Ordering::Acquire);
        match swap {
            Ok(_) => return,
            Err(now) => old = Flushed(now),
        }
    }
}

/// Before the first change in place after a flush: the disk hears that the value is not settled any more.
///
/// The caller holds the lock and has the value to itself.
pub(crate) fn unsettle(view: &View) -> Result<()> {
    let control = view.mapping.control();
    if Flushed::load(control).version() == 0 {
        return Ok(());
    }
    control.flushed.fetch_and(UNENTERED, Ordering::Release);
    if cfg!(mutation = "not_unsettled") {
        return Ok(());
    }
    let doing = "telling the disk that the value is about to change";
    let told = view.mapping.flush_control();
    told.map_err(|source| Error::from_io(&view.location, doing, source))
}

/// The last handle of a value that is changed in place has the disk write it: otherwise, after the next boot,
/// nobody could tell whether it is whole.
pub(crate) fn settle_at_the_end(attachment: &Attachment) {
    let view = &attachment.view;
    let alone = || matches!(attachment.locks.anyone(), Ok(false));
    if !view.header.durable || view.header.is_summed() || !alone() {
        return;
    }
    let Ok(seen) = cell::pin::<Together>(view.mapping.control(), attachment.row()) else {
        return;
    };
    let gate = &attachment.gate;
    let is_whole = !seen.is_closed() && seen.buffer() == 0;
    if is_whole && gate.enter_shared(attachment, Deadline::Now).is_ok() {
        // What cannot be written now opens as poisoned after a power cut.
        drop(flush(view, seen));
        gate.leave_shared();
    }
    cell::unpin::<Together>(attachment.row(), seen.buffer());
}

/// Whether the object may have gone through a power cut since somebody had it open.
///
/// Without `/proc` all boots look the same, so each may be another one.
fn is_from_another_boot(control: &Control, boot: u64) -> bool {
    control.high_water.boot.load(Ordering::Relaxed) != boot || boot == FNV_OFFSET
}

/// What was found of an object that nobody has open.
pub(crate) enum Found {
    /// An object in memory.
    Memory,
    /// The newest version that is whole; and whether the disk has it, since it came from there.
    Whole { whole: Current, on_disk: bool },
    /// A value that is changed in place, and whether it may be half-written.
    InPlace { torn: bool },
}

/// Looks for the newest whole value. Changes nothing. Under `MEMBER`, and nobody has the object open.
pub(crate) fn examine(view: &View, boot: u64) -> Result<Found> {
    if !view.header.durable {
        return Ok(Found::Memory);
    }
    let control = view.mapping.control();
    let current = cell::current(control);
    let other_boot = is_from_another_boot(control, boot);
    let flushed = Flushed::load(control);
    if !view.header.is_summed() {
        let torn = other_boot && flushed.version() != current.version();
        return Ok(Found::InPlace { torn });
    }
    let corrupt = |found: String, expected: &str| Error::Corrupt {
        location: view.location.clone(),
        what: "value",
        found,
        expected: expected.into(),
    };
    let Some(whole) = sums::newest_whole(view) else {
        let found = "torn in every buffer".into();
        return Err(corrupt(found, "one whose checksum fits"));
    };
    if whole.version() != current.version() && current.version() >= cell::LAST_VERSION {
        let found = format!("version {}", current.version());
        return Err(corrupt(found, "a version that has a successor"));
    }
    let at = Current::from_bits(flushed.0).buffer() as usize;
    let stale = control.stamps[at].load(Ordering::Relaxed) != flushed.version();
    if other_boot || stale {
        // It was read from the disk, but for what somebody wrote there since by other means.
        let doing = "writing the object to its file";
        let written = view.mapping.flush();
        written.map_err(|source| Error::from_io(&view.location, doing, source))?;
    }
    Ok(Found::Whole {
        whole,
        on_disk: other_boot || stale,
    })
}

/// Goes back to what [`examine`] has found: as a publication of its own, so that no version comes twice.
///
/// Killed anywhere, the same is found again: the whole buffer is neither written nor stamped anew.
pub(crate) fn recover(view: &View, found: Found) {
    let control = view.mapping.control();
    let (whole, on_disk) = match found {
        Found::Memory => return,
        Found::InPlace { torn } => {
            if torn {
                if !cfg!(mutation = "record_outlives_a_power_cut") {
                    // An item in the record may be torn as well.
                    elements::begin_whole(&view.mapping);
                }
                in_place::soil(control, cell::current(control));
            }
            return;
        }
        Found::Whole { whole, on_disk } => (whole, on_disk),
    };
    if on_disk {
        let unentered = Flushed::load(control).0 & UNENTERED;
        let flushed = Flushed::of(whole).0 | unentered;
        control.flushed.store(flushed, Ordering::Release);
    }
    let current = cell::current(control);
    if whole.version() == current.version() {
        return;
    }
    let buffers = view.header.layout.shape.buffers;
    let is_free = |buffer: &u32| *buffer != whole.buffer() && !is_reserved(control, *buffer);
    let Some(buffer) = (0..buffers).find(is_free) else {
        // Three buffers, of which two are taken at most.
        return;
    };
    cell::begin(control, buffer);
    // SAFETY: two buffers; `MEMBER` is held and nobody has the object open, so nobody writes, and who copies the
    // other out throws the copy away: its stamp is 0.
    unsafe { view.mapping.copy_buffer(whole.buffer(), buffer) };
    sums::seal(view, current, buffer);
    let published = cell::publish(control, current, buffer);
    debug_assert!(published.is_ok(), "nobody has the object open");
}

/// How often a reader looks whether somebody recovers the object meanwhile.
const LOOKS: u32 = 3;

/// An error if a power cut may have torn the value, and nobody has opened the object for writing since.
///
/// A reader can repair nothing, and `current` leads it to the torn bytes.
pub(crate) fn check_readable(view: &View) -> Result<()> {
    if !view.header.durable {
        return Ok(());
    }
    let boot = os::boot();
    let boot = boot.map_err(|e| Error::from_io(&view.location, "asking for the boot", e))?;
    let recovered = || view.look(|control| !is_from_another_boot(control, boot));
    if recovered()? {
        return Ok(());
    }
    if !view.header.is_summed() {
        let settled = view
            .look(|control| Flushed::load(control).version() == cell::current(control).version());
        let location = view.location.clone();
        return match settled? || recovered()? {
            true => Ok(()),
            false => Err(Error::Poisoned { location }),
        };
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most the total, which fits"
    )]
    let mut bytes = vec![0; view.header.layout.shape.size as usize];
    for _ in 0..LOOKS {
        let copied = match &view.descriptor {
            Some(file) => unmapped::read_out(view, file, &mut bytes, 1),
            // SAFETY: as many bytes as the value has.
            None => unsafe { view.copy_out(bytes.as_mut_ptr(), bytes.len(), 1) }
                .map(|seen| Version(seen.version())),
        };
        match copied {
            Ok(Version(version)) => {
                let sum = sums::of(version, &bytes);
                if view.look(|control| sums::has(control, version, sum))? {
                    return Ok(());
                }
            }
            Err(Refusal::Overtaken | Refusal::Word(_)) => {}
            Err(other) => return Err(view.explain(other)),
        }
        if recovered()? {
            return Ok(());
        }
    }
    let location: Location = view.location.clone();
    Err(Error::Unrecovered { location })
}

impl<P: ?Sized + Payload> SharedObject<P> {
    /// Makes everything published so far survive a power cut; nothing for a name.
    ///
    /// For an object that is kept in a file. When it returns, the disk has a whole version that is no older than
    /// the one that was current when it was called, and keeps it until the next flush is complete, whoever writes
    /// meanwhile, and whoever is killed. Opened after a power cut, the object has the newest version that reached
    /// the disk whole: that one or a later one, under a version number that is larger than any that was seen on
    /// the disk. Several programs may flush at once. It holds up no writer, but keeps one buffer from them, as a
    /// guard does.
    ///
    /// A value that is changed [in place](crate::Options::buffers) survives if nobody has changed it since it was
    /// flushed, and is [`Poisoned`](Error::Poisoned) otherwise; the last handle that is closed flushes it. The
    /// first change after a flush waits for the disk, to tell it so. Atomics in it change without a version: each
    /// has the value of some moment.
    ///
    /// That the disk keeps what it says it has written is beyond any program; so is a write that fails: once
    /// `flush` has failed with [`Error::Io`], publish again before the next one, since the kernel may take the
    /// bytes that it could not write for written.
    ///
    /// # Errors
    ///
    /// - [`Error::Io`]: the disk refused. What was flushed before still survives.
    /// - [`Error::Poisoned`], [`Error::WouldDeadlock`]: as for [`read`](Self::read), in place.
    /// - [`Error::Forked`]: the handle is the parent process's.
    pub fn flush(&self) -> Result<()> {
        let view = self.view();
        let io = |source| Error::from_io(&view.location, "writing the object to its file", source);
        if !view.header.durable {
            if view.location.name().is_some() {
                return Ok(());
            }
            return view.mapping.flush().map_err(io);
        }
        // SAFETY: it is not dereferenced.
        let guard = unsafe { self.pin(Deadline::Never) };
        let guard = guard.map_err(|refusal| view.explain(refusal))?;
        flush(view, crate::ReadGuard::seen(&guard)).map_err(io)
    }
}
