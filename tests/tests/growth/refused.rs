//! What may not meet: each error names the field and says what to do, whoever came first.

use std::num::NonZeroU32;
use std::sync::atomic::AtomicU64;

use shmem_core::{Error, Shared};
use tests::{TempDir, variant};

use super::Gear;

/// Creates with the first and opens with the second, then the other way round; each error must say so.
#[track_caller]
fn refuse<A, B>(a: A, b: B, [forth, back]: [&str; 2], advice: &str)
where
    A: Shared + Copy,
    B: Shared + Copy,
{
    fn one<A: Shared, B: Shared + Copy>(a: A, b: B, sentence: &str, advice: &str) {
        let directory = TempDir::new("refused");
        let path = directory.path().join("object");
        let _object = A::create(&path, a).unwrap();
        let before = std::fs::read(&path).unwrap();
        let check = |error: Option<Error>| {
            let error = error.expect("an error");
            let text = error.to_string();
            assert!(text.contains(&format!("\n  {sentence}\n")), "{text}");
            assert!(text.contains(advice), "{text}");
            assert_eq!(variant(&error), "LayoutMismatch");
        };
        check(B::open(&path).err());
        check(B::open_read_only(&path).err());
        check(B::open_or_create(&path, b).err());
        assert!(std::fs::read(&path).unwrap() == before, "changed");
    }
    one::<A, B>(a, b, forth, advice);
    one::<B, A>(b, a, back, advice);
}

/// The same, with the two definitions.
macro_rules! refused {
    (
        $a:literal { $($object:tt)* } $b:literal { $($program:tt)* }
        $forth:expr, $back:expr, $advice:expr
    ) => {{
        program!(a, $a, { $($object)* });
        program!(b, $b, { $($program)* });
        refuse(a::Value::default(), b::Value::default(), [$forth, $back], $advice);
    }};
}

const STAYS: &str = "a field that both have stays as it is";
const GOES: &str = "a new field goes behind the last one, or into padding";
const SAME: &str = "give both the same `#[shared(reserve = N)]`";
const ZERO: &str = "programs that do not know a field leave it zero";

#[test]
fn a_field_of_another_type() {
    refused!(
        64 { a: u32, b: u32 }
        64 { a: u32, b: f32, c: u32 }
        "field `b`: u32 at offset 4 in the object, f32 at offset 4 in this program",
        "field `b`: f32 at offset 4 in the object, u32 at offset 4 in this program",
        STAYS
    );
}

#[test]
fn a_field_that_moved() {
    refused!(
        64 { a: u32, b: u32 }
        64 { a: u32, c: u32, b: u32 }
        "field `b`: u32 at offset 4 in the object, u32 at offset 8 in this program",
        "field `b`: u32 at offset 8 in the object, u32 at offset 4 in this program",
        STAYS
    );
}

#[test]
fn a_field_that_was_renamed() {
    refused!(
        64 { a: u32, b: u32 }
        64 { a: u32, c: u32, d: u64 }
        "field `b`: u32 at offset 4 in the object, `c`: u32 at offset 4 in this program",
        "field `c`: u32 at offset 4 in the object, `b`: u32 at offset 4 in this program",
        GOES
    );
}

#[test]
fn another_reserve() {
    refused!(
        64 { a: u32 }
        128 { a: u32, b: u32 }
        "the value: Value with `reserve = 64` in the object, Value with `reserve = 128` in this program",
        "the value: Value with `reserve = 128` in the object, Value with `reserve = 64` in this program",
        SAME
    );
}

/// The layout is the same, and yet one of them may have more some day.
#[test]
fn a_reserve_on_one_side_only() {
    mod fixed {
        use shmem_core::Shared;
        #[derive(Shared, Clone, Copy, Default)]
        #[repr(C)]
        pub(crate) struct Value {
            pub(crate) a: u32,
        }
    }
    program!(grows, 64, { a: u32 });
    assert_eq!(fixed::Value::FINGERPRINT, grows::Value::FINGERPRINT);
    refuse(
        fixed::Value::default(),
        grows::Value::default(),
        [
            "the value: Value without `reserve` in the object, Value with `reserve = 64` in this program",
            "the value: Value with `reserve = 64` in the object, Value without `reserve` in this program",
        ],
        SAME,
    );
}

mod more {
    use shmem_core::Shared;
    #[derive(Shared, Clone, Copy, Debug, Default, PartialEq)]
    #[repr(u32)]
    pub(crate) enum Gear {
        #[default]
        Neutral = 0,
        First = 1,
        Second = 2,
    }
}

#[test]
fn a_variant_more() {
    refused!(
        64 { a: u32, gear: Gear }
        64 { a: u32, gear: more::Gear }
        "field `gear`: no variant `Second` in the object, variant `Second` = 2 in this program",
        "field `gear`: variant `Second` = 2 in the object, no variant `Second` in this program",
        STAYS
    );
}

#[derive(Shared, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(crate) struct Level<Quantity: Shared> {
    price: u32,
    _pad: [u8; 2],
    qty: Quantity,
}

#[test]
fn a_part_of_a_field() {
    // Padding of a part is not free: only that of the whole is.
    refused!(
        64 { a: u32, levels: [Level<u16>; 2] }
        64 { a: u32, levels: [Level<[u8; 2]>; 2] }
        "field `levels[0].qty`: u16 at offset 10 in the object, [u8; 2] at offset 10 in this program",
        "field `levels[0].qty`: [u8; 2] at offset 10 in the object, u16 at offset 10 in this program",
        STAYS
    );
}

#[test]
fn a_new_field_without_a_zero() {
    program!(a, 64, { tick: u32 });
    #[derive(Shared, Clone, Copy)]
    #[repr(C)]
    #[shared(name = "Value", reserve = 64)]
    struct WithId {
        tick: u32,
        id: NonZeroU32,
    }
    let b = WithId {
        tick: 1,
        id: NonZeroU32::MIN,
    };
    refuse(
        a::Value::default(),
        b,
        [
            "field `id`: absent in the object, NonZeroU32 at offset 4, of which zero is no value, in this program",
            "field `id`: NonZeroU32 at offset 4, of which zero is no value, in the object, absent in this program",
        ],
        ZERO,
    );
}

/// A program that has padding there may hold a shared reference to it.
#[test]
fn new_atomics() {
    #[derive(Shared, Debug, Default)]
    #[repr(C)]
    #[shared(name = "Value", reserve = 64, in_place)]
    struct Before {
        tick: u64,
        _pad: [u8; 8],
    }
    #[derive(Shared, Debug, Default)]
    #[repr(C)]
    #[shared(name = "Value", reserve = 64, in_place)]
    struct After {
        tick: u64,
        hits: AtomicU64,
    }
    let directory = TempDir::new("atomics");
    let path = directory.path().join("object");
    for old_creates in [true, false] {
        let error = if old_creates {
            let _object = Before::create(&path, Before::default()).unwrap();
            After::open(&path).unwrap_err()
        } else {
            let _object = After::create(&path, After::default()).unwrap();
            Before::open(&path).unwrap_err()
        };
        let text = error.to_string();
        let sentence = "AtomicU64 at offset 8, which has atomics, in";
        assert!(text.contains(sentence), "{text}");
        assert!(text.contains("have them from the start"), "{text}");
        shmem_core::remove(path.as_path()).unwrap();
    }
}

#[test]
fn another_type_and_another_meaning() {
    program!(a, 64, { tick: u32 });
    #[derive(Shared, Clone, Copy, Default)]
    #[repr(C)]
    #[shared(name = "Value", reserve = 64, version = 2)]
    struct Meaning {
        tick: u32,
    }
    refuse(
        a::Value::default(),
        Meaning::default(),
        [
            "the value: Value without `version` in the object, Value with `version = 2` in this program",
            "the value: Value with `version = 2` in the object, Value without `version` in this program",
        ],
        "rebuild both programs with the same definition",
    );
}
