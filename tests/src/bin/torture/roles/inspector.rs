//! Looks at the end of a round for what must not be left: pins, rows, files.

use std::thread;
use std::time::{Duration, Instant};

use shmem_core::{Error, ReadGuard, SharedObject};

use super::Peer;
use super::track::Track;
use crate::board::{Kind, Phase};
use crate::value::{Mark, Value};

/// How long it takes at most until a row is free: the others close their handles now and then.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn run<const WORDS: usize>(peer: &mut Peer) {
    let start = Instant::now();
    let mut object = loop {
        // A writer creates it now and then.
        let writer = peer.chance(200);
        if let Some((object, _)) = peer.join::<WORDS>(writer) {
            break Some(object);
        }
        if start.elapsed() > PATIENCE {
            peer.violation("left", "no handle could be opened at the end");
            break None;
        }
        thread::sleep(Duration::from_millis(1));
    };
    // What it opened may have been on its way out.
    if object.as_ref().is_some_and(|object| !object.is_current()) {
        object = object.and_then(|object| object.reopen().ok());
    }
    peer.wants(false);
    peer.rest(Phase::Calm, Phase::Buffers);
    match &object {
        Some(object) if peer.is_in_place() => the_only_buffer(peer, object),
        Some(object) => buffers(peer, object),
        None => {}
    }
    peer.rest(Phase::Buffers, Phase::Rows);
    if let Some(object) = object {
        rows(peer, object);
    }
    if let Err(error) = shmem_core::prune() {
        peer.unexpected("pruning at the end", &error);
    }
    match shmem_core::remove(peer.at()) {
        Ok(()) | Err(Error::NotFound { .. }) => {}
        Err(error) => peer.unexpected("removing at the end", &error),
    }
    peer.rest(Phase::Rows, Phase::End);
}

/// The others have their handles open and no guards: so guards of ours can hold all buffers but one, and the
/// next writer has one left.
fn buffers<const WORDS: usize>(peer: &mut Peer, object: &SharedObject<Value<WORDS>>) {
    let buffers = object.info().buffers;
    // Of a file the version that was flushed keeps one, if it is none of the others.
    let reserved = u32::from(peer.plan.file);
    if buffers != peer.plan.buffers.max(2 + reserved) {
        peer.violation("other", format!("{buffers} buffers"));
    }
    let mut held: Vec<ReadGuard<'_, Value<WORDS>>> = Vec::new();
    // The first change is made beside no guard: where it goes nobody has pinned, and a pin that was left is of
    // another buffer from then on.
    for change in 0..=buffers {
        let count = u32::try_from(held.len()).unwrap_or(buffers);
        let floor = held.last().map_or(0, |guard| ReadGuard::version(guard).0);
        let mut guard = match object.try_write() {
            Ok(guard) => guard,
            Err(Error::Busy { .. }) if count + 1 + reserved >= buffers => return,
            Err(error) => {
                let text = format!("a writer beside {count} guards in {buffers} buffers: {error}");
                peer.violation("left", text);
                return;
            }
        };
        if count + 1 == buffers {
            peer.violation("other", "more guards than buffers");
            return;
        }
        let seen = shmem_core::WriteGuard::version(&guard);
        let mut track = Track::new(None);
        let how = "the inspector";
        let Some(before) = track.check(peer, how, &guard, Some(seen), floor) else {
            return;
        };
        let next = seen.0 + 1;
        let incarnation = before.incarnation();
        let line = peer.line(Kind::Commit, incarnation, next);
        peer.board.intend(line);
        if change > 0 {
            match object.read() {
                Ok(guard) => held.push(guard),
                Err(error) => peer.unexpected("reading at the end", &error),
            }
        }
        guard.set(Mark::new(incarnation, next, peer.life));
        drop(guard);
        peer.board.log(line);
        peer.board.intend_nothing(peer.life);
    }
}

/// The others have no guards: a writer need not wait, and what it publishes is whole.
fn the_only_buffer<const WORDS: usize>(peer: &mut Peer, object: &SharedObject<Value<WORDS>>) {
    let mut guard = match object.try_write() {
        Ok(guard) => guard,
        Err(error) => {
            peer.violation("left", format!("a writer, where nobody reads: {error}"));
            return;
        }
    };
    let next = shmem_core::WriteGuard::version(&guard).0 + 1;
    let recovered = shmem_core::WriteGuard::recovered(&guard);
    if let (Err(wrong), false) = (guard.mark(), recovered) {
        peer.violation("torn", format!("at the end: {wrong}"));
        return;
    }
    let incarnation = guard.claims().incarnation();
    guard.set(Mark::new(incarnation, next, peer.life));
    drop(guard);
    peer.board.log(peer.line(Kind::Commit, incarnation, next));
    match object.read().map(|guard| guard.mark()) {
        Ok(Ok(mark)) if mark.version() == Some(next) => {}
        found => peer.violation("lost", format!("written at the end, and found {found:?}")),
    }
}

/// The others have closed their handles: all rows but ours are free.
fn rows<const WORDS: usize>(peer: &mut Peer, object: SharedObject<Value<WORDS>>) {
    let limit = object.info().max_handles;
    let mut handles = vec![object];
    for count in 1..limit {
        match handles[0].reopen() {
            Ok(handle) => handles.push(handle),
            Err(error) => {
                let text = format!("{count} of {limit} handles, all others are closed: {error}");
                peer.violation("left", text);
                return;
            }
        }
    }
    match handles[0].reopen().err() {
        Some(Error::TooManyHandles { .. }) => {}
        other => peer.violation("other", format!("one handle too many: {other:?}")),
    }
    let found = handles[0].info().handles;
    if found != Some(limit) {
        peer.violation("other", format!("{found:?} handles of {limit}"));
    }
    let whole = handles.iter().all(|handle| {
        let value = handle.read();
        value.is_ok_and(|value| value.mark().is_ok())
    });
    if !whole {
        peer.violation("torn", "the value at the end");
    }
}
