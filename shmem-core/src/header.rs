//! The bytes of an object: drawn here, asserted by the compiler, explained in `docs/format.md`.
//!
//! ```text
//! header │ schema │ name │ additions │ …4096 │ waiters │ …4096 │ control │ rows │ items │ gate │ buffer 0 │ …
//! ```

use std::fs::File;

use zerocopy::{FromBytes as _, IntoBytes as _};

use crate::control::{Control, Elements, MAX_BUFFERS, Row};
use crate::schema::{FNV_OFFSET, fnv1a};
use crate::{Error, Lifetime, Location, os};

/// The first bytes of every object. The control byte and the non-ASCII byte show a text mode transfer.
pub(crate) const MAGIC: [u8; 8] = *b"shmem\x1A\x0A\xA9";
/// Written as a number: another byte order reads it backwards.
const BYTE_ORDER: u64 = 0x0102_0304_0506_0708;
/// Changes with the meaning of any byte.
pub(crate) const FORMAT: u64 = 1;

/// The most handles an object may have: the kernel's lists of locks are linear.
pub(crate) const MAX_HANDLES: u32 = 1024;
/// The largest alignment of a value: a mapping begins at a page.
pub(crate) const MAX_ALIGN: u64 = 4096;
/// Words that different processes write stand this far apart: two cache lines, which some processors fetch
/// in pairs. Buffers are aligned to that, whatever their value is aligned to.
pub(crate) const LINE: u64 = 128;
/// The unit in which the parts of the file are placed: the smallest page.
const PAGE: u64 = 4096;
/// The largest file.
const MAX_FILE: u64 = i64::MAX as u64;
/// The longest stored schema, in bytes.
pub(crate) const MAX_SCHEMA: u64 = 16 << 20;

/// Set in the flags word if the object outlives its last handle.
const KEEP: u64 = 1;
/// Set in the flags word if others may read who cannot ask to be woken: publishers always wake.
const ALWAYS_WAKE: u64 = 2;
/// Set in the flags word of a file that is kept: what was flushed survives a power cut.
const DURABLE: u64 = 4;

/// The header: 32 words of 64 bits in the byte order of the machine.
///
/// | Word | Field | |
/// |-----:|-------|-|
/// | 0 | magic | `b"shmem\x1A\x0A\xA9"` |
/// | 1 | byte order | `0x0102030405060708` |
/// | 2 | format | version of this table: 1 |
/// | 3 | total | size of the file in bytes |
/// | 4 | fingerprint | FNV-1a, 64 bits, of the schema's bytes |
/// | 5 | id | random, told apart from every other object |
/// | 6 | flags | bit 0 `Keep`; bit 1 publishers always wake; bit 2 survives a power cut |
/// | 7 | created | nanoseconds since 1970 |
/// | 8 | handles | rows in the table of participants |
/// | 9 | buffers | 1 to 8; with 1 the value is changed in place |
/// | 10, 11 | size, align | of the value, in bytes; of one that may grow, what is reserved |
/// | 12, 13 | schema | offset, length in bytes |
/// | 14, 15 | name | offset, length in bytes; empty for a file |
/// | 16 | waiters | offset of the waiters' page |
/// | 17 | control | offset of [`Control`] |
/// | 18 | rows | offset of the first [`Row`], each of 128 bytes |
/// | 19 | buffers | offset of the first buffer |
/// | 20 | stride | bytes from one buffer to the next |
/// | 21 | lock mode | permission bits of the lock file; 0: the locks lie in this file |
/// | 22 | lock inode | of the lock file; 0 if none |
/// | 23 | lock base | the byte `MEMBER`; the byte `LIVE[p]` is `base + 1 + p` |
/// | 24, 25 | additions | offset, length in bytes; both 0 if the type may not grow |
/// | 26 | item | size of an item in bytes, if the length was chosen at run time; else 0 |
/// | 27 | gate | what lock lies before the value for programs outside: see `gate.rs`; 0: none |
/// | 28 | gate | its offset, a place of 128 bytes; 0 if there is none |
/// | 29, 30 | reserved | 0 |
/// | 31 | checksum | FNV-1a, 64 bits, of words 0 to 30, the schema and the name |
mod word {
    pub(super) const MAGIC: usize = 0;
    pub(super) const BYTE_ORDER: usize = 1;
    pub(super) const FORMAT: usize = 2;
    pub(super) const TOTAL: usize = 3;
    pub(super) const FINGERPRINT: usize = 4;
    pub(super) const ID: usize = 5;
    pub(super) const FLAGS: usize = 6;
    pub(super) const CREATED: usize = 7;
    pub(super) const HANDLES: usize = 8;
    pub(super) const BUFFERS: usize = 9;
    pub(super) const SIZE: usize = 10;
    pub(super) const ALIGN: usize = 11;
    pub(super) const SCHEMA: usize = 12;
    pub(super) const NAME: usize = 14;
    pub(super) const WAITERS: usize = 16;
    pub(super) const CONTROL: usize = 17;
    pub(super) const ROWS: usize = 18;
    pub(super) const BUFFER_0: usize = 19;
    pub(super) const STRIDE: usize = 20;
    pub(super) const LOCK_MODE: usize = 21;
    pub(super) const LOCK_INODE: usize = 22;
    pub(super) const LOCK_BASE: usize = 23;
    pub(super) const ADDITIONS: usize = 24;
    pub(super) const ITEM: usize = 26;
    pub(super) const GATE: usize = 27;
    pub(super) const CHECKSUM: usize = 31;
    pub(super) const COUNT: usize = 32;
}

/// The header's size in bytes.
pub(crate) const HEADER: u64 = (word::COUNT * 8) as u64;
/// The same, for arrays.
const HEADER_LEN: usize = word::COUNT * 8;

/// What decides the layout of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Of the value, in bytes.
    pub(crate) size: u64,
    /// Of the value, in bytes.
    pub(crate) align: u64,
    pub(crate) buffers: u32,
    pub(crate) handles: u32,
    /// Of an item of an array whose length was chosen at run time, in bytes; 0 of everything else.
    pub(crate) item: u64,
    pub(crate) schema_len: u64,
    pub(crate) name_len: u64,
    /// The room for fields that are added later; 0 if the type may not grow.
    pub(crate) additions_len: u64,
    /// What lock lies before the value for programs outside, as in word 27; 0: none.
    pub(crate) gate: u64,
}

impl Shape {
    /// How far the type may grow, in bytes; 0 if it may not.
    pub(crate) fn reserve(&self) -> u64 {
        if self.additions_len == 0 {
            0
        } else {
            self.size
        }
    }
}

impl Shape {
    /// How many items the array has; 0 if it is none.
    #[inline]
    pub(crate) fn len(&self) -> u64 {
        self.size.checked_div(self.item).unwrap_or(0)
    }
}

/// Where the parts of an object lie: a function of its [`Shape`] and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) shape: Shape,
    pub(crate) schema: u64,
    pub(crate) name: u64,
    /// 0 if there are none.
    pub(crate) additions: u64,
    pub(crate) waiters: u64,
    pub(crate) control: u64,
    pub(crate) rows: u64,
    /// Where single items of an array are changed: [`Elements`], then room for one item.
    pub(crate) elements: u64,
    /// Where the lock for programs outside lies; 0 if there is none.
    pub(crate) gate: u64,
    pub(crate) buffers: u64,
    pub(crate) stride: u64,
    pub(crate) total: u64,
    /// How many buffers may be copied without a lock: all, or none if programs outside change the value.
    pub(crate) copyable: u32,
    /// How many buffers a guard may have once it has pinned one: all, or none if the value is changed in place.
    pub(crate) lent: u32,
}

impl Layout {
    /// `None` if a number is out of range or the object would be larger than a file can be.
    pub(crate) fn of(shape: Shape) -> Option<Layout> {
        let Shape {
            size,
            align,
            buffers,
            handles,
            item,
            schema_len,
            name_len,
            additions_len,
            gate: gate_word,
        } = shape;
        let in_range = align.is_power_of_two()
            && align <= MAX_ALIGN
            && (1..=MAX_BUFFERS).contains(&buffers)
            && (1..=MAX_HANDLES).contains(&handles)
            && schema_len <= MAX_SCHEMA
            && name_len <= PAGE
            && (item == 0 || (size % item == 0 && buffers == 1))
            && (gate_word == 0 || buffers == 1)
            && additions_len <= MAX_SCHEMA
            // Whoever comes later and is aligned to more still fits: see `layout::reserved`.
            && (additions_len == 0 || (align <= LINE && item == 0));
        if !in_range {
            return None;
        }
        let schema = HEADER;
        let name = schema + schema_len;
        let name_end = name + name_len;
        let additions = match additions_len {
            0 => 0,
            _ => name_end.next_multiple_of(8),
        };
        let waiters = name_end.max(additions + additions_len);
        let waiters = waiters.next_multiple_of(PAGE);
        let control = waiters + PAGE;
        let rows = control + size_of::<Control>() as u64;
        let rows_end = rows + u64::from(handles) * size_of::<Row>() as u64;
        let unit = align.max(LINE);
        let elements = rows_end;
        let elements_end = match item {
            0 => rows_end,
            _ => elements + size_of::<Elements>() as u64 + item.checked_next_multiple_of(LINE)?,
        };
        let (gate, gate_end) = match gate_word {
            0 => (0, elements_end),
            _ => (elements_end, elements_end.checked_add(LINE)?),
        };
        let buffers_at = gate_end.checked_next_multiple_of(unit)?;
        let mut stride = size.max(1).checked_next_multiple_of(unit)?;
        if size >= PAGE && unit < PAGE {
            // Copying between places at the same offset within a page is several times slower: the processor
            // takes the loads for loads of what was just stored. So buffers lie 512 bytes apart, modulo a page.
            let skew = 512_u64.next_multiple_of(unit);
            stride = stride.checked_next_multiple_of(PAGE)?.checked_add(skew)?;
        }
        let total = stride
            .checked_mul(buffers.into())?
            .checked_add(buffers_at)
            .filter(|total| *total <= MAX_FILE && usize::try_from(*total).is_ok())?;
        Some(Layout {
            shape,
            schema,
            name,
            additions,
            waiters,
            control,
            rows,
            elements,
            gate,
            buffers: buffers_at,
            stride,
            total,
            copyable: if gate_word == 0 { buffers } else { 0 },
            lent: if buffers > 1 { buffers } else { 0 },
        })
    }
}

/// A header that was checked: every offset lies in the file, and in the place this program expects it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) layout: Layout,
    pub(crate) fingerprint: u64,
    pub(crate) id: u64,
    pub(crate) lifetime: Lifetime,
    pub(crate) always_wake: bool,
    /// Whether it is a file that is kept: see `durable.rs`.
    pub(crate) durable: bool,
    /// Nanoseconds since 1970.
    pub(crate) created: u64,
    pub(crate) lock_mode: u32,
    pub(crate) lock_inode: u64,
    pub(crate) lock_base: u64,
}

/// A header with the two texts that follow it.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) header: Header,
    pub(crate) schema: Vec<u8>,
    pub(crate) name: String,
}

impl Header {
    /// Whether each buffer has a checksum. A value that is changed in place has none.
    #[inline]
    pub(crate) fn is_summed(&self) -> bool {
        self.durable && self.layout.shape.buffers > 1
    }

    /// The bytes of the header, `schema` and `name`, as they stand at the start of the file.
    pub(crate) fn to_bytes(self, schema: &[u8], name: &str) -> Vec<u8> {
        let Layout { shape, .. } = self.layout;
        let mut words = [0; word::COUNT];
        words[word::MAGIC] = u64::from_ne_bytes(MAGIC);
        words[word::BYTE_ORDER] = BYTE_ORDER;
        words[word::FORMAT] = FORMAT;
        words[word::TOTAL] = self.layout.total;
        words[word::FINGERPRINT] = self.fingerprint;
        words[word::ID] = self.id;
        words[word::FLAGS] = [
            (self.lifetime == Lifetime::Keep, KEEP),
            (self.always_wake, ALWAYS_WAKE),
            (self.durable, DURABLE),
        ]
        .into_iter()
        .fold(
            0,
            |flags, (set, flag)| if set { flags | flag } else { flags },
        );
        words[word::CREATED] = self.created;
        words[word::HANDLES] = shape.handles.into();
        words[word::BUFFERS] = shape.buffers.into();
        words[word::SIZE] = shape.size;
        words[word::ALIGN] = shape.align;
        words[word::SCHEMA] = self.layout.schema;
        words[word::SCHEMA + 1] = shape.schema_len;
        words[word::NAME] = self.layout.name;
        words[word::NAME + 1] = shape.name_len;
        words[word::WAITERS] = self.layout.waiters;
        words[word::CONTROL] = self.layout.control;
        words[word::ROWS] = self.layout.rows;
        words[word::BUFFER_0] = self.layout.buffers;
        words[word::STRIDE] = self.layout.stride;
        words[word::LOCK_MODE] = self.lock_mode.into();
        words[word::LOCK_INODE] = self.lock_inode;
        words[word::LOCK_BASE] = self.lock_base;
        words[word::ADDITIONS] = self.layout.additions;
        words[word::ADDITIONS + 1] = shape.additions_len;
        words[word::ITEM] = shape.item;
        words[word::GATE] = shape.gate;
        words[word::GATE + 1] = self.layout.gate;
        words[word::CHECKSUM] = checksum(&words, schema, name.as_bytes());
        let mut bytes = words.as_bytes().to_vec();
        bytes.extend_from_slice(schema);
        bytes.extend_from_slice(name.as_bytes());
        bytes
    }
}

impl Description {
    /// Reads and checks the header of `file`, which is `size` bytes long.
    ///
    /// Each byte is read once, into memory of our own, and only that copy is checked and used.
    pub(crate) fn read(file: &File, size: u64, location: &Location) -> Result<Self, Error> {
        let io = |source| Error::from_io(location, "reading the header", source);
        let not_an_object = |found: String, expected| Error::NotAnObject {
            location: location.clone(),
            found,
            expected,
        };
        if size < HEADER {
            let found = format!("a file of {size} bytes");
            return Err(not_an_object(found, "a header of 256 bytes"));
        }
        let mut bytes = [0; HEADER_LEN];
        os::read_at(file, &mut bytes, 0).map_err(io)?;
        if bytes[..8] != MAGIC {
            let found = format!("`{}` as its first bytes", bytes[..8].escape_ascii());
            return Err(not_an_object(found, "`shmem\\x1a\\n\\xa9`"));
        }
        let Ok(words) = <[u64; word::COUNT]>::read_from_bytes(&bytes) else {
            return Err(not_an_object("a short header".into(), "256 bytes"));
        };
        let unsupported = |found: String, expected: String| Error::UnsupportedFormat {
            location: location.clone(),
            found,
            expected,
        };
        if words[word::BYTE_ORDER] == BYTE_ORDER.swap_bytes() {
            let [theirs, ours] = if cfg!(target_endian = "little") {
                ["big-endian", "little-endian"]
            } else {
                ["little-endian", "big-endian"]
            };
            let expected = format!("{ours} ones: convert it on a machine of its own kind");
            return Err(unsupported(format!("{theirs} numbers"), expected));
        }
        let corrupt = |what, found: String, expected: String| Error::Corrupt {
            location: location.clone(),
            what,
            found,
            expected,
        };
        if words[word::BYTE_ORDER] != BYTE_ORDER {
            let found = format!("{:#x}", words[word::BYTE_ORDER]);
            return Err(corrupt(
                "byte order mark",
                found,
                format!("{BYTE_ORDER:#x}"),
            ));
        }
        if words[word::FORMAT] != FORMAT {
            return Err(unsupported(
                format!("format version {}", words[word::FORMAT]),
                format!("version {FORMAT}: use programs built with the same release"),
            ));
        }
        let narrow = |at: usize| u32::try_from(words[at]).unwrap_or(u32::MAX);
        let shape = Shape {
            size: words[word::SIZE],
            align: words[word::ALIGN],
            buffers: narrow(word::BUFFERS),
            handles: narrow(word::HANDLES),
            item: words[word::ITEM],
            schema_len: words[word::SCHEMA + 1],
            name_len: words[word::NAME + 1],
            additions_len: words[word::ADDITIONS + 1],
            gate: words[word::GATE],
        };
        let Some(layout) = Layout::of(shape) else {
            return Err(corrupt(
                "shape",
                format!("{shape:?}"),
                "numbers within the limits".into(),
            ));
        };
        for (what, at, expected) in [
            ("size in the header", word::TOTAL, layout.total),
            ("schema offset", word::SCHEMA, layout.schema),
            ("name offset", word::NAME, layout.name),
            ("additions offset", word::ADDITIONS, layout.additions),
            ("waiters offset", word::WAITERS, layout.waiters),
            ("control offset", word::CONTROL, layout.control),
            ("rows offset", word::ROWS, layout.rows),
            (
                "offset of the lock before the value",
                word::GATE + 1,
                layout.gate,
            ),
            ("buffers offset", word::BUFFER_0, layout.buffers),
            ("buffer stride", word::STRIDE, layout.stride),
        ] {
            if words[at] != expected {
                return Err(corrupt(what, words[at].to_string(), expected.to_string()));
            }
        }
        if size != layout.total {
            return Err(corrupt(
                "file size",
                size.to_string(),
                layout.total.to_string(),
            ));
        }
        let flags = words[word::FLAGS];
        let known = flags & !(KEEP | ALWAYS_WAKE | DURABLE) == 0;
        if !known || flags & (KEEP | DURABLE) == DURABLE {
            return Err(corrupt(
                "flags word",
                format!("{flags:#x}"),
                "0x0 to 0x3, 0x5 or 0x7".into(),
            ));
        }
        if flags & DURABLE != 0 && shape.buffers == 2 {
            let expected = "1, or at least 3 in a file".into();
            return Err(corrupt("number of buffers", "2".into(), expected));
        }
        let lock_base = words[word::LOCK_BASE];
        if lock_base > MAX_FILE - u64::from(MAX_HANDLES) - 1 {
            return Err(corrupt(
                "lock offset",
                lock_base.to_string(),
                "a file offset".into(),
            ));
        }
        let lock_mode = words[word::LOCK_MODE];
        if lock_mode & !0o666 != 0 || (lock_mode == 0) != (words[word::LOCK_INODE] == 0) {
            let found = format!("{lock_mode:#o} for inode {}", words[word::LOCK_INODE]);
            return Err(corrupt("lock file", found, "both or neither".into()));
        }
        let text = |at: u64, len: u64| {
            let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
            os::read_at(file, &mut bytes, at).map(|()| bytes)
        };
        let schema = text(layout.schema, shape.schema_len).map_err(io)?;
        let name = text(layout.name, shape.name_len).map_err(io)?;
        let sum = checksum(&words, &schema, &name);
        if words[word::CHECKSUM] != sum {
            let found = format!("{:#018x}", words[word::CHECKSUM]);
            return Err(corrupt("header checksum", found, format!("{sum:#018x}")));
        }
        let fingerprint = schema
            .iter()
            .fold(FNV_OFFSET, |hash, byte| fnv1a(hash, *byte));
        if words[word::FINGERPRINT] != fingerprint {
            let found = format!("{:#018x}", words[word::FINGERPRINT]);
            return Err(corrupt(
                "fingerprint",
                found,
                format!("{fingerprint:#018x}"),
            ));
        }
        let Ok(name) = String::from_utf8(name) else {
            return Err(corrupt("name", "not UTF-8".into(), "UTF-8".into()));
        };
        let header = Header {
            layout,
            fingerprint,
            id: words[word::ID],
            lifetime: if flags & KEEP != 0 {
                Lifetime::Keep
            } else {
                Lifetime::WhileOpen
            },
            always_wake: flags & ALWAYS_WAKE != 0,
            durable: flags & DURABLE != 0,
            created: words[word::CREATED],
            lock_mode: narrow(word::LOCK_MODE),
            lock_inode: words[word::LOCK_INODE],
            lock_base,
        };
        Ok(Description {
            header,
            schema,
            name,
        })
    }
}

/// FNV-1a over all but the last word, then the two texts.
fn checksum(words: &[u64; word::COUNT], schema: &[u8], name: &[u8]) -> u64 {
    words[..word::CHECKSUM]
        .as_bytes()
        .iter()
        .chain(schema)
        .chain(name)
        .fold(FNV_OFFSET, |hash, byte| fnv1a(hash, *byte))
}
