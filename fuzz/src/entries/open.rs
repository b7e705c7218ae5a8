//! Bytes in the place of an object.

use std::cell::RefCell;
use std::collections::HashMap;
use std::env;
use std::fmt::Debug;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::OnceLock;

use shmem_core::{Lifetime, Location, Options, Shared};
use tests::raw::{HEADER, ROW, Raw, fnv1a, word};

use super::Everything;
use target::Target;

mod target;

/// What the first byte of the input says; 1 in the lowest bits: the rest is changes to an object that is valid.
mod how {
    /// The rest is the file.
    pub(super) const RAW: u8 = 0;
    /// The rest is a schema and numbers for an object that is made to fit them, then changes to that.
    pub(super) const FORGED: u8 = 2;
    /// The rest is changes to an object while a handle has it open.
    pub(super) const IN_USE: u8 = 3;
    /// The value is not a `u64` but an `Everything`.
    pub(super) const EVERYTHING: u8 = 4;
    /// The object has a name, not a path.
    pub(super) const NAMED: u8 = 8;
    /// The checksum is made right at the end.
    pub(super) const SEALED: u8 = 16;
    /// The fingerprint too, before it.
    pub(super) const FINGERPRINT: u8 = 32;
    /// The object lives while it is open.
    pub(super) const WHILE_OPEN: u8 = 64;
    /// The file is as long as its header says; or the object is used after each change.
    pub(super) const AS_LONG: u8 = 128;
}

const NAME: &str = "fuzzed";

/// The longest file that is made.
const LONGEST: u64 = 1 << 20;

/// Makes a file of the bytes, and calls on it whatever can be called. Says what opening it found.
pub(crate) fn open(data: &[u8]) -> String {
    let mut input = Input(data);
    let how = input.byte();
    if how & how::EVERYTHING == 0 {
        run(how, input, 5_u64)
    } else {
        run(how, input, Everything::sample())
    }
}

/// The one directory of named objects under `SHMEM_DIR`.
pub(crate) fn home() -> PathBuf {
    static HOME: OnceLock<PathBuf> = OnceLock::new();
    let home = HOME.get_or_init(|| {
        drop(u8::open_or_create("to-make-the-directory", 0).expect("a named object"));
        let parent = parent();
        let entries = fs::read_dir(&parent).expect("a directory");
        let mut paths = entries.map(|entry| entry.expect("an entry").path());
        let home = paths.find(|path| path.join(".").is_dir());
        home.expect("the user's directory")
    });
    home.clone()
}

fn parent() -> PathBuf {
    let dir = env::var_os("SHMEM_DIR");
    dir.expect("a directory of its own in SHMEM_DIR").into()
}

fn run<T: Shared + Copy + Debug>(how: u8, mut input: Input<'_>, value: T) -> String {
    let (location, path) = if how & how::NAMED == 0 {
        let path = parent().join(NAME);
        (Location::try_from(path.as_path()), path)
    } else {
        (Location::try_from(NAME), home().join(NAME))
    };
    let location = location.expect("a location");
    drop(fs::remove_file(&path));
    let mut options = T::options().max_handles(3).buffers(2);
    options = options.lifetime(if how & how::WHILE_OPEN == 0 {
        Lifetime::Keep
    } else {
        Lifetime::WhileOpen
    });
    let target = Target {
        location: &location,
        path: &path,
        value,
        sparse: how & how::AS_LONG != 0,
    };
    let template = || template(how, &target, &options);
    let raw = match how & 3 {
        how::IN_USE => {
            target.in_use(how, &options, input);
            return String::new();
        }
        how::RAW => {
            let mut raw = Raw(input.0.to_vec());
            raw.seal_as(how);
            raw
        }
        kind => {
            let honest = template();
            let mut raw = match kind {
                how::FORGED => forge(&honest, &mut input),
                _ => honest.clone(),
            };
            change(&mut raw, &honest, input);
            raw.seal_as(how);
            raw
        }
    };
    raw.write(&path);
    if target.sparse && raw.0.len() >= HEADER {
        let len = raw.word(word::TOTAL).min(1 << 46);
        let file = File::options().write(true).open(&path).expect("a file");
        file.set_len(len).expect("a sparse file");
    }
    let said = target.found();
    drop(fs::remove_file(&path));
    said
}

/// The bytes of a valid object.
fn template<T: Shared + Copy>(how: u8, target: &Target<'_, T>, options: &Options<T>) -> Raw {
    thread_local!(static MADE: RefCell<HashMap<u8, Raw>> = RefCell::default());
    let kind = how & (how::EVERYTHING | how::NAMED | how::WHILE_OPEN);
    MADE.with_borrow_mut(|made| {
        let raw = made.entry(kind).or_insert_with(|| {
            let object = options.create(target.location, target.value);
            let object = object.expect("an object");
            let raw = Raw::read(target.path);
            drop(object);
            drop(fs::remove_file(target.path));
            raw
        });
        raw.clone()
    })
}

/// An object that fits its own numbers, whatever they are.
fn forge(honest: &Raw, input: &mut Input<'_>) -> Raw {
    let choice = input.byte();
    let mut parts = honest.parts();
    // Most are to be opened, and what is forged has no sums.
    parts.flags &= 3;
    let len = usize::from(input.byte()) | usize::from(input.byte()) << 8;
    let text = input.take(len);
    if choice & 1 != 0 {
        parts.schema = text;
    }
    if choice & 2 != 0 {
        parts.name = input.take(8);
    }
    if choice & 4 != 0 {
        parts.size = u64::from(input.byte()) | u64::from(input.byte()) << 8;
    }
    if choice & 8 != 0 {
        // So large that it is a file of holes.
        parts.size = 1 << (26 + input.byte() % 20);
    }
    if choice & 16 != 0 {
        parts.align = 1 << (input.byte() % 14);
    }
    if choice & 32 != 0 {
        parts.handles = u64::from(input.byte()) * 5;
    }
    if choice & 64 != 0 {
        parts.buffers = u64::from(input.byte()) % 10;
    }
    if choice & 128 != 0 {
        parts.flags = u64::from(input.byte()) % 9;
    }
    Raw::forge(&parts)
}

/// Changes of eight bytes, each of ten bytes of input: which part, which word of it, and what.
fn change(raw: &mut Raw, honest: &Raw, mut input: Input<'_>) {
    while let Some(change) = Change::next(&mut input) {
        match change.part {
            6 => {
                let len = change.value % LONGEST;
                raw.0.resize(usize::try_from(len).unwrap_or(0), 0);
            }
            7 if 8 * change.index + 8 <= raw.0.len() => {
                let index = change.index % (HEADER / 8);
                let sum = raw.at(8 * index).wrapping_add(change.value);
                raw.set(8 * index, sum);
            }
            _ => {
                let at = change.offset(honest);
                if at + 8 <= raw.0.len() {
                    raw.set(at, change.value);
                }
            }
        }
    }
}

struct Change {
    part: u8,
    index: usize,
    value: u64,
}

impl Change {
    fn next(input: &mut Input<'_>) -> Option<Self> {
        let change = Change {
            part: input.0.first()? & 7,
            index: input.0.get(1).copied()?.into(),
            value: {
                let mut bytes = [0; 8];
                for (to, from) in bytes.iter_mut().zip(&input.0[2..]) {
                    *to = *from;
                }
                u64::from_le_bytes(bytes)
            },
        };
        input.take(10);
        Some(change)
    }

    /// Where it lies in an object like `honest`.
    fn offset(&self, honest: &Raw) -> usize {
        let (start, words) = match self.part {
            0 | 7 => (0, HEADER / 8),
            1 => (HEADER, 256),
            2 => (honest.offset(word::WAITERS), 2),
            3 => (honest.offset(word::CONTROL), 64),
            4 => (honest.offset(word::ROWS), 3 * ROW / 8),
            _ => (honest.offset(word::BUFFER_0), 256),
        };
        start + 8 * (self.index % words)
    }
}

trait Seal {
    fn seal_as(&mut self, how: u8);
}

impl Seal for Raw {
    fn seal_as(&mut self, how: u8) {
        if self.0.len() < HEADER {
            return;
        }
        if how & how::FINGERPRINT != 0 {
            let start = usize::try_from(self.word(word::SCHEMA)).unwrap_or(usize::MAX);
            let len = usize::try_from(self.word(word::SCHEMA_LEN)).unwrap_or(usize::MAX);
            let text = self.0.get(start..start.saturating_add(len));
            let fingerprint = fnv1a(&[text.unwrap_or_default()]);
            self.set_word(word::FINGERPRINT, fingerprint);
        }
        if how & (how::FINGERPRINT | how::SEALED) != 0 {
            self.seal_checksum();
        }
    }
}

/// The bytes that are left; zeros behind their end.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
