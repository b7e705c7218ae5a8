//! Arrays, item by item and as a whole.

use crate::object::Kind::Array;
use crate::operations::Operation;
use crate::operations::Scene::{Alone, Fleeting, Nothing, Peer};

pub(super) const LIST: &[Operation] = &[
    Operation::new("create_array", "creates an array", &[Nothing, Fleeting]).of(Array),
    Operation::new("open_array", "opens an array", &[Alone, Peer])
        .doing("open")
        .of(Array),
    Operation::new(
        "open_array_read_only",
        "opens an array for reading only",
        &[Alone, Peer],
    )
    .doing("open_read_only")
    .of(Array),
    Operation::new(
        "open_or_create_array",
        "creates an array where nothing is",
        &[Nothing],
    )
    .of(Array),
    Operation::new("load_at", "copies one item out", &[Alone, Peer])
        .of(Array)
        .short(),
    Operation::new("load_range", "copies several items out", &[Alone, Peer])
        .of(Array)
        .short(),
    Operation::new("store_at", "publishes one item", &[Alone, Peer])
        .of(Array)
        .short(),
    Operation::new(
        "update_at",
        "changes one item through a function",
        &[Alone, Peer],
    )
    .of(Array)
    .short(),
    Operation::new("array_read", "borrows the whole array", &[Alone, Peer])
        .doing("read")
        .of(Array)
        .short(),
    Operation::new(
        "array_commit",
        "changes the whole array and publishes",
        &[Alone, Peer],
    )
    .doing("write_commit")
    .of(Array),
    Operation::new(
        "array_discard",
        "changes the whole array and discards: poisoned",
        &[Peer],
    )
    .doing("write_discard")
    .of(Array),
    Operation::again(
        "item_again",
        "changes an item after another writer of it was killed anywhere",
        "store_at",
        "store_at",
        &[Alone, Peer],
    )
    .of(Array),
    Operation::again(
        "other_item_again",
        "changes an item after a writer of another was killed anywhere",
        "store_at",
        "store_other",
        &[Peer],
    )
    .of(Array),
    Operation::again(
        "item_after_update",
        "changes another item after an update was killed anywhere",
        "update_at",
        "store_other",
        &[Alone],
    )
    .of(Array),
    Operation::again(
        "read_after_item",
        "borrows the array after a writer of an item was killed anywhere",
        "store_at",
        "read",
        &[Alone, Peer],
    )
    .of(Array),
    Operation::again(
        "load_after_item",
        "copies the item out after its writer was killed anywhere",
        "store_at",
        "load_at",
        &[Alone, Peer],
    )
    .of(Array),
    Operation::again(
        "commit_after_item",
        "changes the whole array after a writer of an item was killed anywhere",
        "store_at",
        "write_commit",
        &[Peer],
    )
    .of(Array),
    Operation::again(
        "item_after_commit",
        "changes an item after a writer of the whole was killed anywhere",
        "array_commit",
        "try_store_at",
        &[Peer],
    )
    .of(Array),
    Operation::again(
        "commit_after_commit",
        "changes the whole after a writer of the whole was killed anywhere",
        "array_commit",
        "write_commit",
        &[Peer],
    )
    .of(Array),
    Operation::new(
        "broken_item",
        "writes an item of an array without the protocol",
        &[Alone, Peer],
    )
    .of(Array)
    .broken(),
    Operation::new(
        "broken_record",
        "says that a record is complete before it is",
        &[Alone, Peer],
    )
    .of(Array)
    .broken(),
];
