//! What an operation is about: a value in copies or in place, with or without an atomic, or an array.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shmem_core::{
    Error, Info, Location, Options, Payload, Result, Shared, SharedObject, SharedReader, Version,
    WriteGuard,
};
use tests::Small;

/// How many items an array has.
pub(crate) const ITEMS: usize = 5;

/// What an object holds, and how it is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A value in four buffers.
    Copies,
    /// A value in one.
    InPlace,
    /// A value in one, with a counter beside it that counts without the lock.
    Counted,
    /// An array of [`ITEMS`] values.
    Array,
}

impl Kind {
    pub(crate) fn is_in_place(self) -> bool {
        self != Kind::Copies
    }

    /// The counters of an object whose values all have that one.
    pub(crate) fn counters(self, counter: u64) -> Vec<u64> {
        match self {
            Kind::Copies | Kind::InPlace => vec![counter],
            Kind::Counted => vec![counter, HITS],
            Kind::Array => vec![counter; ITEMS],
        }
    }

    /// The counters of a value's bytes, if it is whole.
    pub(crate) fn of_bytes(self, bytes: &[u8]) -> core::result::Result<Vec<u64>, String> {
        let words = bytes.chunks_exact(8);
        let words = words.map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default()));
        let words: Vec<u64> = words.collect();
        let values = words.chunks_exact(size_of::<Small>() / 8);
        let hits = values.remainder().first().copied();
        let counters = values.map(|value| {
            let counter = value[0];
            let whole = Small::new(counter).words() == *value;
            whole.then_some(counter).ok_or(format!("torn: {value:?}"))
        });
        counters.chain(hits.map(Ok)).collect()
    }
}

/// What a counter begins with.
const HITS: u64 = 40;

/// A value with a counter that needs no lock.
#[derive(Shared, Debug)]
#[repr(C)]
#[shared(in_place)]
pub(crate) struct Counted {
    value: Small,
    pub(crate) hits: AtomicU64,
}

/// A payload that says whether it is whole, by the counters of its values.
pub(crate) trait Counters {
    fn counters(&self) -> core::result::Result<Vec<u64>, String>;
    fn set_all(&mut self, counter: u64);
    fn spoil_all(&mut self, counter: u64);
}

impl Counters for Small {
    fn counters(&self) -> core::result::Result<Vec<u64>, String> {
        let whole = self.is_whole().then(|| vec![self.counter]);
        whole.ok_or_else(|| format!("torn: {self:?}"))
    }

    fn set_all(&mut self, counter: u64) {
        self.set(counter);
    }

    fn spoil_all(&mut self, counter: u64) {
        self.spoil(counter);
    }
}

impl Counters for Counted {
    fn counters(&self) -> core::result::Result<Vec<u64>, String> {
        let mut counters = self.value.counters()?;
        counters.push(self.hits.load(Ordering::Relaxed));
        Ok(counters)
    }

    fn set_all(&mut self, counter: u64) {
        self.value.set(counter);
    }

    fn spoil_all(&mut self, counter: u64) {
        self.value.spoil(counter);
    }
}

impl Counters for [Small] {
    fn counters(&self) -> core::result::Result<Vec<u64>, String> {
        let all: core::result::Result<Vec<_>, _> = self.iter().map(Small::counters).collect();
        Ok(all?.concat())
    }

    fn set_all(&mut self, counter: u64) {
        for item in self {
            item.set(counter);
        }
    }

    fn spoil_all(&mut self, counter: u64) {
        self[ITEMS / 2].spoil(counter);
    }
}

/// A handle of any kind.
#[derive(Debug)]
pub(crate) enum Object {
    Value(SharedObject<Small>),
    Counted(SharedObject<Counted>),
    Array(SharedObject<[Small]>),
}

/// The same expression for a handle of whatever kind.
macro_rules! each {
    ($object:expr, $handle:ident => $what:expr) => {
        match $object {
            Object::Value($handle) => $what,
            Object::Counted($handle) => $what,
            Object::Array($handle) => $what,
        }
    };
}

/// What a writer began with.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) counters: core::result::Result<Vec<u64>, String>,
    pub(crate) recovered: bool,
}

impl Begun {
    fn of<P: ?Sized + Payload + Counters>(guard: &WriteGuard<'_, P>) -> Self {
        Begun {
            counters: guard.counters(),
            recovered: WriteGuard::recovered(guard),
        }
    }
}

/// The options of an object, for whatever type it has.
#[derive(Clone, Debug)]
pub(crate) struct Maker {
    pub(crate) kind: Kind,
    pub(crate) at: Location,
    /// Of a `Counted` the same, by `counted`.
    pub(crate) options: Options<Small>,
    pub(crate) counted: Options<Counted>,
}

impl Maker {
    pub(crate) fn create(&self, counter: u64) -> Result<Object> {
        let (at, value) = (self.at.clone(), Small::new(counter));
        Ok(match self.kind {
            Kind::Copies | Kind::InPlace => Object::Value(self.options.create(at, value)?),
            Kind::Array => Object::Array(self.options.create_array(at, ITEMS, value)?),
            Kind::Counted => {
                let hits = AtomicU64::new(HITS);
                Object::Counted(self.counted.create(at, Counted { value, hits })?)
            }
        })
    }

    /// The same for an object with as many rows as the operations have.
    pub(crate) fn roomy(&self) -> Self {
        Maker {
            options: self.options.clone().max_handles(6),
            counted: self.counted.clone().max_handles(6),
            ..self.clone()
        }
    }

    pub(crate) fn open_or_create(&self, counter: u64) -> Result<Object> {
        let (at, value) = (self.at.clone(), Small::new(counter));
        Ok(match self.kind {
            Kind::Array => Object::Array(self.options.open_or_create_array(at, ITEMS, value)?),
            _ => Object::Value(self.options.open_or_create(at, value)?),
        })
    }

    pub(crate) fn open(&self) -> Result<Object> {
        let at = self.at.clone();
        Ok(match self.kind {
            Kind::Copies | Kind::InPlace => Object::Value(self.options.open(at)?),
            Kind::Array => Object::Array(self.options.open_array(at)?),
            Kind::Counted => Object::Counted(self.counted.open(at)?),
        })
    }

    pub(crate) fn open_read_only(&self) -> Result<Reader> {
        let at = self.at.clone();
        Ok(match self.kind {
            Kind::Copies | Kind::InPlace => Reader::Value(self.options.open_read_only(at)?),
            Kind::Array => Reader::Array(self.options.open_array_read_only(at)?),
            Kind::Counted => Reader::Counted(self.counted.open_read_only(at)?),
        })
    }
}

/// What came of a look: the counters and their version.
pub(crate) type Looked = core::result::Result<(Vec<u64>, Version), Error>;

/// A copy that may be torn, as text, or a refusal.
fn looked(
    counters: core::result::Result<Vec<u64>, String>,
    version: Version,
) -> core::result::Result<Looked, String> {
    Ok(Ok((counters?, version)))
}

impl Object {
    /// Through a guard. `Err` is a violation.
    pub(crate) fn look(&self) -> core::result::Result<Looked, String> {
        each!(self, handle => match handle.read() {
            Ok(guard) => looked(guard.counters(), shmem_core::ReadGuard::version(&guard)),
            Err(error) => Ok(Err(error)),
        })
    }

    /// Copied out, item by item of an array. The version is the one before.
    pub(crate) fn copy(&self) -> core::result::Result<Looked, String> {
        let version = each!(self, handle => handle.version());
        let counters = match self {
            Object::Value(handle) => handle.load().map(|value| value.counters()),
            Object::Counted(handle) => handle.load().map(|value| value.counters()),
            Object::Array(handle) => {
                let items = (0..ITEMS).map(|index| handle.load_at(index));
                let items: Result<Vec<_>> = items.collect();
                items.map(|items| items.counters())
            }
        };
        match counters {
            Ok(counters) => looked(counters, version),
            Err(error) => Ok(Err(error)),
        }
    }

    pub(crate) fn is_array(&self) -> bool {
        matches!(self, Object::Array(_))
    }

    pub(crate) fn version(&self) -> Version {
        each!(self, handle => handle.version())
    }

    pub(crate) fn is_current(&self) -> bool {
        each!(self, handle => handle.is_current())
    }

    pub(crate) fn info(&self) -> Info {
        each!(self, handle => handle.info())
    }

    pub(crate) fn wait(&self, after: Version, timeout: Duration) -> Result<Version> {
        each!(self, handle => handle.wait(after, timeout))
    }

    /// Gives all values that counter; of an array, item by item with the function for that.
    pub(crate) fn store(&self, counter: u64) -> Result<Version> {
        match self {
            Object::Value(handle) => handle.store(Small::new(counter)),
            Object::Counted(_) => self
                .replace(Duration::MAX, counter)
                .map(|(_, version)| version),
            Object::Array(handle) => {
                for index in 1..ITEMS {
                    handle.store_at(index, Small::new(counter))?;
                }
                handle.store_at(0, Small::new(counter))
            }
        }
    }

    /// Changes the first item of an array, and nothing else.
    pub(crate) fn store_first(&self, counter: u64) -> Option<Result<Version>> {
        match self {
            Object::Array(handle) => Some(handle.store_at(0, Small::new(counter))),
            _ => None,
        }
    }

    /// Takes the write lock and lets go.
    pub(crate) fn begin(&self, timeout: Duration) -> Result<Begun> {
        each!(self, handle => {
            let guard = handle.write_timeout(timeout)?;
            let begun = Begun::of(&guard);
            WriteGuard::discard(guard);
            Ok(begun)
        })
    }

    /// Publishes a whole value in the place of the one there.
    pub(crate) fn replace(&self, timeout: Duration, counter: u64) -> Result<(Begun, Version)> {
        each!(self, handle => {
            let mut guard = handle.write_timeout(timeout)?;
            let begun = Begun::of(&guard);
            guard.set_all(counter);
            Ok((begun, WriteGuard::commit(guard)))
        })
    }

    /// Calls `f` while a guard reads it.
    pub(crate) fn while_read<R>(&self, f: impl FnOnce() -> R) -> core::result::Result<R, String> {
        each!(self, handle => {
            let guard = handle.read().map_err(|error| error.to_string())?;
            let before = guard.counters()?;
            let result = f();
            match guard.counters() {
                Ok(after) if after == before => Ok(result),
                after => Err(format!("{before:?} became {after:?} while a guard held it")),
            }
        })
    }

    /// Whether a writer would have to wait.
    pub(crate) fn is_busy(&self) -> bool {
        each!(self, handle => matches!(handle.try_write(), Err(Error::Busy { .. })))
    }
}

/// A handle for reading only, of any kind.
#[derive(Debug)]
pub(crate) enum Reader {
    Value(SharedReader<Small>),
    Counted(SharedReader<Counted>),
    Array(SharedReader<[Small]>),
}

impl Reader {
    /// All of it, of one version.
    pub(crate) fn load(&self) -> core::result::Result<Looked, String> {
        let loaded = match self {
            Reader::Value(reader) => {
                let mut value = Small::new(0);
                let loaded = reader.load_into(&mut value);
                loaded.map(|version| (value.counters(), version))
            }
            Reader::Counted(reader) => {
                let version = reader.version();
                reader.load().map(|value| (value.counters(), version))
            }
            Reader::Array(reader) => {
                let mut items = [Small::new(0); ITEMS];
                let loaded = reader.load_range(0, &mut items);
                loaded.map(|version| (items[..].counters(), version))
            }
        };
        match loaded {
            Ok((counters, version)) => looked(counters, version),
            Err(error) => Ok(Err(error)),
        }
    }

    /// The counter of one item of an array.
    pub(crate) fn load_at(&self, index: usize) -> Option<Result<Small>> {
        match self {
            Reader::Array(reader) => Some(reader.load_at(index)),
            _ => None,
        }
    }
}
