//! Bytes that are not a value, written into an object by a foreign hand: never a `T`, always an error that
//! says where; and nobody else suffers.

use std::fmt::Debug;
use std::mem::offset_of;
use std::num::{NonZeroI64, NonZeroU32};
use std::path::{Path, PathBuf};
use std::time::Duration;

use shmem_core::{Error, FixedOption, FixedStr, FixedVec, Result, Shared, SharedObject, Version};
use tests::TempDir;
use tests::raw::{Raw, control, scribble, word};

/// Every kind of field that has invalid bytes.
#[derive(Shared, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Everything {
    id: u64,
    debt: NonZeroI64,
    count: NonZeroU32,
    letter: char,
    name: FixedStr<8>,
    armed: bool,
    gear: Gear,
    mood: Mood,
    levels: [Level; 2],
    gears: FixedVec<Gear, 4>,
    maybe: FixedOption<bool>,
    _pad: [u8; 3],
}

#[derive(Shared, Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
enum Gear {
    Neutral = 0,
    First = 1,
    Reverse = 255,
}

#[derive(Shared, Clone, Copy, Debug, PartialEq)]
#[repr(i16)]
enum Mood {
    Bad = -300,
    Good = 1,
}

#[derive(Shared, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Level {
    qty: u32,
    live: bool,
    _pad: [u8; 3],
}

impl Everything {
    fn valid(id: u64) -> Self {
        let level = |qty| Level {
            qty,
            live: qty > 1,
            _pad: [0; 3],
        };
        Everything {
            id,
            debt: NonZeroI64::new(-1).unwrap(),
            count: NonZeroU32::MIN,
            letter: 'ß',
            name: FixedStr::literal("grün"),
            armed: true,
            gear: Gear::Reverse,
            mood: Mood::Bad,
            levels: [level(1), level(2)],
            gears: FixedVec::from([Gear::First, Gear::Neutral]),
            maybe: FixedOption::some(true),
            _pad: [0; 3],
        }
    }
}

/// Too large to be copied out at once, so `load` goes another way.
#[derive(Shared, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Long {
    before: [u64; 200],
    inner: Everything,
}

/// One field with bytes that its type does not have.
struct Case {
    /// Where the bytes are put.
    at: usize,
    bytes: Vec<u8>,
    field: &'static str,
    /// Where the error says that they are.
    says: usize,
    found: &'static str,
}

fn case(at: usize, bytes: impl Into<Vec<u8>>, field: &'static str, found: &'static str) -> Case {
    Case {
        at,
        bytes: bytes.into(),
        field,
        says: at,
        found,
    }
}

fn cases() -> Vec<Case> {
    let [debt, count, letter] = [
        offset_of!(Everything, debt),
        offset_of!(Everything, count),
        offset_of!(Everything, letter),
    ];
    let [armed, gear, mood] = [
        offset_of!(Everything, armed),
        offset_of!(Everything, gear),
        offset_of!(Everything, mood),
    ];
    let [name, gears, maybe, levels] = [
        offset_of!(Everything, name),
        offset_of!(Everything, gears),
        offset_of!(Everything, maybe),
        offset_of!(Everything, levels),
    ];
    let live = levels + size_of::<Level>() + offset_of!(Level, live);
    let mut cases = vec![
        case(debt, [0; 8], "debt", "0"),
        case(count, [0; 4], "count", "0"),
        case(letter, 0xD800_u32.to_ne_bytes(), "letter", "0xd800"),
        case(letter, 0x11_0000_u32.to_ne_bytes(), "letter", "0x110000"),
        case(letter, [0xFF; 4], "letter", "0xffffffff"),
        case(armed, [7], "armed", "7"),
        case(armed, [255], "armed", "255"),
        case(gear, [2], "gear", "2"),
        case(gear, [254], "gear", "254"),
        case(mood, 300_i16.to_ne_bytes(), "mood", "300"),
        case(mood, (-1_i16).to_ne_bytes(), "mood", "-1"),
        case(live, [2], "levels[1].live", "2"),
        case(name, 9_u32.to_ne_bytes(), "name", "a text of 9 bytes"),
        case(name, [255; 4], "name", "a text of 4294967295 bytes"),
        case(gears, 5_u64.to_ne_bytes(), "gears", "a list of 5 items"),
        case(
            gears,
            [255; 8],
            "gears",
            "a list of 18446744073709551615 items",
        ),
        case(gears + 8 + 1, [9], "gears[1]", "9"),
        case(maybe, 2_u64.to_ne_bytes(), "maybe", "the tag 2"),
        case(maybe, [255; 8], "maybe", "the tag 18446744073709551615"),
        case(maybe + 8, [2], "maybe.value", "2"),
    ];
    // Cut in the middle of `ü`; a byte that begins no character; a surrogate; an overlong zero.
    for (text, bad) in [
        (&b"gr\xC3"[..], 2),
        (b"g\xFFa", 1),
        (b"\xED\xA0\x80", 0),
        (b"ab\xC0\x80", 2),
    ] {
        let mut bytes = u32::try_from(text.len()).unwrap().to_ne_bytes().to_vec();
        bytes.extend_from_slice(text);
        let found = match text[bad] {
            0xC3 => "the byte 0xc3",
            0xFF => "the byte 0xff",
            0xED => "the byte 0xed",
            _ => "the byte 0xc0",
        };
        cases.push(Case {
            says: name + 4 + bad,
            ..case(name, bytes, "name", found)
        });
    }
    cases
}

/// Of a type that holds an [`Everything`].
trait Holder: Shared + Copy + Debug + PartialEq {
    /// Where it holds it: the path of the field, and the offset.
    const PREFIX: (&'static str, usize);
    fn holding(value: Everything) -> Self;
}

impl Holder for Everything {
    const PREFIX: (&'static str, usize) = ("", 0);
    fn holding(value: Everything) -> Self {
        value
    }
}

impl Holder for Long {
    const PREFIX: (&'static str, usize) = ("inner.", offset_of!(Long, inner));
    fn holding(inner: Everything) -> Self {
        Long {
            before: [7; 200],
            inner,
        }
    }
}

/// A kept object with two buffers, so that a guard that stayed would stop writers.
fn create<T: Holder>(directory: &TempDir) -> (SharedObject<T>, PathBuf) {
    let path = directory.path().join("object");
    let options = T::options().buffers(2);
    let object = options.create(&path, T::holding(Everything::valid(1)));
    (object.unwrap(), path)
}

/// Writes into the current buffer of the object at `path`.
fn spoil<T: Holder>(path: &Path, case: &Case) {
    let value = Raw::read(path).value();
    scribble(path, value.start + T::PREFIX.1 + case.at, &case.bytes);
}

#[track_caller]
fn expect_invalid<T: Holder, R: Debug>(what: &str, case: &Case, result: Result<R>) {
    let (field, offset) = (
        format!("{}{}", T::PREFIX.0, case.field),
        T::PREFIX.1 + case.says,
    );
    match result {
        Err(Error::InvalidValue {
            field: f,
            offset: o,
            found,
            expected,
            ..
        }) => {
            assert_eq!(
                (f, o, found.as_str()),
                (field, offset, case.found),
                "{what}"
            );
            assert!(!expected.is_empty(), "{what} of {}", case.field);
        }
        Err(other) => panic!("{what} of {}: {other}", case.field),
        Ok(value) => panic!("{what} of {} got a value: {value:?}", case.field),
    }
}

fn every_way_to_read_is_told<T: Holder>() {
    let long = Duration::from_secs(20);
    for case in cases() {
        let directory = TempDir::new("invalid");
        let (creator, path) = create::<T>(&directory);
        spoil::<T>(&path, &case);
        let fresh = || T::open(&path).unwrap();
        let (a, b) = (fresh(), fresh());
        // Twice: an error is not remembered as a success.
        for object in [&creator, &a, &a] {
            let told = |what: &str, result: Result<T>| expect_invalid::<T, _>(what, &case, result);
            told("load", object.load());
            told("load_boxed", object.load_boxed().map(|value| *value));
            told("read", object.read().map(|guard| *guard));
            told("try_read", object.try_read().map(|guard| *guard));
            told(
                "read_timeout",
                object.read_timeout(long).map(|guard| *guard),
            );
            told("write", object.write().map(|guard| *guard));
            told("try_write", object.try_write().map(|guard| *guard));
            told(
                "write_timeout",
                object.write_timeout(long).map(|guard| *guard),
            );
            told("update", object.update(|_| panic!("called with a value")));
            told(
                "try_update",
                object
                    .try_update(|_| -> std::result::Result<T, ()> { panic!("called with a value") })
                    .map(|_| unreachable!()),
            );
            let unchanged = T::holding(Everything::valid(77));
            let mut out = unchanged;
            expect_invalid::<T, _>("load_into", &case, object.load_into(&mut out));
            assert_eq!(out, unchanged);
        }
        let reader = T::open_read_only(&path).unwrap();
        for _ in 0..2 {
            let told = |what: &str, result: Result<T>| expect_invalid::<T, _>(what, &case, result);
            told("read-only load", reader.load());
            told("read-only load_boxed", reader.load_boxed().map(|v| *v));
            let unchanged = T::holding(Everything::valid(77));
            let mut out = unchanged;
            let result = reader.load_into(&mut out);
            expect_invalid::<T, _>("read-only load_into", &case, result);
            assert_eq!(out, unchanged);
        }
        // Nothing was published, and no lock and no buffer is held: others can repair it at once.
        assert_eq!(creator.version(), Version(1));
        let repaired = T::holding(Everything::valid(2));
        assert_eq!(b.store(repaired).unwrap(), Version(2));
        for object in [&creator, &a, &b] {
            assert_eq!(object.load().unwrap(), repaired);
            assert_eq!(*object.try_write().unwrap(), repaired);
            object.store(repaired).unwrap();
        }
        assert_eq!(reader.load().unwrap(), repaired);
    }
}

#[test]
fn a_small_value() {
    const { assert!(size_of::<Everything>() <= 512) };
    every_way_to_read_is_told::<Everything>();
}

#[test]
fn a_long_value() {
    const { assert!(size_of::<Long>() > 512) };
    every_way_to_read_is_told::<Long>();
}

/// The sentence is for people.
#[test]
fn the_message_says_where_and_what() {
    let directory = TempDir::new("message");
    let (object, path) = create::<Everything>(&directory);
    let at = offset_of!(Everything, gear);
    spoil::<Everything>(&path, &case(at, [2], "gear", "2"));
    assert_eq!(
        object.load().unwrap_err().to_string(),
        format!(
            "`{}` holds an invalid value: field `gear` at byte {at} is 2, expected one of \
             Neutral = 0, First = 1, Reverse = 255",
            path.display()
        )
    );
}

/// `load` promises a value whatever bytes others write, also when the handle has seen this version before.
fn load_checks_each_copy<T: Holder>() {
    for case in cases() {
        let directory = TempDir::new("again");
        let (object, path) = create::<T>(&directory);
        object.load().unwrap();
        drop(object.read().unwrap());
        spoil::<T>(&path, &case);
        expect_invalid::<T, _>("load", &case, object.load());
        let boxed = object.load_boxed().map(|value| *value);
        expect_invalid::<T, _>("load_boxed", &case, boxed);
    }
}

#[test]
fn load_checks_each_copy_of_a_small_value() {
    load_checks_each_copy::<Everything>();
}

#[test]
fn load_checks_each_copy_of_a_long_value() {
    load_checks_each_copy::<Long>();
}

/// No version is believed unseen, not even 0, which nobody publishes: a handle that has checked nothing yet
/// might take it for the one that it has checked.
#[test]
fn no_version_is_believed() {
    let case = case(offset_of!(Everything, armed), [7], "armed", "7");
    for version in [0, 1, 2, (1 << 56) - 1] {
        let directory = TempDir::new("version");
        let (creator, path) = create::<Long>(&directory);
        spoil::<Long>(&path, &case);
        let control = Raw::read(&path).offset(word::CONTROL);
        let current = version << 8;
        scribble(
            &path,
            control + control::CURRENT,
            &u64::to_ne_bytes(current),
        );
        scribble(&path, control + control::STAMPS, &u64::to_ne_bytes(version));
        for object in [&creator, &Long::open(&path).unwrap()] {
            expect_invalid::<Long, _>("read", &case, object.read().map(|guard| *guard));
            expect_invalid::<Long, _>("write", &case, object.write().map(|guard| *guard));
            expect_invalid::<Long, _>("load", &case, object.load());
        }
        let reader = Long::open_read_only(&path).unwrap();
        expect_invalid::<Long, _>("read-only load", &case, reader.load());
    }
}

/// What lies behind the length of a text or a list, or in an option that is none, is nobody's value.
#[test]
fn bytes_that_do_not_count_may_be_anything() {
    let directory = TempDir::new("unused");
    let (object, path) = create::<Everything>(&directory);
    let mut expected = Everything::valid(1);
    expected.maybe = FixedOption::none();
    object.store(expected).unwrap();
    let (name, gears, maybe) = (
        offset_of!(Everything, name),
        offset_of!(Everything, gears),
        offset_of!(Everything, maybe),
    );
    for unused in [
        case(name + 4 + "grün".len(), [0xFF; 3], "", ""),
        case(gears + 8 + 2, [9; 2], "", ""),
        case(maybe + 8, [7], "", ""),
    ] {
        spoil::<Everything>(&path, &unused);
    }
    let fresh = Everything::open(&path).unwrap();
    let reader = Everything::open_read_only(&path).unwrap();
    for value in [
        object.load(),
        fresh.load(),
        fresh.read().map(|guard| *guard),
        reader.load(),
    ] {
        assert_eq!(value.unwrap(), expected);
    }
    // A new item takes the place of the bytes that were there.
    fresh
        .update(|value| value.gears.push(Gear::First))
        .unwrap()
        .unwrap();
    assert_eq!(
        reader.load().unwrap().gears,
        [Gear::First, Gear::Neutral, Gear::First]
    );
}
