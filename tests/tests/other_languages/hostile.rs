//! Files that are no objects, or damaged ones, and what the library says of each.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use shmem_core::{FixedVec, Lock, Shared, schema};
use tests::hostile::{Texts, texts};
use tests::raw::{Forged, HEADER, Raw, control, word};
use tests::{Random, outcome};

/// Files by name, each with what the library finds; `None` where the words that change are spoiled, of which only
/// a value can tell.
pub(crate) type Files = BTreeMap<String, Option<String>>;

/// Fills `dir` with files.
pub(crate) fn files(dir: &Path) -> Files {
    let mut folder = Folder {
        dir,
        files: Files::new(),
    };
    let number = honest(dir, |path| drop(u64::create(path, 5).unwrap()));
    let locked = honest(dir, |path| {
        drop(u64::options().lock(Lock::RawSync).create(path, 5).unwrap());
    });
    // Without what a power cut would need.
    let plain = || Forged {
        flags: 1,
        ..number.parts()
    };
    let list = honest(dir, |path| {
        drop(FixedVec::<u16, 9>::create(path, [1, 2, 3].into()).unwrap());
    });
    let array = honest(dir, |path| drop(u32::create_array(path, 9, 5).unwrap()));
    folder.add("number", &number);
    folder.add("list", &list);
    folder.add("array", &array);
    folder.add("locked", &locked);
    folder.cut(&number);
    for (what, raw) in [("number", &number), ("array", &array), ("locked", &locked)] {
        folder.flip(what, raw);
        folder.words(what, raw);
        folder.spoil(what, raw);
    }
    let Texts { refused, odd } = texts();
    for (what, texts) in [("refused", refused), ("odd", odd)] {
        for (i, schema) in texts.iter().enumerate() {
            let forged = Forged { schema, ..plain() };
            folder.add(&format!("schema-{what}-{i}"), &Raw::forge(&forged));
        }
    }
    for size in [0, 1, 7, 9, 4096] {
        let forged = Forged { size, ..plain() };
        folder.add(&format!("size-{size}"), &Raw::forge(&forged));
    }
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for target in ["open", "schema", "values"] {
        for entry in fs::read_dir(corpus.join(target)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let bytes = fs::read(entry.path()).unwrap();
            folder.add(&format!("corpus-{target}-{name}"), &Raw(bytes.clone()));
            let forged = Raw::forge(&Forged {
                schema: &bytes,
                ..plain()
            });
            folder.add(&format!("forged-{target}-{name}"), &forged);
        }
    }
    folder.files
}

fn honest(dir: &Path, create: impl FnOnce(&Path)) -> Raw {
    let path = dir.join("honest");
    create(&path);
    let raw = Raw::read(&path);
    fs::remove_file(path).unwrap();
    raw
}

struct Folder<'a> {
    dir: &'a Path,
    files: Files,
}

impl Folder<'_> {
    fn add(&mut self, name: &str, raw: &Raw) {
        let path = self.dir.join(name);
        raw.write(&path);
        let mut told = outcome(schema(path.as_path()));
        // Of a schema it makes no difference whether programs change the value under a lock of their own, or whether
        // anybody has the object open.
        if told == "Ok" && raw.word(word::GATE) != 0 {
            told = "UnsupportedFormat".into();
        } else if told == "Ok" && raw.word(word::FLAGS) & 1 == 0 {
            told = "NotFound".into();
        }
        assert_eq!(self.files.insert(name.to_owned(), Some(told)), None);
    }

    fn cut(&mut self, raw: &Raw) {
        let total = raw.0.len();
        let ends = [HEADER, raw.schema().end, raw.offset(word::CONTROL), total];
        let near = ends.iter().flat_map(|end| [end - 1, *end, end + 1]);
        for len in near.chain([0, 1, 7, 8, 100, 2 * total]) {
            if len != total && len != total + 1 || len > total {
                let mut cut = raw.clone();
                cut.0.resize(len, 0);
                self.add(&format!("cut-to-{len}"), &cut);
            }
        }
    }

    /// Each byte that means something, changed.
    fn flip(&mut self, what: &str, raw: &Raw) {
        for at in 0..raw.schema().end {
            let mut damaged = raw.clone();
            damaged.0[at] ^= [0x01, 0x80, 0xFF][at % 3];
            self.add(&format!("flip-{what}-{at}"), &damaged);
        }
    }

    /// Each word of the header another, with the checksum made right again.
    fn words(&mut self, what: &str, raw: &Raw) {
        for index in 0..word::CHECKSUM {
            let old = raw.word(index);
            let values = [
                0,
                1,
                2,
                3,
                7,
                8,
                255,
                4097,
                1 << 20,
                1 << 40,
                1 << 63,
                u64::MAX,
            ];
            let near = [
                old ^ 1,
                old.wrapping_add(8),
                old.wrapping_mul(2),
                old.swap_bytes(),
            ];
            for value in values.into_iter().chain(near) {
                let mut damaged = raw.clone();
                damaged.set_word(index, value);
                damaged.seal_checksum();
                let name = format!("word-{what}-{index}-{value:#x}");
                if !self.files.contains_key(&name) {
                    self.add(&name, &damaged);
                }
            }
        }
    }

    /// Anything in the words that change, and in the value.
    fn spoil(&mut self, what: &str, raw: &Raw) {
        let mut random = Random::seeded(7);
        let from = raw.offset(word::CONTROL);
        for round in 0..200 {
            let mut spoilt = raw.clone();
            for _ in 0..=random.below(3) {
                let words = u32::try_from((spoilt.0.len() - from) / 8).unwrap();
                let near = u32::try_from(control::LEN / 8).unwrap();
                let end = if random.below(4) == 0 { words } else { near };
                let at = from + 8 * random.below(end) as usize;
                let value = u64::from(random.below(u32::MAX)) << random.below(33);
                spoilt.set(
                    at,
                    [0, u64::MAX, value, value >> 24][random.below(4) as usize],
                );
            }
            let name = format!("spoilt-{what}-{round}");
            spoilt.write(&self.dir.join(&name));
            self.files.insert(name, None);
        }
    }
}
