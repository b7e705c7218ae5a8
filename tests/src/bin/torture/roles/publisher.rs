//! Creates the object and removes it; and lists and prunes what there is.

use std::sync::atomic::Ordering::SeqCst;

use shmem_core::{Error, Payload, Shared, SharedObject};

use super::track::Track;
use super::{Flow, NAME, Peer, child, writer};
use crate::board::{ITEMS, Phase, Place, Word};
use crate::plan::Kind;
use crate::value::{Mark, Value};

pub(super) fn run<const WORDS: usize>(peer: &mut Peer) {
    while peer.is_running() && !peer.board.is_past(Phase::Calm) {
        match peer.random.below(8) {
            0 => aside(peer),
            1 | 2 if peer.plan.removals => {
                remove::<WORDS>(peer);
                if peer.chance(700) {
                    create::<WORDS>(peer);
                }
            }
            _ => create::<WORDS>(peer),
        }
        peer.nap(20_000);
    }
    peer.rest(Phase::Calm, Phase::Rest);
}

/// Creates the object if there is none, writes a while, and closes it.
fn create<const WORDS: usize>(peer: &mut Peer) {
    let Some(incarnation) = peer.board.new_incarnation() else {
        return;
    };
    let mark = Mark::new(incarnation, 1, peer.life);
    let options = peer.options::<WORDS>();
    let removals = peer.removals();
    let created = if peer.chance(500) {
        options.create_with(peer.at(), |value| value.set(mark))
    } else {
        options.create(peer.at(), Value::new(mark))
    };
    let object = match created {
        Ok(object) => object,
        Err(Error::AlreadyExists { .. }) => return,
        Err(error @ Error::Busy { .. }) => return peer.busy("creating", &error),
        Err(error) => return peer.unexpected("creating", &error),
    };
    peer.count(Place::Created);
    let mut track = Track::new(removals);
    match object.read() {
        Ok(guard) => {
            let found = track.check(peer, "read after create", &guard, None, 1);
            if found.is_some_and(|found| found.incarnation() != incarnation) {
                let text = format!("created object {incarnation}, and found {found:?}");
                peer.violation("lost", text);
            }
        }
        Err(error) if peer.is_poisoned(&error) => {}
        Err(error) => peer.unexpected("reading what was created", &error),
    }
    for _ in 0..peer.random.below(20) {
        if peer.board.is_past(Phase::Calm) || writer::step(peer, &object, &mut track) == Flow::Leave
        {
            break;
        }
        peer.nap(1_000);
    }
    if peer.is_child {
        return child::go_on(peer, &object);
    }
    if !object.is_current() {
        track.is_gone(peer, "is_current");
    }
}

/// Removes the object, whoever has it open.
fn remove<const WORDS: usize>(peer: &mut Peer) {
    let object = peer.options::<WORDS>().open(peer.at()).ok();
    take_away(peer, object.as_ref());
    let value = object.filter(|object| object.info().removed);
    match value.map(|object| object.load_boxed().map(|value| value.mark())) {
        Some(Err(error)) if !peer.is_poisoned(&error) => {
            peer.unexpected("reading after removing", &error);
        }
        Some(Ok(Err(wrong))) => peer.violation("torn", format!("a removed object: {wrong}")),
        _ => {}
    }
}

/// Removes the object, of which `object` is a handle.
pub(super) fn take_away<P: ?Sized + Payload>(peer: &mut Peer, object: Option<&SharedObject<P>>) {
    let removing = peer.board.at(peer.slot, Place::Removing);
    removing.store(1, SeqCst);
    peer.board.next(Word::Removals);
    let result = shmem_core::remove(peer.at());
    removing.store(0, SeqCst);
    match &result {
        Ok(()) => peer.count(Place::Removed),
        Err(Error::NotFound { .. }) => {}
        Err(error @ Error::Busy { .. }) => return peer.busy("removing", error),
        Err(error) => return peer.unexpected("removing", error),
    }
    let Some(object) = object else { return };
    // It is this one that was removed, or another one later.
    if object.is_current() {
        peer.violation(
            "other",
            format!("still current, though remove said {result:?}"),
        );
    }
    match object.try_write() {
        Err(Error::Removed { .. } | Error::Busy { .. }) => {}
        Ok(_) => peer.violation("other", "a removed object could be written"),
        Err(error) => peer.unexpected("writing after removing", &error),
    }
}

/// An object under a name that nobody uses again. Killed here, it leaves something to be pruned.
pub(super) fn aside(peer: &mut Peer) {
    let name = format!("aside-{}-{}", peer.life, peer.random.below(1 << 30));
    match u64::options().mode(peer.plan.mode).create(&*name, 1) {
        Ok(object) => {
            peer.nap(5_000);
            drop(object);
        }
        Err(error @ Error::Busy { .. }) => peer.busy("creating aside", &error),
        Err(error) => peer.unexpected("creating aside", &error),
    }
}

/// The janitor's part.
pub(super) fn tidy(peer: &mut Peer) {
    while peer.is_running() {
        match peer.random.below(4) {
            0 => match shmem_core::prune() {
                Ok(count) => {
                    let pruned = peer.board.at(peer.slot, Place::Pruned);
                    pruned.fetch_add(count as u64, SeqCst);
                }
                Err(error) => peer.unexpected("pruning", &error),
            },
            1 => match shmem_core::schema(peer.at()) {
                Ok(schema) if peer.plan.kind == Kind::Array || schema.name() == "Value" => {}
                Err(Error::NotFound { .. }) => {}
                Ok(schema) => peer.violation("other", format!("a schema of {}", schema.name())),
                Err(error) => peer.unexpected("reading the schema", &error),
            },
            _ => match shmem_core::list() {
                Ok(all) => {
                    let items = if peer.plan.kind == Kind::Array {
                        ITEMS
                    } else {
                        1
                    };
                    let size = u64::from(peer.plan.payload) * items as u64;
                    let main = all.iter().filter(|info| info.location.name() == Some(NAME));
                    for info in main {
                        if info.size != size || info.version.0 == 0 {
                            peer.violation("other", format!("listed as {info:?}"));
                        }
                    }
                }
                Err(error) => peer.unexpected("listing", &error),
            },
        }
        peer.nap(5_000);
    }
}
