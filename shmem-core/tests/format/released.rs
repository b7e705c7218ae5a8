//! What every later release must open: an object of each format version that was released.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use shmem_core::{Lifetime, Shared, StoredSchema, Version, WriteGuard};

use crate::reader::Object;
use crate::{ENGINE, Engine, engine};

/// An object of 9,216 bytes that a program of release 0.1 left: `engine()` under version 3, after two writes.
const SAMPLE: &str = "tests/data/format-1.shm";

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
        (Lifetime::Keep, 3, 1)
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
    assert_eq!(bytes.len(), 9216);
    assert_eq!(
        bytes[..24],
        *b"shmem\x1A\x0A\xA9\x08\x07\x06\x05\x04\x03\x02\x01\x01\0\0\0\0\0\0\0"
    );
    assert_eq!(bytes[48], 1 | 4, "kept, and survives a power cut");
    assert_eq!(bytes[256..][..20], *b"0\tstruct\t0\t64\t\tEngin");

    let object = Object::open(&copy.0);
    assert_eq!(object.words[4], 0x4351_a434_1d56_2313);
    assert_eq!(object.words[16..=20], [4096, 8192, 8704, 8832, 128]);
    assert_eq!(
        (object.name.as_str(), object.print()),
        ("", (3, ENGINE.to_owned()))
    );
    assert_eq!(
        [0, 64, 72, 80].map(|at| object.control(at)),
        [3 << 8 | 2, 1, 2, 3]
    );
    assert_eq!(object.control(24), 1 << 8, "flushed when it was created");
    for buffer in 0..3 {
        assert!(object.is_whole(buffer), "{buffer}");
    }
    assert_eq!(
        bytes[8832..][..64],
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
    let options = Engine::options().max_handles(1).buffers(3);
    let shared = options.create(&path, engine()).unwrap();
    for _ in 0..2 {
        shared.store(engine()).unwrap();
    }
    drop(shared);
    Object::open(&path);
}
