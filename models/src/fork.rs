//! A process that forks while it has an object open.
//!
//! The locks are those of an open file description, which lives while anybody has a descriptor of it or maps
//! it: the parent, its anchor, and a child that inherited them. The parent opens a handle in one thread and
//! forks in another, writes, closes, loses its descriptors to a stray `closefrom`, and may be killed before
//! every step, as may the child; another process writes as well, and takes the lock over from the dead.
//!
//! | Step | Function, in `shmem-core/src` |
//! |------|-------------------------------|
//! | lock the table, open the descriptor, anchor it, enter it | `open` in `fork.rs`, `Anchor` in `os/linux/locks.rs` |
//! | take the byte | `sit` in `participant.rs` |
//! | fork | `before`, `after_in_parent` in `fork.rs` |
//! | the child closes what it inherited | `after_in_child`, `close_all` in `fork.rs` |
//! | the child opens a handle | `open` in `fork.rs` |
//! | the child drops a guard, writes | `Drop` of `Held` in `write_guard.rs`, `lock_and_copy` in `writing.rs` |
//! | lock, unlock, take over | `lock.rs`; `is_dead` in `participant.rs` |
//! | close: drop the byte, close the descriptor | `leave` in `participant.rs`, `Drop` of `Registered` in `fork.rs` |

use crate::search::{Model, Steps};

pub const DEAD_LOOKS_ALIVE: &str = "a dead owner looks alive";
pub const LIVE_LOOKS_DEAD: &str = "a live owner looks dead";
pub const TWO_WRITERS: &str = "two writers";
pub const LOCK_LEFT: &str = "the lock is held by nobody";
pub const OWN_FILE_CLOSED: &str = "a file of the program's own was closed";

/// What differs from the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    None,
    /// The child keeps the descriptor.
    ChildKeeps,
    /// The child unlocks before it closes.
    ChildUnlocks,
    /// The child inherits the anchor's mapping.
    AnchorInherited,
    /// There is no anchor.
    NoAnchor,
    /// The child closes the number, whatever it leads to by now.
    CloseUnchecked,
    /// The process forks while a handle is being opened.
    TableNotLocked,
    /// The child takes guards that it inherited for its own.
    ChildDropsGuards,
    /// The child takes the handle for its own.
    ChildWrites,
    /// The parent only closes its descriptor.
    CloseWithoutUnlock,
}

#[derive(Clone, Copy, Debug)]
pub struct Fork {
    pub mutation: Mutation,
    /// The child is made by a bare `clone`, past the handlers of `fork(3)`; while no other thread opens a
    /// handle, since nothing can hold such a child back.
    pub bare: bool,
    /// Whether a child made so uses the library.
    pub child_opens: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Parent {
    None,
    TableLocked,
    Opened,
    Entered,
    Seated,
    Writing,
    Unlocked,
    Closed,
    Dead,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Child {
    None,
    Born,
    Closing,
    Runs,
    Writes,
    Gone,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Other {
    Idle,
    SawLock,
    Writing,
}

/// What a descriptor's number leads to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Number {
    Free,
    Locks,
    OwnFile,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Token {
    Free,
    Parent,
    Other,
}

#[derive(Clone, Copy, Hash)]
pub struct State {
    parent: Parent,
    number: Number,
    anchor: bool,
    entered: bool,
    child: Child,
    child_number: Number,
    child_anchor: bool,
    child_entered: bool,
    /// The parent was writing when it forked.
    child_guard: bool,
    /// The child has opened a handle of its own.
    child_opened: bool,
    /// The parent's byte is held, by the description.
    live: bool,
    lock: Token,
    other: Other,
    writes: u8,
    kills: u8,
    closefrom: bool,
}

impl State {
    /// The last reference to the description takes its locks along.
    fn settle(&mut self) {
        let open = self.number == Number::Locks
            || self.anchor
            || self.child_number == Number::Locks
            || self.child_anchor;
        self.live &= open;
    }

    fn child_ends(&mut self) {
        self.child = Child::Gone;
        self.child_number = Number::Free;
        self.child_anchor = false;
        (self.child_guard, self.child_entered) = (false, false);
    }
}

impl Model for Fork {
    type State = State;

    fn start(&self) -> State {
        State {
            parent: Parent::None,
            number: Number::Free,
            anchor: false,
            entered: false,
            child: Child::None,
            child_number: Number::Free,
            child_anchor: false,
            child_entered: false,
            child_guard: false,
            child_opened: false,
            live: false,
            lock: Token::Free,
            other: Other::Idle,
            writes: 4,
            kills: 2,
            closefrom: true,
        }
    }

    fn broken(&self, s: &State) -> Option<&'static str> {
        let seated = matches!(s.parent, Parent::Seated | Parent::Writing);
        if seated && !s.live {
            return Some(LIVE_LOOKS_DEAD);
        }
        let writers = [
            s.parent == Parent::Writing,
            s.child == Child::Writes,
            s.other == Other::Writing,
        ];
        if writers.iter().filter(|writes| **writes).count() > 1 {
            return Some(TWO_WRITERS);
        }
        let nobody = s.parent != Parent::Writing && s.child != Child::Writes;
        if s.lock == Token::Parent && nobody && s.live && s.parent != Parent::Dead {
            return Some(LOCK_LEFT);
        }
        // A child that was born a moment ago has its handler before it.
        let settled = match s.child {
            Child::Born | Child::Closing => false,
            Child::Runs | Child::Writes => !self.bare || s.child_opened || !self.child_opens,
            Child::None | Child::Gone => true,
        };
        let over = match s.parent {
            Parent::Dead => settled,
            // It has unlocked, whatever others hold, unless its descriptor was lost.
            Parent::Closed => settled || s.closefrom,
            _ => false,
        };
        (over && s.live).then_some(DEAD_LOOKS_ALIVE)
    }

    fn steps(&self, s: &State, out: &mut Steps<State>) {
        self.parent(s, out);
        self.child(s, out);
        self.other(s, out);
    }
}

impl Fork {
    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == mutation
    }

    fn parent(&self, s: &State, out: &mut Steps<State>) {
        let mut add = |label: &str, change: &dyn Fn(&mut State)| {
            let mut n = *s;
            change(&mut n);
            n.settle();
            out.step(format_args!("P: {label}"), n);
        };
        match s.parent {
            Parent::None => add("lock the table", &|n| n.parent = Parent::TableLocked),
            Parent::TableLocked => add("open the descriptor and anchor it", &|n| {
                n.parent = Parent::Opened;
                n.number = Number::Locks;
                n.anchor = !self.is(Mutation::NoAnchor);
            }),
            Parent::Opened => add("enter it into the table", &|n| {
                n.parent = Parent::Entered;
                n.entered = true;
            }),
            Parent::Entered => add("take the byte", &|n| {
                n.parent = Parent::Seated;
                n.live = true;
            }),
            Parent::Seated => {
                if s.lock == Token::Free && s.writes > 0 {
                    add("lock", &|n| {
                        n.parent = Parent::Writing;
                        n.lock = Token::Parent;
                        n.writes -= 1;
                    });
                }
                // With a descriptor that is lost, it can neither unlock nor close.
                add("close: drop the byte", &|n| {
                    n.parent = Parent::Unlocked;
                    if n.number == Number::Locks && !self.is(Mutation::CloseWithoutUnlock) {
                        n.live = false;
                    }
                });
            }
            Parent::Writing => add("unlock", &|n| {
                n.parent = Parent::Seated;
                if n.lock == Token::Parent {
                    n.lock = Token::Free;
                }
            }),
            Parent::Unlocked => add("close the descriptor, unmap the anchor", &|n| {
                n.parent = Parent::Closed;
                if n.number == Number::Locks {
                    n.number = Number::Free;
                }
                (n.anchor, n.entered) = (false, false);
            }),
            Parent::Closed | Parent::Dead => {}
        }
        if matches!(s.parent, Parent::None | Parent::Dead) {
            return;
        }
        let table_locked = matches!(s.parent, Parent::TableLocked | Parent::Opened);
        let may_fork = !table_locked || self.is(Mutation::TableNotLocked);
        if s.child == Child::None && may_fork {
            add("fork", &|n| {
                n.child = if self.bare { Child::Runs } else { Child::Born };
                n.child_number = n.number;
                n.child_anchor = n.anchor && self.is(Mutation::AnchorInherited);
                n.child_entered = n.entered;
                n.child_guard = n.parent == Parent::Writing;
            });
        }
        if s.closefrom && s.number == Number::Locks && s.parent != Parent::Opened {
            add("a stray closefrom", &|n| {
                n.closefrom = false;
                n.number = Number::Free;
            });
        }
        if !s.closefrom && s.number == Number::Free && s.parent != Parent::Closed {
            add("open a file of its own", &|n| n.number = Number::OwnFile);
        }
        if s.kills > 0 {
            let mut n = *s;
            n.kills -= 1;
            n.parent = Parent::Dead;
            n.number = Number::Free;
            (n.anchor, n.entered) = (false, false);
            n.settle();
            out.fault(format_args!("P: KILLED"), n);
        }
    }

    /// Closes what was inherited; false if that was no descriptor of ours.
    fn close_all(&self, n: &mut State) -> bool {
        if !n.child_entered || self.is(Mutation::ChildKeeps) {
            return true;
        }
        n.child_entered = false;
        match n.child_number {
            Number::Locks => n.child_number = Number::Free,
            Number::OwnFile if self.is(Mutation::CloseUnchecked) => return false,
            Number::Free | Number::OwnFile => {}
        }
        true
    }

    fn child(&self, s: &State, out: &mut Steps<State>) {
        let mut n = *s;
        match s.child {
            Child::None | Child::Gone => return,
            Child::Born => {
                n.child = Child::Closing;
                if self.is(Mutation::ChildUnlocks) && s.child_number == Number::Locks {
                    n.live = false;
                    out.step(format_args!("C: unlock what it inherited"), n);
                } else {
                    out.step(format_args!("C: begin to run"), n);
                }
            }
            Child::Closing => {
                n.child = Child::Runs;
                let label = format_args!("C: close what it inherited");
                if !self.close_all(&mut n) {
                    return out.fail(label, OWN_FILE_CLOSED);
                }
                out.reached("a child closes what it inherited");
                n.settle();
                out.step(label, n);
            }
            Child::Runs => {
                if self.child_opens && !s.child_opened {
                    let label = format_args!("C: open a handle of its own");
                    n.child_opened = true;
                    if !self.close_all(&mut n) {
                        return out.fail(label, OWN_FILE_CLOSED);
                    }
                    n.settle();
                    out.step(label, n);
                }
                if s.child_guard {
                    let mut n = *s;
                    n.child_guard = false;
                    if self.is(Mutation::ChildDropsGuards) && n.lock == Token::Parent {
                        n.lock = Token::Free;
                    }
                    out.step(format_args!("C: drop the guard that it inherited"), n);
                }
                if self.is(Mutation::ChildWrites) && s.lock == Token::Free && s.writes > 0 {
                    let mut n = *s;
                    n.writes -= 1;
                    n.lock = Token::Parent;
                    n.child = Child::Writes;
                    out.step(format_args!("C: lock, as the parent"), n);
                }
                let mut n = *s;
                n.child_ends();
                n.settle();
                out.step(format_args!("C: exec"), n);
            }
            Child::Writes => {
                n.child = Child::Runs;
                n.lock = Token::Free;
                out.step(format_args!("C: unlock, as the parent"), n);
            }
        }
        if s.kills > 0 {
            let mut n = *s;
            n.kills -= 1;
            n.child_ends();
            n.settle();
            out.fault(format_args!("C: KILLED"), n);
        }
    }

    fn other(&self, s: &State, out: &mut Steps<State>) {
        let mut n = *s;
        match s.other {
            Other::Idle if s.writes == 0 || s.lock == Token::Other => {}
            Other::Idle if s.lock == Token::Free => {
                n.writes -= 1;
                n.lock = Token::Other;
                n.other = Other::Writing;
                out.step(format_args!("O: lock"), n);
            }
            Other::Idle if !s.live => {
                n.other = Other::SawLock;
                out.step(format_args!("O: the lock is a dead one's"), n);
            }
            Other::Idle => {}
            Other::SawLock if s.lock == Token::Parent => {
                out.reached("the lock is taken over");
                n.writes = s.writes.saturating_sub(1);
                n.lock = Token::Other;
                n.other = Other::Writing;
                out.step(format_args!("O: take the lock over"), n);
            }
            Other::SawLock => {
                n.other = Other::Idle;
                out.step(format_args!("O: the lock is another's by now"), n);
            }
            Other::Writing => {
                n.other = Other::Idle;
                if s.lock == Token::Other {
                    n.lock = Token::Free;
                }
                out.step(format_args!("O: unlock"), n);
            }
        }
    }
}
