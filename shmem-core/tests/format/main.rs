//! The bytes that `docs/format.md` draws: what the library writes, read by a reader made from that page alone,
//! and an object of each format version that was released, which every later release must open.
#![cfg(all(target_os = "linux", feature = "derive"))]

use core::num::NonZeroU16;
use std::fs;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use shmem_core::{
    FixedOption, FixedStr, FixedVec, ReadGuard, Shared, SharedObject, Version, WriteGuard,
};

use reader::{Object, directory, encode, read_word};

mod reader;
mod released;

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
    let page = include_str!("../../../docs/format.md");
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

    // As far apart as pages are: there is no other place.
    #[derive(Shared, Clone, Copy)]
    #[repr(C, align(4096))]
    struct Page([u8; 4096]);
    let name = unique("page");
    let shared = Page::create(&name, Page([2; 4096])).unwrap();
    let object = Object::open(&directory().join(encode(&name)));
    assert_eq!((object.words[19] % 4096, object.words[20]), (0, 4096));
    assert_eq!(shared.read().unwrap().0, [2; 4096]);
}

/// What two programs with two layouts leave in one object.
#[test]
#[cfg(target_endian = "little")]
fn a_type_that_may_grow_has_room_and_a_list_of_what_was_added() {
    mod old {
        #[derive(shmem_core::Shared, Clone, Copy)]
        #[repr(C)]
        #[shared(reserve = 200)]
        pub(super) struct Counters {
            pub(super) hits: u64,
            pub(super) on: bool,
            pub(super) _pad: [u8; 7],
        }
    }
    #[derive(Shared, Clone, Copy)]
    #[repr(C)]
    #[shared(reserve = 200)]
    struct Counters {
        hits: u64,
        on: bool,
        _pad: [u8; 3],
        port: Option<core::num::NonZeroU32>,
        misses: u64,
    }
    let name = unique("growth");
    let first = old::Counters {
        hits: 3,
        on: true,
        _pad: [9; 7],
    };
    let old = old::Counters::create(&name, first).unwrap();
    let object = Object::open(&directory().join(encode(&name)));
    assert_eq!(
        (object.words[10], object.words[20]),
        (200, 256),
        "the reserve"
    );
    assert_eq!((object.words[24] % 8, object.words[25]), (0, 4096));
    assert_eq!(object.added(), Vec::<String>::new());
    let (version, bytes) = object.load();
    let mut expected = [0; 200];
    (expected[0], expected[8]) = (3, 1);
    assert_eq!((version, bytes), (1, expected.to_vec()), "padding is zero");

    let new = Counters::open(&name).unwrap();
    let added = "0\tstruct\t0\t24\t\tCounters\t\t\n\
                 1\tmaybe-uint\t12\t4\tport\tOption<NonZeroU32>\t\t\n\
                 1\tuint\t16\t8\tmisses\tu64\t\t\n";
    assert_eq!(object.added(), [added]);
    let mut record = [0; 16];
    object
        .file
        .read_exact_at(&mut record, object.words[24])
        .unwrap();
    assert_eq!(
        record,
        *b"\x5f\0\0\0\0\0\0\0\x83\x1c\x96\x3e\xcd\x77\xbc\x6e"
    );

    new.update(|all| {
        all.port = NonZeroU16::new(80).map(Into::into);
        all.misses = 5;
        all._pad = [7; 3];
    })
    .unwrap();
    old.store(old::Counters { hits: 4, ..first }).unwrap();
    (expected[0], expected[12], expected[16]) = (4, 80, 5);
    assert_eq!(object.load(), (3, expected.to_vec()));
    // As the creator's schema has it; what was added is for those who know of it.
    assert_eq!(object.words[4], old::Counters::FINGERPRINT);
    let text = "hits: 4, on: true, _pad: [0, 0, 0, 80, 0, 0, 0]";
    assert_eq!(object.print(), (3, text.to_owned()));
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
