//! What a contestant offers.

use std::fmt;

/// The value that is shared: as many words as its size asks for. A writer makes all words equal, so a reader that
/// sees two different ones has seen a torn value.
pub type Value<const W: usize> = [u64; W];

/// Why a contestant did not do what it was asked for.
#[derive(Debug)]
pub enum Failure {
    /// It has nothing of the kind.
    NotOffered,
    /// It tried.
    Failed(Box<str>),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NotOffered => f.write_str("not offered"),
            // One line: it is an answer of the worker's.
            Failure::Failed(why) => f.write_str(&why.replace('\n', " ")),
        }
    }
}

impl<E: std::error::Error> From<E> for Failure {
    #[cold]
    fn from(error: E) -> Self {
        Failure::Failed(error.to_string().into())
    }
}

/// A failure with these words.
#[cold]
pub fn failed(why: impl fmt::Display) -> Failure {
    Failure::Failed(why.to_string().into())
}

/// What a contestant gives back.
pub type Outcome<T> = Result<T, Failure>;

/// Where an object is: a name that is unique to this run. Contestants make their names and paths from it.
#[derive(Clone, Debug)]
pub struct Place(pub String);

impl Place {
    /// The same with a suffix, for contestants that need several names.
    pub fn with(&self, suffix: &str) -> Place {
        Place(format!("{}-{suffix}", self.0))
    }

    /// Which run it belongs to: the conductor's process id, the second part of the name.
    pub fn run(&self) -> &str {
        self.0.split('-').nth(1).unwrap_or("0")
    }

    /// A folder for contestants that keep more files than those in shared memory, or an own prefix for their names.
    pub fn folder(&self) -> String {
        format!("/tmp/bench_iox2_{}", self.run())
    }

    /// A path in shared memory.
    pub fn path(&self) -> String {
        format!("/dev/shm/{}", self.0)
    }
}

/// What kind of contestant it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// This library.
    Ours,
    /// Another way to share state between processes.
    Peer,
    /// It cannot leave its process.
    InProcess,
    /// What the machine takes at least, written by hand.
    Limit,
}

/// A handle of one object of `W` words. What is not overridden is not offered, or made from what is.
pub trait Peer<const W: usize>: Sized {
    /// What takes part in `time`; a limit takes part in what it is the limit of.
    const OPERATIONS: &[&str] = &["read-field", "copy", "write-field", "write-all", "poll"];

    /// Creates an object of which all words are 0.
    fn create(place: &Place) -> Outcome<Self>;

    /// Opens it, in another process.
    fn open(_: &Place) -> Outcome<Self> {
        Err(Failure::NotOffered)
    }

    /// Borrows the value where it is.
    fn view<R>(&mut self, _: impl FnOnce(&Value<W>) -> R) -> Outcome<R> {
        Err(Failure::NotOffered)
    }

    /// Changes the value where it is, exclusively, and publishes it.
    fn change<R>(&mut self, _: impl FnOnce(&mut Value<W>) -> R) -> Outcome<R> {
        Err(Failure::NotOffered)
    }

    /// The first word of a consistent value.
    #[inline]
    fn read_field(&mut self) -> Outcome<u64> {
        self.view(|value| value[0])
    }

    /// A consistent copy of the whole value.
    #[inline]
    fn copy(&mut self, out: &mut Value<W>) -> Outcome<()> {
        self.view(|value| *out = *value)
    }

    /// Changes the first word and leaves the others.
    #[inline]
    fn write_field(&mut self, word: u64) -> Outcome<()> {
        self.change(|value| value[0] = word)
    }

    /// Replaces the whole value.
    #[inline]
    fn write_all(&mut self, new: &Value<W>) -> Outcome<()> {
        self.change(|value| *value = *new)
    }

    /// The first word, in the way that a reader would take who looks again and again for something new.
    #[inline]
    fn poll(&mut self) -> Outcome<u64> {
        self.read_field()
    }

    /// Sleeps until the first word is another than `seen`.
    fn wait(&mut self, _seen: u64) -> Outcome<u64> {
        Err(Failure::NotOffered)
    }

    /// Changes the first word and wakes who sleeps in `wait`.
    fn announce(&mut self, word: u64) -> Outcome<()> {
        self.write_field(word)
    }

    /// Stops in the middle of a write: half of the words are changed, and `stop` does not come back.
    fn stop_writing(&mut self, stop: impl FnOnce()) -> Outcome<()> {
        self.change(|value| {
            value[..W / 2].fill(u64::MAX);
            stop();
        })
    }

    /// Stops while the value is borrowed; `stop` does not come back.
    fn stop_reading(&mut self, stop: impl FnOnce()) -> Outcome<()> {
        self.view(|_| stop())
    }
}
