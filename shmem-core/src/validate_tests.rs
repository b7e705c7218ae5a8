//! Every kind of value, and what is said about bytes that are not one.

use super::InvalidField;
use crate::{FixedOption, FixedStr, FixedVec, Shared};
use core::num::{NonZeroI16, NonZeroU32};

#[derive(Shared)]
#[shared(crate = crate)]
#[repr(u8)]
enum Gear {
    Neutral = 0,
    First = 1,
    Reverse = 9,
}

#[derive(Shared)]
#[shared(crate = crate)]
#[repr(i16)]
enum Sign {
    Minus = -1,
    Zero = 0,
    Plus = 1,
}

#[derive(Shared)]
#[shared(crate = crate)]
#[repr(C)]
struct Level {
    qty: u32,
    letter: char,
    sign: Sign,
    live: [bool; 2],
    gear: Gear,
    _pad: [u8; 3],
}

#[derive(Shared)]
#[shared(crate = crate)]
#[repr(C)]
struct Book {
    id: u64,
    levels: [Level; 3],
    title: FixedStr<4>,
    depths: FixedVec<Gear, 8>,
    last: FixedOption<NonZeroI16>,
    _pad: [u8; 6],
    count: NonZeroU32,
    maybe: Option<NonZeroU32>,
}

const LEVELS: usize = 8;
const LEVEL: usize = 16;
const TITLE: usize = LEVELS + 3 * LEVEL;
const DEPTHS: usize = TITLE + 8;
const LAST: usize = DEPTHS + 16;
const COUNT: usize = LAST + 16;

fn valid() -> Vec<u8> {
    let mut bytes = vec![0; size_of::<Book>()];
    bytes[COUNT] = 1;
    bytes
}

/// What is said after `change` has spoilt a valid value.
fn spoilt(change: impl FnOnce(&mut [u8])) -> String {
    let mut bytes = valid();
    change(&mut bytes);
    match Book::SCHEMA.validate(&bytes) {
        Ok(()) => "valid".to_owned(),
        Err(InvalidField {
            field,
            offset,
            found,
            expected,
        }) => format!("{field} at {offset}: {found}, expected {expected}"),
    }
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..][..value.len()].copy_from_slice(value);
}

#[test]
fn a_value_is_valid() {
    assert_eq!(spoilt(|_| {}), "valid");
    assert_eq!(spoilt(|b| put(b, 0, &[0xff; 8])), "valid");
}

#[test]
fn bool() {
    let at = LEVELS + 2 * LEVEL + 10;
    assert_eq!(spoilt(|b| b[at] = 1), "valid");
    assert_eq!(
        spoilt(|b| b[at + 1] = 7),
        format!("levels[2].live[1] at {}: 7, expected 0 or 1", at + 1)
    );
}

#[test]
fn char() {
    let at = LEVELS + LEVEL + 4;
    assert_eq!(
        spoilt(|b| put(b, at, &0x10_ffff_u32.to_ne_bytes())),
        "valid"
    );
    assert_eq!(
        spoilt(|b| put(b, at, &0xd800_u32.to_ne_bytes())),
        format!("levels[1].letter at {at}: 0xd800, expected a Unicode scalar value")
    );
}

#[test]
fn enum_with_gaps() {
    let at = LEVELS + 12;
    assert_eq!(spoilt(|b| b[at] = 9), "valid");
    assert_eq!(
        spoilt(|b| b[at] = 8),
        format!("levels[0].gear at {at}: 8, expected one of Neutral = 0, First = 1, Reverse = 9")
    );
    assert!(spoilt(|b| b[at] = 10).starts_with("levels[0].gear"));
}

#[test]
fn enum_with_signs() {
    let at = LEVELS + 8;
    for number in -1..=1_i16 {
        assert_eq!(spoilt(|b| put(b, at, &number.to_ne_bytes())), "valid");
    }
    assert_eq!(
        spoilt(|b| put(b, at, &(-2_i16).to_ne_bytes())),
        format!("levels[0].sign at {at}: -2, expected one of Minus = -1, Zero = 0, Plus = 1")
    );
    assert!(spoilt(|b| put(b, at, &2_i16.to_ne_bytes())).starts_with("levels[0].sign"));
}

#[test]
fn text() {
    assert_eq!(spoilt(|b| put(b, TITLE, &4_u32.to_ne_bytes())), "valid");
    assert_eq!(
        spoilt(|b| put(b, TITLE, &5_u32.to_ne_bytes())),
        format!("title at {TITLE}: a text of 5 bytes, expected at most 4 bytes")
    );
    assert_eq!(
        spoilt(|b| {
            put(b, TITLE, &3_u32.to_ne_bytes());
            put(b, TITLE + 4, b"ab\xff");
        }),
        format!("title at {}: the byte 0xff, expected UTF-8", TITLE + 6)
    );
    // What lies beyond the length is room, and no text.
    assert_eq!(spoilt(|b| put(b, TITLE + 4, &[0xff; 4])), "valid");
}

#[test]
fn list() {
    assert_eq!(spoilt(|b| put(b, DEPTHS, &8_u64.to_ne_bytes())), "valid");
    assert_eq!(
        spoilt(|b| put(b, DEPTHS, &9_u64.to_ne_bytes())),
        format!("depths at {DEPTHS}: a list of 9 items, expected at most 8 items")
    );
    assert!(spoilt(|b| put(b, DEPTHS, &[0xff; 8])).starts_with("depths at"));
    let second = |length: u64| {
        spoilt(|b| {
            put(b, DEPTHS, &length.to_ne_bytes());
            b[DEPTHS + 9] = 5;
        })
    };
    assert_eq!(second(1), "valid");
    assert!(second(2).starts_with(&format!("depths[1] at {}: 5", DEPTHS + 9)));
}

#[test]
fn option() {
    assert_eq!(
        spoilt(|b| put(b, LAST, &2_u64.to_ne_bytes())),
        format!("last at {LAST}: the tag 2, expected 0 or 1")
    );
    assert_eq!(
        spoilt(|b| put(b, LAST, &1_u64.to_ne_bytes())),
        format!(
            "last.value at {}: 0, expected another number than 0",
            LAST + 8
        )
    );
    assert_eq!(
        spoilt(|b| {
            put(b, LAST, &1_u64.to_ne_bytes());
            b[LAST + 9] = 1;
        }),
        "valid"
    );
}

#[test]
fn nonzero() {
    assert_eq!(
        spoilt(|b| b[COUNT] = 0),
        format!("count at {COUNT}: 0, expected another number than 0")
    );
}

#[test]
fn size() {
    let error = Book::SCHEMA.validate(&[0; 3]).unwrap_err();
    assert_eq!((error.field.as_str(), error.offset), ("", 0));
    assert_eq!(error.found, "3 bytes");
    assert_eq!(error.expected, format!("{} bytes", size_of::<Book>()));
}

/// The quick pass groups items into blocks and columns; one wrong item anywhere must still be found.
#[test]
#[cfg_attr(miri, ignore = "takes it 20 s for each look, and there are a thousand")]
fn every_item_of_a_large_array_is_checked() {
    type Large = [[Level; 3]; 1000];
    let mut bytes = vec![0; size_of::<Large>()];
    assert_eq!(Large::SCHEMA.validate(&bytes), Ok(()));
    for i in (0..3000).step_by(7).chain(1020..1030) {
        for (field, at) in [("live[0]", 10), ("live[1]", 11), ("gear", 12)] {
            let at = i * LEVEL + at;
            bytes[at] = 77;
            let error = Large::SCHEMA.validate(&bytes).unwrap_err();
            assert_eq!(error.field, format!("[{}][{}].{field}", i / 3, i % 3));
            assert_eq!(error.offset, at);
            bytes[at] = 0;
        }
    }
    assert_eq!(Large::SCHEMA.validate(&bytes), Ok(()));
}
