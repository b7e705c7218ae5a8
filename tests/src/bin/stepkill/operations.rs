//! The operations of the public API, and in which situations each is killed.

use std::path::PathBuf;

use shmem_core::{Lifetime, Location, Options, Shared, Version};

use crate::list;
use crate::object::{Counted, Kind, Maker};
use crate::stage::{file, home};

/// The object of every operation.
pub(crate) const NAME: &str = "object";
/// An object beside it.
pub(crate) const OTHER: &str = "other";
/// The value that an object has before an operation.
pub(crate) const OLD: u64 = 7;
/// The value that an operation gives it.
pub(crate) const NEW: u64 = 8;
/// The value that another operation gives another item of an array.
pub(crate) const NEWER: u64 = 9;
/// The item of an array that an operation changes, and the one that another does.
pub(crate) const ONE: usize = 1;
pub(crate) const OTHER_ONE: usize = 3;
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

use Scene::{Alone, Fleeting, Only, Peer, Readable};

impl Scene {
    pub(crate) fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// What is found of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Nothing: the name is free.
    Free,
    /// The counters of its values, and the version.
    Whole(Vec<u64>, Version),
    /// That a change in place of this version was not completed.
    Poisoned(Version),
}

impl Content {
    pub(crate) fn version(&self) -> Version {
        match self {
            Content::Free => Version(0),
            Content::Whole(_, version) | Content::Poisoned(version) => *version,
        }
    }
}

/// What others may find under the name after the operation was killed.
#[derive(Clone, Debug)]
pub(crate) struct Allowed {
    pub(crate) free: bool,
    /// Whether the change may have been left half-made.
    pub(crate) poisoned: bool,
    /// What was there before; after a victim, what that has left.
    pub(crate) old: Content,
    pub(crate) new: Option<Content>,
    /// What was there before a victim.
    pub(crate) earlier: Content,
}

/// What a process was doing that was killed before the operation begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    None,
    /// It held the writer lock, with a change, and a reader's guard unless the change was in place.
    Writer,
    /// The same, and its handles had all rows that are left.
    AllRows,
    /// It performed this operation: it is killed at each place of that which others can see, one after the other.
    Anywhere(&'static str),
}

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// The name of the operation that it performs: its own, but for its victim.
    pub(crate) does: &'static str,
    pub(crate) scenes: &'static [Scene],
    /// Whether every single instruction is a place to be killed at.
    pub(crate) short: bool,
    /// Whether another writer waits when it is killed.
    pub(crate) contended: bool,
    pub(crate) victim: Victim,
    pub(crate) kind: Kind,
    /// Whether the object is a file at a path.
    pub(crate) file: bool,
    /// Whether `--all` leaves it out: it breaks the protocol, to show that this is noticed.
    pub(crate) broken: bool,
}

impl Operation {
    pub(crate) const fn new(
        name: &'static str,
        about: &'static str,
        scenes: &'static [Scene],
    ) -> Self {
        Operation {
            name,
            about,
            does: name,
            scenes,
            short: false,
            contended: false,
            victim: Victim::None,
            kind: Kind::Copies,
            file: false,
            broken: false,
        }
    }

    pub(crate) const fn short(mut self) -> Self {
        self.short = true;
        self
    }

    pub(crate) const fn after(mut self, victim: Victim) -> Self {
        self.victim = victim;
        self
    }

    pub(crate) const fn doing(mut self, does: &'static str) -> Self {
        self.does = does;
        self
    }

    /// As `does`, after a process that was killed anywhere in `first`.
    pub(crate) const fn again(
        name: &'static str,
        about: &'static str,
        first: &'static str,
        does: &'static str,
        scenes: &'static [Scene],
    ) -> Self {
        let operation = Operation::new(name, about, scenes);
        operation.after(Victim::Anywhere(first)).doing(does)
    }

    pub(crate) const fn of(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    pub(crate) const fn file(mut self) -> Self {
        self.file = true;
        self
    }

    pub(crate) const fn contended(mut self) -> Self {
        self.contended = true;
        self
    }

    pub(crate) const fn broken(mut self) -> Self {
        self.broken = true;
        self
    }

    pub(crate) fn find(name: &str) -> Option<&'static Operation> {
        list::all().find(|operation| operation.name == name)
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
            Victim::None | Victim::Anywhere(_) => 0,
            Victim::Writer => 1,
            Victim::AllRows => 2,
        }
    }

    /// Whether objects of that scene live while they are open.
    pub(crate) fn is_fleeting(&self, scene: Scene) -> bool {
        !self.file && matches!(scene, Fleeting | Only | Peer)
    }

    /// What is found before the operation, if no victim has changed it.
    pub(crate) fn content(&self, scene: Scene) -> Content {
        match scene {
            Alone | Peer if self.victim == Victim::Writer && self.kind.is_in_place() => {
                Content::Poisoned(Version(1))
            }
            // What is to be flushed is newer than what is on the disk.
            Alone | Peer if ["flush", "close_changed"].contains(&self.does) => {
                Content::Whole(self.kind.counters(OLD), Version(2))
            }
            Alone | Peer => Content::Whole(self.kind.counters(OLD), Version(1)),
            _ => Content::Free,
        }
    }

    /// What may be found if there was `old` when the operation began, and `earlier` before its victim.
    pub(crate) fn allowed(&self, scene: Scene, old: Content, earlier: Content) -> Allowed {
        let creates = self.does.starts_with("create") || self.does.starts_with("open_or_create");
        let new = match (self.does, &old) {
            ("broken_create", Content::Free) => Some((self.kind.counters(NEW), Version(1))),
            (_, Content::Free) if creates => {
                let kept = !self.is_fleeting(scene);
                kept.then(|| (self.kind.counters(NEW), Version(1)))
            }
            (_, Content::Free) => None,
            ("count", Content::Whole(counters, version)) => {
                Some((vec![counters[0], counters[1] + 1], *version))
            }
            ("store_at" | "try_store_at" | "update_at" | "broken_item" | "broken_record", old) => {
                with_item(old, ONE, NEW)
            }
            ("store_other", old) => with_item(old, OTHER_ONE, NEWER),
            (does, old) if changes(does) => {
                let mut counters = self.kind.counters(NEW);
                if let (Kind::Counted, Content::Whole(old, _)) = (self.kind, old) {
                    counters[1] = old[1];
                }
                Some((counters, Version(old.version().0 + 1)))
            }
            _ => None,
        };
        let leaves = changes(self.does) || gives_up(self.does);
        Allowed {
            free: old == Content::Free || self.does == "remove",
            poisoned: self.kind.is_in_place() && leaves,
            new: new.map(|(counters, version)| Content::Whole(counters, version)),
            old,
            earlier,
        }
    }

    /// Whether the next writer may be told that a change was lost, though the value is whole.
    pub(crate) fn leaves_changes(&self) -> bool {
        let leaves = changes(self.does) || gives_up(self.does);
        !self.kind.is_in_place() && (self.victim != Victim::None || leaves)
    }

    /// The object's file.
    pub(crate) fn path(&self) -> PathBuf {
        if self.file { file() } else { home().join(NAME) }
    }

    pub(crate) fn location(&self) -> Location {
        let at = if self.file {
            Location::try_from(file())
        } else {
            Location::try_from(NAME)
        };
        at.expect("a name or a path")
    }

    /// How an object for this operation is made and opened.
    pub(crate) fn maker(&self, scene: Scene) -> Maker {
        Maker {
            kind: self.kind,
            at: self.location(),
            options: self.options(scene),
            counted: self.options::<Counted>(scene),
        }
    }

    pub(crate) fn options<T: Shared>(&self, scene: Scene) -> Options<T> {
        let mut options = T::options().max_handles(self.handles(scene));
        if self.kind == Kind::InPlace {
            options = options.buffers(1);
        }
        match scene {
            _ if self.file => options,
            Fleeting | Only | Peer => options.lifetime(Lifetime::WhileOpen),
            Readable => options.lifetime(Lifetime::Keep).mode(0o644),
            _ => options.lifetime(Lifetime::Keep),
        }
    }

    /// Whether the harness publishes while the operation sleeps.
    pub(crate) fn is_woken(&self) -> bool {
        self.does == "wait_woken"
    }
}

/// Whether it gives the whole object a new value.
fn changes(does: &str) -> bool {
    let does_so = [
        "write_commit",
        "write_drop",
        "store",
        "update",
        "wait_woken",
        "broken_write",
    ];
    does_so.contains(&does)
}

/// Whether it changes the object, and does not publish that.
fn gives_up(does: &str) -> bool {
    ["write_discard", "panic"].contains(&does)
}

/// An array of which one item has changed; nothing, if it could not be.
fn with_item(old: &Content, index: usize, counter: u64) -> Option<(Vec<u64>, Version)> {
    let Content::Whole(counters, version) = old else {
        return None;
    };
    let mut counters = counters.clone();
    counters[index] = counter;
    Some((counters, Version(version.0 + 1)))
}
