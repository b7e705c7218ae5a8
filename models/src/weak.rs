//! What an order of steps cannot show: stores that others see late.
//!
//! The other models let everybody see each store at once. Here a store that is not sequentially consistent
//! waits in a buffer of one entry for each process, and its process goes on, and even stores elsewhere, before
//! others see it. A sequentially consistent operation, a fence, and a system call empty the buffer first. That
//! is how processors come to do what acquire and release allow; the shipped code itself is checked under
//! `loom`, with the orderings it has.
//!
//! A writer publishes, round and round over the buffers that are not pinned; one process reads under a guard,
//! one copies out, one waits for the first publication. A load that is not ordered may come early: it is done a step earlier.
//!
//! | Step | Function, in `shmem-core/src` |
//! |------|-------------------------------|
//! | load current, pin, look again, unpin | `pin`, `unpin` in `cell.rs` |
//! | scan, choose | `choose`, `is_pinned` in `cell.rs` |
//! | stamp 0 | `begin` in `cell.rs` |
//! | stamp, publish | `publish` in `cell.rs` |
//! | look at the flag, wake | `wake` in `notify.rs` |
//! | set the flag, look again, sleep | `wait` in `notify.rs` |
//! | copy: current, halves, stamp | `current`, `still_holds` in `cell.rs`; `copy_out` in `view.rs` |

use crate::search::{Model, Steps};

mod readers;

pub const TORN_READ: &str = "torn read";
pub const TORN_COPY: &str = "torn copy";
pub const OTHER_COPY: &str = "a copy of another version";
pub const MISSED: &str = "a missed wake-up";

#[derive(Clone, Copy, Debug)]
pub struct Weak {
    pub reads: bool,
    pub copies: bool,
    pub waits: bool,
    pub publications: u8,
    /// The pin is not sequentially consistent.
    pub weak_pin: bool,
    /// Publishing is not.
    pub weak_publish: bool,
    /// The waiter's flag is not.
    pub weak_flag: bool,
    /// No fence between the stamp 0 and the first byte.
    pub no_fence_after_stamp: bool,
    /// No fence between `current` and the copy.
    pub no_fence_before_copy: bool,
    /// No fence between the copy and its check.
    pub no_fence_after_copy: bool,
}

pub const BASE: Weak = Weak {
    reads: false,
    copies: false,
    waits: false,
    publications: 3,
    weak_pin: false,
    weak_publish: false,
    weak_flag: false,
    no_fence_after_stamp: false,
    no_fence_before_copy: false,
    no_fence_after_copy: false,
};

const BUFFERS: u8 = 2;

/// A store that others do not see yet.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Pending {
    Nothing,
    /// `current`: the version.
    Publish(u8),
    /// The stamp of a buffer is 0.
    Stamp(u8),
    Pin(u8),
    Flag,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Writer {
    Scan,
    Begin,
    Half0,
    Half1,
    Stamp,
    Publish,
    LookAtFlag,
    Wake,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Reader {
    Idle,
    Pin,
    LookAgain,
    LetGo,
    Half0,
    Half1,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Copier {
    Idle,
    LateCurrent,
    Half0,
    EarlyStamp,
    Half1,
    Check,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Waiter {
    Look,
    SetFlag,
    LookAgain,
    Sleep,
    Asleep,
    Done,
}

/// With two buffers, each version is in the other one than the version before it.
#[derive(Clone, Copy, Hash)]
pub struct State {
    version: u8,
    stamps: [u8; 2],
    halves: [[u8; 2]; 2],
    pins: [u8; 2],
    flag: bool,
    writer: Writer,
    /// What the writer has published, whoever sees it.
    written: u8,
    writer_pending: Pending,
    reader: Reader,
    reader_pending: Pending,
    /// The version that the reader saw, which is what it must read.
    seen: u8,
    half: u8,
    copier: Copier,
    copied_version: u8,
    copied: [u8; 2],
    early: u8,
    waiter: Waiter,
    waiter_pending: Pending,
    waiter_seen: u8,
}

const fn buffer(version: u8) -> usize {
    ((version - 1) % BUFFERS) as usize
}

impl State {
    fn see(&mut self, pending: Pending) {
        match pending {
            Pending::Nothing => {}
            Pending::Publish(version) => self.version = version,
            Pending::Stamp(b) => self.stamps[usize::from(b)] = 0,
            Pending::Pin(b) => self.pins[usize::from(b)] += 1,
            Pending::Flag => self.flag = true,
        }
    }

    fn flush_writer(&mut self) {
        let pending = std::mem::replace(&mut self.writer_pending, Pending::Nothing);
        self.see(pending);
    }

    fn flush_reader(&mut self) {
        let pending = std::mem::replace(&mut self.reader_pending, Pending::Nothing);
        self.see(pending);
    }

    fn flush_waiter(&mut self) {
        let pending = std::mem::replace(&mut self.waiter_pending, Pending::Nothing);
        self.see(pending);
    }
}

impl Model for Weak {
    type State = State;

    fn start(&self) -> State {
        State {
            version: 1,
            stamps: [1, 0],
            halves: [[1, 1], [0, 0]],
            pins: [0, 0],
            flag: false,
            writer: Writer::Scan,
            written: 1,
            writer_pending: Pending::Nothing,
            reader: Reader::Idle,
            reader_pending: Pending::Nothing,
            seen: 0,
            half: 0,
            copier: Copier::Idle,
            copied_version: 0,
            copied: [0, 0],
            early: 0,
            waiter: Waiter::Look,
            waiter_pending: Pending::Nothing,
            waiter_seen: 0,
        }
    }

    fn at_rest(&self, s: &State) -> Option<&'static str> {
        // Without slices, and nobody is killed: the wake-up itself must arrive.
        (s.waiter == Waiter::Asleep && s.version > s.waiter_seen).then_some(MISSED)
    }

    fn steps(&self, s: &State, out: &mut Steps<State>) {
        self.write(s, out);
        if self.reads {
            self.read(s, out);
        }
        if self.copies {
            self.copy(s, out);
        }
        if self.waits {
            self.wait(s, out);
        }
        let pending = [
            (
                s.writer_pending,
                "P: its store is seen",
                State::flush_writer as fn(&mut State),
            ),
            (
                s.reader_pending,
                "R: its store is seen",
                State::flush_reader,
            ),
            (
                s.waiter_pending,
                "W: its store is seen",
                State::flush_waiter,
            ),
        ];
        for (pending, label, flush) in pending {
            if pending != Pending::Nothing {
                let mut n = *s;
                flush(&mut n);
                out.step(format_args!("{label}"), n);
            }
        }
    }
}

impl Weak {
    fn write(&self, s: &State, out: &mut Steps<State>) {
        let next = s.written + 1;
        let b = buffer(next);
        let mut n = *s;
        let label: &str = match s.writer {
            Writer::Scan if s.written > self.publications => return,
            Writer::Scan if s.pins[b] != 0 => {
                out.reached("the other buffer is pinned");
                return;
            }
            Writer::Scan => {
                n.writer = Writer::Begin;
                "scan: it is not pinned"
            }
            Writer::Begin => {
                n.writer = Writer::Half0;
                if self.no_fence_after_stamp {
                    n.flush_writer();
                    n.writer_pending = Pending::Stamp(u8::from(b == 1));
                } else {
                    n.stamps[b] = 0;
                }
                "stamp it 0"
            }
            Writer::Half0 => {
                n.halves[b][0] = next;
                n.writer = Writer::Half1;
                "write half 0"
            }
            Writer::Half1 => {
                n.halves[b][1] = next;
                n.writer = Writer::Stamp;
                "write half 1"
            }
            Writer::Stamp => {
                if matches!(n.writer_pending, Pending::Stamp(_)) {
                    n.flush_writer();
                }
                n.stamps[b] = next;
                n.writer = Writer::Publish;
                "stamp it"
            }
            Writer::Publish => {
                n.flush_writer();
                n.written = next;
                n.writer = if self.waits {
                    Writer::LookAtFlag
                } else {
                    Writer::Scan
                };
                if self.weak_publish {
                    n.writer_pending = Pending::Publish(next);
                } else {
                    n.version = next;
                }
                "publish"
            }
            Writer::LookAtFlag => {
                n.writer = if s.flag { Writer::Wake } else { Writer::Scan };
                if s.flag {
                    "somebody waits"
                } else {
                    "nobody waits"
                }
            }
            Writer::Wake => {
                if s.waiter == Waiter::Asleep {
                    n.waiter = Waiter::Look;
                }
                n.writer = Writer::Scan;
                "wake"
            }
        };
        out.step(format_args!("P: {label} (v{next} b{b})"), n);
    }

    fn wait(&self, s: &State, out: &mut Steps<State>) {
        let mut n = *s;
        let label: &str = match s.waiter {
            Waiter::Done | Waiter::Asleep => return,
            // It waits for the second version, which comes for certain.
            Waiter::Look if s.version > 1 => {
                n.waiter_seen = 0;
                n.waiter = Waiter::Done;
                "look: news"
            }
            Waiter::Look => {
                n.waiter_seen = s.version;
                n.waiter = Waiter::SetFlag;
                "look: nothing new"
            }
            Waiter::SetFlag => {
                if self.weak_flag {
                    n.flush_waiter();
                    n.waiter_pending = Pending::Flag;
                } else {
                    n.flag = true;
                }
                n.waiter = Waiter::LookAgain;
                "set the flag"
            }
            Waiter::LookAgain => {
                let same = s.version == s.waiter_seen;
                n.waiter = if same { Waiter::Sleep } else { Waiter::Look };
                "look again"
            }
            Waiter::Sleep => {
                n.flush_waiter();
                let same = s.version == s.waiter_seen;
                n.waiter = if same { Waiter::Asleep } else { Waiter::Look };
                "the kernel compares"
            }
        };
        out.step(format_args!("W: {label}"), n);
    }
}
