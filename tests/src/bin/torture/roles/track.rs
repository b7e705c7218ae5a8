//! What one handle has seen, and what it may see from now on.

use std::ops::Deref;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use shmem_core::{Error, SharedObject, Version};

use super::{Flow, Peer};
use crate::board::{Kind, Line, Place, Word};
use crate::plan::Plan;
use crate::value::{Mark, Value};

#[derive(Debug)]
pub(super) struct Track {
    incarnation: Option<u16>,
    /// The newest version seen through the handle.
    pub(super) last: u64,
    /// How many removals had been begun, all of them ended, when the handle was opened. `None` if one was under
    /// way, or if the handle keeps nothing alive: then its object may go at any time.
    removals: Option<u64>,
}

impl Track {
    pub(super) fn new(removals: Option<u64>) -> Self {
        Track {
            incarnation: None,
            last: 0,
            removals,
        }
    }

    /// Which object it is, once a value of it was seen.
    pub(super) fn incarnation(&self) -> Option<u16> {
        self.incarnation
    }

    /// Whether it may be that object: the first that was seen is.
    pub(super) fn is_of(&mut self, incarnation: u16) -> bool {
        *self.incarnation.get_or_insert(incarnation) == incarnation
    }

    /// What a read that begins now must see, or something newer.
    pub(super) fn floor(&self, peer: &Peer) -> u64 {
        let newest = |incarnation| peer.board.newest(incarnation).load(SeqCst);
        self.incarnation.map_or(0, newest)
    }

    /// Checks a value that was read through the handle, and not before `floor` was looked up; `version` is
    /// what the library says of it.
    pub(super) fn check<const WORDS: usize>(
        &mut self,
        peer: &mut Peer,
        how: &str,
        value: &Value<WORDS>,
        version: Option<Version>,
        floor: u64,
    ) -> Option<Mark> {
        let mark = match value.mark() {
            Ok(mark) => mark,
            Err(wrong) => {
                peer.violation("torn", format!("{how}: {wrong}"));
                return None;
            }
        };
        let known = *self.incarnation.get_or_insert(mark.incarnation());
        if known != mark.incarnation() {
            peer.violation("torn", format!("{how}: {mark} in object {known}"));
            return None;
        }
        let version = match (version, mark.version()) {
            (Some(Version(version)), Some(claimed)) if version != claimed => {
                peer.violation("torn", format!("{how}: {mark} as version {version}"));
                return None;
            }
            (Some(Version(version)), _) => Some(version),
            (None, claimed) => claimed,
        };
        if let Some(version) = version {
            self.saw(peer, how, version, floor);
            if peer.chance(60) {
                let line = Line {
                    kind: Kind::Seen,
                    incarnation: known,
                    version,
                    life: mark.life(),
                };
                peer.board.log(line);
            }
        }
        Some(mark)
    }

    /// Checks a version that was seen through the handle, and not before `floor` was looked up.
    pub(super) fn saw(&mut self, peer: &Peer, how: &str, version: u64, floor: u64) {
        if version < self.last {
            let last = self.last;
            peer.violation("lost", format!("{how}: version {version} after {last}"));
        }
        if version < floor {
            let text =
                format!("{how}: version {version}, but {floor} was published or seen before");
            peer.violation("lost", text);
        }
        self.last = self.last.max(version);
        if let Some(incarnation) = self.incarnation {
            let newest = peer.board.newest(incarnation);
            if newest.load(SeqCst) < version {
                newest.fetch_max(version, SeqCst);
            }
        }
    }

    /// The object is said to be removed or replaced: somebody must have done it, since this handle is open.
    pub(super) fn is_gone(&self, peer: &Peer, how: &str) {
        if self.removals == Some(peer.board.get(Word::Removals)) {
            let incarnation = self.incarnation.unwrap_or(0);
            let text = format!("{how}: object {incarnation} is gone, which nobody has removed");
            peer.violation("lost", text);
        }
    }

    /// What follows from an error of the handle.
    pub(super) fn refused(&self, peer: &Peer, how: &str, error: &Error) -> Flow {
        match error {
            Error::Removed { .. } => {
                self.is_gone(peer, how);
                return Flow::Leave;
            }
            Error::Busy { .. } => peer.busy(how, error),
            Error::TimedOut { .. } => {}
            _ if peer.is_poisoned(error) => {}
            _ => {
                peer.unexpected(how, error);
                return Flow::Leave;
            }
        }
        Flow::Go
    }
}

impl Peer {
    /// For [`Track::new`]: called before the handle is opened.
    pub(super) fn removals(&self) -> Option<u64> {
        let begun = self.board.get(Word::Removals);
        let Plan {
            writers,
            readers,
            publishers,
            ..
        } = self.plan;
        let first = (writers + readers) as usize;
        let mut publishers = first..first + publishers as usize;
        let removing = |slot| self.board.at(slot, Place::Removing).load(SeqCst) != 0;
        (!publishers.any(removing)).then_some(begun)
    }

    /// Opens the object in one of the ways there are, or creates it.
    pub(super) fn join<const WORDS: usize>(
        &mut self,
        writer: bool,
    ) -> Option<(SharedObject<Value<WORDS>>, Track)> {
        self.wants(writer);
        let removals = self.removals();
        let options = self.options::<WORDS>();
        let at = self.at();
        let opened = match self.random.below(4) {
            0 => options.wait_for(Duration::from_millis(10)).open(at),
            1 => options.open(at),
            _ if !writer => options.open(at),
            _ => {
                let incarnation = self.board.new_incarnation()?;
                let mark = Mark::new(incarnation, 1, self.life);
                options.open_or_create(at, Value::new(mark))
            }
        };
        let object = self.opened(opened)?;
        Some((object, Track::new(removals)))
    }

    /// The handle, if there is one. An object that is not there, or has no row left, is no violation.
    pub(super) fn opened<O>(&mut self, opened: shmem_core::Result<O>) -> Option<O> {
        match opened {
            Ok(object) => {
                self.count(Place::Opened);
                return Some(object);
            }
            Err(Error::NotFound { .. }) => {}
            Err(Error::TooManyHandles { .. }) => {
                self.count(Place::Full);
                self.wants(false);
            }
            Err(error @ Error::Busy { .. }) => self.busy("opening", &error),
            Err(error) => self.unexpected("opening", &error),
        }
        self.nap(2_000);
        None
    }
}

/// A guard that is held, and what its value was when it was taken.
#[derive(Debug)]
pub(super) struct Held<G> {
    guard: G,
    mark: Mark,
    until: Instant,
}

impl<G: Deref<Target = Value<WORDS>>, const WORDS: usize> Held<G> {
    pub(super) fn new(guard: G, mark: Mark, time: Duration) -> Self {
        let until = Instant::now() + time;
        Held { guard, mark, until }
    }

    pub(super) fn is_due(&self) -> bool {
        self.until <= Instant::now()
    }

    /// Looks whether the value is still the same, and drops the guard.
    pub(super) fn release(self, peer: &Peer) {
        match self.guard.mark() {
            Ok(mark) if mark == self.mark => {}
            Ok(mark) => {
                let text = format!("a guard of {} shows {mark}", self.mark);
                peer.violation("torn", text);
            }
            Err(wrong) => peer.violation("torn", format!("a guard of {}: {wrong}", self.mark)),
        }
    }
}
