//! The bytes of an object, read and forged by hand.
//!
//! Written from the table in `shmem-core/src/header.rs` and sharing no code with it: what the two disagree
//! about fails a test.

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// The words of the header, by number.
pub mod word {
    #![expect(missing_docs, reason = "named as in the table of `header.rs`")]
    pub const MAGIC: usize = 0;
    pub const BYTE_ORDER: usize = 1;
    pub const FORMAT: usize = 2;
    pub const TOTAL: usize = 3;
    pub const FINGERPRINT: usize = 4;
    pub const ID: usize = 5;
    pub const FLAGS: usize = 6;
    pub const CREATED: usize = 7;
    pub const HANDLES: usize = 8;
    pub const BUFFERS: usize = 9;
    pub const SIZE: usize = 10;
    pub const ALIGN: usize = 11;
    pub const SCHEMA: usize = 12;
    pub const SCHEMA_LEN: usize = 13;
    pub const NAME: usize = 14;
    pub const NAME_LEN: usize = 15;
    pub const WAITERS: usize = 16;
    pub const CONTROL: usize = 17;
    pub const ROWS: usize = 18;
    pub const BUFFER_0: usize = 19;
    pub const STRIDE: usize = 20;
    pub const LOCK_MODE: usize = 21;
    pub const LOCK_INODE: usize = 22;
    pub const LOCK_BASE: usize = 23;
    pub const ADDITIONS: usize = 24;
    pub const ADDITIONS_LEN: usize = 25;
    pub const ITEM: usize = 26;
    pub const GATE: usize = 27;
    pub const GATE_OFFSET: usize = 28;
    pub const RESERVED: usize = 29;
    pub const CHECKSUM: usize = 31;
}

/// Where words lie within the control part, in bytes.
pub mod control {
    #![expect(missing_docs, reason = "named as in `header.rs`")]
    pub const CURRENT: usize = 0;
    pub const PUBLISHED_AT: usize = 8;
    pub const PUBLISHER: usize = 16;
    pub const STAMPS: usize = 64;
    pub const WRITER: usize = 128;
    pub const WRITING: usize = 136;
    pub const FLUSHED: usize = 24;
    pub const HIGH_WATER: usize = 256;
    pub const BOOT: usize = 264;
    pub const SUMS: usize = 384;
    pub const LEN: usize = 512;
}

/// The bytes of a row of the table.
pub const ROW: usize = 128;
/// The bytes of the header.
pub const HEADER: usize = 256;
const PAGE: usize = 4096;

/// What the header says of an object that is forged.
#[derive(Clone, Debug)]
pub struct Forged<'a> {
    /// The text of the schema.
    pub schema: &'a [u8],
    /// The stored name.
    pub name: &'a [u8],
    /// Of the value, in bytes.
    pub size: u64,
    /// Of the value, in bytes.
    pub align: u64,
    /// Rows of the table.
    pub handles: u64,
    /// Copies of the value.
    pub buffers: u64,
    /// Bit 0: `Keep`.
    pub flags: u64,
}

/// The bytes of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw(pub Vec<u8>);

impl Raw {
    /// Reads an object's file.
    pub fn read(path: &Path) -> Self {
        Raw(fs::read(path).unwrap())
    }

    /// Puts the bytes there as a file of its own, in the place of whatever is there.
    pub fn write(&self, path: &Path) {
        drop(fs::remove_file(path));
        fs::write(path, &self.0).unwrap();
        let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(path, owner_only).unwrap();
    }

    /// An object with one zeroed version, complete and consistent as far as these parts are.
    pub fn forge(parts: &Forged<'_>) -> Self {
        let mut raw = Raw(vec![0; HEADER]);
        raw.set_word(word::MAGIC, u64::from_ne_bytes(*b"shmem\x1A\x0A\xA9"));
        raw.set_word(word::BYTE_ORDER, 0x0102_0304_0506_0708);
        raw.set_word(word::FORMAT, 1);
        raw.set_word(word::FLAGS, parts.flags);
        raw.set_word(word::HANDLES, parts.handles);
        raw.set_word(word::BUFFERS, parts.buffers);
        raw.set_word(word::SIZE, parts.size);
        raw.set_word(word::ALIGN, parts.align);
        raw.set_word(word::LOCK_BASE, 1 << 62);
        let unit = parts.align.max(128);
        let name = HEADER + parts.schema.len();
        let waiters = (name + parts.name.len()).next_multiple_of(PAGE);
        let control = waiters + PAGE;
        let rows = control + control::LEN;
        let rows_end = rows as u64 + parts.handles * ROW as u64;
        let mut stride = parts.size.max(1).next_multiple_of(unit);
        if parts.size >= PAGE as u64 && unit < PAGE as u64 {
            stride = stride.next_multiple_of(PAGE as u64) + 512_u64.next_multiple_of(unit);
        }
        let buffers = rows_end.next_multiple_of(unit);
        for (index, value) in [
            (word::SCHEMA, HEADER as u64),
            (word::SCHEMA_LEN, parts.schema.len() as u64),
            (word::NAME, name as u64),
            (word::NAME_LEN, parts.name.len() as u64),
            (word::WAITERS, waiters as u64),
            (word::CONTROL, control as u64),
            (word::ROWS, rows as u64),
            (word::BUFFER_0, buffers),
            (word::STRIDE, stride),
            (word::TOTAL, buffers + stride * parts.buffers),
        ] {
            raw.set_word(index, value);
        }
        raw.0.extend_from_slice(parts.schema);
        raw.0.extend_from_slice(parts.name);
        raw.0.resize(control, 0);
        // Version 1 in buffer 0.
        raw.0.extend_from_slice(&(1_u64 << 8).to_ne_bytes());
        raw.0.resize(control + control::STAMPS, 0);
        raw.0.extend_from_slice(&1_u64.to_ne_bytes());
        let total = usize::try_from(raw.word(word::TOTAL)).unwrap();
        // A larger one is made a sparse file by the test.
        if total < 64 << 20 {
            raw.0.resize(total, 0);
        }
        raw.seal();
        raw
    }

    /// The parts from which [`forge`](Self::forge) would make an object like this one.
    pub fn parts(&self) -> Forged<'_> {
        Forged {
            schema: &self.0[self.schema()],
            name: &self.0[self.name()],
            size: self.word(word::SIZE),
            align: self.word(word::ALIGN),
            handles: self.word(word::HANDLES),
            buffers: self.word(word::BUFFERS),
            flags: self.word(word::FLAGS),
        }
    }

    /// A word of the header.
    pub fn word(&self, index: usize) -> u64 {
        self.at(8 * index)
    }

    /// Changes a word of the header.
    pub fn set_word(&mut self, index: usize, value: u64) {
        self.set(8 * index, value);
    }

    /// Eight bytes as a number.
    pub fn at(&self, offset: usize) -> u64 {
        u64::from_ne_bytes(self.0[offset..][..8].try_into().unwrap())
    }

    /// Changes eight bytes.
    pub fn set(&mut self, offset: usize, value: u64) {
        self.0[offset..][..8].copy_from_slice(&value.to_ne_bytes());
    }

    fn text(&self, offset: usize, len: usize) -> Range<usize> {
        let start = self.offset(offset);
        start..start + self.offset(len)
    }

    /// An offset that the header says.
    pub fn offset(&self, index: usize) -> usize {
        usize::try_from(self.word(index)).unwrap()
    }

    /// Where the schema lies.
    pub fn schema(&self) -> Range<usize> {
        self.text(word::SCHEMA, word::SCHEMA_LEN)
    }

    /// Where the name lies.
    pub fn name(&self) -> Range<usize> {
        self.text(word::NAME, word::NAME_LEN)
    }

    /// The current version.
    pub fn version(&self) -> u64 {
        self.at(self.offset(word::CONTROL)) >> 8
    }

    /// Where the current value lies.
    pub fn value(&self) -> Range<usize> {
        let current = self.at(self.offset(word::CONTROL));
        let buffer = usize::try_from(current & 7).unwrap();
        let start = self.offset(word::BUFFER_0) + buffer * self.offset(word::STRIDE);
        start..start + self.offset(word::SIZE)
    }

    /// Makes the fingerprint that of the schema, then the checksum.
    pub fn seal(&mut self) {
        let fingerprint = fnv1a(&[&self.0[self.schema()]]);
        self.set_word(word::FINGERPRINT, fingerprint);
        self.seal_checksum();
    }

    /// Makes the checksum right, if the texts that it covers are there at all.
    pub fn seal_checksum(&mut self) {
        let text = |offset: usize, len: usize| {
            let start = usize::try_from(self.word(offset)).ok()?;
            let end = start.checked_add(usize::try_from(self.word(len)).ok()?)?;
            self.0.get(start..end)
        };
        let schema = text(word::SCHEMA, word::SCHEMA_LEN).unwrap_or_default();
        let name = text(word::NAME, word::NAME_LEN).unwrap_or_default();
        let sum = fnv1a(&[&self.0[..8 * word::CHECKSUM], schema, name]);
        self.set_word(word::CHECKSUM, sum);
    }
}

/// Writes into an object that others may have open.
pub fn scribble(path: &Path, offset: usize, bytes: &[u8]) {
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(bytes, offset as u64).unwrap();
}

/// What a look at a path finds, so that a change shows.
#[derive(Debug, PartialEq)]
pub struct Look {
    inode: u64,
    mode: u32,
    size: u64,
    modified: (i64, i64),
    content: Option<Vec<u8>>,
    leads_to: Option<PathBuf>,
}

/// Looks, without following a link.
pub fn look(path: &Path) -> Look {
    let data = fs::symlink_metadata(path).unwrap();
    Look {
        inode: data.ino(),
        mode: data.mode(),
        size: data.size(),
        modified: (data.mtime(), data.mtime_nsec()),
        content: data.is_file().then(|| fs::read(path).unwrap()),
        leads_to: fs::read_link(path).ok(),
    }
}

/// The permissions of each part of `path` that this process maps, such as `r--s`, in the order of addresses.
pub fn maps_of(path: &Path) -> Vec<String> {
    let path = path.to_str().unwrap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let lines = maps.lines().filter(|line| line.ends_with(path));
    lines
        .map(|line| line.split(' ').nth(1).unwrap_or("").to_owned())
        .collect()
}

/// FNV-1a, 64 bits (RFC 9923).
pub fn fnv1a(texts: &[&[u8]]) -> u64 {
    let bytes = texts.iter().copied().flatten();
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
