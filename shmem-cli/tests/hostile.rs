//! Objects that are none, or half of one, or more than anybody can read: a message, and no harm.

use std::path::Path;

use shmem_core::Shared;
use tests::raw::{Forged, Raw, scribble};
use tests::{Engine, TempDir};

#[expect(dead_code, reason = "other tests use the rest")]
mod common;
use common::{out, refused, shmem};

/// A message and a code other than 0, never a crash, and nothing changed.
#[test]
fn hostile_objects() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/open");
    let directory = TempDir::new("cli-hostile");
    let path = directory.path().join("object");
    let mut seen = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        // As it is, and without the byte that says what to do with it.
        for bytes in [&bytes[..], bytes.get(1..).unwrap_or_default()] {
            std::fs::write(&path, bytes).unwrap();
            for command in ["show", "get", "schema", "who", "dump", "ls"] {
                let ran = shmem(&[command, path.to_str().unwrap()]);
                assert!(
                    (1..=6).contains(&ran.code),
                    "{command}: {}{}",
                    ran.out,
                    ran.err
                );
                assert!(ran.err.starts_with("error: "), "{command}: {}", ran.err);
            }
            assert!(std::fs::read(&path).unwrap() == bytes, "changed");
            seen += 1;
        }
    }
    assert!(seen > 50, "{seen} files");
}

/// Objects that are half right: whatever word of the header is wrong, or where the file ends.
#[test]
fn damaged_objects() {
    let directory = TempDir::new("cli-damaged");
    let path = directory.path().join("object");
    let text = path.to_str().unwrap();
    drop(Engine::create(&path, Engine::sample()).unwrap());
    let raw = Raw::read(&path);
    for word in 0..32 {
        for value in [0, 1, u64::MAX, raw.word(word) ^ 1] {
            if value == raw.word(word) {
                continue;
            }
            let mut damaged = raw.clone();
            damaged.set_word(word, value);
            damaged.write(&path);
            let message = refused(1, &["show", text]);
            assert!(message.starts_with("error: "), "{message}");
        }
    }
    for end in [0, 1, 255, 256, 300, 5000, raw.0.len() - 1] {
        Raw(raw.0[..end].to_vec()).write(&path);
        assert!(refused(1, &["show", text]).contains("object"));
    }
    // One field that is no value hides no other.
    raw.write(&path);
    scribble(&path, raw.value().start + 13, &[7]);
    let ran = shmem(&["show", text]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(
        ran.out.contains("armed   invalid: 7, expected 0 or 1"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("\"ada\""), "{}", ran.out);
    assert!(refused(1, &["show", text, "--json"]).contains("`armed` at byte 13 is 7"));
    assert_eq!(out(&["get", text, "driver"]), "ada\n");
    assert_eq!(shmem(&["get", text, "armed"]).code, 1);
}

/// A schema that contradicts nothing and asks for more lines than anybody can read.
#[test]
fn parts_without_bytes() {
    let directory = TempDir::new("cli-nothing");
    let path = directory.path().join("object");
    let text = path.to_str().unwrap();
    drop(u64::create(&path, 5).unwrap());
    let raw = Raw::read(&path);
    let mut schema = "0\tstruct\t0\t8\t\tS\t\t\n1\tuint\t0\t8\ta\tu64\t\t\n".to_owned();
    for depth in 1..30 {
        let name = if depth == 1 { "b" } else { "" };
        schema += &format!("{depth}\tarray\t0\t0\t{name}\t\t\t1000000\n");
    }
    schema += "30\tstruct\t0\t0\t\tT\t\t\n31\tarray\t0\t0\tc\t\t\t0\n32\tuint\t0\t1\t\tu8\t\t\n";
    Raw::forge(&Forged {
        schema: schema.as_bytes(),
        flags: 1,
        ..raw.parts()
    })
    .write(&path);
    let said = refused(2, &["show", text]);
    assert!(said.contains("more than 65536 lines"), "{said}");
    assert!(refused(4, &["show", text, "--json"]).contains("parts"));
    assert_eq!(out(&["get", text, "a"]), "0\n");
    assert!(out(&["schema", text, "--as", "c"]).contains("no bytes"));
}
