//! Objects whose stored schema is not one, with all other numbers right for it: typed errors, and the file stays
//! as it is.

use std::path::Path;

use shmem_core::{Lifetime, Shared, list, schema};
use tests::hostile::{Texts, texts};
use tests::raw::{Forged, Raw, look};
use tests::{alone, corrupt_part, outcome};

const NAME: &str = "hostile";

/// Whatever the schema says, with fingerprint and checksum that are right for it.
#[test]
fn hostile_schemas() {
    alone(|alone| {
        let path = alone.home().join(NAME);
        drop(
            u64::options()
                .lifetime(Lifetime::Keep)
                .create(NAME, 5)
                .unwrap(),
        );
        let raw = Raw::read(&path);
        let honest = raw.parts();
        let Texts { refused, odd } = texts();
        for schema in &odd {
            let text = String::from_utf8_lossy(schema);
            Raw::forge(&Forged {
                schema,
                ..honest.clone()
            })
            .write(&path);
            assert_eq!(outcome(shmem_core::schema(NAME)), "Ok", "{text}");
            assert_eq!(outcome(u64::open(NAME)), "LayoutMismatch", "{text}");
        }
        for schema in &refused {
            forge_and_refuse(
                &path,
                &Forged {
                    schema,
                    ..honest.clone()
                },
            );
        }
    });
}

fn forge_and_refuse(path: &Path, parts: &Forged<'_>) {
    Raw::forge(parts).write(path);
    let text = String::from_utf8_lossy(&parts.schema[..parts.schema.len().min(200)]);
    let before = look(path);
    assert_eq!(outcome(u64::open(NAME)), "Corrupt", "{text}");
    assert_eq!(corrupt_part(u64::open(NAME)), "schema", "{text}");
    assert_eq!(corrupt_part(u64::open_read_only(NAME)), "schema", "{text}");
    assert_eq!(corrupt_part(schema(NAME)), "schema", "{text}");
    assert!(list().unwrap().is_empty(), "{text}");
    assert!(look(path) == before, "{text}");
}
