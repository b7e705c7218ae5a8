//! `current`, buffers and pins: the snapshot protocol, no I/O.
//!
//! A value lives in several buffers, and one word says which is current. A reader pins the current buffer in
//! its own row and looks again; a writer fills a buffer that is neither current nor pinned, then swings the
//! word. So a reader never waits for a writer, a writer that dies has changed nothing that counts, and a
//! reader that dies leaves a pin in a row that the kernel knows to be dead.
//!
//! Invariant: a buffer that is current, or pinned in a live row by a reader that saw it current after it had
//! pinned it, is not written. Why it holds: pin then look ([`pin`]) and publish then scan ([`publish`],
//! [`choose`]) are two stores each followed by a load of what the other stores. All four are sequentially
//! consistent, so at least one side sees the other: the reader sees the new `current` and lets go, or the
//! writer sees the pin. (Dekker's pattern; Dijkstra, "Cooperating sequential processes", 1965.)

use std::io;

use crate::control::{Control, Row};
use crate::durable;
use crate::sync::{AtomicU32, Ordering, fence, in_order, seq_cst_unless};

/// The word `current`.
///
/// | Bits | | Meaning | Changed by |
/// |-----:|-|---------|------------|
/// | 0–2 | buffer | which buffer is current | [`publish`] |
/// | 3 | `REMOVED` | the name leads elsewhere; stays set | [`remove`] |
/// | 4 | `DRAINING` | in place: no new readers | `in_place.rs` |
/// | 5 | `DIRTY` | in place: half-written | `in_place.rs`, [`publish`] |
/// | 6–7 | | 0 | – |
/// | 8–63 | version | counts publications, from 1 | [`publish`] |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Current(u64);

/// The four of the invariant above: pin ([`Counting::PIN`]) then look, publish then scan. One of them weaker tears.
const LOOK: Ordering = seq_cst_unless(cfg!(mutation = "relaxed_look"), Ordering::Acquire);
pub(crate) const PUBLISH: Ordering =
    seq_cst_unless(cfg!(mutation = "relaxed_publish"), Ordering::AcqRel);
pub(crate) const SCAN: Ordering =
    seq_cst_unless(cfg!(mutation = "relaxed_scan"), Ordering::Acquire);

const BUFFER: u64 = 0b111;
const REMOVED: u64 = 1 << 3;
pub(crate) const DRAINING: u64 = 1 << 4;
pub(crate) const DIRTY: u64 = 1 << 5;
const VERSION_SHIFT: u32 = 8;
/// The last version that there can be.
pub(crate) const LAST_VERSION: u64 = u64::MAX >> VERSION_SHIFT;

/// A reader that forgets guards may not make the count wrap.
const MAX_PINS: u32 = 1 << 31;

impl Current {
    /// Before every version.
    pub(crate) const NONE: Current = Current::new(0, 0);
    pub(crate) const FIRST: Current = Current::new(1, 0);

    pub(crate) const fn new(version: u64, buffer: u32) -> Self {
        Current(version << VERSION_SHIFT | buffer as u64)
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Current(bits)
    }

    pub(crate) const fn to_bits(self) -> u64 {
        self.0
    }

    /// A buffer's number, below 8; the object may have fewer, so the caller compares.
    pub(crate) const fn buffer(self) -> u32 {
        (self.0 & BUFFER) as u32
    }

    pub(crate) const fn version(self) -> u64 {
        self.0 >> VERSION_SHIFT
    }

    pub(crate) const fn is_removed(self) -> bool {
        self.0 & REMOVED != 0
    }

    pub(crate) const fn is_draining(self) -> bool {
        self.0 & DRAINING != 0
    }

    pub(crate) const fn is_dirty(self) -> bool {
        self.0 & DIRTY != 0
    }

    /// Whether a writer keeps readers out, or has left the value half-written.
    pub(crate) const fn is_closed(self) -> bool {
        self.0 & (DRAINING | DIRTY) != 0
    }

    /// What the kernel compares when a waiter goes to sleep: flags and the low bits of the version.
    pub(crate) const fn half(self) -> u32 {
        (self.0 & 0xFFFF_FFFF) as u32
    }
}

/// The current version, seen together with all that was written before it was published.
///
/// A relaxed load and a fence, since a read-only mapping allows no acquire load.
#[inline]
pub(crate) fn current(control: &Control) -> Current {
    let current = Current(control.current.load(Ordering::Relaxed));
    fence(Ordering::Acquire);
    current
}

/// As [`current`], ordered after every earlier sequentially consistent operation of this thread; not for
/// read-only mappings.
#[inline]
pub(crate) fn current_in_order(control: &Control) -> Current {
    Current(control.current.load(Ordering::SeqCst))
}

/// Whether bytes copied out of the buffer of `seen` are the value of its version.
///
/// The caller loaded `seen` and copied with relaxed loads. If the very word is still there, the buffer was current all
/// the time, and nobody writes what is current. That is looked at first since it is in the processor's cache. Otherwise
/// the stamp decides: a writer stores 0 into it before it touches the buffer ([`begin`]), so a copy that read one of
/// its bytes finds another stamp here, and another word. Versions never come again, which a parity or a sequence
/// number cannot promise once a writer was killed.
#[inline]
pub(crate) fn still_holds(control: &Control, seen: Current) -> bool {
    if !cfg!(mutation = "no_copy_fence") {
        // The loads of the copy come before the loads that accept them.
        fence(Ordering::Acquire);
    }
    let open = !seen.is_closed() || cfg!(mutation = "unmoved_though_dirty");
    let unmoved = open && control.current.load(Ordering::Relaxed) == seen.0;
    unmoved || is_stamped(control, seen)
}

/// Whether the buffer of `seen` holds its version, as far as is known.
#[inline]
pub(crate) fn is_stamped(control: &Control, seen: Current) -> bool {
    control.stamps[seen.buffer() as usize].load(Ordering::Relaxed) == seen.version()
}

/// Why a reader could not pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyPins;

/// How the guards of a row are counted.
pub(crate) trait Counting {
    /// Of the count, before the look.
    const PIN: Ordering;

    /// Counts one more, and says how many there were.
    fn add(pins: &AtomicU32) -> u32;

    /// Counts one less. Release: what the reader read lies before it.
    fn subtract(pins: &AtomicU32);
}

/// Several threads count.
pub(crate) enum Together {}

impl Counting for Together {
    const PIN: Ordering = seq_cst_unless(cfg!(mutation = "relaxed_pin"), Ordering::AcqRel);

    #[inline(always)]
    fn add(pins: &AtomicU32) -> u32 {
        pins.fetch_add(1, Self::PIN)
    }

    #[inline(always)]
    fn subtract(pins: &AtomicU32) {
        pins.fetch_sub(1, releasing(cfg!(mutation = "relaxed_unpin")));
    }
}

/// One thread counts: an exchange and a plain store do.
pub(crate) enum Alone {}

impl Counting for Alone {
    const PIN: Ordering = seq_cst_unless(cfg!(mutation = "relaxed_local_pin"), Ordering::Release);

    #[inline(always)]
    fn add(pins: &AtomicU32) -> u32 {
        let count = pins.load(Ordering::Relaxed);
        pins.store(count.wrapping_add(1), Self::PIN);
        count
    }

    #[inline(always)]
    fn subtract(pins: &AtomicU32) {
        let count = pins.load(Ordering::Relaxed);
        let order = releasing(cfg!(mutation = "relaxed_local_unpin"));
        pins.store(count.wrapping_sub(1), order);
    }
}

const fn releasing(mutated: bool) -> Ordering {
    if mutated {
        Ordering::Relaxed
    } else {
        Ordering::Release
    }
}

/// Pins the current buffer in `row`, which is the caller's own. Lock-free: it starts over only when a
/// version was published meanwhile.
#[inline(always)]
pub(crate) fn pin<C: Counting>(control: &Control, row: &Row) -> Result<Current, TooManyPins> {
    let mut seen = Current(control.current.load(Ordering::Relaxed));
    loop {
        let pins = &row.pins[seen.buffer() as usize];
        if C::add(pins) >= MAX_PINS {
            C::subtract(pins);
            return Err(TooManyPins);
        }
        if cfg!(mutation = "no_recheck") {
            fence(Ordering::Acquire);
            return Ok(seen);
        }
        in_order(C::PIN, LOOK);
        let now = Current(control.current.load(LOOK));
        if now.buffer() == seen.buffer() {
            return Ok(now);
        }
        C::subtract(pins);
        seen = now;
    }
}

/// Lets go of a buffer.
#[inline(always)]
pub(crate) fn unpin<C: Counting>(row: &Row, buffer: u32) {
    C::subtract(&row.pins[buffer as usize]);
}

/// Every other buffer is pinned, by these rows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AllPinned(pub(crate) Vec<u32>);

/// Chooses the buffer to write: not current, pinned by no live row, and not the one that a power cut would lead
/// back to.
///
/// It takes the first of those behind the current one, so that while nothing is pinned the buffers go round
/// and a version stays as long as it can for readers who copy it out.
///
/// The caller holds the writer lock. `alive` says whether a row's process lives, asked after its pin was
/// read; the pins of dead rows do not count.
pub(crate) fn choose(
    control: &Control,
    seen: Current,
    buffers: u32,
    me: u32,
    rows: &[Row],
    alive: impl FnMut(u32) -> io::Result<bool>,
) -> io::Result<Result<u32, AllPinned>> {
    match next_free(control, seen, buffers, rows) {
        Some(next) => Ok(Ok(next)),
        None => choose_among(control, seen, buffers, me, taken(control, rows), alive),
    }
}

/// The buffer that [`choose`] would choose, if it is the next one, and no row pins it, dead or alive.
#[inline]
pub(crate) fn next_free(
    control: &Control,
    seen: Current,
    buffers: u32,
    rows: &[Row],
) -> Option<u32> {
    // Behind the publication of `seen`, by whomever.
    in_order(PUBLISH, SCAN);
    let rows = taken(control, rows);
    // Not by remainder: a division takes as long as a locked exchange.
    let next = match seen.buffer() + 1 {
        next if next < buffers => next,
        _ => 0,
    };
    let pinned = rows.iter().any(|row| pins(row, next) != 0);
    // After the pins: a flusher says what it has flushed before it lets go of that.
    let free = !pinned && !durable::is_reserved(control, next);
    (free && !cfg!(mutation = "reserved_before_pins")).then_some(next)
}

/// As [`choose`], where the next buffer is not free, or only pinned by the dead.
fn choose_among(
    control: &Control,
    seen: Current,
    buffers: u32,
    me: u32,
    rows: &[Row],
    mut alive: impl FnMut(u32) -> io::Result<bool>,
) -> io::Result<Result<u32, AllPinned>> {
    for buffer in (seen.buffer() + 1..buffers).chain(0..seen.buffer()) {
        let early = cfg!(mutation = "reserved_before_pins");
        let reserved = early && durable::is_reserved(control, buffer);
        if reserved || is_pinned(buffer, me, rows, &mut alive)? {
            continue;
        }
        if early || !durable::is_reserved(control, buffer) {
            return Ok(Ok(buffer));
        }
    }
    let mut pinning = Vec::new();
    for (index, row) in (0..).zip(rows) {
        let mut others = (0..buffers).filter(|buffer| *buffer != seen.buffer());
        if others.any(|buffer| pins(row, buffer) != 0) && (index == me || alive(index)?) {
            pinning.push(index);
        }
    }
    Ok(Err(AllPinned(pinning)))
}

/// The rows that were ever taken.
#[inline]
fn taken<'a>(control: &Control, rows: &'a [Row]) -> &'a [Row] {
    let count = control.high_water.count.load(SCAN) as usize;
    &rows[..count.min(rows.len())]
}

#[inline]
fn pins(row: &Row, buffer: u32) -> u32 {
    row.pins[buffer as usize].load(SCAN)
}

/// Whether a live row pins the buffer.
#[inline]
fn is_pinned(
    buffer: u32,
    me: u32,
    rows: &[Row],
    mut alive: impl FnMut(u32) -> io::Result<bool>,
) -> io::Result<bool> {
    for (index, row) in (0..).zip(rows) {
        if pins(row, buffer) != 0 && (index == me || alive(index)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether no live row pins the only buffer any more. The caller has said before that it wants it.
#[inline]
pub(crate) fn is_free(
    control: &Control,
    me: u32,
    rows: &[Row],
    alive: impl FnMut(u32) -> io::Result<bool>,
) -> io::Result<bool> {
    Ok(!is_pinned(0, me, taken(control, rows), alive)?)
}

/// Says that `buffer` is being written. The caller has [chosen](choose) it.
#[inline]
pub(crate) fn begin(control: &Control, buffer: u32) {
    let stamp = &control.stamps[buffer as usize];
    if cfg!(mutation = "parity_stamps") {
        stamp.fetch_xor(1 << 63, Ordering::Relaxed);
    } else if !cfg!(mutation = "no_stamp_zero") {
        stamp.store(0, Ordering::Relaxed);
    }
    if !cfg!(mutation = "no_begin_fence") {
        // Orders the stamp before the bytes that follow, for those who copy out: see `still_holds`.
        fence(Ordering::Release);
    }
}

/// Publishes `buffer`, which holds the successor of `seen`. The only place where the value changes.
///
/// Fails if anything but a removal has changed `current` meanwhile: a writer that was taken for dead does
/// not overwrite its successor. A removal does not lose the value: those who have the object open get it.
#[inline]
pub(crate) fn publish(control: &Control, seen: Current, buffer: u32) -> Result<Current, Current> {
    let version = seen.version() + 1;
    control.stamps[buffer as usize].store(version, Ordering::Release);
    exchange(control, seen, Current::new(version, buffer).0)
}

/// Puts `new` in the place of `seen`, unless anything but a removal has changed the word meanwhile, which stays.
#[inline]
pub(crate) fn exchange(control: &Control, seen: Current, new: u64) -> Result<Current, Current> {
    let mut old = seen.0;
    loop {
        let mut new = new | old & REMOVED;
        if cfg!(mutation = "removed_dropped") {
            new &= !REMOVED;
        }
        if cfg!(mutation = "plain_store_commit") {
            control.current.store(new, Ordering::SeqCst);
            return Ok(Current(new));
        }
        let swap = control
            .current
            .compare_exchange(old, new, PUBLISH, Ordering::Relaxed);
        match swap {
            Ok(_) => return Ok(Current(new)),
            Err(now) if now == old | REMOVED && now != old => old = now,
            Err(now) => return Err(Current(now)),
        }
    }
}

/// Marks the object as removed; true if it was not before.
pub(crate) fn remove(control: &Control) -> bool {
    control.current.fetch_or(REMOVED, Ordering::SeqCst) & REMOVED == 0
}
