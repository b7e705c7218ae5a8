//! The operations of the public API, and in which situations each is killed.

use shmem_core::{Lifetime, Options, Shared, Version};
use tests::Small;

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

    /// Whether objects live while they are open.
    pub(crate) fn is_fleeting(self) -> bool {
        matches!(self, Fleeting | Only | Peer)
    }

    /// What is found before the operation, if no victim has changed it.
    pub(crate) fn content(self) -> Content {
        matches!(self, Alone | Peer).then_some((OLD, Version(1)))
    }
}

/// A value and its version; `None` if the name is free.
pub(crate) type Content = Option<(u64, Version)>;

/// What others may find under the name after the operation was killed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowed {
    pub(crate) free: bool,
    /// What was there before.
    pub(crate) old: Content,
    pub(crate) new: Content,
}

/// What a process was doing that was killed before the operation begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    None,
    /// It held the writer lock, with a change, and a reader's guard.
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
    /// Whether `--all` leaves it out: it breaks the protocol, to show that this is noticed.
    pub(crate) broken: bool,
}

impl Operation {
    const fn new(name: &'static str, about: &'static str, scenes: &'static [Scene]) -> Self {
        Operation {
            name,
            about,
            does: name,
            scenes,
            short: false,
            contended: false,
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

    const fn doing(mut self, does: &'static str) -> Self {
        self.does = does;
        self
    }

    /// As `does`, after a process that was killed anywhere in `first`.
    const fn again(
        name: &'static str,
        about: &'static str,
        first: &'static str,
        does: &'static str,
        scenes: &'static [Scene],
    ) -> Self {
        let operation = Operation::new(name, about, scenes);
        operation.after(Victim::Anywhere(first)).doing(does)
    }

    const fn contended(mut self) -> Self {
        self.contended = true;
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
            Victim::None | Victim::Anywhere(_) => 0,
            Victim::Writer => 1,
            Victim::AllRows => 2,
        }
    }

    /// What may be found if there was `old` when the operation began.
    pub(crate) fn allowed(&self, scene: Scene, old: Content) -> Allowed {
        let creates = self.does == "create" || self.does.starts_with("open_or_create");
        let new = match (self.does, old) {
            ("broken_create", None) => Some((NEW, Version(1))),
            (_, None) if creates => (!scene.is_fleeting()).then_some((NEW, Version(1))),
            (
                "write_commit" | "write_drop" | "store" | "update" | "wait_woken" | "broken_write",
                Some((_, Version(version))),
            ) => Some((NEW, Version(version + 1))),
            _ => None,
        };
        Allowed {
            free: old.is_none() || self.does == "remove",
            old,
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
        self.victim != Victim::None || writes.contains(&self.does)
    }

    /// Whether the harness publishes while the operation sleeps.
    pub(crate) fn is_woken(&self) -> bool {
        self.does == "wait_woken"
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
    Operation::new(
        "write_contended",
        "publishes while another writer waits",
        &[Peer],
    )
    .doing("write_commit")
    .contended(),
    Operation::new("wait_timeout", "waits in vain", &[Alone, Peer]),
    Operation::new("wait_woken", "waits and is woken", &[Peer]),
    Operation::new(
        "take_over",
        "writes after a writer that was killed",
        &[Alone, Peer],
    )
    .after(Victim::Writer)
    .doing("write_commit"),
    Operation::new(
        "reuse_row",
        "opens where every free row is a dead one's",
        &[Alone, Peer],
    )
    .after(Victim::AllRows)
    .doing("open"),
    Operation::new("close_last", "closes the last handle", &[Only, Alone]),
    Operation::new("close_not_last", "closes one of two handles", &[Peer]),
    Operation::new("remove", "removes an object", &[Alone, Peer, Stale]),
    Operation::new("prune", "removes leftovers", &[Stale, Beside]),
    Operation::new(
        "list",
        "lists objects, and removes leftovers",
        &[Stale, Beside],
    ),
    Operation::again(
        "write_again",
        "writes after a writer killed anywhere",
        "write_commit",
        "write_commit",
        &[Alone, Peer],
    ),
    Operation::again(
        "open_again",
        "opens after an opener killed anywhere",
        "open",
        "open",
        &[Alone],
    ),
    Operation::again(
        "join_again",
        "joins after a joiner killed anywhere",
        "join",
        "join",
        &[Peer],
    ),
    Operation::again(
        "join_after_close",
        "joins after a closer killed anywhere",
        "close_not_last",
        "join",
        &[Peer],
    ),
    Operation::again(
        "create_again",
        "creates after a creator killed anywhere",
        "open_or_create_fresh",
        "open_or_create_fresh",
        &[Nothing],
    ),
    Operation::again(
        "replace_again",
        "replaces a leftover after another was killed anywhere in that",
        "open_or_create_stale",
        "open_or_create_stale",
        &[Stale],
    ),
    Operation::again(
        "create_after_close",
        "creates after the last handle's closer was killed anywhere",
        "close_last",
        "open_or_create_fresh",
        &[Only],
    ),
    Operation::again(
        "create_after_remove",
        "creates after a remover killed anywhere",
        "remove",
        "open_or_create_fresh",
        &[Alone, Stale],
    ),
    Operation::again(
        "remove_again",
        "removes after a remover killed anywhere",
        "remove",
        "remove",
        &[Alone, Peer, Stale],
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
