//! What must hold after a kill, for whoever comes next: nothing torn, nothing lost, nobody hung.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use shmem_core::{Error, Version};

use crate::object::{Looked, Object, Reader};
use crate::operations::{Allowed, Content, OLD, Operation, Scene};
use crate::oracle::Oracle;
use crate::using;

/// How long whoever comes next may take for all of it.
const DEADLINE: Duration = Duration::from_secs(10);

/// How long for one step of it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The first value written after the kill.
pub(crate) const NEXT: u64 = 100;

/// What was found under the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Free,
    Old,
    New,
    /// A change in place that was not completed.
    Poisoned,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) found: Found,
    /// The next writer was told that the one before it died with a change.
    pub(crate) recovered: bool,
    /// From the kill to the first value that somebody else published.
    pub(crate) recovery: Duration,
}

/// The scene of the kill, and what may be found there.
#[derive(Debug)]
pub(crate) struct Verifier {
    pub(crate) operation: &'static Operation,
    pub(crate) scene: Scene,
    pub(crate) allowed: Allowed,
    pub(crate) peer: Option<Arc<Object>>,
    /// What the peer saw before the kill, if it could look: not of what is changed in place.
    pub(crate) before: Option<Result<Looked, String>>,
    pub(crate) killed: Instant,
    /// Whether to ask who says no after a second only.
    pub(crate) patient: bool,
}

/// Why a kill was not survived.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) what: String,
    /// The harness cannot go on: a thread of it hangs.
    pub(crate) hung: bool,
}

impl Verifier {
    /// Looks at everything, in a thread that is given up on after the deadline.
    pub(crate) fn verify(self) -> Result<Seen, Violation> {
        let (sender, result) = mpsc::channel();
        let step = Step::default();
        let doing = step.clone();
        let thread = thread::spawn(move || {
            let result = self.look(&doing);
            drop(self);
            drop(sender.send(result));
        });
        let violation = |what, hung| Violation { what, hung };
        let result = match result.recv_timeout(DEADLINE) {
            Err(RecvTimeoutError::Timeout) => {
                let what = format!("{}: not within {DEADLINE:?}", step.name());
                return Err(violation(what, true));
            }
            Err(RecvTimeoutError::Disconnected) => Err("panicked".into()),
            Ok(result) => result,
        };
        drop(thread.join());
        result.map_err(|what: String| violation(format!("{}: {what}", step.name()), false))
    }

    fn look(&self, step: &Step) -> Result<Seen, String> {
        let maker = self.operation.maker(self.scene);
        let in_place = self.operation.kind.is_in_place();
        let left = if in_place {
            step.is("looking at the bytes");
            let path = self.operation.path();
            let left = Oracle::look(&path, self.operation.kind, self.peer.is_some());
            if let Some(wrong) = left.wrong {
                return Err(wrong);
            }
            self.classify(&left.content)?;
            Some(left)
        } else {
            self.peer_of_copies(step)?;
            None
        };
        step.is("opening it for reading only");
        let reader = found(maker.open_read_only())?;
        let asked = Instant::now();
        match (&left, &reader) {
            (Some(left), Some(reader)) => self.reader_in_place(step, left, reader)?,
            (Some(left), None) if left.content != Content::Free => {
                return Err("there is nothing to read".into());
            }
            _ => {}
        }
        // Whoever may not write waits a second before it says no; nobody else does.
        let asked = asked.elapsed();
        if let (Some(left), Some(peer)) = (&left, &self.peer) {
            step.is("the peer reads");
            if left.content != Content::Free {
                self.handle_in_place(left, peer)?;
            }
        }
        step.is("opening it");
        let object = found(maker.open())?;
        let content = match &object {
            Some(object) => self.content_of(object)?,
            None => Content::Free,
        };
        match (&left, &reader) {
            (Some(left), _) if left.content != content => {
                let Oracle { content: bytes, .. } = left;
                return Err(format!("the bytes say {bytes:?}, a handle {content:?}"));
            }
            (None, reader) => {
                let copy = match reader {
                    Some(reader) => whole(reader.load()?)?,
                    None => Content::Free,
                };
                if copy != content {
                    return Err(format!("a reader found {copy:?}, a handle {content:?}"));
                }
            }
            _ => {}
        }
        let now = self.classify(&content)?;
        let (object, content) = match object {
            Some(object) => (object, content),
            None => {
                step.is("creating it, since the name is free");
                self.peer_of_a_removed_object()?;
                let fresh = maker.roomy().create(OLD).map_err(text)?;
                let counters = self.operation.kind.counters(OLD);
                (fresh, Content::Whole(counters, Version(1)))
            }
        };
        let content = self.one_item(step, &object, reader.as_ref(), content)?;
        step.is("writing");
        let (begun, next) = object.replace(PATIENCE, NEXT).map_err(text)?;
        let recovery = self.killed.elapsed().saturating_sub(asked);
        if let Content::Whole(counters, _) = &content {
            if begun.counters.as_ref() != Ok(counters) {
                let began = begun.counters;
                return Err(format!("the writer began with {began:?}, not {counters:?}"));
            }
        }
        let version = content.version();
        if next != Version(version.0 + 1) {
            return Err(format!("version {next} came after {version}"));
        }
        let recovered = begun.recovered;
        if in_place && recovered != (now == Found::Poisoned) {
            return Err(format!("recovered: {recovered}, of {content:?}"));
        }
        if !in_place && recovered && !(now == Found::Old && self.operation.leaves_changes()) {
            return Err("it was told of a change that nobody had left".into());
        }
        let peer = self.peer.as_deref().filter(|_| now != Found::Free);
        using::all_of_it(step, self.operation, &maker, object, peer, next)?;
        Ok(Seen {
            found: now,
            recovered,
            recovery,
        })
    }

    /// What it was doing did not matter to the peer.
    fn peer_of_copies(&self, step: &Step) -> Result<(), String> {
        let Some(peer) = &self.peer else {
            return Ok(());
        };
        step.is("the peer reads");
        let content = whole(peer.copy()?)?;
        // Of an object that was removed before, a peer keeps the last value.
        if self.allowed.old != Content::Free {
            self.classify(&content)?;
        }
        if let Some(Ok(Ok((counters, version)))) = &self.before {
            let before = Content::Whole(counters.clone(), *version);
            if content != before {
                return Err(format!("{before:?} before the kill, {content:?} after it"));
            }
        }
        let guard = whole(peer.look()?)?;
        if guard != content {
            return Err(format!("its guard sees {guard:?}, its copy {content:?}"));
        }
        Ok(())
    }

    /// Changes one item of an array, which no kill forbids but one in the middle of a change of the whole; then each
    /// can be copied out again without asking who lives.
    fn one_item(
        &self,
        step: &Step,
        object: &Object,
        reader: Option<&Reader>,
        content: Content,
    ) -> Result<Content, String> {
        step.is("changing one item");
        match (object.store_first(NEXT), content) {
            (None, content) => Ok(content),
            (Some(Err(Error::Poisoned { .. })), Content::Poisoned(version)) => {
                Ok(Content::Poisoned(version))
            }
            (Some(Ok(next)), Content::Whole(mut counters, version)) => {
                counters[0] = NEXT;
                for (index, counter) in counters.iter().enumerate() {
                    match reader.and_then(|reader| reader.load_at(index)) {
                        Some(Ok(item)) if item.is_whole() && item.counter == *counter => {}
                        None => {}
                        found => return Err(format!("item {index} is {found:?}")),
                    }
                }
                if next != Version(version.0 + 1) {
                    return Err(format!("version {next} came after {version}"));
                }
                Ok(Content::Whole(counters, next))
            }
            (stored, content) => Err(format!("{stored:?}, of {content:?}")),
        }
    }

    /// Whoever may not write finds what lies there, if the stamps say that it is whole; else it is told so.
    fn reader_in_place(&self, step: &Step, left: &Oracle, reader: &Reader) -> Result<(), String> {
        step.is("copying it out, without the right to write");
        if left.copy.is_some() || self.patient || left.items.is_empty() {
            match (reader.load()?, &left.copy) {
                (Ok((counters, version)), Some(copy)) if counters == *copy => {
                    let content = Content::Whole(counters, version);
                    if !self.published().any(|published| *published == content) {
                        return Err(format!("a reader found {content:?}"));
                    }
                }
                (Err(Error::Busy { .. }), None) => {}
                (found, copy) => return Err(format!("the bytes are {copy:?}, not {found:?}")),
            }
        }
        let mut patient = self.patient;
        for (index, quiet) in left.items.iter().enumerate() {
            if !(*quiet || std::mem::take(&mut patient)) {
                continue;
            }
            match reader.load_at(index) {
                Some(Ok(item)) if *quiet && item.is_whole() => {
                    self.item(index, item.counter)?;
                }
                Some(Err(Error::Busy { .. })) if !quiet => {}
                found => return Err(format!("item {index}, at rest: {quiet}: {found:?}")),
            }
        }
        Ok(())
    }

    /// A copy is one that was published, a guard sees just what the bytes say.
    fn handle_in_place(&self, left: &Oracle, handle: &Object) -> Result<(), String> {
        match handle.copy()? {
            Ok((counters, _)) if handle.is_array() => {
                for (index, counter) in counters.into_iter().enumerate() {
                    self.item(index, counter)?;
                }
            }
            Ok((counters, _)) => {
                let expected = match &left.content {
                    Content::Whole(counters, _) => Some(counters),
                    _ => left.copy.as_ref(),
                };
                if Some(&counters) != expected {
                    return Err(format!("copied {counters:?}, not {expected:?}"));
                }
            }
            Err(Error::Poisoned { .. }) if matches!(left.content, Content::Poisoned(_)) => {}
            Err(error) => return Err(format!("copying: {error}")),
        }
        let content = self.content_of(handle)?;
        if content != left.content {
            let bytes = &left.content;
            return Err(format!(
                "the bytes say {bytes:?}, the peer's guard {content:?}"
            ));
        }
        Ok(())
    }

    /// What a guard says.
    fn content_of(&self, handle: &Object) -> Result<Content, String> {
        match handle.look()? {
            Ok((counters, version)) => Ok(Content::Whole(counters, version)),
            Err(Error::Poisoned { .. }) if self.operation.kind.is_in_place() => {
                Ok(Content::Poisoned(handle.version()))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Everything that was, or may have been, published.
    fn published(&self) -> impl Iterator<Item = &Content> {
        let Allowed {
            old, new, earlier, ..
        } = &self.allowed;
        [earlier, old].into_iter().chain(new)
    }

    /// An item has what it had in some version.
    fn item(&self, index: usize, counter: u64) -> Result<(), String> {
        let has = |content: &Content| match content {
            Content::Whole(counters, _) => counters[index] == counter,
            _ => false,
        };
        if self.published().any(has) {
            return Ok(());
        }
        Err(format!("item {index} has the value {counter}"))
    }

    /// What a content is, or that it is none that may be found.
    fn classify(&self, content: &Content) -> Result<Found, String> {
        let Allowed {
            free,
            poisoned,
            old,
            new,
            ..
        } = &self.allowed;
        match content {
            Content::Free if *free => Ok(Found::Free),
            Content::Free => Err("the object is gone".into()),
            Content::Whole(..) if content == old => Ok(Found::Old),
            Content::Whole(..) if Some(content) == new.as_ref() => Ok(Found::New),
            Content::Poisoned(_) if content == old => Ok(Found::Poisoned),
            Content::Poisoned(version) if *poisoned && *version == old.version() => {
                Ok(Found::Poisoned)
            }
            Content::Whole(..) | Content::Poisoned(_) => Err(format!("found {content:?}")),
        }
    }

    /// The object is gone: a peer keeps its last value, and is told.
    fn peer_of_a_removed_object(&self) -> Result<(), String> {
        let Some(peer) = &self.peer else {
            return Ok(());
        };
        let Content::Whole(counters, version) = whole(peer.copy()?)? else {
            return Err("a peer has no value".into());
        };
        if counters != self.operation.kind.counters(OLD) || peer.is_current() {
            return Err("a peer takes a removed object for current".into());
        }
        let told = |result: Result<Version, Error>| match result {
            Err(Error::Removed { .. }) => Ok(()),
            other => Err(format!("a peer of a removed object got {other:?}")),
        };
        told(peer.store(NEXT))?;
        told(peer.wait(version, PATIENCE))
    }
}

fn whole(looked: Looked) -> Result<Content, String> {
    let (counters, version) = looked.map_err(text)?;
    Ok(Content::Whole(counters, version))
}

/// `None` if there is no object; any other error is a violation.
fn found<T>(result: Result<T, Error>) -> Result<Option<T>, String> {
    match result {
        Ok(object) => Ok(Some(object)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(crate) fn text(error: Error) -> String {
    error.to_string()
}

/// What the verifier is doing, for the message if it never ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step(Arc<Mutex<&'static str>>);

impl Step {
    pub(crate) fn is(&self, name: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = name;
    }

    fn name(&self) -> &'static str {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
