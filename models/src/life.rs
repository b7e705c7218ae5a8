//! Creating, joining, closing, removing, sweeping: one name, and the files it leads to.
//!
//! Processes create, open, open or create, remove and prune the object of one name, whose lifetime is
//! `WhileOpen`, and close it. Each may be killed before every step, or stopped, and goes on later or never.
//! Whoever finds `MEMBER` held by a stopped process gives up.
//!
//! | Step | Function, in `shmem-core/src` |
//! |------|-------------------------------|
//! | open: the name, the locks, the first look | `join` in `lifecycle.rs`; `new`, `locks` in `opened.rs`; `anyone` in `participant.rs` |
//! | open: MEMBER, compare, look | `join` in `lifecycle.rs`, `member` in `participant.rs`, `entry` in `directory.rs` |
//! | open: take a byte, let go of MEMBER | `sit` in `participant.rs`, `join` in `lifecycle.rs` |
//! | sweep: the name, the locks, the first look, MEMBER, compare, look | `clear` in `lifecycle.rs` |
//! | set REMOVED, unlink | `retire` in `lifecycle.rs` |
//! | build, link | `build`, `link` in `build.rs`; `create`, `open_or_create` in `options.rs` |
//! | close: MEMBER or give up, drop the byte, look, compare | `Drop` of `Attachment` in `lifecycle.rs`, `leave` in `participant.rs` |
//! | remove, prune | `remove` in `lifecycle.rs`, `prune` in `discovery.rs` |

use crate::search::{Model, Steps};

mod steps;

pub const LOST_NAME: &str = "a live object lost its name";
pub const CORPSE: &str = "a corpse was opened";
pub const OPENED_REMOVED: &str = "a removed object was opened";
pub const TWO_LIVE: &str = "two live objects of one name";
pub const LEFT_BEHIND: &str = "the last close left it behind";
pub const NAME_TAKEN: &str = "the name never becomes free";
pub const HANGS: &str = "hangs behind a stopped process";

/// What differs from the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    None,
    /// `remove` does not take MEMBER.
    RemoveWithoutMember,
    /// Nor does the last one out.
    CloseWithoutMember,
    /// Whoever sweeps or joins compares before it takes MEMBER, not after.
    CompareWithoutMember,
    /// Nobody compares.
    NoCompare,
    /// A handle that closes looks for others before it drops its byte, and just leaves if there are any.
    CloseLooksFirst,
    /// Sweeping believes what it saw before it had MEMBER.
    SweepTrustsFirstLook,
    /// So does joining.
    JoinTrustsFirstLook,
    /// The creator takes its byte when the object has its name.
    LinkBeforeByte,
    /// MEMBER is waited for.
    NeverGiveUp,
    /// What was marked and not unlinked counts as any other object.
    MarkIgnored,
    /// The file has its name before it is complete.
    CreateInPlace,
    /// The name is given to the new file whatever has it.
    LinkByRename,
}

#[derive(Clone, Copy, Debug)]
pub struct Life {
    pub mutation: Mutation,
    pub processes: u8,
    pub operations: u8,
    pub kills: u8,
    pub stops: u8,
    /// Gives up on MEMBER whoever holds it: as if everybody were slow.
    pub impatient: bool,
}

const PROCESSES: usize = 4;
/// Two for each process and one for the name.
const FILES: usize = 7;
const NONE: u8 = 255;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Operation {
    None,
    Open,
    OpenOrCreate,
    Create,
    Remove,
    Prune,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
enum At {
    Out,
    // Joining.
    JoinName,
    JoinLocks,
    JoinLook,
    JoinEarlyCompare,
    JoinMember,
    JoinCompare,
    JoinDecide,
    JoinSit,
    // Sweeping and removing.
    ClearName,
    ClearLocks,
    ClearLook,
    ClearEarlyCompare,
    ClearMember,
    ClearCompare,
    ClearDecide,
    // Retiring.
    Mark,
    Unlink,
    // Creating.
    Build,
    Link,
    LateByte,
    Open,
    // Closing.
    CloseLook,
    CloseMember,
    CloseByte,
    LeaveByte,
    LookLast,
    CloseCompare,
}

#[derive(Clone, Copy, Hash)]
struct Process {
    at: At,
    operation: Operation,
    /// The file that it has open, and the one it built that has no name yet.
    file: u8,
    built: u8,
    /// Somebody was live at the first look.
    anyone: bool,
    /// It closes: retiring is the last that it does.
    closing: bool,
    /// Somebody else was live while it held MEMBER.
    seen: bool,
    stopped: bool,
}

const OUT: Process = Process {
    at: At::Out,
    operation: Operation::None,
    file: NONE,
    built: NONE,
    anyone: false,
    closing: false,
    seen: false,
    stopped: false,
};

#[derive(Clone, Copy, Hash)]
struct File {
    linked: bool,
    removed: bool,
    /// By `remove`, and so with right.
    condemned: bool,
    /// Not complete yet (a mutation).
    half: bool,
    /// Bit p: process p holds its byte.
    live: u8,
    member: u8,
}

const NO_FILE: File = File {
    linked: false,
    removed: false,
    condemned: false,
    half: false,
    live: 0,
    member: NONE,
};

#[derive(Clone, Copy, Hash)]
pub struct State {
    name: u8,
    files: [File; FILES],
    processes: [Process; PROCESSES],
    operations: u8,
    kills: u8,
    stops: u8,
    faults: bool,
}

impl State {
    fn process(&mut self, p: u8) -> &mut Process {
        &mut self.processes[usize::from(p)]
    }

    fn file(&mut self, file: u8) -> &mut File {
        &mut self.files[usize::from(file)]
    }

    /// Lets go of everything that `p` holds of the file it has open.
    fn close_file(&mut self, p: u8) {
        let file = self.process(p).file;
        if file != NONE {
            self.let_go(p, file);
            self.process(p).file = NONE;
        }
    }

    fn let_go(&mut self, p: u8, file: u8) {
        let file = self.file(file);
        file.live &= !(1 << p);
        if file.member == p {
            file.member = NONE;
        }
    }

    fn end(&mut self, p: u8) {
        self.close_file(p);
        let built = self.process(p).built;
        if built != NONE {
            self.let_go(p, built);
        }
        *self.process(p) = OUT;
    }

    fn unlink(&mut self) {
        if self.name != NONE {
            let name = self.name;
            self.file(name).linked = false;
            self.name = NONE;
        }
    }

    /// Notes who was seen alive under MEMBER, and forgets files that nobody can reach.
    fn settle(&mut self) {
        for p in 0..PROCESSES {
            let process = &mut self.processes[p];
            if (At::JoinCompare..=At::JoinSit).contains(&process.at) && process.file != NONE {
                let file = &self.files[usize::from(process.file)];
                if usize::from(file.member) == p && file.live & !(1 << p) != 0 {
                    process.seen = true;
                }
            }
        }
        for number in 0..FILES {
            let is = |file: u8| usize::from(file) == number;
            let open = self.processes.iter().any(|p| is(p.file) || is(p.built));
            if !open && !is(self.name) {
                self.files[number] = NO_FILE;
            }
        }
    }

    fn free_file(&self) -> u8 {
        let open = |file| {
            self.name == file
                || self
                    .processes
                    .iter()
                    .any(|p| p.file == file || p.built == file)
        };
        (0..7)
            .find(|file| !open(*file))
            .expect("a file that nobody has open")
    }
}

impl Model for Life {
    type State = State;

    fn start(&self) -> State {
        State {
            name: NONE,
            files: [NO_FILE; FILES],
            processes: [OUT; PROCESSES],
            operations: self.operations,
            kills: self.kills,
            stops: self.stops,
            faults: false,
        }
    }

    fn broken(&self, s: &State) -> Option<&'static str> {
        let (mut live, mut lost) = (NONE, false);
        for process in s.processes.iter().filter(|p| p.at == At::Open) {
            let file = &s.files[usize::from(process.file)];
            if file.condemned {
                continue;
            }
            lost |= !file.linked || file.removed;
            if live != NONE && live != process.file {
                return Some(TWO_LIVE);
            }
            live = process.file;
        }
        if lost {
            return Some(LOST_NAME);
        }
        if s.processes.iter().all(|p| p.at == At::Out || p.stopped) {
            let stopped = s.processes.iter().any(|p| p.stopped);
            if s.name != NONE && !s.faults {
                return Some(LEFT_BEHIND);
            }
            // Whoever comes next creates it, unless a process that is stopped has it open or holds MEMBER.
            let file = s.files.get(usize::from(s.name));
            let busy = file.is_some_and(|file| file.live != 0 || file.member != NONE);
            let excused = stopped && busy;
            if !excused && !self.can_create(s) {
                return Some(NAME_TAKEN);
            }
        }
        None
    }

    fn at_rest(&self, s: &State) -> Option<&'static str> {
        let waits = |p: &Process| p.at != At::Out && !p.stopped;
        s.processes.iter().any(waits).then_some(HANGS)
    }

    fn steps(&self, s: &State, out: &mut Steps<State>) {
        for p in 0..self.processes {
            let process = &s.processes[usize::from(p)];
            if process.at == At::Out {
                if s.operations > 0 {
                    self.begin(s, p, out);
                }
                continue;
            }
            if process.stopped {
                let mut n = *s;
                n.process(p).stopped = false;
                out.fault(format_args!("P{p}: goes on"), n);
            } else {
                self.one(s, p, out);
                if s.stops > 0 {
                    let mut n = *s;
                    n.stops -= 1;
                    n.faults = true;
                    n.process(p).stopped = true;
                    out.fault(format_args!("P{p}: STOPPED"), n);
                }
            }
            if s.kills > 0 {
                let mut n = *s;
                n.kills -= 1;
                n.faults = true;
                n.end(p);
                n.settle();
                out.fault(format_args!("P{p}: KILLED"), n);
            }
        }
    }
}

impl Life {
    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == mutation
    }

    fn begin(&self, s: &State, p: u8, out: &mut Steps<State>) {
        let operations = [
            (Operation::Open, At::JoinName, "open"),
            (Operation::OpenOrCreate, At::JoinName, "open or create"),
            (Operation::Create, At::ClearName, "create"),
            (Operation::Remove, At::ClearName, "remove"),
            (Operation::Prune, At::ClearName, "prune"),
        ];
        for (operation, at, label) in operations {
            let mut n = *s;
            n.operations -= 1;
            n.process(p).operation = operation;
            n.process(p).at = at;
            out.step(format_args!("P{p}: {label}"), n);
        }
    }

    /// Whether a process that nobody disturbs can create the object now.
    fn can_create(&self, s: &State) -> bool {
        let mut state = *s;
        let p = self.processes;
        (state.kills, state.stops) = (0, 0);
        state.process(p).operation = Operation::Create;
        state.process(p).at = At::ClearName;
        for _ in 0..40 {
            let mut out = Steps::silent();
            self.one(&state, p, &mut out);
            match out.last() {
                Some(next) => state = next,
                None => return false,
            }
            if state.process(p).at == At::Open {
                return true;
            }
        }
        false
    }
}
