//! Values that are changed in place.

use crate::object::Kind::{Counted, InPlace};
use crate::operations::Scene::{Alone, Fleeting, Nothing, Peer};
use crate::operations::{Operation, Victim};

pub(super) const LIST: &[Operation] = &[
    Operation::new(
        "in_place_create",
        "creates an object that is changed in place",
        &[Nothing, Fleeting],
    )
    .doing("create")
    .of(InPlace),
    Operation::new("in_place_join", "opens such an object", &[Alone, Peer])
        .doing("open")
        .of(InPlace),
    Operation::new(
        "in_place_read",
        "borrows a value that is changed in place",
        &[Alone, Peer],
    )
    .doing("read")
    .of(InPlace)
    .short(),
    Operation::new("in_place_load", "copies it out", &[Alone, Peer])
        .doing("load")
        .of(InPlace)
        .short(),
    Operation::new(
        "in_place_commit",
        "changes a value in place and publishes",
        &[Alone, Peer],
    )
    .doing("write_commit")
    .of(InPlace)
    .short(),
    Operation::new(
        "in_place_drop",
        "changes it and drops the guard",
        &[Alone, Peer],
    )
    .doing("write_drop")
    .of(InPlace)
    .short(),
    Operation::new(
        "in_place_discard",
        "changes it and discards: poisoned",
        &[Alone, Peer],
    )
    .doing("write_discard")
    .of(InPlace)
    .short(),
    Operation::new(
        "in_place_panic",
        "panics in the middle of a change: poisoned",
        &[Alone, Peer],
    )
    .doing("panic")
    .of(InPlace),
    Operation::new(
        "in_place_store",
        "publishes a whole value in place",
        &[Alone, Peer],
    )
    .doing("store")
    .of(InPlace)
    .short(),
    Operation::new(
        "in_place_contended",
        "changes it while another writer waits",
        &[Peer],
    )
    .doing("write_commit")
    .of(InPlace)
    .contended(),
    Operation::new(
        "in_place_repair",
        "publishes after a writer killed in the middle",
        &[Alone, Peer],
    )
    .doing("write_commit")
    .of(InPlace)
    .after(Victim::Writer),
    Operation::again(
        "in_place_again",
        "changes it after a writer killed anywhere",
        "in_place_commit",
        "write_commit",
        &[Alone, Peer],
    )
    .of(InPlace),
    Operation::again(
        "in_place_after_reader",
        "changes it after a reader killed anywhere",
        "in_place_read",
        "write_commit",
        &[Alone, Peer],
    )
    .of(InPlace),
    Operation::again(
        "in_place_read_again",
        "reads it after a writer killed anywhere",
        "in_place_commit",
        "try_read",
        &[Alone, Peer],
    )
    .of(InPlace),
    Operation::new(
        "count",
        "counts beside a value, without the lock",
        &[Alone, Peer],
    )
    .of(Counted)
    .short(),
    Operation::new(
        "counted_commit",
        "changes a value that has a counter beside it",
        &[Alone, Peer],
    )
    .doing("write_commit")
    .of(Counted)
    .short(),
    Operation::again(
        "commit_after_count",
        "changes it after a counter killed anywhere",
        "count",
        "write_commit",
        &[Peer],
    )
    .of(Counted),
    Operation::new(
        "broken_in_place",
        "says that a value is half-written after it has begun",
        &[Alone, Peer],
    )
    .of(InPlace)
    .broken(),
];
