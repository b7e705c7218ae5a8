//! Changes and reads an array, item by item and as a whole.
//!
//! An item says as which version of the array it was published, and whether all others were with it. So of each
//! item it is known what must be seen at least; and of a whole, that it is of one version: the newest of its items
//! is that of the array, and none is older than the last that was published with all others.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use shmem_core::{Error, ReadGuard, SharedObject, Version, WriteGuard};
use tests::raw::{Raw, scribble};

use super::reader::{patience, steps, waited};
use super::track::Track;
use super::{Flow, Peer, Role};
use crate::board::{ITEMS, Kind, Line, Phase, Place};
use crate::plan::Teeth;
use crate::value::{Mark, Value};

type Array<const WORDS: usize> = SharedObject<[Value<WORDS>]>;

/// What one handle has seen of an array.
#[derive(Debug)]
pub(super) struct Items {
    pub(super) track: Track,
    /// The newest version seen of each.
    last: [u64; ITEMS],
}

impl Items {
    pub(super) fn new(track: Track) -> Self {
        let last = [0; ITEMS];
        Items { track, last }
    }

    /// What a look at each item that begins now must see, or something newer.
    pub(super) fn floors(peer: &Peer, incarnation: u16) -> [u64; ITEMS] {
        let newest = |item| peer.board.newest_item(incarnation, item).load(SeqCst);
        std::array::from_fn(newest)
    }

    fn my_floors(&self, peer: &Peer) -> [u64; ITEMS] {
        let known = self.track.incarnation();
        known.map_or([0; ITEMS], |incarnation| Items::floors(peer, incarnation))
    }

    /// Checks one item, which was not read before `floor` was looked up.
    fn check<const WORDS: usize>(
        &mut self,
        peer: &mut Peer,
        how: &str,
        index: usize,
        item: &Value<WORDS>,
        floor: u64,
    ) -> Option<Mark> {
        let mark = match item.mark() {
            Ok(mark) => mark,
            Err(wrong) => {
                peer.violation("torn", format!("{how}, item {index}: {wrong}"));
                return None;
            }
        };
        if !self.track.is_of(mark.incarnation()) {
            peer.violation("torn", format!("{how}, item {index}: {mark} of another"));
            return None;
        }
        let Some(version) = mark.version() else {
            return Some(mark);
        };
        let floor = floor.max(self.last[index]);
        if version < floor {
            let text = format!("{how}, item {index}: {mark}, but {floor} was there before");
            peer.violation("lost", text);
        }
        self.last[index] = version;
        peer.item_is(mark.incarnation(), index, version);
        if peer.chance(10) {
            let line = Line {
                kind: Kind::Seen,
                incarnation: mark.incarnation(),
                version,
                life: mark.life(),
            };
            peer.board.log(line);
        }
        Some(mark)
    }

    /// Checks all items of one version.
    pub(super) fn check_all<const WORDS: usize>(
        &mut self,
        peer: &mut Peer,
        how: &str,
        items: &[Value<WORDS>],
        version: Version,
        floors: &[u64; ITEMS],
    ) {
        let mut marks = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match self.check(peer, how, index, item, floors[index]) {
                Some(mark) => marks.push(mark),
                None => return,
            }
        }
        let versions = || marks.iter().filter_map(|mark| mark.version());
        let newest = versions().max().unwrap_or(0);
        let all_known = versions().count() == ITEMS;
        if newest > version.0 || all_known && newest != version.0 {
            let text = format!("{how}: the newest item is of {newest}, of version {version}");
            peer.violation("torn", text);
        }
        let together = marks.iter().filter(|mark| mark.is_of_all());
        let together = together.filter_map(|mark| mark.version()).max();
        if let Some(old) = versions().find(|version| Some(*version) < together) {
            let text = format!("{how}: an item of {old} beside one of all in {together:?}");
            peer.violation("torn", text);
        }
    }
}

impl Peer {
    /// An item of that version was published or seen.
    fn item_is(&self, incarnation: u16, index: usize, version: u64) {
        let newest = self.board.newest_item(incarnation, index);
        if newest.load(SeqCst) < version {
            newest.fetch_max(version, SeqCst);
        }
    }
}

/// From opening to closing a handle.
pub(super) fn session<const WORDS: usize>(peer: &mut Peer) {
    let writer = peer.role == Role::Writer;
    let Some((array, mut items)) = peer.join_array::<WORDS>(writer) else {
        return;
    };
    let mut flow = Flow::Go;
    for _ in 0..steps(peer) {
        if flow == Flow::Leave || !peer.is_running() {
            break;
        }
        flow = if writer {
            write(peer, &array, &mut items)
        } else {
            look(peer, &array, &mut items)
        };
        peer.flushes(&array);
        let pause = if writer { peer.plan.pause } else { 500 };
        peer.nap(pause);
        if peer.forks() {
            break;
        }
    }
    peer.wants(false);
    if peer.is_child {
        go_on(peer, &array);
    } else if flow == Flow::Go && peer.board.is_past(Phase::Rest) {
        peer.rest(Phase::Rest, Phase::Close);
    }
}

/// A child has nothing of its parent's; it may open its own, and be killed in the middle of it.
fn go_on<const WORDS: usize>(peer: &mut Peer, inherited: &Array<WORDS>) {
    let stored = inherited.store_at(0, Value::nothing()).err();
    for (how, error) in [
        ("load_at", inherited.load_at(0).err()),
        ("store_at", stored),
    ] {
        if !matches!(error, Some(Error::Forked { .. })) {
            let text = format!("{how} through a handle of the parent's: {error:?}");
            peer.violation("other", text);
        }
    }
    let removals = peer.removals();
    let own = inherited.reopen();
    let Some(own) = peer.opened(own) else {
        return;
    };
    let mut items = Items::new(Track::new(removals));
    for _ in 0..peer.random.below(4) {
        if write(peer, &own, &mut items) == Flow::Leave {
            break;
        }
        peer.may_die();
    }
}

/// One attempt to write.
pub(super) fn write<const WORDS: usize>(
    peer: &mut Peer,
    array: &Array<WORDS>,
    items: &mut Items,
) -> Flow {
    bite::<WORDS>(peer);
    peer.wants(true);
    let how = peer.random.below(10);
    let flow = match how {
        0 | 1 => whole(peer, array, items),
        2 | 3 if items.track.incarnation().is_some() => store_at(peer, array, items),
        _ => update_at(peer, array, items),
    };
    peer.board.intend_nothing(peer.life);
    peer.wants(false);
    flow
}

fn bite<const WORDS: usize>(peer: &mut Peer) {
    if !peer.bites(Teeth::Item) {
        return;
    }
    let user = rustix::process::geteuid().as_raw();
    let path = peer.dir.join(format!("shm/shmem-{user}/{}", super::NAME));
    if path.exists() {
        let value = Raw::read(&path).value();
        scribble(&path, value.start + value.len() / 2 + 4, &[0xA5; 4]);
    }
}

fn update_at<const WORDS: usize>(peer: &mut Peer, array: &Array<WORDS>, items: &mut Items) -> Flow {
    let index = one(peer);
    let floor = items.my_floors(peer)[index];
    let end = peer.random.below(10);
    let result = catch_unwind(AssertUnwindSafe(|| {
        array.update_at(index, |item| {
            // Nobody else publishes meanwhile.
            let seen = array.version();
            let before = items.check(peer, "update_at", index, item, floor)?;
            let mark = Mark::new(before.incarnation(), seen.0 + 1, peer.life);
            let intent = peer.line(Kind::Commit, mark.incarnation(), seen.0 + 1);
            peer.board.intend(intent);
            peer.scrawl(item, mark);
            if end == 0 {
                // Past the hook: nothing is wrong.
                resume_unwind(Box::new(()));
            }
            item.set(mark);
            Some(mark)
        })
    }));
    match result {
        Ok(Ok(Some(mark))) => {
            let version = mark.version().unwrap_or(0);
            peer.published(mark, version);
            peer.item_is(mark.incarnation(), index, version);
            peer.count(Place::Items);
            lose(peer, mark, index);
            Flow::Go
        }
        Ok(Ok(None)) | Err(_) => Flow::Go,
        Ok(Err(error)) => items.track.refused(peer, "update_at", &error),
    }
}

/// Says that it has published what nobody has.
fn lose(peer: &mut Peer, mark: Mark, index: usize) {
    if peer.bites(Teeth::LoseItem) {
        let version = mark.version().unwrap_or(0) + 1;
        peer.item_is(mark.incarnation(), index, version);
    }
}

/// Without looking at what was there.
fn store_at<const WORDS: usize>(peer: &mut Peer, array: &Array<WORDS>, items: &mut Items) -> Flow {
    let Some(incarnation) = items.track.incarnation() else {
        return Flow::Go;
    };
    let index = one(peer);
    let floor = items.track.floor(peer);
    let mark = Mark::blind(incarnation, peer.random.below(u32::MAX), peer.life);
    let intent = peer.line(Kind::Blind, incarnation, 0);
    peer.board.intend(intent);
    match array.store_at(index, Value::new(mark)) {
        Ok(version) => {
            peer.published(mark, version.0);
            items.track.saw(peer, "store_at", version.0, floor + 1);
            peer.count(Place::Items);
            Flow::Go
        }
        Err(error) => items.track.refused(peer, "store_at", &error),
    }
}

/// All items together.
fn whole<const WORDS: usize>(peer: &mut Peer, array: &Array<WORDS>, items: &mut Items) -> Flow {
    let floor = items.track.floor(peer);
    let floors = items.my_floors(peer);
    let begun = match peer.random.below(4) {
        0 => match array.try_write() {
            Err(Error::Busy { .. }) => return Flow::Go,
            other => other,
        },
        1 => array.write_timeout(Duration::from_millis(20)),
        _ => array.write(),
    };
    let mut guard = match begun {
        Ok(guard) => guard,
        Err(error) => return items.track.refused(peer, "write", &error),
    };
    let seen = WriteGuard::version(&guard);
    items.track.saw(peer, "write", seen.0, floor);
    let incarnation = guard[0].claims().incarnation();
    if WriteGuard::recovered(&guard) {
        peer.recovers(incarnation, seen.0);
    } else {
        items.check_all(peer, "write", &guard, seen, &floors);
    }
    let mark = Mark::of_all(incarnation, seen.0 + 1, peer.life);
    let intent = peer.line(Kind::Commit, incarnation, seen.0 + 1);
    peer.board.intend(intent);
    let most = if peer.chance(100) { ITEMS / 2 } else { ITEMS };
    for item in &mut guard[..most] {
        item.set(mark);
        if peer.chance(5) {
            peer.may_die();
            peer.nap(200);
        }
    }
    if most < ITEMS {
        WriteGuard::discard(guard);
        peer.leaves(incarnation, seen.0);
        return Flow::Go;
    }
    let version = WriteGuard::commit(guard);
    if version.0 != seen.0 + 1 {
        peer.violation("lost", format!("{mark} was published as {version}"));
    }
    peer.published(mark, version.0);
    for index in 0..ITEMS {
        peer.item_is(incarnation, index, version.0);
    }
    Flow::Go
}

/// One look through a handle.
fn look<const WORDS: usize>(peer: &mut Peer, array: &Array<WORDS>, items: &mut Items) -> Flow {
    let floor = items.track.floor(peer);
    let floors = items.my_floors(peer);
    peer.count(Place::Reads);
    let error = match peer.random.below(10) {
        0 | 1 => match array.read() {
            Ok(guard) => {
                let version = ReadGuard::version(&guard);
                items.track.saw(peer, "read", version.0, floor);
                items.check_all(peer, "read", &guard, version, &floors);
                let (hold, marks) = (peer.plan.hold, all(&guard));
                peer.nap(hold);
                if all(&guard) != marks {
                    peer.violation("torn", "items changed while a guard held them");
                }
                return Flow::Go;
            }
            Err(error) => error,
        },
        2 | 3 => {
            let mut copy = vec![Value::nothing(); ITEMS];
            match array.load_range(0, &mut copy) {
                Ok(version) => {
                    items.track.saw(peer, "load_range", version.0, floor);
                    items.check_all(peer, "load_range", &copy, version, &floors);
                    return Flow::Go;
                }
                Err(error) => error,
            }
        }
        4 => {
            let timeout = patience(peer);
            let result = array.wait(Version(items.track.last), timeout);
            return waited(peer, &mut items.track, result, floor, true);
        }
        _ => {
            let index = one(peer);
            match array.load_at(index) {
                Ok(item) => {
                    items.check(peer, "load_at", index, &item, floors[index]);
                    return Flow::Go;
                }
                Err(error) => error,
            }
        }
    };
    items.track.refused(peer, "a look", &error)
}

/// The index of some item.
fn one(peer: &mut Peer) -> usize {
    const MOST: u32 = 1 << 16;
    peer.random.below(MOST) as usize % ITEMS
}

fn all<const WORDS: usize>(items: &[Value<WORDS>]) -> Vec<Option<Mark>> {
    items.iter().map(|item| item.mark().ok()).collect()
}

/// On a read-only mapping.
pub(super) fn watch<const WORDS: usize>(peer: &mut Peer) {
    let reader = match peer.options::<WORDS>().open_array_read_only(peer.at()) {
        Ok(reader) => reader,
        Err(Error::NotFound { .. }) => return,
        Err(error) => return peer.unexpected("open_array_read_only", &error),
    };
    peer.count(Place::Opened);
    let mut items = Items::new(Track::new(None));
    for _ in 0..steps(peer) {
        if !peer.is_running() {
            break;
        }
        let floor = items.track.floor(peer);
        let floors = items.my_floors(peer);
        peer.count(Place::Reads);
        let index = one(peer);
        let result = if peer.chance(300) {
            let mut copy = vec![Value::nothing(); ITEMS];
            let loaded = reader.load_range(0, &mut copy);
            loaded.map(|version| {
                items
                    .track
                    .saw(peer, "a reader's load_range", version.0, floor);
                items.check_all(peer, "a reader's load_range", &copy, version, &floors);
            })
        } else {
            let loaded = reader.load_at(index);
            loaded.map(|item| {
                items.check(peer, "a reader's load_at", index, &item, floors[index]);
            })
        };
        match result {
            Ok(()) => {}
            // It may not ask who lives: it is being changed, or was left half-changed.
            Err(Error::Busy { .. }) => {
                peer.count(Place::Busy);
                return;
            }
            Err(error) => return peer.unexpected("a reader's look", &error),
        }
        peer.nap(300);
    }
}
