//! Values in several buffers, and names.

use crate::operations::Scene::{
    Alone, Beside, Crowd, Fleeting, Nothing, Nowhere, Only, Peer, Readable, Stale,
};
use crate::operations::{Operation, Victim};

pub(super) const LIST: &[Operation] = &[
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
    Operation::new(
        "local_read",
        "opens a reader for one thread, borrows the value and lets go",
        &[Alone, Peer],
    ),
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
