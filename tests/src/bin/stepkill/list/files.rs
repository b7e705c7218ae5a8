//! Objects at a path.

use crate::object::Kind::{Array, InPlace};
use crate::operations::Operation;
use crate::operations::Scene::{Alone, Nothing, Peer};

pub(super) const LIST: &[Operation] = &[
    Operation::new("file_create", "creates a file", &[Nothing])
        .doing("create")
        .file(),
    Operation::new("file_open", "opens a file that nobody has open", &[Alone])
        .doing("open")
        .file(),
    Operation::new("file_join", "opens a file that others have open", &[Peer])
        .doing("open")
        .file(),
    Operation::new("file_commit", "publishes to a file", &[Alone, Peer])
        .doing("write_commit")
        .file(),
    Operation::new(
        "file_flush",
        "has the disk write what was published",
        &[Alone, Peer],
    )
    .doing("flush")
    .file(),
    Operation::new("file_close", "closes the last handle of a file", &[Alone])
        .doing("close_last")
        .file(),
    Operation::new("file_remove", "removes a file", &[Alone, Peer])
        .doing("remove")
        .file(),
    Operation::again(
        "file_commit_again",
        "publishes after a writer killed anywhere",
        "file_commit",
        "write_commit",
        &[Alone],
    )
    .file(),
    Operation::again(
        "file_flush_again",
        "flushes after a flusher killed anywhere",
        "file_flush",
        "flush_only",
        &[Alone],
    )
    .file(),
    Operation::new(
        "file_in_place_create",
        "creates a file that is changed in place",
        &[Nothing],
    )
    .doing("create")
    .of(InPlace)
    .file(),
    Operation::new(
        "file_in_place_commit",
        "changes a file in place, which was settled",
        &[Alone, Peer],
    )
    .doing("write_commit")
    .of(InPlace)
    .file(),
    Operation::new("file_in_place_flush", "settles it", &[Alone, Peer])
        .doing("flush")
        .of(InPlace)
        .file(),
    Operation::new("file_in_place_close", "settles and closes it", &[Alone])
        .doing("close_changed")
        .of(InPlace)
        .file(),
    Operation::again(
        "file_in_place_again",
        "changes it after a writer killed anywhere",
        "file_in_place_commit",
        "write_commit",
        &[Alone],
    )
    .of(InPlace)
    .file(),
    Operation::again(
        "file_in_place_open_again",
        "opens it after a writer killed anywhere",
        "file_in_place_commit",
        "open",
        &[Alone],
    )
    .of(InPlace)
    .file(),
    Operation::new(
        "file_array_create",
        "creates an array in a file",
        &[Nothing],
    )
    .doing("create_array")
    .of(Array)
    .file(),
    Operation::new(
        "file_store_at",
        "publishes one item of an array in a file",
        &[Alone, Peer],
    )
    .doing("store_at")
    .of(Array)
    .file(),
    Operation::new("file_array_flush", "settles it", &[Alone, Peer])
        .doing("flush")
        .of(Array)
        .file(),
    Operation::new("file_array_close", "settles and closes it", &[Alone])
        .doing("close_changed")
        .of(Array)
        .file(),
    Operation::again(
        "file_item_again",
        "changes another item after a writer killed anywhere",
        "file_store_at",
        "store_other",
        &[Alone],
    )
    .of(Array)
    .file(),
    Operation::again(
        "file_array_open_again",
        "opens it after a writer of an item was killed anywhere",
        "file_store_at",
        "open",
        &[Alone],
    )
    .of(Array)
    .file(),
];
