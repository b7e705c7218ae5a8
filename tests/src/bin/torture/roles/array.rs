//! The roles of a round whose object is an array.

use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use shmem_core::{Error, SharedObject, WriteGuard};

use super::items::{self, Items};
use super::track::Track;
use super::{Flow, Peer, Role, publisher};
use crate::board::{ITEMS, Kind, Phase, Place};
use crate::value::{Mark, Value};

/// How long it takes at most until a row is free at the end.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn run<const WORDS: usize>(peer: &mut Peer) {
    match peer.role {
        Role::Inspector => inspect::<WORDS>(peer),
        Role::Publisher => publish::<WORDS>(peer),
        _ => {
            while peer.is_running() {
                if peer.role == Role::Reader && peer.chance(300) {
                    items::watch::<WORDS>(peer);
                } else {
                    items::session::<WORDS>(peer);
                }
                peer.nap(1_000);
            }
            peer.wants(false);
        }
    }
}

impl Peer {
    /// Opens the array in one of the ways there are, or creates it.
    pub(super) fn join_array<const WORDS: usize>(
        &mut self,
        writer: bool,
    ) -> Option<(SharedObject<[Value<WORDS>]>, Items)> {
        self.wants(writer);
        let removals = self.removals();
        let (options, at) = (self.options::<WORDS>(), self.at());
        let opened = match self.random.below(4) {
            0 => options.wait_for(Duration::from_millis(10)).open_array(at),
            1 => options.open_array(at),
            _ if !writer => options.open_array(at),
            _ => {
                let incarnation = self.board.new_incarnation()?;
                let mark = Mark::of_all(incarnation, 1, self.life);
                options.open_or_create_array(at, ITEMS, Value::new(mark))
            }
        };
        let array = self.opened(opened)?;
        if array.len() != ITEMS {
            self.violation("other", format!("{} items", array.len()));
            return None;
        }
        Some((array, Items::new(Track::new(removals))))
    }
}

/// Creates the array if there is none and writes a while; or removes it.
fn publish<const WORDS: usize>(peer: &mut Peer) {
    while peer.is_running() && !peer.board.is_past(Phase::Calm) {
        match peer.random.below(8) {
            0 => publisher::aside(peer),
            1 | 2 if peer.plan.removals => {
                let array = peer.options::<WORDS>().open_array(peer.at()).ok();
                publisher::take_away(peer, array.as_ref());
                // Whatever a dead writer has left: who has it open still reads it.
                let array = array.filter(|array| array.info().removed);
                if let Some(Err(error)) = array.map(|array| array.read().map(drop)) {
                    if !peer.is_poisoned(&error) {
                        peer.unexpected("reading after removing", &error);
                    }
                }
            }
            _ => create::<WORDS>(peer),
        }
        peer.nap(20_000);
    }
    peer.rest(Phase::Calm, Phase::Rest);
}

fn create<const WORDS: usize>(peer: &mut Peer) {
    let Some(incarnation) = peer.board.new_incarnation() else {
        return;
    };
    let mark = Mark::of_all(incarnation, 1, peer.life);
    let removals = peer.removals();
    let options = peer.options::<WORDS>();
    let created = if peer.chance(500) {
        options.create_array_with(peer.at(), ITEMS, |_| Value::new(mark))
    } else {
        options.create_array(peer.at(), ITEMS, Value::new(mark))
    };
    let array = match created {
        Ok(array) => array,
        Err(Error::AlreadyExists { .. }) => return,
        Err(error @ Error::Busy { .. }) => return peer.busy("creating", &error),
        Err(error) => return peer.unexpected("creating", &error),
    };
    peer.count(Place::Created);
    let mut items = Items::new(Track::new(removals));
    for _ in 0..peer.random.below(20) {
        let stop = peer.board.is_past(Phase::Calm) || peer.is_child;
        if stop || items::write(peer, &array, &mut items) == Flow::Leave {
            break;
        }
        peer.nap(1_000);
    }
    if !peer.is_child && !array.is_current() {
        items.track.is_gone(peer, "is_current");
    }
}

/// Looks at the end of a round for what must not be left.
fn inspect<const WORDS: usize>(peer: &mut Peer) {
    let start = Instant::now();
    let mut array = loop {
        let writer = peer.chance(200);
        if let Some((array, _)) = peer.join_array::<WORDS>(writer) {
            break Some(array);
        }
        if start.elapsed() > PATIENCE {
            peer.violation("left", "no handle could be opened at the end");
            break None;
        }
        thread::sleep(Duration::from_millis(1));
    };
    if array.as_ref().is_some_and(|array| !array.is_current()) {
        array = array.and_then(|array| array.reopen().ok());
    }
    peer.wants(false);
    peer.rest(Phase::Calm, Phase::Buffers);
    if let Some(array) = &array {
        pins(peer, array);
    }
    peer.rest(Phase::Buffers, Phase::Rows);
    if let Some(array) = array {
        rows(peer, array);
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

/// The others have no guards: a writer need not wait; and no item has lost what was published of it.
fn pins<const WORDS: usize>(peer: &mut Peer, array: &SharedObject<[Value<WORDS>]>) {
    let mut guard = match array.try_write() {
        Ok(guard) => guard,
        Err(error) => {
            peer.violation("left", format!("a writer, where nobody reads: {error}"));
            return;
        }
    };
    let seen = WriteGuard::version(&guard);
    let incarnation = guard[0].claims().incarnation();
    if !WriteGuard::recovered(&guard) {
        let mut items = Items::new(Track::new(None));
        let floors = Items::floors(peer, incarnation);
        items.check_all(peer, "the inspector", &guard, seen, &floors);
    }
    let mark = Mark::of_all(incarnation, seen.0 + 1, peer.life);
    for item in guard.iter_mut() {
        item.set(mark);
    }
    drop(guard);
    peer.board
        .log(peer.line(Kind::Commit, incarnation, seen.0 + 1));
    peer.board.newest(incarnation).fetch_max(seen.0 + 1, SeqCst);
    match array.load_at(ITEMS - 1).map(|item| item.mark()) {
        Ok(Ok(found)) if found == mark => {}
        found => peer.violation("lost", format!("written at the end, and found {found:?}")),
    }
}

/// The others have closed their handles: all rows but ours are free.
fn rows<const WORDS: usize>(peer: &mut Peer, array: SharedObject<[Value<WORDS>]>) {
    let limit = array.info().max_handles;
    let mut handles = vec![array];
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
}
