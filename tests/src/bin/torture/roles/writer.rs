//! Publishes versions, in all the ways there are, and says so after each.

use std::cell::Cell;
use std::fs::read_dir;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::Duration;

use shmem_core::{Error, SharedObject, Version, WriteGuard};
use tests::raw::{Raw, scribble};

use super::track::Track;
use super::{Flow, Peer, child};
use crate::board::{Kind, Phase, Place};
use crate::plan::Teeth;
use crate::value::{Mark, Value};

pub(super) fn run<const WORDS: usize>(peer: &mut Peer) {
    while peer.is_running() {
        session::<WORDS>(peer);
        peer.nap(500);
    }
    peer.wants(false);
}

/// From opening to closing a handle.
fn session<const WORDS: usize>(peer: &mut Peer) {
    let Some((object, mut track)) = peer.join::<WORDS>(true) else {
        return;
    };
    let mut flow = Flow::Go;
    let steps = [1, 10, 100, 2_000][peer.random.below(4) as usize];
    for _ in 0..=peer.random.below(steps) {
        if flow == Flow::Leave || !peer.is_running() {
            break;
        }
        // Some keep a version meanwhile, where buffers are left if all do.
        let spare = !peer.is_in_place() && peer.plan.buffers > peer.plan.writers + 1;
        let held = (spare && peer.chance(50)).then(|| object.read());
        flow = step(peer, &object, &mut track);
        if let Some(Ok(guard)) = held.filter(|_| !peer.is_child) {
            if let Err(wrong) = guard.mark() {
                peer.violation("torn", format!("a guard across a write: {wrong}"));
            }
        }
        peer.flushes(&object);
        let pause = peer.plan.pause;
        peer.nap(pause);
    }
    if peer.is_child {
        child::go_on(peer, &object);
    } else if flow == Flow::Go && peer.board.is_past(Phase::Rest) {
        peer.wants(false);
        peer.rest(Phase::Rest, Phase::Close);
    }
}

/// One attempt to write.
pub(super) fn step<const WORDS: usize>(
    peer: &mut Peer,
    object: &SharedObject<Value<WORDS>>,
    track: &mut Track,
) -> Flow {
    bite::<WORDS>(peer);
    peer.wants(true);
    let flow = match peer.random.below(10) {
        0 => store(peer, object, track),
        1 | 2 => update(peer, object, track),
        _ => write(peer, object, track),
    };
    peer.board.intend_nothing(peer.life);
    peer.wants(false);
    match flow {
        ControlFlow::Continue(()) => Flow::Go,
        ControlFlow::Break(()) => Flow::Leave,
    }
}

/// Does what must be noticed, if this round is to show that it is.
fn bite<const WORDS: usize>(peer: &mut Peer) {
    if peer.bites(Teeth::InPlace) {
        let home = peer.dir.join("shm");
        let dirs = read_dir(home).unwrap().flatten();
        let files = dirs.flat_map(|dir| read_dir(dir.path()).unwrap().flatten());
        for file in files.filter(|file| !file.file_name().as_encoded_bytes().starts_with(b".")) {
            let raw = Raw::read(&file.path());
            let value = raw.value();
            if value.len() == size_of::<Value<WORDS>>() {
                let middle = value.start + value.len() / 2;
                scribble(&file.path(), middle, &[0xA5; 4]);
            }
        }
    }
    if peer.bites(Teeth::File) {
        std::fs::write(peer.dir.join("shm/stray"), "").unwrap();
    }
}

impl Peer {
    /// Says that it has published a version.
    pub(super) fn published(&mut self, mark: Mark, version: u64) {
        if self.bites(Teeth::Unsaid) {
            return;
        }
        let incarnation = mark.incarnation();
        self.board
            .log(self.line(Kind::Commit, incarnation, version));
        self.board.newest(incarnation).fetch_max(version, SeqCst);
        self.count(Place::Commits);
    }

    /// Checks the value that a writer begins with, and says what it is: so every version is seen by its successor.
    fn begins<const WORDS: usize>(
        &mut self,
        track: &mut Track,
        value: &Value<WORDS>,
        version: Version,
        floor: u64,
    ) -> Option<Mark> {
        let how = "in the hands of a writer";
        let mark = track.check(self, how, value, Some(version), floor)?;
        let mut line = self.line(Kind::Seen, mark.incarnation(), version.0);
        line.life = mark.life();
        self.board.log(line);
        Some(mark)
    }

    /// Says that it found one dead, or half a value.
    pub(super) fn recovers(&self, incarnation: u16, version: u64) {
        self.count(Place::Recovered);
        self.board
            .log(self.line(Kind::Recovered, incarnation, version));
    }

    /// Says that it gave up: in place that leaves half a value. Called while it is known what it was about.
    pub(super) fn leaves(&self, incarnation: u16, version: u64) {
        if self.is_in_place() {
            self.board.log(self.line(Kind::Left, incarnation, version));
        }
    }

    /// Makes a mess of some of the value first.
    pub(super) fn scrawl<const WORDS: usize>(&mut self, value: &mut Value<WORDS>, mark: Mark) {
        for _ in 0..self.random.below(3) {
            let count = self.random.below(u32::try_from(WORDS).unwrap_or(0) + 1);
            value.spoil(mark, count as usize);
            self.may_die();
            self.nap(200);
        }
        if self.chance(5) {
            let hold = self.plan.hold;
            self.nap(hold);
        }
    }
}

fn write<const WORDS: usize>(
    peer: &mut Peer,
    object: &SharedObject<Value<WORDS>>,
    track: &mut Track,
) -> ControlFlow<()> {
    let floor = track.floor(peer);
    let begun = match peer.random.below(8) {
        0 | 1 => match object.try_write() {
            Err(Error::Busy { .. }) => return ControlFlow::Continue(()),
            other => other,
        },
        2 => object.write_timeout(Duration::from_millis(20)),
        _ => object.write(),
    };
    let mut guard = match begun {
        Ok(guard) => guard,
        Err(error) => return refused(peer, track, "write", &error),
    };
    let seen = WriteGuard::version(&guard);
    let recovered = WriteGuard::recovered(&guard);
    let incarnation = if recovered && peer.is_in_place() {
        // There is nothing whole to begin with; but the mark is changed by one store.
        track.saw(peer, "a writer who repairs", seen.0, floor);
        guard.claims().incarnation()
    } else {
        match peer.begins(track, &guard, seen, floor) {
            Some(before) => before.incarnation(),
            None => return ControlFlow::Break(()),
        }
    };
    if recovered {
        peer.recovers(incarnation, seen.0);
    }
    if peer.forks() {
        // It is the parent's: dropping it does nothing.
        drop(guard);
        return ControlFlow::Break(());
    }
    if peer.bites(Teeth::Hold) {
        thread::sleep(Duration::from_secs(3_600));
    }
    let next = seen.0 + 1;
    let mark = Mark::new(incarnation, next, peer.life);
    if peer.bites(Teeth::Lose) {
        WriteGuard::discard(guard);
        peer.published(mark, next);
        return ControlFlow::Continue(());
    }
    if peer.chance(30) {
        drop(guard);
        return ControlFlow::Continue(());
    }
    let intent = peer.line(Kind::Commit, incarnation, next);
    peer.board.intend(intent);
    peer.scrawl(&mut guard, mark);
    if peer.chance(100) {
        WriteGuard::discard(guard);
        peer.leaves(incarnation, seen.0);
        return ControlFlow::Continue(());
    }
    guard.set(mark);
    if peer.forks() {
        drop(guard);
        return ControlFlow::Break(());
    }
    if peer.chance(300) {
        drop(guard);
    } else {
        let version = WriteGuard::commit(guard);
        if version.0 != next {
            let text = format!("{mark} was published as {version}");
            peer.violation("lost", text);
        }
    }
    peer.published(mark, next);
    track.last = next;
    ControlFlow::Continue(())
}

/// Through a function, which fails or panics now and then.
fn update<const WORDS: usize>(
    peer: &mut Peer,
    object: &SharedObject<Value<WORDS>>,
    track: &mut Track,
) -> ControlFlow<()> {
    let Some(incarnation) = track.incarnation() else {
        return ControlFlow::Continue(());
    };
    let floor = track.floor(peer);
    let end = peer.random.below(10);
    // What the function gets counts as changed before it has changed anything.
    let intent = peer.line(Kind::Change, incarnation, 0);
    peer.board.intend(intent);
    let given_up = Cell::new(0);
    let result = catch_unwind(AssertUnwindSafe(|| {
        object.try_update(|value| {
            // Nobody else publishes meanwhile.
            let seen = object.version();
            given_up.set(seen.0);
            if peer.is_in_place() {
                // Somebody may have left it half-changed, which is not said here.
                track.saw(peer, "a writer who repairs", seen.0, floor);
            } else {
                peer.begins(track, value, seen, floor).ok_or(())?;
            }
            let mark = Mark::new(incarnation, seen.0 + 1, peer.life);
            let intent = peer.line(Kind::Commit, mark.incarnation(), seen.0 + 1);
            peer.board.intend(intent);
            peer.scrawl(value, mark);
            match end {
                // Past the hook: nothing is wrong.
                0 => resume_unwind(Box::new(())),
                1 => return Err(()),
                _ => value.set(mark),
            }
            Ok(mark)
        })
    }));
    match result {
        Ok(Ok(Ok(mark))) => {
            let version = mark.version().unwrap_or(0);
            peer.published(mark, version);
            track.last = version;
            ControlFlow::Continue(())
        }
        Ok(Ok(Err(()))) | Err(_) => {
            peer.leaves(incarnation, given_up.get());
            ControlFlow::Continue(())
        }
        Ok(Err(error)) => refused(peer, track, "try_update", &error),
    }
}

/// Without looking at what was there.
fn store<const WORDS: usize>(
    peer: &mut Peer,
    object: &SharedObject<Value<WORDS>>,
    track: &mut Track,
) -> ControlFlow<()> {
    let Some(incarnation) = track.incarnation() else {
        return ControlFlow::Continue(());
    };
    let floor = track.floor(peer);
    let mark = Mark::blind(incarnation, peer.random.below(u32::MAX), peer.life);
    let value = Value::new(mark);
    let intent = peer.line(Kind::Blind, incarnation, 0);
    peer.board.intend(intent);
    match object.store(value) {
        Ok(version) => {
            peer.published(mark, version.0);
            track.saw(peer, "store", version.0, floor + 1);
            ControlFlow::Continue(())
        }
        Err(error) => refused(peer, track, "store", &error),
    }
}

fn refused(peer: &Peer, track: &Track, how: &str, error: &Error) -> ControlFlow<()> {
    match track.refused(peer, how, error) {
        Flow::Go => ControlFlow::Continue(()),
        Flow::Leave => ControlFlow::Break(()),
    }
}
