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
//! | unpin | `Drop` of `ReadGuard` in `guard.rs`, `unpin` in `cell.rs` |
//! | lock | `try_acquire` in `lock.rs` |
//! | see the lock held, ask for the generation, ask for the byte, take over | `acquire` in `lock.rs`, `is_dead` in `participant.rs` |
//! | load current and the high water | `lock_and_copy` in `object.rs`, `choose` in `cell.rs` |
//! | scan, probe, all pinned | `choose`, `is_pinned` in `cell.rs`; `is_live` in `participant.rs`; `choose_later` in `object.rs` |
//! | begin: stamp 0 | `begin` in `cell.rs` |
//! | look at `writing`, clear it | `lock_and_copy` in `object.rs` |
//! | touch | `touch` in `guard.rs` |
//! | write half 0, write half 1 | `DerefMut` of `WriteGuard` in `guard.rs`, and the copy in `object.rs` |
//! | discard | `forget_change` in `guard.rs` |
//! | stamp, publish | `publish` in `cell.rs` |
//! | unlock | `Drop` of `Held` in `guard.rs`, `release` in `lock.rs` |
//! | forget the guard, close: clear `writing` | `Drop` of `Attachment` in `lifecycle.rs` |
//! | leave: zero the pins, drop the byte | `leave` in `participant.rs` |
//! | join: MEMBER, orphan, a free row, zero the pins, generation, byte, high water | `join`, `revive` in `lifecycle.rs`; `sit` in `participant.rs`; `orphan` in `lock.rs` |
//! | REMOVED | `remove` in `cell.rs` |
//! | copy out | `copy_out` in `view.rs`, `current` and `still_holds` in `cell.rs` |

use crate::search::{Model, Steps};

pub const TORN_READ: &str = "torn read";
pub const CURRENT_CHANGED: &str = "the current buffer changed";
pub const TWO_WRITERS: &str = "two writers";
pub const TORN_COPY: &str = "torn copy";
pub const OTHER_COPY: &str = "a copy of another version";
pub const LOST_UPDATE: &str = "published over a successor";
pub const REMOVED_LOST: &str = "REMOVED was erased";
pub const DEAD_LOOKS_ALIVE: &str = "a dead owner looks alive";
pub const RECOVERED_WRONG: &str = "recovered is wrong";
pub const BLOCKED_BY_DEAD: &str = "blocked by the dead";
pub const FOREIGN_UNLOCK: &str = "released another's lock";
pub const STRAY_PIN: &str = "a pin that nobody holds";
pub const LOCK_LOST: &str = "nobody can ever write";

/// What differs from the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    None,
    /// A reader does not look again after it has pinned.
    NoRecheck,
    /// It looks again, but before it pins.
    LookThenPin,
    /// Copies are accepted by a sequence number that is even and unchanged, in place of stamps.
    ParitySequence,
    /// The stamp keeps the old version while the buffer is written.
    NoStampZeroing,
    /// The next owner of a row has the same generation.
    NoGeneration,
    /// The row's byte is taken before its generation changes.
    ByteBeforeGeneration,
    /// The pins of dead rows count.
    CountTheDead,
    /// Liveness is asked before the pin is read. That does no harm: a reader that joins after it was asked
    /// finds the current buffer, which is not the one that the writer is about to choose.
    ProbeBeforePin,
    /// A writer zeroes the pins of a dead row, without holding the row's byte.
    ZeroWithoutByte,
    /// The high water rises after the first pin.
    HighWaterAfterPin,
    /// A joiner does not zero the pins that it finds.
    PinsNotZeroed,
    /// A handle that leaves drops its byte before it zeroes its pins.
    ByteBeforePins,
    /// `current` is stored and not exchanged.
    PublishByStore,
    /// The exchange forgets a removal.
    CommitErasesRemoved,
    /// The lock is given back before the version is published.
    UnlockBeforePublish,
    /// The lock is taken over by a store.
    TakeOverByStore,
    /// The lock is given back by a store.
    UnlockByStore,
    /// `writing` keeps its value when a change is discarded.
    WritingNotCleared,
    /// The change is noted in `writing` after its first byte.
    TouchAfterWrite,
    /// Who opens an object that nobody has open leaves the lock of the dead as it is.
    NoOrphan,
}

#[derive(Clone, Copy, Debug)]
pub struct Snapshot {
    pub mutation: Mutation,
    pub processes: u8,
    /// Bit p: process p reads under guards.
    pub readers: u8,
    /// Bit p: process p writes.
    pub writers: u8,
    /// How many processes have joined when the story begins.
    pub joined: u8,
    pub rows: u8,
    pub buffers: u8,
    /// Whether somebody copies out.
    pub copies: bool,
    /// Whether changes are discarded, and guards forgotten.
    pub discards: bool,
    pub kills: u8,
    pub writes: u8,
    pub joins: u8,
    pub closes: u8,
    pub removals: u8,
    /// How many processes lose their liveness while they run on. What such a process overwrites nobody can
    /// promise; but it does not publish.
    pub taken_for_dead: u8,
    /// Everybody dies at once, and the generations in the file are older than the lock word beside them.
    pub power_cuts: u8,
}

pub const BASE: Snapshot = Snapshot {
    mutation: Mutation::None,
    processes: 2,
    readers: 0b10,
    writers: 0b01,
    joined: 2,
    rows: 2,
    buffers: 2,
    copies: false,
    discards: false,
    kills: 0,
    writes: 3,
    joins: 0,
    closes: 0,
    removals: 0,
    taken_for_dead: 0,
    power_cuts: 0,
};

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
            if s.kills > 0 {
                let mut n = *s;
                n.kills -= 1;
                self.kill(&mut n, p);
                out.fault(format_args!("P{p}: KILLED"), n);
            }
            if s.taken_for_dead > 0 && process.main < Main::CloseWriting {
                let mut n = *s;
                n.taken_for_dead -= 1;
                n.haunted = true;
                n.process(p).haunts = true;
                n.row_mut(process.row).live = NONE;
                if n.owner == p {
                    n.owner = NONE;
                }
                out.fault(format_args!("P{p}: loses its byte and runs on"), n);
            }
        }
        if s.removals > 0 {
            let mut n = *s;
            n.removals -= 1;
            (n.removed, n.was_removed) = (true, true);
            out.fault(format_args!("remove: set REMOVED"), n);
        }
        if s.power_cuts > 0 {
            let mut n = *s;
            n.power_cuts -= 1;
            for p in 0..self.processes {
                self.kill(&mut n, p);
            }
            n.copier = COPIER;
            for row in &mut n.rows {
                row.generation = row.generation.saturating_sub(1);
            }
            out.fault(format_args!("POWER CUT, with older generations"), n);
        }
        if self.copies {
            self.copy(s, out);
        }
    }
}

impl Snapshot {
    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == mutation
    }

    fn kill(&self, s: &mut State, p: u8) {
        let process = *s.process(p);
        for row in &mut s.rows {
            if row.live == p {
                row.live = NONE;
            }
        }
        if s.member == p {
            s.member = NONE;
        }
        if s.owner == p {
            s.owner = NONE;
        }
        if process.main.is_changing() {
            s.lost = true;
        }
        *s.process(p) = OUT;
    }

    /// The thread that reads under guards.
    fn read(&self, s: &State, p: u8, out: &mut Steps<State>) {
        let me = &s.processes[usize::from(p)];
        let b = usize::from(me.buffer);
        let row = usize::from(me.row);
        let mut n = *s;
        let x = n.process(p);
        match me.read {
            Read::Idle => {
                x.buffer = s.buffer;
                x.expected = s.tag;
                x.reads(Read::Pin);
                out.step(format_args!("P{p}: load current (b{})", s.buffer), n);
            }
            Read::Pin if self.is(Mutation::LookThenPin) => {
                if s.buffer == me.buffer {
                    x.expected = s.tag;
                    x.reads(Read::LatePin);
                    out.step(format_args!("P{p}: look again, still b{b}"), n);
                } else {
                    x.reads(Read::Idle);
                    out.step(format_args!("P{p}: look again, not b{b} any more"), n);
                }
            }
            Read::LatePin => {
                x.reads(Read::Holding);
                n.rows[row].pins[b] += 1;
                out.step(format_args!("P{p}: pin b{b}"), n);
            }
            Read::Pin => {
                let next = match self.mutation {
                    Mutation::NoRecheck => Read::Holding,
                    _ => Read::LookAgain,
                };
                x.expected = if next == Read::Holding {
                    me.expected
                } else {
                    0
                };
                x.reads(next);
                n.rows[row].pins[b] += 1;
                out.step(format_args!("P{p}: pin b{b}"), n);
            }
            Read::LookAgain if s.buffer == me.buffer => {
                x.expected = s.tag;
                x.reads(if x.late {
                    Read::LateHighWater
                } else {
                    Read::Holding
                });
                out.step(format_args!("P{p}: look again, still b{b}"), n);
            }
            Read::LookAgain => {
                out.reached("a reader lets go and starts over");
                x.half = s.buffer;
                x.reads(Read::LetGo);
                out.step(format_args!("P{p}: look again, b{} now", s.buffer), n);
            }
            Read::LetGo => {
                x.buffer = me.half;
                x.half = 0;
                x.reads(Read::Pin);
                n.unpin(row, b);
                out.step(format_args!("P{p}: unpin b{b}, start over"), n);
            }
            Read::LateHighWater => {
                x.late = false;
                x.reads(Read::Holding);
                n.high = n.high.max(me.row + 1);
                out.step(format_args!("P{p}: raise the high water"), n);
            }
            Read::Holding => {
                if self.discards && s.rows[row].pins[b] < 2 {
                    let mut n = *s;
                    n.process(p).reads(Read::Idle);
                    out.step(format_args!("P{p}: forget the read guard"), n);
                }
                let mut n = *s;
                n.process(p).reads(Read::Idle);
                n.unpin(row, b);
                out.step(format_args!("P{p}: unpin b{b}"), n);
                let mut n = *s;
                let x = n.process(p);
                x.half = s.halves[b][0];
                x.reads(Read::HalfWay);
                out.step(format_args!("P{p}: read half 0 of b{b}"), n);
            }
            Read::HalfWay => {
                // A value of it would not live long enough before Rust 1.89.
                macro_rules! label {
                    () => {
                        format_args!("P{p}: read half 1 of b{b}")
                    };
                }
                let right = [me.half, s.halves[b][1]] == [me.expected; 2];
                if !right && !me.haunts && !s.haunted {
                    return out.fail(label!(), TORN_READ);
                }
                x.half = 0;
                x.reads(Read::Holding);
                out.step(label!(), n);
            }
        }
    }

    /// The thread that writes, closes and joins.
    fn main(&self, s: &State, p: u8, out: &mut Steps<State>) {
        let me = &s.processes[usize::from(p)];
        let target = (me.seen + me.turn) % self.buffers;
        let b = usize::from(target);
        let mut n = *s;
        let x = n.process(p);
        match me.main {
            Main::Out => {}
            Main::Idle => {
                let token = (me.row, me.generation);
                if self.writers & 1 << p != 0 && s.writes > 0 && !s.removed {
                    if s.lock_row == NONE {
                        x.rest(Main::Locked);
                        n.owner = p;
                        (n.lock_row, n.lock_generation) = token;
                        out.step(format_args!("P{p}: lock"), n);
                    } else if (s.lock_row, s.lock_generation) != token {
                        x.rest(Main::AskGeneration);
                        x.owner_row = s.lock_row;
                        x.owner_generation = s.lock_generation;
                        out.step(
                            format_args!("P{p}: the lock is held by row {}", s.lock_row),
                            n,
                        );
                    }
                }
                if s.closes > 0 && me.read == Read::Idle && !me.haunts {
                    let mut n = *s;
                    n.closes -= 1;
                    n.process(p).main = Main::CloseMember;
                    out.step(format_args!("P{p}: close"), n);
                }
            }
            Main::AskGeneration => {
                let other =
                    me.owner_row >= NOBODY || s.row(me.owner_row).generation != me.owner_generation;
                x.main = if other { Main::TakeOver } else { Main::AskByte };
                let answer = if other { "another" } else { "the same" };
                out.step(
                    format_args!("P{p}: ask for the owner's generation: {answer}"),
                    n,
                );
            }
            Main::AskByte => {
                if s.row(me.owner_row).live == NONE {
                    x.main = Main::TakeOver;
                    out.step(format_args!("P{p}: ask for the owner's byte: free"), n);
                } else {
                    x.rest(Main::Idle);
                    out.step(format_args!("P{p}: ask for the owner's byte: held"), n);
                }
            }
            Main::TakeOver => {
                let same = (s.lock_row, s.lock_generation) == (me.owner_row, me.owner_generation);
                if same || self.is(Mutation::TakeOverByStore) {
                    out.reached("the lock is taken over");
                    x.rest(Main::Locked);
                    n.owner = p;
                    (n.lock_row, n.lock_generation) = (me.row, me.generation);
                    out.step(format_args!("P{p}: take the lock over"), n);
                } else {
                    x.rest(Main::Idle);
                    out.step(format_args!("P{p}: the lock is another's by now"), n);
                }
            }
            Main::Locked if s.removed => {
                x.rest(Main::Unlock);
                out.step(format_args!("P{p}: it is removed"), n);
            }
            Main::Locked => {
                x.version = s.version;
                x.seen = s.buffer;
                x.high = s.high;
                x.turn = 1;
                x.index = 0;
                x.alone = (0..self.processes)
                    .all(|q| q == p || s.processes[usize::from(q)].main == Main::Out);
                x.main = Main::Scan;
                out.step(
                    format_args!(
                        "P{p}: load current (v{} b{}) and the high water ({})",
                        s.version, s.buffer, s.high
                    ),
                    n,
                );
            }
            Main::Scan if me.index == me.high => {
                x.main = Main::Begin;
                x.index = 0;
                x.high = 0;
                x.alone = false;
                out.step(format_args!("P{p}: choose b{b}"), n);
            }
            Main::Scan if self.is(Mutation::ProbeBeforePin) && me.index != me.row => {
                x.dead = s.row(me.index).live == NONE;
                x.main = Main::Probe;
                out.step(format_args!("P{p}: probe row {}", me.index), n);
            }
            Main::Scan if s.row(me.index).pins[b] == 0 => {
                x.index += 1;
                out.step(format_args!("P{p}: row {} does not pin b{b}", me.index), n);
            }
            Main::Scan if me.index == me.row || self.is(Mutation::CountTheDead) => {
                self.pinned(s, p, format_args!("P{p}: row {} pins b{b}", me.index), out);
            }
            Main::Scan => {
                x.main = Main::Probe;
                out.step(format_args!("P{p}: row {} pins b{b}", me.index), n);
            }
            Main::Probe if self.is(Mutation::ProbeBeforePin) => {
                let pins = s.row(me.index).pins[b] != 0;
                // A value of it would not live long enough before Rust 1.89.
                macro_rules! label {
                    () => {
                        format_args!("P{p}: read the pins of row {}: {pins}", me.index)
                    };
                }
                if pins && !me.dead {
                    self.pinned(s, p, label!(), out);
                } else {
                    x.index += 1;
                    x.dead = false;
                    x.main = Main::Scan;
                    out.step(label!(), n);
                }
            }
            Main::Probe if s.row(me.index).live != NONE => {
                self.pinned(s, p, format_args!("P{p}: row {} lives", me.index), out);
            }
            Main::Probe => {
                out.reached("a dead row's pin is ignored");
                if self.is(Mutation::ZeroWithoutByte) {
                    x.main = Main::ZeroDead;
                } else {
                    x.index += 1;
                    x.main = Main::Scan;
                }
                out.step(format_args!("P{p}: row {} is dead", me.index), n);
            }
            Main::ZeroDead => {
                x.index += 1;
                x.main = Main::Scan;
                n.row_mut(me.index).pins = [0; BUFFERS];
                out.step(format_args!("P{p}: zero the pins of row {}", me.index), n);
            }
            Main::Begin => {
                x.main = Main::LookWriting;
                n.writes = s.writes.saturating_sub(1);
                n.tags += 1;
                n.process(p).tag = n.tags;
                match self.mutation {
                    Mutation::NoStampZeroing => {}
                    Mutation::ParitySequence => n.stamps[b] += 1,
                    _ => n.stamps[b] = 0,
                }
                out.step(format_args!("P{p}: stamp b{b} 0"), n);
            }
            Main::LookWriting => {
                let recovered = s.writing == me.version + 1;
                // A value of it would not live long enough before Rust 1.89.
                macro_rules! label {
                    () => {
                        format_args!("P{p}: look at `writing`: recovered {recovered}")
                    };
                }
                if recovered != s.lost && !s.haunted && !self.is(Mutation::UnlockBeforePublish) {
                    return out.fail(label!(), RECOVERED_WRONG);
                }
                if recovered {
                    out.reached("a lost change is reported");
                }
                x.main = if recovered {
                    Main::ClearWriting
                } else {
                    Main::Handed
                };
                out.step(label!(), n);
            }
            Main::ClearWriting => {
                x.main = Main::Handed;
                n.writing = 0;
                n.lost = false;
                out.step(format_args!("P{p}: clear `writing`"), n);
            }
            Main::Handed => {
                if self.discards {
                    let mut n = *s;
                    self.let_go(&mut n, p, b);
                    out.step(format_args!("P{p}: drop the guard untouched"), n);
                }
                x.main = Main::Half0;
                if self.is(Mutation::TouchAfterWrite) {
                    out.step(format_args!("P{p}: begin"), n);
                } else {
                    n.writing = me.version + 1;
                    out.step(format_args!("P{p}: touch: `writing` is {}", n.writing), n);
                }
            }
            Main::Half0 => {
                x.main = match self.mutation {
                    Mutation::TouchAfterWrite => Main::LateTouch,
                    _ => Main::Half1,
                };
                n.halves[b][0] = me.tag;
                out.step(format_args!("P{p}: write half 0 of b{b}"), n);
            }
            Main::LateTouch => {
                x.main = Main::Half1;
                n.writing = me.version + 1;
                out.step(format_args!("P{p}: touch: `writing` is {}", n.writing), n);
            }
            Main::Half1 => {
                if self.discards {
                    let mut n = *s;
                    if !self.is(Mutation::WritingNotCleared) {
                        n.writing = 0;
                    }
                    self.let_go(&mut n, p, b);
                    out.reached("a change is discarded");
                    out.step(format_args!("P{p}: discard: clear `writing`"), n);
                    let mut n = *s;
                    n.process(p).main = Main::Forgotten;
                    out.step(format_args!("P{p}: forget the write guard"), n);
                }
                x.main = Main::Stamp;
                n.halves[b][1] = me.tag;
                out.step(format_args!("P{p}: write half 1 of b{b}"), n);
            }
            Main::Stamp => {
                x.main = match self.mutation {
                    Mutation::UnlockBeforePublish => Main::Unlock,
                    _ => Main::Publish,
                };
                match self.mutation {
                    Mutation::ParitySequence => n.stamps[b] += 1,
                    _ => n.stamps[b] = me.version + 1,
                }
                out.step(format_args!("P{p}: stamp b{b} {}", me.version + 1), n);
            }
            Main::Publish | Main::LatePublish => {
                let late = me.main == Main::LatePublish;
                let found = (s.version, s.buffer) == (me.version, me.seen);
                // A value of it would not live long enough before Rust 1.89.
                macro_rules! label {
                    () => {
                        format_args!("P{p}: publish v{} b{b}", me.version + 1)
                    };
                }
                if found || self.is(Mutation::PublishByStore) {
                    if s.version != me.version {
                        return out.fail(label!(), LOST_UPDATE);
                    }
                    n.version = me.version + 1;
                    n.buffer = target;
                    n.tag = me.tag;
                    if self.is(Mutation::CommitErasesRemoved) || self.is(Mutation::PublishByStore) {
                        n.removed = false;
                    } else if s.removed {
                        out.reached("published after a removal");
                    }
                    let x = n.process(p);
                    x.rest(if late { Main::Idle } else { Main::Unlock });
                    out.step(label!(), n);
                } else {
                    out.reached("publishing is refused");
                    x.rest(if late { Main::Idle } else { Main::Unlock });
                    out.step(
                        format_args!("P{p}: publish is refused: v{} is there", s.version),
                        n,
                    );
                }
            }
            Main::Unlock | Main::CloseUnlock => {
                let own = (s.lock_row, s.lock_generation) == (me.row, me.generation);
                if me.main == Main::CloseUnlock {
                    x.main = Main::CloseMember;
                } else if self.is(Mutation::UnlockBeforePublish) && me.tag != 0 {
                    x.main = Main::LatePublish;
                } else {
                    x.rest(Main::Idle);
                }
                // A value of it would not live long enough before Rust 1.89.
                macro_rules! label {
                    () => {
                        format_args!("P{p}: unlock")
                    };
                }
                if own {
                    n.free_lock();
                } else if self.is(Mutation::UnlockByStore) && s.lock_row != NONE {
                    return out.fail(label!(), FOREIGN_UNLOCK);
                }
                out.step(label!(), n);
            }
            Main::Forgotten => {
                if s.closes > 0 && me.read == Read::Idle && !me.haunts {
                    n.closes -= 1;
                    n.process(p).rest(Main::CloseWriting);
                    out.step(format_args!("P{p}: close"), n);
                }
            }
            Main::CloseWriting => {
                out.reached("a forgotten guard is closed");
                x.main = Main::CloseUnlock;
                n.writing = 0;
                out.step(format_args!("P{p}: clear `writing`"), n);
            }
            Main::CloseMember => {
                let leave = match self.mutation {
                    Mutation::ByteBeforePins => Main::LeaveByte,
                    _ => Main::LeavePins,
                };
                x.main = leave;
                if s.member == NONE {
                    n.member = p;
                    out.step(format_args!("P{p}: take MEMBER"), n);
                } else {
                    out.step(format_args!("P{p}: give up on MEMBER"), n);
                }
            }
            Main::LeavePins => {
                x.main = Main::LeaveByte;
                n.row_mut(me.row).pins = [0; BUFFERS];
                if self.is(Mutation::ByteBeforePins) {
                    self.leave(&mut n, p);
                }
                out.step(format_args!("P{p}: zero the pins of row {}", me.row), n);
            }
            Main::LeaveByte => {
                if n.row(me.row).live == p {
                    n.row_mut(me.row).live = NONE;
                }
                if self.is(Mutation::ByteBeforePins) {
                    n.process(p).main = Main::LeavePins;
                } else {
                    self.leave(&mut n, p);
                }
                out.step(format_args!("P{p}: drop the byte of row {}", me.row), n);
            }
            Main::Orphan => {
                x.main = Main::Sit;
                let nobody = s.rows.iter().all(|row| row.live == NONE);
                if s.lock_row != NONE && nobody && !self.is(Mutation::NoOrphan) {
                    out.reached("a lock is orphaned");
                    (n.lock_row, n.lock_generation) = (NOBODY, 0);
                    out.step(format_args!("P{p}: the lock is nobody's"), n);
                } else {
                    out.step(format_args!("P{p}: leave the lock as it is"), n);
                }
            }
            Main::Sit => {
                for row in 0..self.rows {
                    if s.row(row).live == NONE {
                        let mut n = *s;
                        n.process(p).main = Main::ZeroPins;
                        n.process(p).row = row;
                        out.step(format_args!("P{p}: row {row} is free"), n);
                    }
                }
                if s.rows[..usize::from(self.rows)]
                    .iter()
                    .all(|row| row.live != NONE)
                {
                    self.leave(&mut n, p);
                    out.step(format_args!("P{p}: too many handles"), n);
                }
            }
            Main::ZeroPins => {
                x.main = match self.mutation {
                    Mutation::ByteBeforeGeneration => Main::Byte,
                    _ => Main::Generation,
                };
                if !self.is(Mutation::PinsNotZeroed) {
                    n.row_mut(me.row).pins = [0; BUFFERS];
                }
                out.step(format_args!("P{p}: zero the pins of row {}", me.row), n);
            }
            Main::Generation => {
                x.main = match self.mutation {
                    Mutation::ByteBeforeGeneration => Main::HighWater,
                    _ => Main::Byte,
                };
                if !self.is(Mutation::NoGeneration) {
                    n.row_mut(me.row).generation += 1;
                }
                let generation = n.row(me.row).generation;
                n.process(p).generation = generation;
                out.step(
                    format_args!("P{p}: generation {generation} of row {}", me.row),
                    n,
                );
            }
            Main::Byte => {
                x.main = match self.mutation {
                    Mutation::ByteBeforeGeneration => Main::Generation,
                    _ => Main::HighWater,
                };
                if s.row(me.row).live == NONE {
                    n.row_mut(me.row).live = p;
                    out.step(format_args!("P{p}: take the byte of row {}", me.row), n);
                }
            }
            Main::HighWater => {
                out.reached("a handle joins");
                x.main = Main::Idle;
                if self.is(Mutation::HighWaterAfterPin) {
                    x.late = true;
                } else {
                    n.high = n.high.max(me.row + 1);
                }
                n.member = NONE;
                out.step(
                    format_args!("P{p}: raise the high water to {}, let go of MEMBER", n.high),
                    n,
                );
            }
        }
    }

    /// A live row pins the buffer: the next, or none is left.
    fn pinned(&self, s: &State, p: u8, label: std::fmt::Arguments<'_>, out: &mut Steps<State>) {
        let mut n = *s;
        let x = n.process(p);
        x.turn += 1;
        x.index = 0;
        x.dead = false;
        x.main = Main::Scan;
        if x.turn < self.buffers {
            out.step(label, n);
            return;
        }
        out.reached("every other buffer is pinned");
        let own = s.row(x.row).pins.iter().any(|pins| *pins != 0);
        if x.alone && !own {
            out.fail(label, BLOCKED_BY_DEAD);
            return;
        }
        // Look again, or give up.
        x.rest(Main::Locked);
        out.step(label, n);
        let mut n = *s;
        n.process(p).rest(Main::Unlock);
        out.step(format_args!("{label}, give up"), n);
    }

    /// Ends a write without publishing.
    fn let_go(&self, n: &mut State, p: u8, b: usize) {
        if self.is(Mutation::ParitySequence) {
            n.stamps[b] += 1;
        }
        n.process(p).rest(Main::Unlock);
    }

    fn leave(&self, n: &mut State, p: u8) {
        if n.member == p {
            n.member = NONE;
        }
        *n.process(p) = OUT;
    }

    fn join(&self, s: &State, p: u8, out: &mut Steps<State>) {
        if s.joins == 0 || s.member != NONE {
            return;
        }
        let mut n = *s;
        n.joins -= 1;
        n.member = p;
        for process in &mut n.processes {
            process.alone = false;
        }
        n.process(p).main = Main::Orphan;
        out.step(format_args!("P{p}: take MEMBER"), n);
    }

    /// Copying out: stores nothing.
    fn copy(&self, s: &State, out: &mut Steps<State>) {
        let me = &s.copier;
        let b = usize::from(me.buffer);
        let mut n = *s;
        let x = &mut n.copier;
        match me.at {
            Copying::Idle => {
                *x = Copier {
                    at: Copying::Half0,
                    buffer: s.buffer,
                    version: s.version,
                    expected: s.tag,
                    ..COPIER
                };
                if self.is(Mutation::ParitySequence) {
                    x.at = Copying::Sequence;
                }
                out.step(
                    format_args!("R: load current (v{} b{})", s.version, s.buffer),
                    n,
                );
            }
            Copying::Sequence => {
                x.sequence = s.stamps[b];
                x.at = Copying::Half0;
                if s.stamps[b] % 2 == 1 {
                    *x = COPIER;
                }
                out.step(
                    format_args!("R: load the sequence of b{b} ({})", s.stamps[b]),
                    n,
                );
            }
            Copying::Half0 => {
                x.half = s.halves[b][0];
                x.at = Copying::Half1;
                out.step(format_args!("R: copy half 0 of b{b}"), n);
            }
            Copying::Half1 => {
                x.torn = s.halves[b][1] != me.half;
                x.at = Copying::Check;
                out.step(format_args!("R: copy half 1 of b{b}"), n);
            }
            Copying::Check => {
                let parity = self.is(Mutation::ParitySequence);
                let wanted = if parity { me.sequence } else { me.version };
                let accepted = s.stamps[b] == wanted;
                // A value of it would not live long enough before Rust 1.89.
                macro_rules! label {
                    () => {
                        format_args!("R: the stamp of b{b} is {}", s.stamps[b])
                    };
                }
                *x = COPIER;
                if accepted && !s.haunted {
                    if me.torn {
                        return out.fail(label!(), TORN_COPY);
                    }
                    if me.half != me.expected && !parity {
                        return out.fail(label!(), OTHER_COPY);
                    }
                    out.reached("a copy is accepted");
                } else {
                    out.reached("a copy is thrown away");
                }
                out.step(label!(), n);
            }
        }
    }
}
