//! What must hold after a kill, for whoever comes next: nothing torn, nothing lost, nobody hung.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use shmem_core::{Error, Shared as _, SharedObject, Version, WriteGuard};
use tests::{Small, once_asleep};

use crate::operations::{Allowed, Content, NAME, OLD, Operation, Scene, options};

/// How long whoever comes next may take for all of it.
const DEADLINE: Duration = Duration::from_secs(10);

/// How long for one step of it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The first value written after the kill.
const NEXT: u64 = 100;

/// What was found under the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Free,
    Old,
    New,
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
#[derive(Clone, Debug)]
pub(crate) struct Verifier {
    pub(crate) operation: &'static Operation,
    pub(crate) scene: Scene,
    pub(crate) allowed: Allowed,
    pub(crate) peer: Option<Arc<SharedObject<Small>>>,
    /// What the peer saw before the kill.
    pub(crate) before: Content,
    pub(crate) killed: Instant,
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
        if let Some(peer) = &self.peer {
            step.is("the peer reads");
            let value = whole(&peer.load())?;
            let content = Some((value, peer.version()));
            // Of an object that was removed before, a peer keeps the last value.
            if self.allowed.old.is_some() {
                self.classify(content)?;
            }
            if content != self.before {
                let before = self.before;
                return Err(format!("{before:?} before the kill, {content:?} after it"));
            }
            let guard = peer.read().map_err(text)?;
            if guard.counter != value || !guard.is_whole() {
                return Err(format!("its guard sees {guard:?}, its copy {value}"));
            }
        }
        step.is("opening it for reading only");
        let options = options(self.operation, self.scene);
        let reader = found(options.open_read_only(NAME))?;
        let copy = match &reader {
            Some(reader) => Some((whole(&reader.load())?, reader.version())),
            None => None,
        };
        step.is("opening it");
        let object = found(options.open(NAME))?;
        let value = match &object {
            Some(object) => Some((whole(&object.load())?, object.version())),
            None => None,
        };
        if copy != value {
            return Err(format!("a reader found {copy:?}, a handle {value:?}"));
        }
        let now = self.classify(value)?;
        let (object, counter, version) = match (object, value) {
            (Some(object), Some((counter, version))) => (object, counter, version),
            _ => {
                step.is("creating it, since the name is free");
                self.peer_of_a_removed_object()?;
                let fresh = Small::options().max_handles(6);
                let fresh = fresh.create(NAME, Small::new(OLD)).map_err(text)?;
                (fresh, OLD, Version(1))
            }
        };
        step.is("writing");
        let mut guard = object.write_timeout(PATIENCE).map_err(text)?;
        let recovered = WriteGuard::recovered(&guard);
        if guard.counter != counter || !guard.is_whole() {
            return Err(format!("the writer began with {guard:?}, not {counter}"));
        }
        guard.set(NEXT);
        let next = WriteGuard::commit(guard);
        let recovery = self.killed.elapsed();
        if next != Version(version.0 + 1) {
            return Err(format!("version {next} came after {version}"));
        }
        if recovered && !(now == Found::Old && self.operation.leaves_changes()) {
            return Err("it was told of a change that nobody had left".into());
        }
        let peer = self.peer.as_deref().filter(|_| now != Found::Free);
        using(step, object, peer, next)?;
        Ok(Seen {
            found: now,
            recovered,
            recovery,
        })
    }

    /// What a value is, or that it is none that may be found.
    fn classify(&self, value: Content) -> Result<Found, String> {
        let Allowed { free, old, new } = self.allowed;
        match value {
            None if free => Ok(Found::Free),
            Some(_) if value == old => Ok(Found::Old),
            Some(_) if value == new => Ok(Found::New),
            None => Err("the object is gone".into()),
            Some((value, version)) => Err(format!("found the value {value}, version {version}")),
        }
    }

    /// The object is gone: a peer keeps its last value, and is told.
    fn peer_of_a_removed_object(&self) -> Result<(), String> {
        let Some(peer) = &self.peer else {
            return Ok(());
        };
        if whole(&peer.load())? != OLD || peer.is_current() {
            return Err("a peer takes a removed object for current".into());
        }
        let told = |result: Result<Version, Error>| match result {
            Err(Error::Removed { .. }) => Ok(()),
            other => Err(format!("a peer of a removed object got {other:?}")),
        };
        told(peer.store(Small::new(NEXT)))?;
        told(peer.wait(peer.version(), PATIENCE))
    }
}

/// Everything else that one does with an object: nothing of the dead process may be in the way.
fn using(
    step: &Step,
    object: SharedObject<Small>,
    peer: Option<&SharedObject<Small>>,
    version: Version,
) -> Result<(), String> {
    let other = peer.unwrap_or(&object);
    step.is("reading what was written");
    if whole(&other.load())? != NEXT {
        return Err(format!("{:?}", other.load()));
    }
    step.is("waiting and being woken");
    let woken = once_asleep(
        || object.wait(version, PATIENCE),
        || drop(other.store(Small::new(NEXT + 1))),
    );
    let woken = woken.map_err(text)?;
    if woken != Version(version.0 + 1) || whole(&object.load())? != NEXT + 1 {
        return Err(format!("woken by version {woken} after {version}"));
    }
    step.is("holding every buffer");
    let info = object.info();
    let mut guards = Vec::new();
    for counter in 1..u64::from(info.buffers) {
        let guard = object.read().map_err(text)?;
        guards.push(guard);
        let written = other.write_timeout(PATIENCE).map_err(text);
        written?.set(NEXT + 1 + counter);
    }
    if guards.iter().any(|guard| !guard.is_whole()) {
        return Err("a version changed while a guard held it".into());
    }
    if !matches!(other.try_write(), Err(Error::Busy { .. })) {
        return Err("a buffer was found where all are held".into());
    }
    drop(guards);
    step.is("taking every row");
    let live = 1 + u32::from(peer.is_some());
    if info.handles != Some(live) {
        return Err(format!("{:?} handles are open, not {live}", info.handles));
    }
    let options = Small::options();
    let rows: Result<Vec<_>, _> = (live..info.max_handles)
        .map(|_| options.open(NAME))
        .collect();
    let rows = rows.map_err(text)?;
    match options.open(NAME) {
        Err(Error::TooManyHandles { .. }) => {}
        other => return Err(format!("one row too many: {other:?}")),
    }
    drop(rows);
    step.is("closing");
    drop(object);
    match peer {
        Some(peer) if !peer.is_current() => Err("the peer's object lost its name".into()),
        Some(peer) => peer.store(Small::new(NEXT)).map(drop).map_err(text),
        None => Ok(()),
    }
}

/// What is found under the name, without changing anything there.
pub(crate) fn content(operation: &Operation, scene: Scene) -> Result<Content, String> {
    match found(options(operation, scene).open_read_only(NAME))? {
        Some(reader) => Ok(Some((whole(&reader.load())?, reader.version()))),
        None => Ok(None),
    }
}

fn whole(value: &Result<Small, Error>) -> Result<u64, String> {
    match value {
        Ok(value) if value.is_whole() => Ok(value.counter),
        Ok(torn) => Err(format!("torn: {torn:?}")),
        Err(error) => Err(error.to_string()),
    }
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
fn text(error: Error) -> String {
    error.to_string()
}

/// What the verifier is doing, for the message if it never ends.
#[derive(Clone, Debug, Default)]
struct Step(Arc<Mutex<&'static str>>);

impl Step {
    fn is(&self, name: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = name;
    }

    fn name(&self) -> &'static str {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
