//! Words that all processes of a round share and that outlive a kill: a plain file, mapped by everybody.
//!
//! Not an object of the library, which it is to judge. Every word is an atomic, written by one store each.
#![expect(unsafe_code, reason = "maps the words")]

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use rustix::mm::{MapFlags, ProtFlags, mmap};

use crate::plan::Plan;

/// Processes of a round that can be there at once.
pub(crate) const SLOTS: usize = 40;
/// Lives of a round: a process that is killed and started again has another one.
const LIVES: usize = 1 << 16;
/// Objects of a round, one after the other.
pub(crate) const INCARNATIONS: usize = 1 << 14;
/// Items of an array: some share a stripe with another.
pub(crate) const ITEMS: usize = 66;
/// Lines of the log.
const LINES: usize = 1 << 23;

const PLAN: usize = 32;
const SLOT: usize = 32;
const AT_SLOTS: usize = 128;
const AT_LIVES: usize = AT_SLOTS + SLOTS * SLOT;
const AT_NEWEST: usize = AT_LIVES + LIVES;
const AT_ITEMS: usize = AT_NEWEST + INCARNATIONS;
const AT_LOG: usize = AT_ITEMS + INCARNATIONS * ITEMS;
const WORDS: usize = AT_LOG + LINES;

/// Words that are there once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Word {
    Phase,
    NextIncarnation,
    NextLife,
    LogEnd,
    Violations,
    /// Removals begun.
    Removals,
    /// Children forked, and ended as they should.
    Forked,
    Ended,
    /// How often a process was stopped.
    Stops,
}

/// Words that each slot has. From `Commits` on they only count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The last phase that the process has come to rest in.
    Rests,
    /// Its descriptors before it opened anything.
    Descriptors,
    /// Whether it wants to write.
    Wants,
    /// Whether it is removing the object.
    Removing,
    Commits,
    Reads,
    Recovered,
    Opened,
    Created,
    Removed,
    Pruned,
    Waits,
    Busy,
    Full,
    Flushes,
    Poisoned,
    Items,
}

/// How far a round has come. Everybody follows; the conductor sets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// All go on, and are killed.
    Run = 1,
    /// Nobody is killed, and nobody removes or creates; the inspector opens the object.
    Calm,
    /// Guards are dropped, handles stay.
    Rest,
    /// The inspector looks for buffers that are still pinned.
    Buffers,
    /// Handles are dropped.
    Close,
    /// The inspector looks for rows that are still taken, and for files.
    Rows,
    /// All end.
    End,
}

/// What a line of the log, or what a life is about to do, says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Published by that life, which says so after its commit; or is about to be.
    Commit = 1,
    /// About to be published, as a version that the life does not know yet.
    Blind,
    /// About to be changed, and not to be published before the life says as which version.
    Change,
    /// Seen: the value of the version is by that life.
    Seen,
    /// The life found, when that version was current, that a writer had died in the middle of the next.
    Recovered,
    /// The life has left that version half-changed, alive: it gave up in place.
    Left,
}

/// A line of the log: kind (3 bits), incarnation (14), version (31), life (16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) kind: Kind,
    pub(crate) incarnation: u16,
    pub(crate) version: u64,
    pub(crate) life: u16,
}

impl Line {
    fn to_word(self) -> u64 {
        let at = u64::from(self.incarnation) << 47 | (self.version & 0x7FFF_FFFF) << 16;
        (self.kind as u64) << 61 | at | u64::from(self.life)
    }

    fn from_word(word: u64) -> Option<Self> {
        let kind = match word >> 61 {
            1 => Kind::Commit,
            2 => Kind::Blind,
            3 => Kind::Change,
            4 => Kind::Seen,
            5 => Kind::Recovered,
            6 => Kind::Left,
            _ => return None,
        };
        Some(Line {
            kind,
            incarnation: u16::try_from(word >> 47 & 0x3FFF).unwrap_or(0),
            version: word >> 16 & 0x7FFF_FFFF,
            life: u16::try_from(word & 0xFFFF).unwrap_or(0),
        })
    }
}

/// The words, mapped.
///
/// # Invariants
///
/// 1. Mapped for as long as the process lives, shared and writable, at the start of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Board(&'static [AtomicU64; WORDS]);

impl Board {
    /// Maps the file, which is made if it is not there.
    pub(crate) fn map(path: &Path) -> Self {
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false);
        let file = file.open(path).unwrap();
        let bytes = size_of::<[AtomicU64; WORDS]>();
        file.set_len(bytes as u64).unwrap();
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping, at an address of the kernel's choice.
        let start = unsafe {
            mmap(
                std::ptr::null_mut(),
                bytes,
                protection,
                MapFlags::SHARED,
                &file,
                0,
            )
        };
        let words = start.unwrap().cast::<[AtomicU64; WORDS]>();
        // SAFETY: mapped just now with that length, aligned to a page, and never unmapped; any bytes are atomics,
        // and other processes change them as such.
        Board(unsafe { &*words })
    }

    /// Makes all words of the file 0 again. Nobody else has it mapped.
    pub(crate) fn clear(path: &Path) {
        let file = File::options().write(true).open(path).unwrap();
        file.set_len(0).unwrap();
        let bytes = size_of::<[AtomicU64; WORDS]>();
        file.set_len(bytes as u64).unwrap();
    }

    pub(crate) fn word(self, word: Word) -> &'static AtomicU64 {
        &self.0[word as usize]
    }

    pub(crate) fn get(self, word: Word) -> u64 {
        self.word(word).load(SeqCst)
    }

    /// The next number of that word, from 1.
    pub(crate) fn next(self, word: Word) -> u64 {
        self.word(word).fetch_add(1, SeqCst) + 1
    }

    pub(crate) fn at(self, slot: usize, place: Place) -> &'static AtomicU64 {
        assert!(slot < SLOTS, "slot {slot}");
        &self.0[AT_SLOTS + slot * SLOT + place as usize]
    }

    /// That word of all slots together.
    pub(crate) fn sum(self, place: Place) -> u64 {
        (0..SLOTS)
            .map(|slot| self.at(slot, place).load(SeqCst))
            .sum()
    }

    pub(crate) fn set_plan(self, plan: Plan) {
        for (word, value) in self.0[PLAN..].iter().zip(plan.to_words()) {
            word.store(value, SeqCst);
        }
    }

    pub(crate) fn plan(self) -> Plan {
        Plan::from_words(std::array::from_fn(|at| self.0[PLAN + at].load(SeqCst)))
    }

    pub(crate) fn set_phase(self, phase: Phase) {
        self.word(Word::Phase).store(phase as u64, SeqCst);
    }

    /// Whether the round has come so far.
    pub(crate) fn is_past(self, phase: Phase) -> bool {
        self.get(Word::Phase) >= phase as u64
    }

    /// A new life; all are used up after some tens of thousands.
    pub(crate) fn new_life(self) -> Option<u16> {
        u16::try_from(self.next(Word::NextLife)).ok()
    }

    /// The number of an object that somebody is about to create.
    pub(crate) fn new_incarnation(self) -> Option<u16> {
        let next = u16::try_from(self.next(Word::NextIncarnation)).ok()?;
        (usize::from(next) < INCARNATIONS).then_some(next)
    }

    /// The newest version of an incarnation that anybody is known to have published or seen.
    pub(crate) fn newest(self, incarnation: u16) -> &'static AtomicU64 {
        &self.0[AT_NEWEST + usize::from(incarnation) % INCARNATIONS]
    }

    /// The newest version of an item of an array that anybody is known to have published or seen.
    pub(crate) fn newest_item(self, incarnation: u16, item: usize) -> &'static AtomicU64 {
        &self.0[AT_ITEMS + usize::from(incarnation) % INCARNATIONS * ITEMS + item % ITEMS]
    }

    /// Says what a life is about to do.
    pub(crate) fn intend(self, line: Line) {
        self.0[AT_LIVES + usize::from(line.life)].store(line.to_word(), SeqCst);
    }

    /// Says that it did it, or that it will not.
    pub(crate) fn intend_nothing(self, life: u16) {
        self.0[AT_LIVES + usize::from(life)].store(0, SeqCst);
    }

    /// What a life was about to do when it died.
    pub(crate) fn intent(self, life: u16) -> Option<Line> {
        Line::from_word(self.0[AT_LIVES + usize::from(life)].load(SeqCst))
    }

    /// Writes a line of the log. A process that is killed meanwhile has not written it.
    pub(crate) fn log(self, line: Line) {
        let end = self.word(Word::LogEnd).fetch_add(1, SeqCst);
        let place = usize::try_from(end).unwrap_or(usize::MAX);
        assert!(place < LINES, "the log is full");
        self.0[AT_LOG + place].store(line.to_word(), SeqCst);
    }

    /// Whether the round has to end because its numbers run out.
    pub(crate) fn is_nearly_full(self) -> bool {
        let full = |word, limit: usize| self.get(word) > (limit - limit / 8) as u64;
        full(Word::LogEnd, LINES)
            || full(Word::NextLife, LIVES)
            || full(Word::NextIncarnation, INCARNATIONS)
    }

    /// All lines of the log.
    pub(crate) fn lines(self) -> impl Iterator<Item = Line> {
        let end = usize::try_from(self.get(Word::LogEnd)).unwrap_or(LINES);
        let words = self.0[AT_LOG..].iter().take(end.min(LINES));
        words.filter_map(|word| Line::from_word(word.load(SeqCst)))
    }
}
