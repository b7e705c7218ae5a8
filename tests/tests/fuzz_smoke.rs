//! The short form of `fuzz/`, on stable Rust: the same functions over the seeds and a few thousand mutations.
//!
//! The seeds are the files in `fuzz/corpus`; those for `open` are written down here, since each belongs to one
//! check. `SHMEM_BLESS=1` writes the files anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use shmem_core::Shared as _;
use tests::alone;
use tests::raw::word;

#[path = "../../fuzz/src/entries/mod.rs"]
mod entries;

/// How long the mutations of one target may take.
const AT_MOST: Duration = Duration::from_secs(3);

type Corpus = BTreeMap<String, Vec<u8>>;

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(target)
}

/// Those with names: what runs of the fuzzer found is named by its hash.
fn read(target: &str) -> Corpus {
    let files = fs::read_dir(folder(target)).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let named = paths.map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read(path).unwrap())
    });
    named.filter(|(name, _)| name.len() < 40).collect()
}

fn same_as_the_files(target: &str, seeds: &Corpus) {
    if std::env::var_os("SHMEM_BLESS").is_some() {
        fs::create_dir_all(folder(target)).unwrap();
        for name in read(target).keys() {
            fs::remove_file(folder(target).join(name)).unwrap();
        }
        for (name, bytes) in seeds {
            fs::write(folder(target).join(name), bytes).unwrap();
        }
    }
    assert!(
        read(target) == *seeds,
        "fuzz/corpus/{target} is not what this test says"
    );
}

/// Runs `entry` over changed and crossed seeds, the same ones in every run.
fn mutate(corpus: &Corpus, count: u32, mut entry: impl FnMut(&[u8])) {
    let seeds: Vec<_> = corpus.values().collect();
    let start = Instant::now();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut below = |end: usize| {
        // xorshift64; Marsaglia, 2003.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap() % end.max(1)
    };
    for round in 0..count {
        if start.elapsed() > AT_MOST {
            println!("{round} of {count} mutations");
            return;
        }
        let mut bytes = seeds[below(seeds.len())].clone();
        for _ in 0..=below(4) {
            let at = below(bytes.len());
            match below(6) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << below(8),
                1 if !bytes.is_empty() => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF, b'9'][below(6)],
                2 => bytes.truncate(at),
                3 => bytes.insert(at, u8::try_from(below(256)).unwrap()),
                4 if !bytes.is_empty() => {
                    let end = at + below(bytes.len() - at);
                    let part = bytes[at..=end.min(bytes.len() - 1)].to_vec();
                    bytes.splice(at..at, part);
                }
                _ => {
                    let other = seeds[below(seeds.len())];
                    bytes.truncate(at);
                    bytes.extend_from_slice(&other[below(other.len())..]);
                }
            }
        }
        entry(&bytes);
    }
}

#[test]
fn schemas() {
    let text = |schema: &shmem_core::Schema| schema.stored_form();
    let all = text(entries::Everything::SCHEMA);
    let number = text(u64::SCHEMA);
    let list = text(<[[u16; 3]; 2]>::SCHEMA);
    let renamed = String::from_utf8(all.clone()).unwrap().replace("Low", "Lo");
    let two = |a: &[u8], b: &[u8]| [a, b"\xFF", b].concat();
    // Nothing of something as large as can be: offsets inside have no end to stay below.
    let huge = |ty: &str| {
        let max = usize::MAX;
        format!(
            "0\tstruct\t0\t8\t\tS\t\t\n1\tuint\t0\t8\ta\tu64\t\t\n1\tarray\t8\t0\tb\t\t\t0\n\
             2\tstruct\t0\t{max}\t\tT\t\t\n3\tuint\t{}\t{}\tc\t{ty}\t\t\n",
            max - 4,
            if ty == "u8" { 1 } else { 2 }
        )
    };
    let seeds = Corpus::from([
        ("everything".into(), all.clone()),
        ("renamed".into(), two(&all, renamed.as_bytes())),
        ("number".into(), number.clone()),
        ("two".into(), two(&list, &number)),
        (
            "empty-list-of-the-largest".into(),
            two(huge("u8").as_bytes(), huge("u16").as_bytes()),
        ),
        (
            "another-version-within-a-list".into(),
            two(
                b"0\tarray\t0\t4\t\t\t\t1\n1\tstruct\t0\t4\t\tT\t1\t\n",
                b"0\tarray\t0\t4\t\t\t\t1\n1\tstruct\t0\t4\t\tT\t2\t\n",
            ),
        ),
        (
            "minus-zero".into(),
            b"0\tenum\t0\t1\t\tE\t\ti8\n1\tvariant\t0\t1\tA\t\t\t-0\n".into(),
        ),
    ]);
    same_as_the_files("schema", &seeds);
    for seed in seeds.values() {
        entries::schema(seed);
    }
    mutate(&seeds, 10_000, entries::schema);
}

#[test]
fn values() {
    alone(|_| {
        let seeds = Corpus::from([
            ("nothing".into(), Vec::new()),
            ("zeros".into(), vec![0; 24]),
            ("ones".into(), vec![0xFF; 300]),
            (
                "lengths".into(),
                [[0; 40], [1; 40], [2; 40], [3; 40]].concat(),
            ),
        ]);
        same_as_the_files("values", &seeds);
        for seed in seeds.values() {
            entries::values(seed);
        }
        mutate(&seeds, 3_000, entries::values);
    });
}

/// The first byte of an input for `open`: see `how` there.
mod how {
    pub(super) const CHANGED: u8 = 1;
    pub(super) const FORGED: u8 = 2;
    pub(super) const IN_USE: u8 = 3;
    pub(super) const EVERYTHING: u8 = 4;
    pub(super) const NAMED: u8 = 8;
    pub(super) const SEALED: u8 = 16;
    pub(super) const FINGERPRINT: u8 = 32;
    pub(super) const WHILE_OPEN: u8 = 64;
    pub(super) const AS_LONG: u8 = 128;
}

/// One input for each check that is made on opening, with what it must say: without the check it says
/// something else.
#[test]
fn objects() {
    alone(|_| {
        let change = |how: u8, part: u8, index: usize, value: u64| {
            let mut bytes = vec![how, part, u8::try_from(index).unwrap()];
            bytes.extend_from_slice(&value.to_le_bytes());
            bytes
        };
        let header = |index: usize, value: u64| change(how::CHANGED | how::SEALED, 0, index, value);
        let add = |index: usize, value: u64| change(how::CHANGED | how::SEALED, 7, index, value);
        let forged =
            |how: u8, rest: &[u8]| [&[how::FORGED | how::FINGERPRINT | how], rest].concat();
        let mut cases: Vec<(&str, Vec<u8>, &str)> = vec![
            ("as-it-is", vec![how::CHANGED], "Ok"),
            ("as-it-is-named", vec![how::CHANGED | how::NAMED], "Ok"),
            ("everything", vec![how::CHANGED | how::EVERYTHING], "Ok"),
            (
                "leftover",
                vec![how::CHANGED | how::NAMED | how::WHILE_OPEN],
                "NotFound",
            ),
            ("empty", Vec::new(), "NotAnObject"),
            ("too-short", change(how::CHANGED, 6, 0, 255), "NotAnObject"),
            ("magic", header(word::MAGIC, 0), "NotAnObject"),
            (
                "byte-order",
                header(word::BYTE_ORDER, 0),
                "Corrupt: byte order mark",
            ),
            (
                "other-byte-order",
                header(word::BYTE_ORDER, 0x0102_0304_0506_0708_u64.swap_bytes()),
                "UnsupportedFormat",
            ),
            ("format", header(word::FORMAT, 2), "UnsupportedFormat"),
            ("handles", header(word::HANDLES, 0), "Corrupt: shape"),
            ("buffers", header(word::BUFFERS, 9), "Corrupt: shape"),
            ("align", header(word::ALIGN, 3), "Corrupt: shape"),
            (
                "schema-length",
                header(word::SCHEMA_LEN, 1 << 30),
                "Corrupt: shape",
            ),
            (
                "name-length",
                header(word::NAME_LEN, 4097),
                "Corrupt: shape",
            ),
            ("total", add(word::TOTAL, 1), "Corrupt: size in the header"),
            (
                "schema-offset",
                add(word::SCHEMA, 8),
                "Corrupt: schema offset",
            ),
            ("name-offset", add(word::NAME, 1), "Corrupt: name offset"),
            (
                "waiters-offset",
                add(word::WAITERS, 1),
                "Corrupt: waiters offset",
            ),
            (
                "control-offset",
                add(word::CONTROL, 1),
                "Corrupt: control offset",
            ),
            ("rows-offset", add(word::ROWS, 1), "Corrupt: rows offset"),
            (
                "buffers-offset",
                add(word::BUFFER_0, 1),
                "Corrupt: buffers offset",
            ),
            ("stride", add(word::STRIDE, 1), "Corrupt: buffer stride"),
            ("flags", header(word::FLAGS, 8), "Corrupt: flags word"),
            (
                "lock-base",
                header(word::LOCK_BASE, u64::MAX),
                "Corrupt: lock offset",
            ),
            (
                "lock-mode",
                header(word::LOCK_MODE, 0o600),
                "Corrupt: lock file",
            ),
            (
                "lock-inode",
                header(word::LOCK_INODE, 1),
                "Corrupt: lock file",
            ),
            (
                "fingerprint",
                header(word::FINGERPRINT, 1),
                "Corrupt: fingerprint",
            ),
            (
                "checksum",
                change(how::CHANGED, 0, word::CREATED, 1),
                "Corrupt: header checksum",
            ),
            (
                "length",
                change(how::CHANGED | how::SEALED, 6, 0, 8192),
                "Corrupt: file size",
            ),
            (
                "value-size",
                forged(0, &[4, 0, 0, 9, 0]),
                "Corrupt: size of the value",
            ),
            ("value-align", forged(how::EVERYTHING, &[16, 0, 0, 7]), "Ok"),
            (
                "file-of-holes",
                forged(how::AS_LONG, &[8, 0, 0, 9]),
                "Corrupt: size of the value",
            ),
            ("schema", forged(0, b"\x01\x02\x00u\n"), "Corrupt: schema"),
            (
                "other-schema",
                forged(0, b"\x01\x11\x000\tint\t0\t8\t\ti64\t\t\n"),
                "LayoutMismatch",
            ),
            (
                "another-name",
                forged(how::NAMED, b"\x02\x00\x00another!"),
                "NotAnObject",
            ),
            (
                "name-not-utf-8",
                forged(how::NAMED, b"\x02\x00\x00\xFF"),
                "Corrupt: name",
            ),
            ("without-sums", forged(0, &[192, 0, 0, 3, 5]), "Unrecovered"),
            ("unsettled", forged(0, &[192, 0, 0, 1, 5]), "Poisoned"),
            ("shapes", forged(0, &[96, 0, 0, 204, 8]), "Ok"),
            (
                "removed-and-another-layout",
                vec![
                    17, 34, 7, 16, 0, 0, 0, 140, 140, 140, 131, 43, 0, 254, 69, 69, 69, 198, 255,
                    75, 0, 32, 138,
                ],
                "NotFound",
            ),
            (
                "removed",
                change(how::CHANGED, 3, 0, 1 << 8 | 8),
                "NotFound",
            ),
            ("dead-writer", change(how::CHANGED, 3, 16, 0xFFFF), "Ok"),
        ];
        let in_use = [
            ("in-use-current", 3, 0, 0x1FF),
            ("in-use-lock", 3, 16, 1 << 12 | 2),
            ("in-use-high-water", 3, 32, u64::MAX),
            ("in-use-stamps", 3, 8, 0),
            ("in-use-pins", 4, 1, u64::MAX),
            ("in-use-generation", 4, 16, u64::MAX),
            ("in-use-value", 5, 12, u64::MAX),
        ];
        for (name, part, index, value) in in_use {
            let kind = how::IN_USE | how::EVERYTHING | how::NAMED | how::WHILE_OPEN;
            cases.push((name, change(kind, part, index, value), ""));
        }
        let seeds = cases
            .iter()
            .map(|(name, bytes, _)| ((*name).to_owned(), bytes.clone()));
        let seeds = seeds.collect();
        same_as_the_files("open", &seeds);
        for (name, bytes, expected) in &cases {
            assert_eq!(entries::open(bytes), *expected, "{name}");
        }
        mutate(&seeds, 3_000, |bytes| drop(entries::open(bytes)));
    });
}
