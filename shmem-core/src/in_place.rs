//! One buffer, changed where it lies: readers share, a writer excludes.
//!
//! A value that is too big to copy for each change has one buffer. A writer says in `current` that it wants
//! the value to itself, waits until no live row pins it, and says that it is half-written before it changes
//! the first byte. Readers pin and look, as everywhere, and go away again if a writer has said so.
//!
//! Invariant: while `DIRTY` is set, no live row holds a guard. Why: pin then look, `DRAINING` then scan, each
//! side two sequentially consistent accesses, as in `cell.rs`; and whoever is let in past `DRAINING` has a
//! guard's pin beside its own, or a writer that is dead, in front of whatever the next one scans.
//!
//! | `DRAINING` | `DIRTY` | lock | Meaning |
//! |---|---|---|---|
//! | 0 | 0 | any | readers come and go |
//! | 1 | 0 | held | its owner waits for the last of them; nothing has changed |
//! | 1 | 0 | dead | nothing has changed: readers come and go |
//! | 1 | 1 | held | half-written |
//! | any | 1 | free, dead | left half-written: poisoned until a writer publishes |

use std::io;
use std::time::Duration;

use crate::cell::{self, Current, Together};
use crate::control::{Control, Row};
use crate::deadline::Deadline;
use crate::lifecycle::Attachment;
use crate::lock::{self, Token};
use crate::notify;
use crate::os::Event;
use crate::participant;
use crate::sync::{self, Ordering, fence, in_order, seq_cst_unless};
use crate::view::Refusal;
use crate::{Error, Result};

/// Drain then scan, as publish then scan.
const DRAIN: Ordering = seq_cst_unless(cfg!(mutation = "relaxed_drain"), Ordering::AcqRel);

/// How often to look again before the first sleep: a writer of one field is done in less.
const SPINS: u32 = if cfg!(loom) { 1 } else { 100 };
const FIRST_SLEEP: Duration = Duration::from_millis(1);
/// The longest sleep: after a kill, readers and writers notice at most this much later.
const LAST_SLEEP: Duration = Duration::from_millis(16);
/// How long a writer waits for guards of its own handle, which may be its own thread's.
const OWN_PATIENCE: Duration = Duration::from_secs(1);

/// Says that a writer wants the value to itself, and returns the word that says so. The caller holds the lock.
#[inline]
pub(crate) fn drain(control: &Control) -> Current {
    let draining = if cfg!(mutation = "no_drain") {
        0
    } else {
        cell::DRAINING
    };
    let old = control.current.fetch_or(draining, DRAIN);
    Current::from_bits(old | cell::DRAINING)
}

/// Whether no live row but transiently pins the value any more: the writer has it to itself.
#[inline]
pub(crate) fn is_drained(
    control: &Control,
    me: u32,
    rows: &[Row],
    alive: impl FnMut(u32) -> io::Result<bool>,
) -> io::Result<bool> {
    in_order(DRAIN, cell::SCAN);
    cell::is_free(control, me, rows, alive)
}

/// Says that the value is half-written, before the first byte changes, and returns the word that says so.
///
/// The word must still be what the writer saw, but for a removal: one that was taken for dead spoils nothing
/// that its successor says, and cannot publish.
pub(crate) fn soil(control: &Control, seen: Current) -> Current {
    let dirty = if cfg!(mutation = "no_dirty") {
        0
    } else {
        cell::DIRTY
    };
    let soiled = cell::exchange(control, seen, seen.to_bits() | dirty);
    if !cfg!(mutation = "no_soil_stamp") {
        control.stamps[0].store(0, Ordering::Relaxed);
    }
    if !cfg!(mutation = "no_soil_fence") {
        // Both before the bytes: for whoever copies out, and for whoever finds us dead.
        fence(Ordering::Release);
    }
    soiled.unwrap_or(seen)
}

/// Lets readers in again after a writer that has published, or not begun; true if it had kept them out.
#[inline]
pub(crate) fn let_in(control: &Control) -> bool {
    if !Current::from_bits(control.current.load(Ordering::Relaxed)).is_draining() {
        return false;
    }
    control.current.fetch_and(!cell::DRAINING, Ordering::SeqCst);
    true
}

/// Whether a reader that has pinned the buffer may have it.
enum Admission {
    Admitted,
    Poisoned,
    /// A writer that lives has it, or is about to.
    Later(Token),
}

impl Attachment {
    pub(crate) fn is_in_place(&self) -> bool {
        self.view.mapping.buffers() == 1
    }

    /// A guard that has pinned the buffer begins to read. It is counted from when it may until just before its
    /// pin goes.
    #[inline]
    pub(crate) fn let_guard_in(&self, deadline: Deadline) -> core::result::Result<(), Refusal> {
        self.gate.enter_shared(self, deadline)?;
        self.readers.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    #[inline]
    pub(crate) fn let_guard_out(&self) {
        self.readers.fetch_sub(1, Ordering::SeqCst);
        self.gate.leave_shared();
    }

    /// Lets readers in, unless this handle has lost the lock meanwhile, and wakes those who wait for that.
    pub(crate) fn let_readers_in(&self) {
        let mapping = &self.view.mapping;
        let control = mapping.control();
        if lock::is_held_by(&control.writer, self.seat.token) && let_in(control) {
            let asked = notify::take_request(mapping);
            if !cfg!(mutation = "no_wake_in_place") {
                notify::wake(mapping, asked, Event);
            }
        }
    }

    /// Whether a reader that has pinned the buffer, and then seen `seen`, may have it. `None`: look again.
    ///
    /// A writer that has drained the value meanwhile has scanned the pins before we pinned. Then no other guard
    /// of this handle is left, and the lock is held by a writer that lives.
    fn admission(&self, seen: Current) -> io::Result<Option<Admission>> {
        let mapping = &self.view.mapping;
        let control = mapping.control();
        let beside_another = self.readers.load(Ordering::SeqCst) > 0;
        if !seen.is_dirty() && (beside_another || cfg!(mutation = "admit_draining")) {
            return Ok(Some(Admission::Admitted));
        }
        let owner = Token::from_bits(control.writer.lock.load(Ordering::SeqCst));
        let lives = owner != Token::FREE
            && !participant::is_dead(&self.locks, mapping, self.seat.token, owner)?;
        if cell::current_in_order(control) != seen {
            return Ok(None);
        }
        Ok(Some(match (lives, seen.is_dirty()) {
            (true, _) => Admission::Later(owner),
            (false, true) => Admission::Poisoned,
            (false, false) => Admission::Admitted,
        }))
    }

    /// The slow path of pinning the only buffer: `seen` says that a writer has it. Returns with the pin, or
    /// without one.
    #[cold]
    pub(crate) fn enter(
        &self,
        mut seen: Current,
        deadline: Deadline,
    ) -> core::result::Result<Current, Refusal> {
        let view = &self.view;
        let control = view.mapping.control();
        let mut sleep = FIRST_SLEEP;
        let mut looks = 0;
        while seen.is_closed() {
            let admission = self.admission(seen);
            if matches!(admission, Ok(Some(Admission::Admitted))) {
                return Ok(seen);
            }
            cell::unpin::<Together>(self.row(), seen.buffer());
            let doing = "asking whether the writer lives";
            match admission.map_err(|e| Error::from_io(&view.location, doing, e))? {
                Some(Admission::Admitted) | None => {}
                Some(Admission::Poisoned) => return Err(Refusal::Poisoned),
                Some(Admission::Later(owner)) => {
                    if self.locks.is_own_writer(owner) {
                        let location = view.location.clone();
                        return Err(Error::WouldDeadlock { location }.into());
                    }
                    if looks < SPINS && !matches!(deadline, Deadline::Now) {
                        looks += 1;
                        std::hint::spin_loop();
                    } else {
                        self.sleep_while(seen, sleep, deadline, owner)?;
                        sleep = (sleep * 2).min(LAST_SLEEP);
                    }
                }
            }
            seen =
                cell::pin::<Together>(control, self.row()).map_err(|_| Refusal::TooManyGuards)?;
        }
        Ok(seen)
    }

    /// Sleeps until `current` changes, at most for `sleep`.
    fn sleep_while(
        &self,
        seen: Current,
        sleep: Duration,
        deadline: Deadline,
        owner: Token,
    ) -> Result<()> {
        let view = &self.view;
        let control = view.mapping.control();
        let slice = deadline.slice(sleep);
        if slice.is_zero() {
            let holder = format!("it is being changed in place by {}", view.who(owner.row()));
            return Err(deadline.passed(&view.location, holder));
        }
        view.mapping.waiters().swap(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if cell::current_in_order(control) == seen {
            Event.wait(&control.current, seen.half(), slice);
        }
        Ok(())
    }

    /// Whether the writer, which has [drained](drain) the value, has it to itself.
    pub(crate) fn is_drained(&self) -> io::Result<bool> {
        let mapping = &self.view.mapping;
        let alive = |index| self.locks.is_live(index);
        is_drained(mapping.control(), self.seat.row, mapping.rows(), alive)
    }

    /// Waits until no reader has the value: as long as it takes, but for guards of this very handle.
    #[cold]
    pub(crate) fn wait_for_readers(&self, deadline: Deadline) -> Result<()> {
        let view = &self.view;
        let own = Deadline::after(OWN_PATIENCE);
        let mut pause = Duration::from_micros(20);
        let mut looks = 0;
        loop {
            let drained = self.is_drained();
            let doing = "asking whether a reader lives";
            if drained.map_err(|e| Error::from_io(&view.location, doing, e))? {
                return Ok(());
            }
            if looks < SPINS && !matches!(deadline, Deadline::Now) {
                looks += 1;
                std::hint::spin_loop();
                continue;
            }
            let slice = deadline.slice(pause);
            let alone = self.readers.load(Ordering::Relaxed) > 0 && own.slice(pause).is_zero();
            if slice.is_zero() || alone {
                let deadline = if alone { Deadline::Now } else { deadline };
                return Err(deadline.passed(&view.location, self.readers_in_the_way()));
            }
            sync::sleep(slice);
            pause = (pause * 2).min(Duration::from_millis(1));
        }
    }

    fn readers_in_the_way(&self) -> String {
        let view = &self.view;
        if self.readers.load(Ordering::Relaxed) > 0 {
            return "guards of this very handle read it: drop them first".into();
        }
        let live = self.locks.live_rows().unwrap_or_default();
        let pins = |row: &u32| {
            let row = view.mapping.row(*row);
            row.is_some_and(|row| row.pins[0].load(Ordering::Relaxed) != 0)
        };
        let who: Vec<_> = live
            .into_iter()
            .filter(pins)
            .map(|row| view.who(row))
            .collect();
        format!("it is being read through guards of {}", who.join(", "))
    }
}
