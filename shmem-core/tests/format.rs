//! The bytes that `docs/format.md` draws: a reader made from that page alone, and an object of each format
//! version that was released, which every later release must open.
//!
//! The reader asks the library for nothing. It reads by system calls and not through a mapping, so it is for
//! objects that nobody writes just then.
#![cfg(all(target_os = "linux", feature = "derive"))]

use core::num::NonZeroU16;
use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use shmem_core::{
    FixedOption, FixedStr, FixedVec, Lifetime, ReadGuard, Shared, SharedObject, StoredSchema,
    Version, WriteGuard,
};

#[derive(Shared, Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
enum Gear {
    Neutral = 0,
    First = 1,
    Reverse = 255,
}

/// The example of the page.
#[derive(Shared, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Engine {
    tick: u64,
    rpm: f32,
    gear: Gear,
    armed: bool,
    port: Option<NonZeroU16>,
    driver: FixedStr<8>,
    load: [u16; 2],
    pit: FixedOption<u32>,
    laps: FixedVec<u32, 3>,
}

fn engine() -> Engine {
    Engine {
        tick: 7,
        rpm: 880.5,
        gear: Gear::Reverse,
        armed: true,
        port: NonZeroU16::new(8080),
        driver: FixedStr::literal("Zoë"),
        load: [258, 3],
        pit: FixedOption::some(41),
        laps: FixedVec::from([61, 59]),
    }
}

const ENGINE: &str = "tick: 7, rpm: 880.5, gear: Reverse, armed: true, port: 8080, driver: \"Zoë\", \
                      load: [258, 3], pit: Some(41), laps: [61, 59]";

/// An object of 8,960 bytes that a program of release 0.1 left: `engine()` under version 3, after two writes.
const SAMPLE: &str = "tests/data/format-1.shm";

// ---- the page, in code --------------------------------------------------------------------------------

/// "Read the header once into memory of your own."
struct Object {
    file: File,
    words: [u64; 32],
    schema: String,
    name: String,
}

/// One line of the schema, split into its columns.
struct Part {
    depth: usize,
    kind: String,
    offset: usize,
    size: usize,
    name: String,
    extra: String,
    children: Vec<Part>,
}

fn up(x: u64, n: u64) -> u64 {
    x.div_ceil(n) * n
}

fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl Object {
    fn open(path: &Path) -> Self {
        let file = File::open(path).unwrap();
        let mut words = [0; 32];
        for (i, word) in words.iter_mut().enumerate() {
            *word = read_word(&file, 8 * i as u64);
        }
        let text = |at: u64, len: u64| {
            let mut bytes = vec![0; usize::try_from(len).unwrap()];
            file.read_exact_at(&mut bytes, at).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        let (schema, name) = (text(words[12], words[13]), text(words[14], words[15]));
        let object = Object {
            file,
            words,
            schema,
            name,
        };
        object.check();
        object
    }

    fn check(&self) {
        let w = &self.words;
        assert_eq!(&w[0].to_ne_bytes(), b"shmem\x1A\x0A\xA9");
        assert_eq!(w[1], 0x0102_0304_0506_0708);
        assert_eq!(w[2], 1);
        assert!(w[6] < 4 && (1..=1024).contains(&w[8]) && (2..=8).contains(&w[9]));
        assert!(w[11].is_power_of_two() && w[11] <= 4096);

        let (size, align) = (w[10], w[11]);
        let unit = align.max(128);
        let waiters = up(256 + w[13] + w[15], 4096);
        let control = waiters + 4096;
        let rows = control + 384;
        let buffers = up(rows + 128 * w[8], unit);
        let mut stride = up(size.max(1), unit);
        if size >= 4096 && unit < 4096 {
            stride = up(stride, 4096) + up(512, unit);
        }
        assert_eq!([w[12], w[14]], [256, 256 + w[13]]);
        assert_eq!(w[16..=20], [waiters, control, rows, buffers, stride]);
        assert_eq!(w[3], buffers + stride * w[9]);
        assert_eq!(w[3], self.file.metadata().unwrap().len());
        assert_eq!(w[21] == 0, w[22] == 0);
        assert_eq!(w[24..31], [0; 7]);

        let header = w[..31].iter().flat_map(|word| word.to_ne_bytes());
        assert_eq!(
            w[31],
            fnv1a(header.chain(self.schema.bytes()).chain(self.name.bytes()))
        );
        assert_eq!(w[4], fnv1a(self.schema.bytes()));
    }

    /// A control word, by its place on the page.
    fn control(&self, at: u64) -> u64 {
        read_word(&self.file, self.words[17] + at)
    }

    /// A row's word of 4 bytes, likewise.
    fn row(&self, row: u64, at: u64) -> u32 {
        read_u32(&self.file, self.words[18] + 128 * row + at)
    }

    fn waiters(&self) -> u32 {
        read_u32(&self.file, self.words[16])
    }

    /// The page's `load`.
    fn load(&self) -> (u64, Vec<u8>) {
        for _ in 0..10_000 {
            let current = self.control(0);
            let (buffer, seen) = (current & 7, current >> 8);
            assert!(buffer < self.words[9]);
            let mut out = vec![0; usize::try_from(self.words[10]).unwrap()];
            let from = self.words[19] + buffer * self.words[20];
            self.file.read_exact_at(&mut out, from).unwrap();
            if self.control(64 + 8 * buffer) == seen {
                return (seen, out);
            }
        }
        panic!("writers were faster");
    }

    /// Version and fields of the current value, by the stored schema and nothing else.
    fn print(&self) -> (u64, String) {
        let (version, bytes) = self.load();
        let lines: Vec<_> = self.schema.lines().collect();
        let (part, rest) = Part::parse(&lines);
        assert_eq!((rest.len(), part.depth, part.size), (0, 0, bytes.len()));
        (version, part.print(&bytes))
    }
}

fn read_word(file: &File, at: u64) -> u64 {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, at).unwrap();
    u64::from_ne_bytes(bytes)
}

fn read_u32(file: &File, at: u64) -> u32 {
    let mut bytes = [0; 4];
    file.read_exact_at(&mut bytes, at).unwrap();
    u32::from_ne_bytes(bytes)
}

impl Part {
    fn parse<'a>(lines: &'a [&'a str]) -> (Part, &'a [&'a str]) {
        let (line, mut rest) = lines.split_first().unwrap();
        let [depth, kind, offset, size, name, _type, _version, extra] =
            line.split('\t').collect::<Vec<_>>()[..].try_into().unwrap();
        let mut part = Part {
            depth: depth.parse().unwrap(),
            kind: kind.into(),
            offset: offset.parse().unwrap(),
            size: size.parse().unwrap(),
            name: name.into(),
            extra: extra.into(),
            children: Vec::new(),
        };
        let inside = (part.depth + 1).to_string();
        while rest
            .first()
            .is_some_and(|line| line.split('\t').next() == Some(inside.as_str()))
        {
            let (child, after) = Part::parse(rest);
            part.children.push(child);
            rest = after;
        }
        (part, rest)
    }

    /// `whole` begins where the part around this one begins.
    fn print(&self, whole: &[u8]) -> String {
        let bytes = &whole[self.offset..][..self.size];
        match self.kind.as_str() {
            "uint" => uint(bytes).to_string(),
            "int" => int(bytes).to_string(),
            "float" if self.size == 4 => f32::from_ne_bytes(bytes.try_into().unwrap()).to_string(),
            "float" => f64::from_ne_bytes(bytes.try_into().unwrap()).to_string(),
            "bool" => ["false", "true"][index(uint(bytes))].into(),
            "char" => char::from_u32(u32::try_from(uint(bytes)).unwrap())
                .unwrap()
                .to_string(),
            "nonzero-uint" | "nonzero-int" | "maybe-uint" | "maybe-int" => {
                let signed = self.kind.ends_with("-int");
                match uint(bytes) {
                    0 if self.kind.starts_with("maybe") => "None".into(),
                    0 => panic!("a zero where none may be"),
                    _ if signed => int(bytes).to_string(),
                    value => value.to_string(),
                }
            }
            "enum" => {
                let signed = self.extra.starts_with('i');
                let found = if signed {
                    int(bytes).to_string()
                } else {
                    uint(bytes).to_string()
                };
                let variant = self.children.iter().find(|variant| variant.extra == found);
                variant.unwrap().name.clone()
            }
            "struct" => {
                let fields = self.children.iter();
                let fields: Vec<_> = fields
                    .map(|field| format!("{}: {}", field.name, field.print(bytes)))
                    .collect();
                fields.join(", ")
            }
            "array" => self.items(bytes, self.extra.parse().unwrap()),
            "str" => {
                let len = index(uint(&bytes[..4]));
                let text = &bytes[4..][..len];
                format!("{:?}", core::str::from_utf8(text).unwrap())
            }
            "vec" => {
                let len = index(uint(&bytes[..8]));
                assert!(len <= self.extra.parse().unwrap());
                self.items(bytes, len)
            }
            "option" => match uint(&bytes[..8]) {
                0 => "None".into(),
                1 => format!("Some({})", self.children[0].print(bytes)),
                _ => panic!("a tag that is neither 0 nor 1"),
            },
            kind => panic!("the page has no kind `{kind}`"),
        }
    }

    fn items(&self, bytes: &[u8], len: usize) -> String {
        let item = &self.children[0];
        let mut text = String::new();
        for i in 0..len {
            let comma = if i > 0 { ", " } else { "" };
            write!(text, "{comma}{}", item.print(&bytes[i * item.size..])).unwrap();
        }
        format!("[{text}]")
    }
}

fn uint(bytes: &[u8]) -> u128 {
    let mut wide = [0; 16];
    let at = if cfg!(target_endian = "big") {
        16 - bytes.len()
    } else {
        0
    };
    wide[at..][..bytes.len()].copy_from_slice(bytes);
    u128::from_ne_bytes(wide)
}

fn int(bytes: &[u8]) -> i128 {
    let unused = 128 - 8 * bytes.len();
    i128::from_ne_bytes((uint(bytes) << unused).to_ne_bytes()) >> unused
}

fn index(value: u128) -> usize {
    usize::try_from(value).unwrap()
}

/// The directory of this user's named objects.
fn directory() -> PathBuf {
    let parent = std::env::var_os("SHMEM_DIR").filter(|dir| !dir.is_empty());
    let parent = PathBuf::from(parent.unwrap_or("/dev/shm".into()));
    let uid = fs::metadata("/proc/self").unwrap().uid();
    let ours = |path: &PathBuf| {
        fs::symlink_metadata(path)
            .is_ok_and(|info| info.is_dir() && info.uid() == uid && info.mode() & 0o022 == 0)
    };
    let numbered = (1..=9).map(|k| parent.join(format!("shmem-{uid}-{k}")));
    let first = parent.join(format!("shmem-{uid}"));
    std::iter::once(first).chain(numbered).find(ours).unwrap()
}

/// The name of a named object's file.
fn encode(name: &str) -> String {
    let mut file = String::new();
    for (i, byte) in name.bytes().enumerate() {
        match byte {
            b'-' | b'_' => file.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => file.push(byte.into()),
            b'.' if i > 0 => file.push('.'),
            _ => write!(file, "%{byte:02X}").unwrap(),
        }
    }
    if file.len() > 200 {
        let start = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
        let hash = name.bytes().fold(start, |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b)
        });
        file.truncate(167);
        write!(file, "~{hash:032x}").unwrap();
    }
    file
}

// ---- what the library writes --------------------------------------------------------------------------

/// A name that no other test and no other run has.
fn unique(test: &str) -> String {
    format!("shmem test/format {test} {}", std::process::id())
}

fn create(name: &str) -> (SharedObject<Engine>, Object) {
    let options = Engine::options().max_handles(3).buffers(4);
    let shared = options.create(name, engine()).unwrap();
    (shared, Object::open(&directory().join(encode(name))))
}

#[test]
fn the_page_shows_the_schema_that_is_stored() {
    let page = include_str!("../../docs/format.md");
    let (_, rest) = page.split_once("```schema\n").unwrap();
    let (shown, rest) = rest.split_once("```").unwrap();
    let stored = String::from_utf8(Engine::SCHEMA.stored_form()).unwrap();
    assert_eq!(shown.replace('→', "\t"), stored);
    let fingerprint = format!("Its fingerprint is `{:#018x}`", Engine::FINGERPRINT);
    assert!(rest.contains(&fingerprint), "{fingerprint}");
}

#[test]
fn a_reader_from_the_page_prints_a_value_it_never_saw() {
    let name = unique("print");
    let (shared, object) = create(&name);
    assert_eq!(object.name, name);
    assert_eq!(object.words[6], 0);
    assert_eq!((object.words[8], object.words[9]), (3, 4));
    assert_eq!((object.words[10], object.words[11]), (64, 8));
    assert_eq!(
        (object.words[21], object.words[22], object.words[23]),
        (0, 0, 1 << 62)
    );
    assert_eq!(object.print(), (1, ENGINE.to_owned()));

    let empty = Engine {
        gear: Gear::Neutral,
        armed: false,
        port: None,
        driver: FixedStr::new(),
        pit: FixedOption::none(),
        laps: FixedVec::new(),
        ..engine()
    };
    shared.store(empty).unwrap();
    let text = "tick: 7, rpm: 880.5, gear: Neutral, armed: false, port: None, driver: \"\", \
                load: [258, 3], pit: None, laps: []";
    assert_eq!(object.print(), (2, text.to_owned()));
}

#[test]
fn every_kind_reads_as_the_page_says() {
    use core::num::{NonZeroI8, NonZeroI64, NonZeroU32};

    #[derive(Shared, Clone, Copy)]
    #[repr(i16)]
    enum Sign {
        Minus = -300,
        Plus = 1,
    }
    #[derive(Shared, Clone, Copy)]
    #[repr(C)]
    struct Pair(i8, u8);
    #[derive(Shared, Clone, Copy)]
    #[repr(C)]
    #[shared(version = 4)]
    struct Kinds {
        wide: i128,
        double: f64,
        small: NonZeroI64,
        nothing: [u64; 0],
        signs: [Sign; 2],
        letter: char,
        large: NonZeroU32,
        pairs: [[Pair; 2]; 2],
        none: Option<NonZeroI8>,
        some: Option<NonZeroI8>,
        rest: [u8; 10],
    }
    let value = Kinds {
        wide: -(1 << 100),
        double: -0.25,
        small: NonZeroI64::MIN,
        nothing: [],
        signs: [Sign::Plus, Sign::Minus],
        letter: 'ß',
        large: NonZeroU32::MAX,
        pairs: [[Pair(-1, 1), Pair(-2, 2)], [Pair(-3, 3), Pair(-4, 4)]],
        none: None,
        some: NonZeroI8::new(-5),
        rest: [9; 10],
    };
    let name = unique("kinds");
    let _shared = Kinds::create(&name, value).unwrap();
    let object = Object::open(&directory().join(encode(&name)));
    let text = "wide: -1267650600228229401496703205376, double: -0.25, small: -9223372036854775808, \
                nothing: [], signs: [Plus, Minus], letter: ß, large: 4294967295, \
                pairs: [[0: -1, 1: 1, 0: -2, 1: 2], [0: -3, 1: 3, 0: -4, 1: 4]], none: None, some: -5, \
                rest: [9, 9, 9, 9, 9, 9, 9, 9, 9, 9]";
    assert_eq!(object.print(), (1, text.to_owned()));
    assert_eq!(
        object.schema.lines().next(),
        Some("0\tstruct\t0\t64\t\tKinds\t4\t")
    );
}

#[test]
fn current_stamps_and_versions_after_writes() {
    let name = unique("control");
    let (shared, object) = create(&name);
    let stamps = || [0, 1, 2, 3].map(|buffer| object.control(64 + 8 * buffer));
    assert_eq!(object.control(0), 1 << 8);
    assert_eq!(stamps(), [1, 0, 0, 0]);
    let (published, publisher) = (object.control(8), object.control(16));
    assert_ne!(published, 0);
    // Row 0, which was never taken before.
    assert_eq!(publisher, 1 << 12 | 1 << 1);

    for version in 2..=9 {
        shared.update(|engine| engine.tick += 1).unwrap();
        let current = object.control(0);
        assert_eq!(current >> 3, version << 5, "no flags");
        assert_eq!(object.control(64 + 8 * (current & 7)), version);
        assert!(object.control(8) >= published);
        assert_eq!(object.print().0, version);
        assert_eq!((object.control(128), object.control(136)), (0, version));
    }
    // All buffers are used in turn while no guard holds one.
    let mut all = stamps();
    all.sort_unstable();
    assert_eq!(all, [6, 7, 8, 9]);
    assert!(object.print().1.starts_with("tick: 15, "));
    assert_eq!(object.waiters(), 0);
}

#[test]
fn the_lock_names_its_owner_while_it_is_held() {
    let name = unique("lock");
    let (shared, object) = create(&name);
    let before = object.print();
    let mut guard = shared.write().unwrap();
    assert_eq!(
        (object.control(128), object.control(136)),
        (1 << 12 | 1 << 1, 0)
    );
    guard.tick = 99;
    assert_eq!(object.control(136), 2);
    assert_eq!(object.print(), before, "not published yet");
    WriteGuard::discard(guard);
    assert_eq!((object.control(128), object.print()), (0, before));
}

#[test]
fn rows_hold_generations_pins_and_processes() {
    let name = unique("rows");
    let (shared, object) = create(&name);
    let process = std::process::id();
    let words = |row| {
        let generation = read_word(&object.file, object.words[18] + 128 * row);
        (generation, object.row(row, 40), object.row(row, 44))
    };
    assert_eq!([words(0), words(1)], [(1, 1, process), (0, 0, 0)]);
    assert_eq!(object.control(256), 1);

    let second = Engine::open(&name).unwrap();
    assert_eq!(words(1), (1, 1, process));
    assert_eq!(object.control(256), 2);

    shared.store(engine()).unwrap();
    let (a, b) = (second.read().unwrap(), second.read().unwrap());
    let buffer = object.control(0) & 7;
    assert_eq!(ReadGuard::version(&a), Version(2));
    assert_eq!(object.row(1, 8 + 4 * buffer), 2);
    drop((a, b));
    assert_eq!(object.row(1, 8 + 4 * buffer), 0);

    drop(second);
    assert_eq!(words(1), (1, 0, process));
    drop(Engine::open(&name).unwrap());
    assert_eq!(words(1).0, 2);
    assert_eq!(object.control(256), 2, "it only grows");
}

#[test]
fn a_removed_object_says_so() {
    let name = unique("removed");
    let (shared, object) = create(&name);
    shmem_core::remove(name.as_str()).unwrap();
    assert_eq!(object.control(0), 1 << 8 | 1 << 3);
    assert!(!directory().join(encode(&name)).exists());
    assert_eq!(object.print(), (1, ENGINE.to_owned()));
    assert!(shared.write().is_err());
}

#[test]
fn others_who_may_only_read_move_the_locks_and_the_wakes() {
    let name = unique("modes");
    let shared = u64::options().mode(0o644).create(&name, 5).unwrap();
    let path = directory().join(encode(&name));
    let object = Object::open(&path);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o644);
    assert_eq!((object.words[6], object.words[21]), (2, 0o600));
    assert_eq!(object.words[23] % 2048, 0);
    let lock = fs::metadata(directory().join(".lock-600")).unwrap();
    assert_eq!(
        (lock.ino(), lock.mode() & 0o7777),
        (object.words[22], 0o600)
    );
    assert_eq!(object.print(), (1, "5".to_owned()));
    drop(shared);
}

#[test]
fn large_buffers_do_not_lie_at_the_same_place_in_a_page() {
    let name = unique("skew");
    let _shared = <[u64; 512]>::create(&name, [3; 512]).unwrap();
    let object = Object::open(&directory().join(encode(&name)));
    assert_eq!((object.words[10], object.words[20]), (4096, 4096 + 512));
    drop(object);

    #[derive(Shared, Clone, Copy)]
    #[repr(C, align(1024))]
    struct Aligned([u8; 5120]);
    let name = unique("aligned skew");
    let shared = Aligned::create(&name, Aligned([1; 5120])).unwrap();
    let object = Object::open(&directory().join(encode(&name)));
    assert_eq!(
        (object.words[19] % 1024, object.words[20]),
        (0, 8192 + 1024)
    );
    assert_eq!(shared.read().unwrap().0, [1; 5120]);
}

#[test]
fn names_become_the_files_that_the_page_says() {
    let process = std::process::id();
    for name in [
        format!(".. {process}"),
        format!(".a.b/c\n~%ä-_Z {process}"),
        format!("{process} {}", "x".repeat(1000)),
        format!("{process} {}", "é".repeat(500)),
    ] {
        let shared = u8::create(&name, 1).unwrap();
        let object = Object::open(&directory().join(encode(&name)));
        assert_eq!(object.name, name);
        drop(shared);
    }
    assert_eq!(encode("engine/telemetry"), "engine%2Ftelemetry");
}

// ---- what every later release must open ---------------------------------------------------------------

/// Deletes its file, also when the test fails.
struct Copied(PathBuf);

impl Drop for Copied {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

fn sample(test: &str) -> Copied {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(SAMPLE);
    let to = std::env::temp_dir().join(format!("shmem-{test}-{}.shm", std::process::id()));
    fs::copy(from, &to).unwrap();
    let copied = Copied(to);
    // A checkout may have left it writable to the group, and such an object is not trusted.
    fs::set_permissions(&copied.0, Permissions::from_mode(0o600)).unwrap();
    copied
}

/// A format version that was released stays readable, or this test says in which commit it ended.
#[test]
#[cfg(target_endian = "little")]
fn an_object_of_format_1_still_opens() {
    let copy = sample("format-1");
    let path = copy.0.as_path();

    let reader = Engine::open_read_only(path).unwrap();
    assert_eq!(
        (reader.version(), reader.load().unwrap()),
        (Version(3), engine())
    );
    let schema = shmem_core::schema(path).unwrap();
    assert_eq!(schema, StoredSchema::from(Engine::SCHEMA));

    let shared = Engine::open(path).unwrap();
    let info = shared.info();
    assert_eq!(
        (info.lifetime, info.buffers, info.max_handles),
        (Lifetime::Keep, 2, 1)
    );
    assert_eq!(*shared.read().unwrap(), engine());
    assert!(!WriteGuard::recovered(&shared.write().unwrap()));
    shared.update(|engine| engine.tick = 8).unwrap();
    assert_eq!(
        (shared.version(), reader.load().unwrap().tick),
        (Version(4), 8)
    );
}

/// The bytes themselves, as the page has them.
#[test]
#[cfg(target_endian = "little")]
fn the_bytes_of_format_1() {
    let copy = sample("bytes-1");
    let bytes = fs::read(&copy.0).unwrap();
    assert_eq!(bytes.len(), 8960);
    assert_eq!(
        bytes[..24],
        *b"shmem\x1A\x0A\xA9\x08\x07\x06\x05\x04\x03\x02\x01\x01\0\0\0\0\0\0\0"
    );
    assert_eq!(bytes[48], 1, "kept");
    assert_eq!(bytes[256..][..20], *b"0\tstruct\t0\t64\t\tEngin");

    let object = Object::open(&copy.0);
    assert_eq!(object.words[4], 0x4351_a434_1d56_2313);
    assert_eq!(object.words[16..=20], [4096, 8192, 8576, 8704, 128]);
    assert_eq!(
        (object.name.as_str(), object.print()),
        ("", (3, ENGINE.to_owned()))
    );
    assert_eq!(
        (object.control(0), object.control(64), object.control(72)),
        (3 << 8, 3, 2)
    );
    assert_eq!(
        bytes[8704..][..64],
        *b"\x07\0\0\0\0\0\0\0\x00\x20\x5c\x44\xff\x01\x90\x1f\
           \x04\0\0\0Zo\xc3\xab\0\0\0\0\x02\x01\x03\0\
           \x01\0\0\0\0\0\0\0\x29\0\0\0\
           \x02\0\0\0\0\0\0\0\x3d\0\0\0\x3b\0\0\0\0\0\0\0"
    );
}

/// Makes the sample, once for each format version: `SHMEM_MAKE_SAMPLE=1 cargo test -p shmem-core --test format`.
#[test]
fn make_the_sample() {
    if std::env::var_os("SHMEM_MAKE_SAMPLE").is_none() {
        println!("not run: SHMEM_MAKE_SAMPLE=1 makes the sample of a new format version");
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(SAMPLE);
    let options = Engine::options().max_handles(1).buffers(2);
    let shared = options.create(&path, engine()).unwrap();
    for _ in 0..2 {
        shared.store(engine()).unwrap();
    }
    drop(shared);
    Object::open(&path);
}
