//! Waiting for a version, and waking those who wait.
//!
//! Two waiters, a publisher and a remover, each of which may be killed before every step; somebody who
//! interrupts; a system that takes the name away without a word. A killed publisher is followed by another. The
//! futex is the kernel's: to compare and to fall asleep is one step.
//!
//! With slices every sleep ends by itself. Without them the wake-ups have to do, and it shows for what they do
//! not: the searches without slices say which losses are the reason for having them.
//!
//! | Step | Function, in `shmem-core/src` |
//! |------|-------------------------------|
//! | look, set the flag, look again, sleep, the name | `wait` in `notify.rs` |
//! | publish | `publish` in `cell.rs`, called by `publish` in `write_guard.rs` |
//! | take the flag | `take_request` in `notify.rs` |
//! | look at the flag | `wake` in `notify.rs` |
//! | wake | `wake_everybody` in `notify.rs` |
//! | set REMOVED, wake, unlink | `retire` in `lifecycle.rs`, `remove` in `cell.rs` |
//! | interrupt, wake | `interrupt` in `object.rs` and `reader.rs` |

use crate::search::{Model, Steps};

mod waiter;

pub const SLEEPS: &str = "sleeps for ever beside news";
pub const COUNT_DRIFTED: &str = "the count of waiters drifted";

/// What differs from the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    None,
    /// The flag is cleared after the wake.
    ClearAfterWake,
    /// Waiters are counted, in place of a flag.
    Count,
    /// REMOVED is a word of its own.
    RemovedElsewhere,
    /// The publisher wakes before it publishes.
    WakeBeforePublish,
    /// A waiter does not look again once it has set the flag. That does no harm: the kernel looks.
    NoLookAgain,
    /// The flag is cleared after the publication and before the wake. A waiter that has found the new version
    /// by itself may have set it for the next one, and fall asleep after the wake.
    ClearAfterPublish,
}

#[derive(Clone, Copy, Debug)]
pub struct Wait {
    pub mutation: Mutation,
    /// Whether sleeps end by themselves.
    pub slices: bool,
    /// Whether publishers wake without a flag, for waiters that may not set it.
    pub always: bool,
    /// Versions that the futexed half tells apart.
    pub half: u8,
    pub publications: u8,
    pub publisher_kills: u8,
    pub waiter_kills: u8,
    pub removals: u8,
    pub interrupts: u8,
    /// Whether the system takes the name away.
    pub swept: bool,
}

pub const BASE: Wait = Wait {
    mutation: Mutation::None,
    slices: false,
    always: false,
    half: 16,
    publications: 3,
    publisher_kills: 0,
    waiter_kills: 1,
    removals: 0,
    interrupts: 0,
    swept: false,
};

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum At {
    Idle,
    Look,
    SetFlag,
    LookAgain,
    Sleep,
    Asleep,
    Awake,
    Uncount,
    Done,
    Dead,
}

#[derive(Clone, Copy, Hash)]
struct Waiter {
    at: At,
    after: u8,
    seen: u8,
    waits: u8,
    interrupted: bool,
    counted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Publisher {
    Idle,
    /// Whether the flag was set.
    Publish(bool),
    LookAtFlag,
    Clear,
    Wake,
    LateClear,
    LatePublish,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Remover {
    Idle,
    Wake,
    Unlink,
}

#[derive(Clone, Copy, Hash)]
pub struct State {
    version: u8,
    removed: bool,
    /// The word `waiters`.
    flag: u8,
    linked: bool,
    publisher: Publisher,
    remover: Remover,
    /// Interrupted and not woken yet.
    interrupting: bool,
    waiters: [Waiter; 2],
    publications: u8,
    publisher_kills: u8,
    waiter_kills: u8,
    removals: u8,
    interrupts: u8,
    swept: bool,
}

impl State {
    fn wake_all(&mut self) {
        for waiter in &mut self.waiters {
            if waiter.at == At::Asleep {
                waiter.at = At::Awake;
            }
        }
    }
}

impl Model for Wait {
    type State = State;

    fn start(&self) -> State {
        let waiter = Waiter {
            at: At::Idle,
            after: 1,
            seen: 0,
            waits: 2,
            interrupted: false,
            counted: false,
        };
        State {
            version: 1,
            removed: false,
            flag: 0,
            linked: true,
            publisher: Publisher::Idle,
            remover: Remover::Idle,
            interrupting: false,
            waiters: [waiter; 2],
            publications: self.publications,
            publisher_kills: self.publisher_kills,
            waiter_kills: self.waiter_kills,
            removals: self.removals,
            interrupts: self.interrupts,
            swept: self.swept,
        }
    }

    fn at_rest(&self, s: &State) -> Option<&'static str> {
        let news = |waiter: &Waiter| {
            s.version > waiter.after || s.removed || !s.linked || waiter.interrupted
        };
        if s.waiters
            .iter()
            .any(|waiter| waiter.at == At::Asleep && news(waiter))
        {
            return Some(SLEEPS);
        }
        let asleep = s.waiters.iter().filter(|waiter| waiter.at == At::Asleep);
        let counts = self.mutation == Mutation::Count;
        (counts && usize::from(s.flag) != asleep.count()).then_some(COUNT_DRIFTED)
    }

    fn steps(&self, s: &State, out: &mut Steps<State>) {
        for index in 0..2 {
            self.wait(s, index, out);
        }
        self.publish(s, out);
        self.remove(s, out);
        if s.interrupting {
            let mut n = *s;
            n.interrupting = false;
            n.wake_all();
            out.step(format_args!("interrupt: wake"), n);
        } else if s.interrupts > 0 {
            let mut n = *s;
            n.interrupts -= 1;
            n.interrupting = true;
            n.waiters[0].interrupted = true;
            out.fault(format_args!("interrupt W0"), n);
        }
        if s.swept && s.linked {
            let mut n = *s;
            n.swept = false;
            n.linked = false;
            out.fault(format_args!("the system takes the name away"), n);
        }
    }
}

impl Wait {
    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == mutation
    }

    fn publish(&self, s: &State, out: &mut Steps<State>) {
        let early = self.is(Mutation::WakeBeforePublish);
        let clears_first = matches!(
            self.mutation,
            Mutation::None
                | Mutation::RemovedElsewhere
                | Mutation::NoLookAgain
                | Mutation::WakeBeforePublish
        );
        let mut n = *s;
        if s.publisher_kills > 0 && s.publisher != Publisher::Idle {
            let mut n = *s;
            n.publisher_kills -= 1;
            n.publisher = Publisher::Idle;
            out.fault(format_args!("P: KILLED"), n);
        }
        let after_wake = if early {
            Publisher::LatePublish
        } else {
            Publisher::Idle
        };
        let label: &str = match s.publisher {
            Publisher::Idle if s.publications == 0 => return,
            Publisher::Idle => {
                n.publications -= 1;
                let asked = s.flag != 0 && clears_first;
                if asked {
                    n.flag = 0;
                }
                n.publisher = match (early, asked || self.always) {
                    (true, true) => Publisher::Wake,
                    (true, false) => Publisher::LookAtFlag,
                    (false, asked) => Publisher::Publish(asked),
                };
                if asked {
                    "take the flag"
                } else {
                    "the flag is not set"
                }
            }
            Publisher::Publish(asked) => {
                n.version += 1;
                n.publisher = if asked {
                    Publisher::Wake
                } else {
                    Publisher::LookAtFlag
                };
                "publish"
            }
            Publisher::LatePublish => {
                n.version += 1;
                n.publisher = Publisher::Idle;
                "publish"
            }
            Publisher::LookAtFlag if s.flag == 0 => {
                n.publisher = after_wake;
                "nobody waits"
            }
            Publisher::LookAtFlag => {
                n.publisher = match self.mutation {
                    Mutation::ClearAfterPublish => Publisher::Clear,
                    _ => Publisher::Wake,
                };
                "somebody waits"
            }
            Publisher::Clear => {
                n.flag = 0;
                n.publisher = Publisher::Wake;
                "clear the flag"
            }
            Publisher::Wake => {
                n.wake_all();
                n.publisher = match self.mutation {
                    Mutation::ClearAfterWake => Publisher::LateClear,
                    _ => after_wake,
                };
                "wake"
            }
            Publisher::LateClear => {
                n.flag = 0;
                n.publisher = Publisher::Idle;
                "clear the flag"
            }
        };
        if s.publisher == Publisher::Idle {
            out.fault(format_args!("P: {label}"), n);
        } else {
            out.step(format_args!("P: {label}"), n);
        }
    }

    fn remove(&self, s: &State, out: &mut Steps<State>) {
        let mut n = *s;
        if s.publisher_kills > 0 && s.remover != Remover::Idle {
            let mut n = *s;
            n.publisher_kills -= 1;
            n.remover = Remover::Idle;
            out.fault(format_args!("D: KILLED"), n);
        }
        let label: &str = match s.remover {
            Remover::Idle if s.removals == 0 => return,
            Remover::Idle => {
                n.removals -= 1;
                n.removed = true;
                n.remover = Remover::Wake;
                "set REMOVED"
            }
            Remover::Wake => {
                n.wake_all();
                n.remover = Remover::Unlink;
                "wake"
            }
            Remover::Unlink => {
                n.linked = false;
                n.remover = Remover::Idle;
                "unlink"
            }
        };
        if s.remover == Remover::Idle {
            out.fault(format_args!("D: {label}"), n);
        } else {
            out.step(format_args!("D: {label}"), n);
        }
    }
}
