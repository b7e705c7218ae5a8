//! Objects whose header was damaged, by accident or on purpose: typed errors, and the file stays as it is.
//!
//! `hostile_schemas.rs` has the text that follows the header, `scribbled.rs` the words that change while an object
//! is in use.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use shmem_core::{Error, Lifetime, Shared, list, prune, remove, schema};
use tests::raw::{Forged, HEADER, ROW, Raw, control, look, word};
use tests::{Alone, alone, corrupt_part, outcome};

const NAME: &str = "damaged";

/// The bytes of a kept object that holds 5, and where they may be put.
fn valid(alone: &Alone) -> (Raw, PathBuf) {
    let kept = u64::options().lifetime(Lifetime::Keep).max_handles(3);
    drop(kept.create(NAME, 5).unwrap());
    let path = alone.home().join(NAME);
    let raw = Raw::read(&path);
    assert_eq!(raw.value().len(), 8);
    (raw, path)
}

/// Opens what is there in every way. Nothing may be made of it, and nothing may become of it.
#[track_caller]
fn refused_as_it_is(path: &Path, expected: &[&str], damage: &str) {
    let before = look(path);
    for (verb, result) in [
        ("open", outcome(u64::open(NAME))),
        ("open_read_only", outcome(u64::open_read_only(NAME))),
        ("open_or_create", outcome(u64::open_or_create(NAME, 1))),
        ("remove", outcome(remove(NAME))),
        ("schema", outcome(schema(NAME))),
    ] {
        assert!(
            expected.contains(&result.as_str()),
            "{verb} of {damage}: {result}"
        );
    }
    assert_eq!(outcome(u64::create(NAME, 1)), "AlreadyExists", "{damage}");
    assert!(list().unwrap().is_empty(), "{damage}");
    assert_eq!(prune().unwrap(), 0, "{damage}");
    assert!(look(path) == before, "{damage}: it was changed");
}

fn refused(raw: &Raw, path: &Path, expected: &[&str], damage: &str) {
    raw.write(path);
    refused_as_it_is(path, expected, damage);
}

#[test]
fn cut_short_or_too_long() {
    alone(|alone| {
        let (raw, path) = valid(alone);
        let total = raw.0.len();
        let mut lengths: BTreeSet<usize> = (0..300).collect();
        let parts = [
            raw.schema().end,
            raw.name().end,
            raw.offset(word::WAITERS),
            raw.offset(word::CONTROL),
            raw.offset(word::ROWS),
            raw.offset(word::ROWS) + ROW,
            raw.offset(word::BUFFER_0),
            raw.offset(word::BUFFER_0) + raw.offset(word::STRIDE),
            total,
            total.next_multiple_of(4096),
            2 * total,
        ];
        lengths.extend(parts.iter().flat_map(|part| part - 1..=part + 1));
        lengths.extend((300..total).step_by(997));
        lengths.remove(&total);
        for len in lengths {
            let mut cut = raw.clone();
            cut.0.resize(len, 0);
            let expected = if len < HEADER {
                "NotAnObject"
            } else {
                "Corrupt"
            };
            refused(&cut, &path, &[expected], &format!("{len} bytes"));
        }
        raw.write(&path);
        assert_eq!(u64::open(NAME).unwrap().load().unwrap(), 5);
    });
}

/// Every byte before the waiters' page that means anything is covered by a check.
#[test]
fn any_byte_of_the_header_or_its_texts() {
    alone(|alone| {
        let (raw, path) = valid(alone);
        let all = ["NotAnObject", "UnsupportedFormat", "Corrupt"];
        for at in 0..raw.name().end {
            for change in [0x01, 0x80, 0xFF] {
                let mut damaged = raw.clone();
                damaged.0[at] ^= change;
                refused(&damaged, &path, &all, &format!("byte {at} ^ {change:#x}"));
            }
        }
    });
}

#[test]
fn another_format_version_or_byte_order() {
    alone(|alone| {
        let (raw, path) = valid(alone);
        for version in [0, 2, 3, 256, u64::MAX] {
            let mut other = raw.clone();
            other.set_word(word::FORMAT, version);
            refused(&other, &path, &["UnsupportedFormat"], "another version");
            other.seal_checksum();
            refused(&other, &path, &["UnsupportedFormat"], "a sealed version");
            let message = u64::open(NAME).unwrap_err().to_string();
            let expected =
                format!("`{NAME}` has format version {version}, this program reads version 1");
            assert!(message.starts_with(&expected), "{message}");
        }
        // What a machine of the other byte order writes: each number reversed, the magic as it is.
        let mut other = raw.clone();
        for index in 1..HEADER / 8 {
            other.set_word(index, raw.word(index).swap_bytes());
        }
        refused(&other, &path, &["UnsupportedFormat"], "reversed");
        let message = u64::open(NAME).unwrap_err().to_string();
        let other_end = if cfg!(target_endian = "little") {
            "big"
        } else {
            "little"
        };
        assert!(
            message.contains(&format!("{other_end}-endian numbers")),
            "{message}"
        );

        let mut other = raw;
        other.set_word(word::BYTE_ORDER, 0x0304_0102_0708_0506);
        other.seal_checksum();
        refused(&other, &path, &["Corrupt"], "a mark of no machine");
        assert_eq!(corrupt_part(u64::open(NAME)), "byte order mark");
    });
}

/// With the checksum made right again, each number meets the check of its own.
#[test]
fn each_number_is_checked_by_itself() {
    alone(|alone| {
        let (raw, path) = valid(alone);
        let total = raw.word(word::TOTAL);
        let huge = [
            u64::MAX,
            u64::MAX - 127,
            i64::MAX.unsigned_abs(),
            1 << 62,
            1 << 32,
        ];
        // Together more than a file can have, and less than a number.
        let too_large = (1 << 63) / raw.word(word::BUFFERS) + 128;
        let checks: &[(usize, &[u64], &str)] = &[
            (
                word::TOTAL,
                &[0, 1, total - 1, total + 1],
                "size in the header",
            ),
            (word::FINGERPRINT, &[0, 1], "fingerprint"),
            (word::FLAGS, &[4, 6, 8, 9, 1 << 63], "flags word"),
            (word::HANDLES, &[0, 1025, 1 << 31], "shape"),
            (word::HANDLES, &[1, 2, 4, 1024], "size in the header"),
            (word::BUFFERS, &[0, 9, 255], "shape"),
            (word::BUFFERS, &[1, 2, 3, 5, 8], "size in the header"),
            (word::SIZE, &[129, 4096, 1 << 30], "size in the header"),
            (word::SIZE, &[too_large], "shape"),
            (word::ALIGN, &[0, 3, 127, 8192], "shape"),
            (word::SCHEMA, &[0, 255, 257, 4096], "schema offset"),
            (word::SCHEMA_LEN, &[(16 << 20) + 1], "shape"),
            (word::NAME, &[0, 255, 4096], "name offset"),
            (word::NAME_LEN, &[4097], "shape"),
            (word::WAITERS, &[0, 4095, 8192], "waiters offset"),
            (word::CONTROL, &[0, 4096, 8191], "control offset"),
            (word::ROWS, &[0, 8192], "rows offset"),
            (word::BUFFER_0, &[0, 8192, total], "buffers offset"),
            (word::STRIDE, &[0, 8, 127, 256], "buffer stride"),
            (word::ADDITIONS, &[1, 8, 256, 4096], "additions offset"),
            (word::ADDITIONS_LEN, &[1, 8], "additions offset"),
            (word::ADDITIONS_LEN, &[4096], "size in the header"),
            (word::ADDITIONS_LEN, &[(16 << 20) + 1], "shape"),
            (word::ITEM, &[1, 8, 1 << 40], "shape"),
            (word::LOCK_MODE, &[0o600, 0o666, 0o1000], "lock file"),
            (word::LOCK_INODE, &[1, 7], "lock file"),
            (
                word::LOCK_BASE,
                &[i64::MAX.unsigned_abs() - 1024],
                "lock offset",
            ),
        ];
        let checked = |index: usize, value: u64, part: Option<&str>| {
            let mut damaged = raw.clone();
            damaged.set_word(index, value);
            damaged.seal_checksum();
            let damage = format!("word {index} = {value:#x}");
            refused(&damaged, &path, &["Corrupt"], &damage);
            let named = [
                corrupt_part(u64::open(NAME)),
                corrupt_part(u64::open_read_only(NAME)),
            ];
            if let Some(part) = part {
                assert_eq!(named, [part; 2], "{damage}");
            }
        };
        for (index, values, part) in checks {
            for value in *values {
                checked(*index, *value, Some(part));
            }
        }
        let numbers: BTreeSet<usize> = checks.iter().map(|(index, ..)| *index).collect();
        for index in numbers {
            for value in huge
                .into_iter()
                .filter(|v| index != word::LOCK_BASE || *v > 1 << 62)
            {
                checked(index, value, None);
            }
        }
    });
}

/// A lock file that no creator makes, whether or not there is one.
#[test]
fn lock_files_of_no_mode() {
    alone(|alone| {
        let (mut raw, path) = valid(alone);
        for mode in [0o1000, 0o1600, 0o611, 0o700, 1 << 32 | 0o600] {
            raw.set_word(word::LOCK_MODE, mode);
            raw.set_word(word::LOCK_INODE, 7);
            raw.seal_checksum();
            refused(&raw, &path, &["Corrupt"], &format!("{mode:#o}"));
            let Err(Error::Corrupt { found, .. }) = u64::open(NAME) else {
                panic!("{mode:#o}");
            };
            assert_eq!(found, format!("{mode:#o} for inode 7"));
        }
    });
}

/// What may differ between two objects: everything still works, and says what it finds.
#[test]
fn numbers_that_are_free() {
    alone(|alone| {
        let (raw, path) = valid(alone);
        let last_base = i64::MAX.unsigned_abs() - 1025;
        let free = [word::ID, word::CREATED, word::LOCK_BASE]
            .into_iter()
            .chain(word::RESERVED..word::CHECKSUM);
        for index in free {
            for value in [0, 1, 4096, 1 << 61, last_base, u64::MAX] {
                if index == word::LOCK_BASE && value == u64::MAX {
                    continue;
                }
                let mut other = raw.clone();
                other.set_word(index, value);
                other.seal_checksum();
                other.write(&path);
                let object = u64::open(NAME).unwrap();
                assert_eq!(object.load().unwrap(), 5);
                assert_eq!(u64::open_read_only(NAME).unwrap().load().unwrap(), 5);
                object.store(6).unwrap();
                let all = list().unwrap();
                assert_eq!((all.len(), all[0].handles), (1, Some(1)));
                drop(object);
                assert_eq!(prune().unwrap(), 0);
                remove(NAME).unwrap();
            }
        }
        // Without the bit `Keep` it is a leftover, and a leftover does not exist.
        let mut other = raw;
        other.set_word(word::FLAGS, 0);
        other.seal_checksum();
        other.write(&path);
        let before = look(&path);
        assert_eq!(outcome(u64::open_read_only(NAME)), "NotFound");
        assert!(look(&path) == before);
        assert_eq!(outcome(u64::open(NAME)), "NotFound");
        drop(u64::create(NAME, 1).unwrap());
        other.write(&path);
        assert_eq!(prune().unwrap(), 1);
    });
}

/// Forged as a whole, so that all numbers agree with each other.
#[test]
fn consistent_lies() {
    alone(|alone| {
        let (raw, path) = valid(alone);
        let honest = raw.parts();
        let forge = |parts: &Forged<'_>| {
            let raw = Raw::forge(parts);
            raw.write(&path);
            raw
        };
        // The forger's hand is good enough.
        let mut twin = Raw::forge(&honest);
        let value = twin.value();
        twin.0[value].copy_from_slice(&5_u64.to_ne_bytes());
        twin.write(&path);
        assert_eq!(u64::open(NAME).unwrap().load().unwrap(), 5);
        for (handles, buffers) in [(1, 2), (1024, 8)] {
            forge(&Forged {
                handles,
                buffers,
                ..honest.clone()
            });
            let object = u64::open(NAME).unwrap();
            object.store(7).unwrap();
            assert_eq!(u64::open_read_only(NAME).unwrap().load().unwrap(), 7);
        }

        // A value larger or smaller than its own schema says; nobody may read it as that type.
        for size in [0, 1, 7, 9, 16, 4096, 1 << 20] {
            forge(&Forged {
                size,
                ..honest.clone()
            });
            let before = look(&path);
            assert_eq!(corrupt_part(u64::open(NAME)), "size of the value");
            assert_eq!(corrupt_part(u64::open_read_only(NAME)), "size of the value");
            assert_eq!(
                corrupt_part(u64::open_or_create(NAME, 1)),
                "size of the value"
            );
            // Who reads a value by its schema alone would read beyond it.
            assert_eq!(corrupt_part(schema(NAME)), "size of the value");
            assert!(list().unwrap().is_empty());
            assert!(look(&path) == before);
        }
        // A file of holes: as large as it says, and larger than the machine's memory.
        let forged = forge(&Forged {
            size: 1 << 40,
            ..honest.clone()
        });
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(forged.word(word::TOTAL))
            .unwrap();
        for result in [
            outcome(u64::open(NAME)),
            outcome(u64::open_read_only(NAME)),
            outcome(schema(NAME)),
        ] {
            assert_eq!(result, "Corrupt");
        }
        assert!(list().unwrap().is_empty());

        // A larger alignment is none of a reader's business; a smaller one is enough up to a line.
        for align in [1, 2, 8, 128, 4096] {
            forge(&Forged {
                align,
                ..honest.clone()
            });
            assert_eq!(outcome(u64::open(NAME)), "Ok", "{align}");
        }

        // A value that must be aligned better than it is.
        #[derive(Shared, Clone, Copy)]
        #[repr(C, align(256))]
        struct Aligned([u64; 32]);
        drop(remove(NAME));
        let kept = Aligned::options().lifetime(Lifetime::Keep);
        drop(kept.create(NAME, Aligned([5; 32])).unwrap());
        let aligned = Raw::read(&path);
        for (align, expected) in [(128, "Corrupt"), (256, "Ok"), (512, "Ok")] {
            forge(&Forged {
                align,
                ..aligned.parts()
            });
            assert_eq!(outcome(Aligned::open(NAME)), expected, "{align}");
            assert_eq!(outcome(Aligned::open_read_only(NAME)), expected, "{align}");
        }

        let long = vec![b'x'; 4096];
        for (name, expected) in [
            (&b""[..], "NotAnObject"),
            (b"another", "NotAnObject"),
            (b"damaged\0", "NotAnObject"),
            (b"\xFF\xFE", "Corrupt"),
            (&long, "NotAnObject"),
        ] {
            forge(&Forged {
                name,
                ..honest.clone()
            });
            let before = look(&path);
            for result in [
                outcome(u64::open(NAME)),
                outcome(u64::open_read_only(NAME)),
                outcome(remove(NAME)),
                outcome(schema(NAME)),
            ] {
                assert_eq!(result, expected);
            }
            list().unwrap();
            assert_eq!(prune().unwrap(), 0);
            assert!(look(&path) == before);
        }
    });
}

/// The control words of a file that nobody has open may be anything, too.
#[test]
fn zeros_behind_the_header() {
    alone(|alone| {
        let (raw, path) = valid(alone);
        for fill in [0x00, 0xFF, 0x55, 0x80, 0x07, 0x08] {
            let mut other = raw.clone();
            let control = raw.offset(word::CONTROL);
            other.0[control..][..control::LEN + 3 * ROW].fill(fill);
            for _ in 0..2 {
                other.write(&path);
                let typed = ["Ok", "Corrupt", "NotFound", "Busy", "Removed"];
                let opened = u64::open(NAME);
                if let Ok(object) = &opened {
                    for result in [
                        outcome(object.load()),
                        outcome(object.read()),
                        outcome(object.try_write()),
                        outcome(object.reopen()),
                    ] {
                        assert!(typed.contains(&result.as_str()), "{fill:#x}: {result}");
                    }
                    object.info();
                }
                assert!(typed.contains(&outcome(opened).as_str()), "{fill:#x}");
                list().unwrap();
                let reader = u64::open_read_only(NAME).and_then(|reader| reader.load());
                assert!(typed.contains(&outcome(reader).as_str()), "{fill:#x}");
            }
        }
    });
}
