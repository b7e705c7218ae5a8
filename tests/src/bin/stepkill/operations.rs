//! The operations of the public API, and in which situations each is killed.

use std::hint::black_box;
use std::time::Duration;

use shmem_core::{Error, Lifetime, Options, Shared, SharedObject, WriteGuard};
use tests::Small;

use crate::broken;
use crate::tracer::{marker, trace_me};

/// The object of every operation.
pub(crate) const NAME: &str = "object";
/// An object beside it.
pub(crate) const OTHER: &str = "other";
/// The value that an object has before an operation.
pub(crate) const OLD: u64 = 7;
/// The value that an operation gives it.
pub(crate) const NEW: u64 = 8;
/// What a writer that is killed leaves in a buffer: no value at all.
pub(crate) const SPOILT: u64 = 99;

/// What there is when an operation begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scene {
    /// No object; what is made is kept.
    Nothing,
    /// No object; what is made lives while it is open.
    Fleeting,
    /// No object; what is made may be read by everybody, so that it has its locks in a file of their own.
    Readable,
    /// Not even the directory, and a umask that forbids everything to others.
    Nowhere,
    /// No object, but a leftover beside it.
    Crowd,
    /// A leftover: an object that lives while it is open, whose only process was killed.
    Stale,
    /// A leftover and beside it an object that somebody has open.
    Beside,
    /// A kept object that only the operation has open.
    Alone,
    /// An object that lives while it is open, which only the operation has open.
    Only,
    /// An object that lives while it is open, which another process has open.
    Peer,
}

use Scene::{Alone, Beside, Crowd, Fleeting, Nothing, Nowhere, Only, Peer, Readable, Stale};

impl Scene {
    pub(crate) fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// What others may find under the name after the operation was killed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    pub(crate) free: bool,
    pub(crate) old: bool,
    /// The version that has the new value.
    pub(crate) new: Option<u64>,
}

/// What a process was doing that was killed before the operation begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    None,
    /// It held the writer lock, with a change, and a reader's guard.
    Writer,
    /// The same, and its handles had all rows that are left.
    AllRows,
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) scenes: &'static [Scene],
    /// Whether every single instruction is a place to be killed at.
    pub(crate) short: bool,
    pub(crate) victim: Victim,
    /// Whether `--all` leaves it out: it breaks the protocol, to show that this is noticed.
    pub(crate) broken: bool,
}

impl Operation {
    const fn new(name: &'static str, about: &'static str, scenes: &'static [Scene]) -> Self {
        Operation {
            name,
            about,
            scenes,
            short: false,
            victim: Victim::None,
            broken: false,
        }
    }

    const fn short(mut self) -> Self {
        self.short = true;
        self
    }

    const fn after(mut self, victim: Victim) -> Self {
        self.victim = victim;
        self
    }

    const fn broken(mut self) -> Self {
        self.broken = true;
        self
    }

    pub(crate) fn find(name: &str) -> Option<&'static Operation> {
        OPERATIONS.iter().find(|operation| operation.name == name)
    }

    /// How many handles an object of the operation may have.
    pub(crate) fn handles(&self, scene: Scene) -> u32 {
        match (self.victim, scene) {
            (Victim::AllRows, Peer) => 3,
            (Victim::AllRows, _) => 2,
            _ => 6,
        }
    }

    /// How many of them a victim takes.
    pub(crate) fn victims(&self) -> usize {
        match self.victim {
            Victim::None => 0,
            Victim::Writer => 1,
            Victim::AllRows => 2,
        }
    }

    pub(crate) fn allowed(&self, scene: Scene) -> Allowed {
        let new = match self.name {
            "create" | "open_or_create_fresh" | "open_or_create_stale" | "broken_create" => {
                (scene != Fleeting).then_some(1)
            }
            "write_commit" | "write_drop" | "store" | "update" | "take_over" | "wait_woken"
            | "broken_write" => Some(2),
            _ => None,
        };
        let exists = matches!(scene, Alone | Peer);
        Allowed {
            free: !exists || self.name == "remove",
            old: exists,
            new,
        }
    }

    /// Whether the next writer may be told that a change was lost.
    pub(crate) fn leaves_changes(&self) -> bool {
        let writes = [
            "write_commit",
            "write_drop",
            "write_discard",
            "store",
            "update",
        ];
        self.victim != Victim::None || writes.contains(&self.name)
    }

    /// Whether the harness publishes while the operation sleeps.
    pub(crate) fn is_woken(&self) -> bool {
        self.name == "wait_woken"
    }
}

pub(crate) const OPERATIONS: &[Operation] = &[
    Operation::new(
        "create",
        "creates an object",
        &[Nothing, Fleeting, Readable, Nowhere, Crowd, Stale],
    ),
    Operation::new("open", "opens a kept object that nobody has open", &[Alone]),
    Operation::new("open_stale", "opens a leftover: not found", &[Stale]),
    Operation::new("join", "opens an object that others have open", &[Peer]),
    Operation::new(
        "open_read_only",
        "opens an object for reading only",
        &[Alone, Peer],
    ),
    Operation::new(
        "open_or_create_fresh",
        "creates where nothing is",
        &[Nothing, Fleeting],
    ),
    Operation::new(
        "open_or_create_stale",
        "creates where a leftover is",
        &[Stale],
    ),
    Operation::new(
        "open_or_create_join",
        "opens what others have open",
        &[Peer],
    ),
    Operation::new("read", "borrows the value and lets go", &[Alone, Peer]).short(),
    Operation::new("load", "copies the value out", &[Alone, Peer]).short(),
    Operation::new("write_commit", "changes and publishes", &[Alone, Peer]).short(),
    Operation::new("write_drop", "changes and drops the guard", &[Alone, Peer]).short(),
    Operation::new("write_discard", "changes and discards", &[Alone, Peer]).short(),
    Operation::new("store", "publishes a whole value", &[Alone, Peer]).short(),
    Operation::new("update", "changes through a function", &[Alone, Peer]).short(),
    Operation::new("wait_timeout", "waits in vain", &[Alone, Peer]),
    Operation::new("wait_woken", "waits and is woken", &[Peer]),
    Operation::new(
        "take_over",
        "writes after a writer that was killed",
        &[Alone, Peer],
    )
    .after(Victim::Writer),
    Operation::new(
        "reuse_row",
        "opens where every free row is a dead one's",
        &[Alone, Peer],
    )
    .after(Victim::AllRows),
    Operation::new("close_last", "closes the last handle", &[Only, Alone]),
    Operation::new("close_not_last", "closes one of two handles", &[Peer]),
    Operation::new("remove", "removes an object", &[Alone, Peer, Stale]),
    Operation::new("prune", "removes leftovers", &[Stale, Beside]),
    Operation::new(
        "list",
        "lists objects, and removes leftovers",
        &[Stale, Beside],
    ),
    Operation::new(
        "broken_write",
        "writes the current buffer in place",
        &[Alone, Peer],
    )
    .broken(),
    Operation::new(
        "broken_create",
        "gives an object its name before its bytes",
        &[Nothing],
    )
    .broken(),
];

/// How an object for this operation is made.
pub(crate) fn options(operation: &Operation, scene: Scene) -> Options<Small> {
    let options = Small::options().max_handles(operation.handles(scene));
    match scene {
        Fleeting | Only | Peer => options.lifetime(Lifetime::WhileOpen),
        Readable => options.lifetime(Lifetime::Keep).mode(0o644),
        _ => options.lifetime(Lifetime::Keep),
    }
}

/// The child: prepares, performs the operation between two markers, and is killed somewhere.
pub(crate) fn perform(operation: &Operation, scene: Scene) {
    let options = options(operation, scene);
    let open = || options.open(NAME).unwrap();
    let new = Small::new(NEW);
    match operation.name {
        "create" => drop(traced(|| options.create(NAME, new).unwrap())),
        "open" | "join" | "reuse_row" => drop(traced(|| options.open(NAME).unwrap())),
        "open_stale" => drop(traced(|| options.open(NAME).unwrap_err())),
        "open_read_only" => drop(traced(|| options.open_read_only(NAME).unwrap())),
        "open_or_create_fresh" | "open_or_create_stale" | "open_or_create_join" => {
            drop(traced(|| options.open_or_create(NAME, new).unwrap()));
        }
        "read" => using(open(), |object| {
            assert_eq!(object.read().unwrap().counter, OLD);
        }),
        "load" => using(open(), |object| {
            assert_eq!(object.load().unwrap().counter, OLD);
        }),
        "write_commit" | "write_drop" | "write_discard" | "take_over" => {
            using(open(), |object| write(operation, object));
        }
        "store" => using(open(), |object| {
            object.store(new).unwrap();
        }),
        "update" => using(open(), |object| {
            object.update(|value| value.set(NEW)).unwrap();
        }),
        "wait_timeout" => using(open(), |object| {
            let version = object.version();
            let error = object.wait(version, Duration::from_millis(30)).unwrap_err();
            assert!(matches!(error, Error::TimedOut { .. }));
        }),
        "wait_woken" => using(open(), |object| {
            let version = object.version();
            object.wait(version, Duration::from_secs(10)).unwrap();
        }),
        "close_last" | "close_not_last" => {
            let object = open();
            traced(|| drop(object));
        }
        "remove" => traced(|| shmem_core::remove(NAME).unwrap()),
        "prune" => drop(traced(|| shmem_core::prune().unwrap())),
        "list" => drop(traced(|| shmem_core::list().unwrap())),
        "broken_write" => {
            let object = open();
            let raw = broken::InPlace::new();
            traced(|| raw.write());
            drop(object);
        }
        "broken_create" => drop(traced(broken::create)),
        other => panic!("no such operation: {other}"),
    }
    unreachable!("killed at the second marker at the latest");
}

fn write(operation: &Operation, object: &SharedObject<Small>) {
    let mut guard = object.write().unwrap();
    let taken_over = operation.victim == Victim::Writer;
    assert_eq!(WriteGuard::recovered(&guard), taken_over);
    guard.set(NEW);
    match operation.name {
        "write_drop" => drop(guard),
        "write_discard" => WriteGuard::discard(guard),
        _ => {
            WriteGuard::commit(guard);
        }
    }
}

fn using(object: SharedObject<Small>, operation: impl FnOnce(&SharedObject<Small>)) {
    // The first look at the clock searches for it: 1,700 instructions that are not ours.
    black_box(object.age());
    traced(|| operation(black_box(&object)));
    drop(object);
}

/// Runs what is to be killed.
fn traced<R>(operation: impl FnOnce() -> R) -> R {
    trace_me();
    marker();
    let result = black_box(operation());
    marker();
    result
}

/// The process that is killed before the operation begins: opens and locks as it is told, then sleeps.
pub(crate) fn fall_victim(operation: &Operation, scene: Scene, what: &str) {
    let options = options(operation, scene);
    let ready = || {
        println!("ready");
        std::thread::sleep(Duration::from_secs(60));
    };
    if let Some(name) = what.strip_prefix("leave-") {
        let options = options.lifetime(Lifetime::WhileOpen);
        let _object = options.create(name, Small::new(OLD)).unwrap();
        ready();
        return;
    }
    let handles: Vec<_> = (0..operation.victims())
        .map(|_| options.open(NAME).unwrap())
        .collect();
    let readers: Vec<_> = handles.iter().map(|handle| handle.read()).collect();
    let mut guard = handles[0].write().unwrap();
    guard.spoil(SPOILT);
    ready();
    drop((readers, guard));
}
