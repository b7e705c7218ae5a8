//! Rows of the table, and whether the process behind a row lives.
//!
//! A handle holds one byte lock, `LIVE[row]`, from joining to closing. The kernel drops it when the process
//! dies, before the zombie is reaped, in whatever PID namespace. One more byte, `MEMBER`, is held briefly by
//! whoever joins, leaves, tests for leftovers or removes. An error from a lock call is never "dead".

use std::io;
use std::time::Duration;

use crate::control::Row;
use crate::deadline::Deadline;
use crate::fork::{self, Registered};
use crate::header::Header;
use crate::lock::{GENERATIONS, Token};
use crate::mapping::Mapping;
use crate::sync::{self, Ordering};

/// How long to wait for somebody who joins or leaves: microseconds in life, longer only if it was stopped.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// The lock bytes of one object, through a descriptor of this handle's own.
#[derive(Debug)]
pub(crate) struct Locks {
    registered: Registered,
    member: u64,
    rows: u32,
}

impl Locks {
    pub(crate) fn new(registered: Registered, header: &Header) -> Self {
        Locks {
            registered,
            member: header.lock_base,
            rows: header.layout.shape.handles,
        }
    }

    /// Whether this process is the one that opened the handle.
    #[inline]
    pub(crate) fn is_ours(&self) -> bool {
        self.registered.is_ours()
    }

    /// Remembers which thread holds the writer lock through this handle, or that none does.
    #[inline]
    pub(crate) fn set_writer(&self, thread: u64) {
        self.registered.writer.store(thread, Ordering::Relaxed);
    }

    /// Whether the calling thread holds the writer lock under this token, through any handle.
    pub(crate) fn is_own_writer(&self, owner: Token) -> bool {
        fork::is_own_writer(self.registered.file(), self.live(owner.row()))
    }

    fn live(&self, row: u32) -> u64 {
        self.member + 1 + u64::from(row)
    }

    fn unlock(&self, byte: u64) -> io::Result<()> {
        self.registered.bytes()?.unlock(byte)
    }

    /// Takes `MEMBER`; `None` if somebody held it for all of `patience`.
    pub(crate) fn member(&self, patience: Duration) -> io::Result<Option<Member<'_>>> {
        let deadline = Deadline::after(patience);
        let mut pause = Duration::from_micros(20);
        // Never a wait in the kernel: a stopped holder would hang us.
        while !self.registered.bytes()?.try_lock(self.member)? {
            let slice = deadline.slice(pause);
            if slice.is_zero() {
                return Ok(None);
            }
            sync::sleep(slice);
            pause = (pause * 2).min(Duration::from_millis(5));
        }
        Ok(Some(Member(self)))
    }

    /// Whether another handle's process lives. Not for the own row: a lock does not see itself.
    pub(crate) fn is_live(&self, row: u32) -> io::Result<bool> {
        if row >= self.rows || cfg!(mutation = "reclaim_without_byte") {
            return Ok(false);
        }
        let found = self.registered.bytes()?.first_locked(self.live(row), 1)?;
        Ok(found.is_some())
    }

    /// Whether any other handle lives.
    pub(crate) fn anyone(&self) -> io::Result<bool> {
        let found = self
            .registered
            .bytes()?
            .first_locked(self.live(0), self.rows.into())?;
        Ok(found.is_some())
    }

    /// The rows of all other handles that live, in order.
    pub(crate) fn live_rows(&self) -> io::Result<Vec<u32>> {
        let mut live = Vec::new();
        // The kernel names some lock of a range and not the lowest, so there may be more on both sides of it.
        let mut ranges = vec![(self.live(0), self.live(self.rows))];
        while let Some((from, end)) = ranges.pop() {
            if from >= end {
                continue;
            }
            let Some(byte) = self.registered.bytes()?.first_locked(from, end - from)? else {
                continue;
            };
            live.extend(u32::try_from(byte - self.live(0)));
            ranges.extend([(from, byte), (byte + 1, end)]);
        }
        live.sort_unstable();
        Ok(live)
    }
}

/// `MEMBER` is held; dropped, it is free.
#[derive(Debug)]
pub(crate) struct Member<'a>(&'a Locks);

impl Drop for Member<'_> {
    fn drop(&mut self) {
        // In a forked child the lock is the parent's.
        if self.0.is_ours() {
            drop(self.0.unlock(self.0.member));
        }
    }
}

/// A row of the table that is this handle's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    pub(crate) row: u32,
    pub(crate) token: Token,
}

impl Member<'_> {
    /// Takes a free row; `None` if every row is some live handle's.
    pub(crate) fn sit(&self, mapping: &Mapping) -> io::Result<Option<Seat>> {
        let looks_free = |row: &Row| row.in_use.load(Ordering::Relaxed) == 0;
        // Rows that look free first: asking the kernel about each is what costs.
        for hopeful in [true, false] {
            for index in 0..self.0.rows {
                let Some(row) = mapping.row(index) else { break };
                if looks_free(row) != hopeful || self.0.is_live(index)? {
                    continue;
                }
                let byte = self.0.live(index);
                let early = cfg!(mutation = "live_byte_before_generation");
                if early && !self.0.registered.bytes()?.try_lock(byte)? {
                    continue;
                }
                // Nobody resets a row but its next owner, here. The generation changes before the byte is
                // taken: from its first instant as a live row it is another one than the dead owner's.
                for pins in &row.pins {
                    pins.store(0, Ordering::Relaxed);
                }
                let generation =
                    row.generation.load(Ordering::Relaxed).wrapping_add(1) % GENERATIONS;
                row.generation.store(generation, Ordering::SeqCst);
                row.process.store(std::process::id(), Ordering::Relaxed);
                if !early && !self.0.registered.bytes()?.try_lock(byte)? {
                    continue;
                }
                self.0.registered.set_live(byte);
                row.in_use.store(1, Ordering::Relaxed);
                // Before the first pin, so that a writer that misses the row misses no pin.
                let high_water = &mapping.control().high_water.count;
                if !cfg!(mutation = "no_high_water") {
                    high_water.fetch_max(index + 1, Ordering::SeqCst);
                }
                return Ok(Some(Seat {
                    row: index,
                    token: Token::new(index, generation),
                }));
            }
        }
        Ok(None)
    }

    /// Gives the row back. Its pins go first: nobody may take it with pins of ours.
    pub(crate) fn leave(&self, mapping: &Mapping, seat: Seat) {
        leave(self.0, mapping, seat);
    }
}

/// As [`Member::leave`], for a handle that did not get `MEMBER` because its holder is stopped.
pub(crate) fn leave(locks: &Locks, mapping: &Mapping, seat: Seat) {
    if let Some(row) = mapping.row(seat.row) {
        for pins in &row.pins {
            pins.store(0, Ordering::Release);
        }
        row.in_use.store(0, Ordering::Relaxed);
    }
    drop(locks.unlock(locks.live(seat.row)));
}

/// Whether the owner of a lock word is dead: no such row, its row taken anew, or its process gone.
pub(crate) fn is_dead(
    locks: &Locks,
    mapping: &Mapping,
    me: Token,
    owner: Token,
) -> io::Result<bool> {
    if owner == me {
        return Ok(false);
    }
    let Some(row) = mapping.row(owner.row()) else {
        return Ok(true);
    };
    let generation = row.generation.load(Ordering::SeqCst);
    if generation != owner.generation() && !cfg!(mutation = "no_generation") {
        return Ok(true);
    }
    Ok(!locks.is_live(owner.row())?)
}
