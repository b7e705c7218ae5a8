//! Reads, in all the ways there are.

use std::thread;
use std::time::Duration;

use shmem_core::{Error, ReadGuard, SharedObject, SharedReader, Version};

use super::track::{Held, Track};
use super::{Flow, Peer, child};
use crate::board::{Phase, Place};
use crate::plan::Teeth;
use crate::value::Value;

/// How many guards one reader holds at most.
const GUARDS: usize = 3;

pub(super) fn run<const WORDS: usize>(peer: &mut Peer) {
    while peer.is_running() {
        if peer.chance(400) {
            watch::<WORDS>(peer);
        } else {
            session::<WORDS>(peer);
        }
        peer.nap(2_000);
    }
}

pub(super) fn steps(peer: &mut Peer) -> u32 {
    let most = [1, 10, 100, 1_000][peer.random.below(4) as usize];
    peer.random.below(most) + 1
}

/// With a handle of its own.
fn session<const WORDS: usize>(peer: &mut Peer) {
    let Some((object, mut track)) = peer.join::<WORDS>(false) else {
        return;
    };
    let mut flow = Flow::Go;
    let mut held = Vec::new();
    let hold = peer.plan.hold;
    // Where a guard keeps all writers out, it must go before the next one comes.
    let guards = if peer.is_in_place() { 1 } else { GUARDS };
    for _ in 0..steps(peer) {
        if flow == Flow::Leave || !peer.is_running() {
            break;
        }
        while let Some(due) = held.iter().position(Held::is_due) {
            held.swap_remove(due).release(peer);
        }
        // While it keeps a buffer from the writers, it must not wait for them.
        let patient = held.is_empty();
        let guard = look(peer, &object, &mut track, &mut flow, patient);
        if let Some((guard, mark)) = guard.filter(|_| held.len() < guards && peer.chance(300)) {
            let time = Duration::from_micros(peer.random.below(hold).into());
            held.push(Held::new(guard, mark, time));
        }
        if patient {
            peer.flushes(&object);
        }
        peer.nap(if patient { 1_000 } else { hold / 10 });
        if peer.forks() {
            break;
        }
    }
    if peer.plan.teeth == Teeth::Pin && !peer.is_child {
        Box::leak(Box::new(object.read()));
    }
    if peer.plan.teeth == Teeth::Descriptor {
        Box::leak(Box::new(std::fs::File::open("/dev/null").unwrap()));
    }
    if peer.is_child {
        drop(held);
        child::go_on(peer, &object);
        return;
    }
    for held in held {
        held.release(peer);
    }
    if flow == Flow::Go && peer.board.is_past(Phase::Rest) {
        peer.rest(Phase::Rest, Phase::Close);
    }
}

/// One look through a handle; a guard, if it was by one.
fn look<'a, const WORDS: usize>(
    peer: &mut Peer,
    object: &'a SharedObject<Value<WORDS>>,
    track: &mut Track,
    flow: &mut Flow,
    patient: bool,
) -> Option<(ReadGuard<'a, Value<WORDS>>, crate::value::Mark)> {
    let floor = track.floor(peer);
    let how = [
        "read",
        "load",
        "load_boxed",
        "load_into",
        "wait",
        "version",
        "is_current",
        "info",
    ];
    let how = how[[0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7][peer.random.below(11) as usize]];
    peer.count(Place::Reads);
    let (error, found) = match how {
        "read" => match object.read() {
            Ok(guard) => {
                let version = ReadGuard::version(&guard);
                let mark = track.check(peer, how, &guard, Some(version), floor);
                return mark.map(|mark| (guard, mark));
            }
            Err(error) => (Some(error), None),
        },
        "load" => match object.load() {
            Ok(value) => (None, Some((Box::new(value), None))),
            Err(error) => (Some(error), None),
        },
        "load_boxed" => match object.load_boxed() {
            Ok(value) => (None, Some((value, None))),
            Err(error) => (Some(error), None),
        },
        "load_into" => {
            let mut value = Box::new(Value::nothing());
            match object.load_into(&mut value) {
                Ok(version) => (None, Some((value, Some(version)))),
                Err(error) => (Some(error), None),
            }
        }
        "wait" => {
            let timeout = if patient {
                patience(peer)
            } else {
                Duration::ZERO
            };
            let result = object.wait(Version(track.last), timeout);
            *flow = waited(peer, track, result, floor, true);
            return None;
        }
        "version" => {
            track.saw(peer, how, object.version().0, floor);
            return None;
        }
        "is_current" => {
            if !object.is_current() {
                track.is_gone(peer, how);
                // Reading goes on; now and then, so do we.
                if peer.chance(500) {
                    *flow = Flow::Leave;
                }
            }
            return None;
        }
        _ => {
            let info = object.info();
            let limit = peer.plan.max_handles;
            if info.handles.is_none_or(|handles| handles > limit) {
                let text = format!("{:?} handles of {limit}", info.handles);
                peer.violation("other", text);
            }
            track.saw(peer, how, info.version.0, floor);
            return None;
        }
    };
    if let Some(error) = error {
        *flow = track.refused(peer, how, &error);
    }
    if let Some((value, version)) = found {
        track.check(peer, how, &*value, version, floor);
    }
    None
}

pub(super) fn patience(peer: &mut Peer) -> Duration {
    let longest = [1, 5, 100][peer.random.below(3) as usize];
    Duration::from_millis(u64::from(peer.random.below(longest)) + 1)
}

/// Checks what a wait says that began after `floor` was looked up. A handle that is `open` keeps its object.
pub(super) fn waited(
    peer: &Peer,
    track: &mut Track,
    result: shmem_core::Result<Version>,
    floor: u64,
    open: bool,
) -> Flow {
    peer.count(Place::Waits);
    match result {
        Ok(version) if version.0 <= track.last => {
            let text = format!("wait: {version} is not after {}", track.last);
            peer.violation("lost", text);
        }
        Ok(version) => track.saw(peer, "wait", version.0, floor),
        Err(Error::TimedOut { .. }) if floor > track.last => {
            let text = format!("wait: slept after {} though {floor} was there", track.last);
            peer.violation("hung", text);
        }
        Err(Error::TimedOut { .. }) => {}
        Err(Error::Removed { .. }) if open => {
            track.is_gone(peer, "wait");
            return Flow::Leave;
        }
        Err(Error::Removed { .. }) => return Flow::Leave,
        Err(error) => {
            peer.unexpected("wait", &error);
            return Flow::Leave;
        }
    }
    Flow::Go
}

/// On a read-only mapping.
fn watch<const WORDS: usize>(peer: &mut Peer) {
    let reader: SharedReader<Value<WORDS>> = match peer.options().open_read_only(peer.at()) {
        Ok(reader) => reader,
        Err(Error::NotFound { .. }) => return,
        Err(error) => return peer.unexpected("open_read_only", &error),
    };
    peer.count(Place::Opened);
    let mut track = Track::new(None);
    let mut value = Box::new(Value::nothing());
    for _ in 0..steps(peer) {
        if !peer.is_running() {
            break;
        }
        if look_only(peer, &reader, &mut track, &mut value) == Flow::Leave {
            break;
        }
        peer.nap(300);
        if peer.forks() {
            break;
        }
    }
    if peer.is_child {
        // It goes on working in a child.
        for _ in 0..peer.random.below(20) {
            let _: Flow = look_only(peer, &reader, &mut track, &mut value);
            thread::sleep(Duration::from_micros(100));
        }
    }
}

fn look_only<const WORDS: usize>(
    peer: &mut Peer,
    reader: &SharedReader<Value<WORDS>>,
    track: &mut Track,
    value: &mut Value<WORDS>,
) -> Flow {
    let floor = track.floor(peer);
    peer.count(Place::Reads);
    match peer.random.below(8) {
        0 | 1 => {
            let timeout = patience(peer);
            let result = reader.wait(Version(track.last), timeout);
            return waited(peer, track, result, floor, false);
        }
        2 => track.saw(peer, "a reader's version", reader.version().0, floor),
        3 if !reader.is_current() && peer.chance(500) => return Flow::Leave,
        4 => match reader.load_boxed() {
            Ok(value) => {
                track.check(peer, "a reader's load", &*value, None, floor);
            }
            // Writers were faster, thousands of times.
            Err(Error::Busy { .. }) => peer.count(Place::Busy),
            Err(error) => {
                peer.unexpected("a reader's load", &error);
                return Flow::Leave;
            }
        },
        _ => match reader.load_into(value) {
            Ok(version) => {
                track.check(peer, "a reader's load_into", value, Some(version), floor);
            }
            Err(Error::Busy { .. }) => peer.count(Place::Busy),
            Err(error) => {
                peer.unexpected("a reader's load_into", &error);
                return Flow::Leave;
            }
        },
    }
    Flow::Go
}
