//! What the processes of a round do, until they are killed or the round ends.

use std::fmt::Display;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Duration;

use rustix::process::{
    Signal, WaitOptions, getpid, kill_process, set_parent_process_death_signal, wait,
};
use shmem_core::{Error, Lifetime, Location, Options, Payload, Shared as _, SharedObject};
use tests::Random;

use crate::board::{Board, Kind, Line, Phase, Place, Word};
use crate::plan::{self, Plan, Teeth, mix};
use crate::sys;
use crate::value::{Value, with_payload};

mod child;
mod array;
mod inspector;
mod items;
mod publisher;
mod reader;
mod track;
mod writer;

/// The object of the round.
const NAME: &str = "torture";

/// A value of a mebibyte is passed by value, which takes several copies where nothing is optimised.
const STACK: usize = 64 << 20;

/// Nothing that a process or its child does takes so long, in seconds.
const ALARM: u32 = 120;
const CHILD_ALARM: u32 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Writer,
    Reader,
    Publisher,
    Janitor,
    Inspector,
}

impl Role {
    const ALL: [(&'static str, Role); 5] = [
        ("writer", Role::Writer),
        ("reader", Role::Reader),
        ("publisher", Role::Publisher),
        ("janitor", Role::Janitor),
        ("inspector", Role::Inspector),
    ];

    pub(crate) fn name(self) -> &'static str {
        Role::ALL[self as usize].0
    }
}

/// What to do after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Go,
    /// Close the handle.
    Leave,
}

/// One process of a round, or a child that it forked.
#[derive(Debug)]
struct Peer {
    board: Board,
    plan: Plan,
    role: Role,
    slot: usize,
    life: u16,
    random: Random,
    dir: PathBuf,
    is_child: bool,
}

/// `torture peer <role> <slot> <life> <dir>`.
pub(crate) fn run(args: &[String]) {
    let [role, slot, life, dir] = args else {
        panic!("a role, a slot, a life and a directory, not {args:?}")
    };
    let role = Role::ALL.iter().find(|(name, _)| name == role);
    let role = role.expect("a role").1;
    let slot = slot.parse().expect("a slot");
    let life = life.parse().expect("a life");
    set_parent_process_death_signal(Some(Signal::KILL)).unwrap();
    sys::alarm(ALARM);
    sys::forget_children();
    sys::ignore_interrupts();
    let board = Board::map(&Path::new(dir).join("board"));
    let plan = board.plan();
    let peer = Peer {
        board,
        plan,
        role,
        slot,
        life,
        random: Random::seeded(mix(plan.seed, life.into())),
        dir: dir.into(),
        is_child: false,
    };
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().count();
    // One of them is the directory that is being read.
    let descriptors = descriptors as u64 - 1;
    board
        .at(slot, Place::Descriptors)
        .store(descriptors, SeqCst);
    let of_panics = Peer {
        random: Random::seeded(0),
        dir: dir.into(),
        ..peer
    };
    std::panic::set_hook(Box::new(move |info| {
        of_panics.violation("other", format!("panic: {info}"));
    }));
    let thread = thread::Builder::new().stack_size(STACK);
    let thread = thread.spawn(move || peer.live()).unwrap();
    if thread.join().is_err() {
        std::process::exit(101);
    }
}

impl Peer {
    fn live(mut self) {
        let payload = self.plan.payload;
        match self.role {
            Role::Writer | Role::Reader | Role::Publisher | Role::Inspector
                if self.plan.kind == plan::Kind::Array =>
            {
                with_payload!(payload, array::run, &mut self)
            }
            Role::Writer => with_payload!(payload, writer::run, &mut self),
            Role::Reader => with_payload!(payload, reader::run, &mut self),
            Role::Publisher => with_payload!(payload, publisher::run, &mut self),
            Role::Janitor => publisher::tidy(&mut self),
            Role::Inspector => with_payload!(payload, inspector::run, &mut self),
        }
        if self.is_child {
            self.end_child();
        }
        self.rest(Phase::Rest, Phase::Close);
        self.rest(Phase::Close, Phase::End);
    }

    /// Whether to go on.
    fn is_running(&self) -> bool {
        !self.is_child && !self.board.is_past(Phase::Rest)
    }

    /// Says that it rests since `phase`, and waits until the round has come to `until`.
    fn rest(&self, phase: Phase, until: Phase) {
        // Until all children have ended: their statuses are thrown away.
        while wait(WaitOptions::empty()).is_ok() {}
        let rests = self.board.at(self.slot, Place::Rests);
        rests.fetch_max(phase as u64, SeqCst);
        while !self.board.is_past(until) {
            thread::sleep(Duration::from_micros(500));
        }
    }

    /// How the objects of the round are created and opened.
    fn options<const WORDS: usize>(&self) -> Options<Value<WORDS>> {
        let lifetime = if self.plan.keep {
            Lifetime::Keep
        } else {
            Lifetime::WhileOpen
        };
        let options = Value::options()
            .lifetime(lifetime)
            .mode(self.plan.mode)
            .max_handles(self.plan.max_handles);
        match self.plan.kind {
            plan::Kind::Copies => options.buffers(self.plan.buffers),
            plan::Kind::InPlace => options.buffers(1),
            plan::Kind::Array => options,
        }
    }

    /// Where the object of the round is.
    fn at(&self) -> Location {
        let at = if self.plan.file {
            Location::try_from(self.dir.join("shm").join(NAME))
        } else {
            Location::try_from(NAME)
        };
        at.expect("a name or a path")
    }

    /// Whether the value is changed in place.
    fn is_in_place(&self) -> bool {
        self.plan.kind != plan::Kind::Copies
    }

    /// Has the disk write what was published, now and then.
    fn flushes<P: ?Sized + Payload>(&mut self, object: &SharedObject<P>) {
        if self.is_child || !self.plan.file || !self.chance(50) {
            return;
        }
        match object.flush() {
            Ok(()) => self.count(Place::Flushes),
            Err(error) if self.is_poisoned(&error) => {}
            Err(error) => self.unexpected("flushing", &error),
        }
    }

    /// Whether that is why: a writer gave up, or was killed, in the middle of a change in place.
    fn is_poisoned(&self, error: &Error) -> bool {
        let poisoned = matches!(error, Error::Poisoned { .. }) && self.is_in_place();
        if poisoned {
            self.count(Place::Poisoned);
        }
        poisoned
    }

    fn chance(&mut self, per_mille: u32) -> bool {
        self.random.below(1_000) < per_mille
    }

    /// Sleeps for at most so many microseconds; often not at all.
    fn nap(&mut self, longest: u32) {
        if longest > 0 && self.chance(300) {
            let micros = self.random.below(longest);
            thread::sleep(Duration::from_micros(micros.into()));
        }
    }

    fn count(&self, place: Place) {
        self.board.at(self.slot, place).fetch_add(1, SeqCst);
    }

    /// Says whether it wants to write: while it does, somebody has to get on.
    fn wants(&self, wants: bool) {
        if !self.is_child {
            let place = self.board.at(self.slot, Place::Wants);
            place.store(wants.into(), SeqCst);
        }
    }

    fn line(&self, kind: Kind, incarnation: u16, version: u64) -> Line {
        Line {
            kind,
            incarnation,
            version,
            life: self.life,
        }
    }

    /// Whether to do now what must be noticed.
    fn bites(&mut self, teeth: Teeth) -> bool {
        self.plan.teeth == teeth && !self.is_child && self.chance(20)
    }

    /// Tells the conductor what must not be.
    fn violation(&self, kind: &str, text: impl Display) {
        let text = text.to_string().replace('\n', " ");
        let child = if self.is_child { "forked by " } else { "" };
        let role = self.role.name();
        let who = format!("{child}{role} {}, life {}", self.slot, self.life);
        let mut options = File::options();
        let file = options.append(true).create(true);
        let mut file = file.open(self.dir.join("violations")).unwrap();
        // In one piece, whoever else writes.
        let line = format!("{kind}\t{text} ({who})\n");
        file.write_all(line.as_bytes()).unwrap();
        self.board.next(Word::Violations);
    }

    fn unexpected(&self, doing: &str, error: &Error) {
        self.violation("other", format!("{doing}: {error:?}"));
    }

    /// Somebody was in the way for a second, which only one who was stopped may be.
    fn busy(&self, doing: &str, error: &Error) {
        self.count(Place::Busy);
        if self.board.get(Word::Stops) == 0 {
            self.violation("hung", format!("{doing}, and nobody was stopped: {error}"));
        }
    }

    /// Forks now and then. True in a child that goes on: it drops what it has inherited, and may open its own.
    fn forks(&mut self) -> bool {
        let forks = self.plan.forks;
        if self.is_child || self.board.is_past(Phase::Calm) || !self.chance(forks) {
            return false;
        }
        let Some(life) = self.board.new_life() else {
            return false;
        };
        if sys::fork().is_some() {
            return false;
        }
        self.board.next(Word::Forked);
        self.is_child = true;
        self.life = life;
        self.random = Random::seeded(mix(self.plan.seed, life.into()));
        sys::alarm(CHILD_ALARM);
        match self.random.below(4) {
            0 => self.end_child(),
            1 => {
                let millis = self.random.below(200);
                thread::sleep(Duration::from_millis(millis.into()));
                self.end_child()
            }
            _ => true,
        }
    }

    /// Ends, without dropping anything.
    fn end_child(&self) -> ! {
        self.board.next(Word::Ended);
        sys::exit_now(0)
    }

    /// A child is killed wherever it calls this, now and then; nobody else is.
    fn may_die(&mut self) {
        if self.is_child && self.chance(100) {
            self.board.next(Word::Ended);
            kill_process(getpid(), Signal::KILL).unwrap();
        }
    }
}
