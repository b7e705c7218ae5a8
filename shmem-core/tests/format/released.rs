//! What every later release must open: an object of each format version that was released.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use shmem_core::{Error, Lifetime, Lock, Shared, StoredSchema, Version, WriteGuard};

use crate::reader::Object;
use crate::{ENGINE, Engine, engine, unique};

/// An object of 9,216 bytes that a program of release 0.1 left: `engine()` under version 3, after two writes.
const SAMPLE: &str = "tests/data/format-1.shm";
/// One of 9,088 bytes with a lock of raw_sync: `engine()` under version 2, after one write.
const LOCKED: &str = "tests/data/format-1-raw-sync.shm";

/// Deletes its file, also when the test fails.
struct Copied(PathBuf);

impl Drop for Copied {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

fn sample(test: &str) -> Copied {
    copy_of(SAMPLE, test)
}

fn copy_of(sample: &str, test: &str) -> Copied {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(sample);
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

/// With a pthread lock before the value: only programs with the feature, and with the C library and the processor of
/// the one that made it, open it.
#[test]
#[cfg(target_endian = "little")]
fn an_object_with_a_lock_of_raw_sync() {
    let copy = copy_of(LOCKED, "raw-sync-1");
    let path = copy.0.as_path();
    let object = Object::open(path);
    assert_eq!(object.words[27], 1 | 8 << 8 | 56 << 16 | 1 << 32 | 62 << 48);
    assert_eq!(object.words[16..=20], [4096, 8192, 8704, 8960, 128]);
    assert_eq!((object.words[28], object.words[9]), (8832, 1));
    assert_eq!(object.print(), (2, ENGINE.to_owned()));

    let refused = |error| match error {
        Error::UnsupportedFormat {
            found, expected, ..
        } => (found, expected),
        other => panic!("{other:?}"),
    };
    let lock = "a lock of raw_sync (56 bytes, of the GNU C library, 8-byte pointers, machine 62)";
    let (found, expected) = refused(Engine::open_read_only(path).unwrap_err());
    assert_eq!(found, lock);
    assert!(expected.starts_with("none without write permission"));
    let opened = Engine::open(path);
    if !cfg!(feature = "raw_sync") {
        let (found, expected) = refused(opened.unwrap_err());
        assert_eq!(found, lock);
        assert!(expected.contains("build it with the feature `raw_sync`"));
        let options = Engine::options().lock(Lock::RawSync);
        let made = options.create(unique("raw-sync").as_str(), engine());
        assert!(matches!(made, Err(Error::UnsupportedPlatform { .. })));
    } else if cfg!(all(
        target_arch = "x86_64",
        target_env = "gnu",
        target_pointer_width = "64"
    )) {
        let shared = opened.unwrap();
        assert_eq!(shared.info().lock, Lock::RawSync);
        assert_eq!(*shared.read().unwrap(), engine());
        shared.update(|engine| engine.tick = 8).unwrap();
        assert_eq!(shared.load().unwrap().tick, 8);
    } else {
        refused(opened.unwrap_err());
    }
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

/// Makes what is missing of the samples, once for each format version:
/// `SHMEM_MAKE_SAMPLE=1 cargo test -p shmem-core --test format --features raw_sync`.
#[test]
fn make_the_samples() {
    if std::env::var_os("SHMEM_MAKE_SAMPLE").is_none() {
        println!("not run: SHMEM_MAKE_SAMPLE=1 makes the samples of a new format version");
        return;
    }
    let options = Engine::options().max_handles(1).buffers(3);
    let locked = options.clone().lock(Lock::RawSync);
    for (sample, options, stores) in [(SAMPLE, options, 2), (LOCKED, locked, 1)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(sample);
        if path.exists() {
            continue;
        }
        let shared = options.create(&path, engine()).unwrap();
        for _ in 0..stores {
            shared.store(engine()).unwrap();
        }
        drop(shared);
        Object::open(&path);
    }
}
