//! Reading, writing, publishing, copying out; the writer lock and its take-over; rows and their reuse.
//!
//! Each process has one handle and two threads, one that reads under guards and one that writes, closes and
//! joins; one more process copies out and registers nowhere. A process may be killed before every step. The
//! object is one of lifetime `Keep`: when everybody is dead, the next who joins finds what they left.
//!
//! | Step | Function, in `shmem-core/src` |
//! |------|-------------------------------|
//! | load current, pin, look again, unpin and start over | `pin` in `cell.rs` |
//! | read half 0, read half 1 | `Deref` of `ReadGuard` in `guard.rs` |
//! | unpin | `Drop` of `ReadGuard` in `guard.rs`, `unpin`, `subtract` in `cell.rs` |
//! | lock | `try_acquire` in `lock.rs` |
//! | see the lock held, ask for the generation, ask for the byte, take over | `acquire` in `lock.rs`, `is_dead` in `participant.rs` |
//! | load current and the high water | `lock_and_copy` in `writing.rs`, `next_free` in `cell.rs` |
//! | scan, probe, all pinned | `next_free`, `choose`, `is_pinned` in `cell.rs`; `is_live` in `participant.rs`; `choose` in `writing.rs` |
//! | begin: stamp 0 | `begin` in `cell.rs` |
//! | look at `writing`, clear it | `fill` in `writing.rs` |
//! | touch | `touch` in `write_guard.rs` |
//! | write half 0, write half 1 | `DerefMut` of `WriteGuard` in `write_guard.rs`, `fill` in `writing.rs` |
//! | discard | `forget_change` in `write_guard.rs` |
//! | stamp, publish | `publish` in `cell.rs` |
//! | unlock | `Drop` of `Held` in `write_guard.rs`, `release` in `lock.rs` |
//! | forget the guard, close: clear `writing` | `Drop` of `Attachment` in `lifecycle.rs` |
//! | leave: zero the pins, drop the byte | `leave` in `participant.rs` |
//! | join: MEMBER, orphan, a free row, zero the pins, generation, byte, high water | `join`, `revive` in `lifecycle.rs`; `sit` in `participant.rs`; `orphan` in `lock.rs` |
//! | REMOVED | `remove` in `cell.rs` |
//! | copy out | `copy_out` in `view.rs`, `current` and `still_holds` in `cell.rs` |

use crate::search::{Model, Steps};

mod variant;
mod read;
mod write;
mod seat;
mod copy;
mod faults;

pub use variant::*;

const PROCESSES: usize = 3;
const ROWS: usize = 3;
const BUFFERS: usize = 3;
const NONE: u8 = 255;
/// The row of `Token::NOBODY`.
const NOBODY: u8 = 254;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Read {
    Idle,
    Pin,
    LookAgain,
    LetGo,
    LateHighWater,
    LatePin,
    Holding,
    HalfWay,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
enum Main {
    Out,
    Idle,
    // Taking the lock.
    AskGeneration,
    AskByte,
    TakeOver,
    // Under the lock.
    Locked,
    Scan,
    Probe,
    ZeroDead,
    Begin,
    LookWriting,
    ClearWriting,
    Handed,
    Half0,
    LateTouch,
    Half1,
    Stamp,
    Publish,
    LatePublish,
    Unlock,
    Forgotten,
    // Closing.
    CloseWriting,
    CloseUnlock,
    CloseMember,
    LeavePins,
    LeaveByte,
    // Joining, under MEMBER.
    Orphan,
    Sit,
    ZeroPins,
    Generation,
    Byte,
    HighWater,
}

impl Main {
    fn writes(self) -> bool {
        self >= Main::Locked && self <= Main::CloseUnlock && self != Main::LatePublish
    }

    /// Whether a change was begun and not published.
    fn is_changing(self) -> bool {
        matches!(
            self,
            Main::Half0
                | Main::LateTouch
                | Main::Half1
                | Main::Stamp
                | Main::Publish
                | Main::LatePublish
                | Main::Forgotten
                | Main::CloseWriting
        )
    }

    fn may_read(self) -> bool {
        self >= Main::Idle && self <= Main::Forgotten
    }
}

#[derive(Clone, Copy, Hash)]
struct Process {
    main: Main,
    row: u8,
    generation: u8,
    /// In the thread that writes: the version and buffer that it saw, the buffer it writes, the row it scans.
    version: u8,
    seen: u8,
    high: u8,
    turn: u8,
    index: u8,
    tag: u8,
    /// Asked before the pin was read (a mutation).
    dead: bool,
    /// Nobody else was there since the scan began.
    alone: bool,
    /// The owner of the lock that was seen.
    owner_row: u8,
    owner_generation: u8,
    /// In the thread that reads: the buffer, the value it must see, what it read.
    read: Read,
    buffer: u8,
    expected: u8,
    half: u8,
    /// The high water has yet to rise (a mutation).
    late: bool,
    /// Lost its liveness, and runs on.
    haunts: bool,
}

const OUT: Process = Process {
    main: Main::Out,
    row: 0,
    generation: 0,
    version: 0,
    seen: 0,
    high: 0,
    turn: 0,
    index: 0,
    tag: 0,
    dead: false,
    alone: false,
    owner_row: 0,
    owner_generation: 0,
    read: Read::Idle,
    buffer: 0,
    expected: 0,
    half: 0,
    late: false,
    haunts: false,
};

impl Process {
    /// Forgets what the thread that writes need not know any more, so that equal states are equal.
    fn rest(&mut self, main: Main) {
        *self = Process {
            main,
            version: 0,
            seen: 0,
            high: 0,
            turn: 0,
            index: 0,
            tag: 0,
            dead: false,
            alone: false,
            owner_row: 0,
            owner_generation: 0,
            ..*self
        };
    }

    fn reads(&mut self, read: Read) {
        self.read = read;
        if read == Read::Idle {
            (self.buffer, self.expected, self.half) = (0, 0, 0);
        }
    }
}

#[derive(Clone, Copy, Hash)]
struct Row {
    generation: u8,
    /// Whose byte it is.
    live: u8,
    pins: [u8; BUFFERS],
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Copying {
    Idle,
    Sequence,
    Half0,
    Half1,
    Check,
}

#[derive(Clone, Copy, Hash)]
struct Copier {
    at: Copying,
    buffer: u8,
    version: u8,
    expected: u8,
    sequence: u8,
    half: u8,
    torn: bool,
}

const COPIER: Copier = Copier {
    at: Copying::Idle,
    buffer: 0,
    version: 0,
    expected: 0,
    sequence: 0,
    half: 0,
    torn: false,
};

#[derive(Clone, Copy, Hash)]
pub struct State {
    // The object.
    version: u8,
    buffer: u8,
    removed: bool,
    stamps: [u8; BUFFERS],
    halves: [[u8; 2]; BUFFERS],
    lock_row: u8,
    lock_generation: u8,
    writing: u8,
    high: u8,
    rows: [Row; ROWS],
    member: u8,
    // What really happened.
    tag: u8,
    /// The process that holds the lock, if it lives.
    owner: u8,
    /// The last writer died with a change that it had not published.
    lost: bool,
    was_removed: bool,
    haunted: bool,
    // What may still happen.
    kills: u8,
    writes: u8,
    tags: u8,
    joins: u8,
    closes: u8,
    removals: u8,
    taken_for_dead: u8,
    power_cuts: u8,
    processes: [Process; PROCESSES],
    copier: Copier,
}

impl State {
    fn row(&self, row: u8) -> &Row {
        &self.rows[usize::from(row)]
    }

    fn row_mut(&mut self, row: u8) -> &mut Row {
        &mut self.rows[usize::from(row)]
    }

    fn process(&mut self, process: u8) -> &mut Process {
        &mut self.processes[usize::from(process)]
    }

    fn unpin(&mut self, row: usize, buffer: usize) {
        let pins = &mut self.rows[row].pins[buffer];
        // Below zero only in some mutations, which are after another violation.
        *pins = pins.saturating_sub(1);
    }

    fn free_lock(&mut self) {
        (self.lock_row, self.lock_generation, self.owner) = (NONE, 0, NONE);
    }
}

impl Model for Snapshot {
    type State = State;

    fn start(&self) -> State {
        let row = Row {
            generation: 0,
            live: NONE,
            pins: [0; BUFFERS],
        };
        let mut state = State {
            version: 1,
            buffer: 0,
            removed: false,
            stamps: [0; BUFFERS],
            halves: [[0; 2]; BUFFERS],
            lock_row: NONE,
            lock_generation: 0,
            writing: 0,
            high: self.joined,
            rows: [row; ROWS],
            member: NONE,
            tag: 0,
            owner: NONE,
            lost: false,
            was_removed: false,
            haunted: false,
            kills: self.kills,
            writes: self.writes,
            tags: 0,
            joins: self.joins,
            closes: self.closes,
            removals: self.removals,
            taken_for_dead: self.taken_for_dead,
            power_cuts: self.power_cuts,
            processes: [OUT; PROCESSES],
            copier: COPIER,
        };
        if self.mutation != Mutation::ParitySequence {
            state.stamps[0] = 1;
        }
        for p in 0..self.joined {
            state.row_mut(p).live = p;
            state.row_mut(p).generation = 1;
            *state.process(p) = Process {
                main: Main::Idle,
                row: p,
                generation: 1,
                late: self.mutation == Mutation::HighWaterAfterPin,
                ..OUT
            };
            if self.mutation == Mutation::HighWaterAfterPin {
                state.high = 1;
            }
        }
        state
    }

    fn broken(&self, s: &State) -> Option<&'static str> {
        if s.removed != s.was_removed {
            return Some(REMOVED_LOST);
        }
        if s.haunted {
            return None;
        }
        if s.halves[usize::from(s.buffer)] != [s.tag; 2] {
            return Some(CURRENT_CHANGED);
        }
        if s.processes.iter().filter(|p| p.main.writes()).count() > 1 {
            return Some(TWO_WRITERS);
        }
        if !self.discards {
            for process in s.processes.iter().filter(|p| p.main.may_read()) {
                let held = match process.read {
                    Read::Idle | Read::Pin | Read::LatePin => 0,
                    _ => 1,
                };
                if s.row(process.row).pins.iter().sum::<u8>() > held {
                    return Some(STRAY_PIN);
                }
            }
        }
        if s.lock_row < NOBODY && s.owner == NONE {
            let row = s.row(s.lock_row);
            if row.live != NONE && row.generation == s.lock_generation {
                return Some(DEAD_LOOKS_ALIVE);
            }
        }
        None
    }

    fn at_rest(&self, s: &State) -> Option<&'static str> {
        let wants = |p: u8| {
            let process = &s.processes[usize::from(p)];
            self.writers & 1 << p != 0 && process.main == Main::Idle && !process.haunts
        };
        let stuck = s.writes > 0 && !s.removed && (0..self.processes).any(wants);
        stuck.then_some(LOCK_LOST)
    }

    fn steps(&self, s: &State, out: &mut Steps<State>) {
        for p in 0..self.processes {
            let process = &s.processes[usize::from(p)];
            if process.main == Main::Out {
                self.join(s, p, out);
                continue;
            }
            if process.main.may_read() && self.readers & 1 << p != 0 {
                self.read(s, p, out);
            }
            self.main(s, p, out);
            self.misfortune(s, p, out);
        }
        self.catastrophe(s, out);
        if self.copies {
            self.copy(s, out);
        }
    }
}

impl Snapshot {
    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == mutation
    }
}
