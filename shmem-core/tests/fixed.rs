//! What the fixed containers are by trait, what they refuse, and how they lie in memory.
//!
//! `fixed_model.rs` has their functions.

use core::fmt::Write;
use std::collections::{BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::collection::vec;
use proptest::prelude::*;
use shmem_core::{FixedOption, FixedStr, FixedVec, Shared};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn str_compares_and_prints_as_str(a in "[ab€]{0,4}", b in "[ab€]{0,4}") {
        let (x, y) = (FixedStr::<12>::literal(&a), FixedStr::<16>::literal(&b));
        prop_assert_eq!(x == y, a == b);
        prop_assert_eq!(x.partial_cmp(&y), a.partial_cmp(&b));
        prop_assert_eq!(format!("{x:?} {x:>6} {x:.2}"), format!("{a:?} {a:>6} {a:.2}"));
        prop_assert_eq!(a.parse(), Ok(x));
        prop_assert_eq!(String::from(x), a);
    }

    #[test]
    fn vec_compares_and_prints_as_slice(a in vec(0u8..3, 0..4), b in vec(0u8..3, 0..4)) {
        let x: FixedVec<u8, 4> = a.as_slice().try_into().unwrap();
        let y: FixedVec<u8, 6> = b.clone().try_into().unwrap();
        prop_assert_eq!(x == y, a == b);
        prop_assert_eq!(x.partial_cmp(&y), a.partial_cmp(&b));
        prop_assert_eq!(format!("{x:?}"), format!("{a:?}"));
        prop_assert_eq!(Vec::from(x), a);
    }

    #[test]
    fn truncated_text_is_the_longest_prefix_that_fits(text in "[a€😀]{0,8}") {
        let cut = FixedStr::<9>::from_str_truncated(&text);
        prop_assert!(text.starts_with(cut.as_str()));
        let more = text[cut.len()..].chars().next().map_or(10, char::len_utf8);
        prop_assert!(cut.len() == text.len() || cut.len() + more > 9);
    }
}

#[test]
fn the_traits_of_a_struct_around_them_can_be_derived() {
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    struct Order {
        symbol: FixedStr<8>,
        fills: FixedVec<u32, 3>,
        limit: FixedOption<u64>,
    }
    let mut order = Order::default();
    order.symbol.set("AAPL").unwrap();
    order.fills.push(10).unwrap();
    order.limit.set(250);
    assert_eq!(
        format!("{order:?}"),
        r#"Order { symbol: "AAPL", fills: [10], limit: Some(250) }"#
    );
    assert!(order > Order::default());
    assert_eq!(HashSet::from([order, order]).len(), 1);
}

#[test]
fn they_compare_with_what_they_stand_in_for() {
    let text = FixedStr::<8>::literal("abc");
    let (owned, borrowed) = (String::from("abc"), "abc");
    assert!(text == owned && text == borrowed && text == *borrowed);
    assert!(owned == text && borrowed == text && *borrowed == text);

    let list = FixedVec::<u8, 4>::from([1, 2]);
    let (owned, array, borrowed) = (vec![1, 2], &[1, 2], [1, 2].as_slice());
    assert!(list == owned && list == array && list == *array);
    assert!(list == borrowed && list == *borrowed);
    assert!(owned == list && array == list && *array == list);
    assert!(borrowed == list && *borrowed == list);
}

#[test]
fn sets_are_searched_without_making_one() {
    let names = HashSet::from([FixedStr::<8>::literal("left"), FixedStr::literal("right")]);
    assert!(names.contains("left") && !names.contains("middle"));
    let lists = BTreeSet::from([FixedVec::<u8, 4>::from([1, 2])]);
    assert!(lists.contains([1, 2].as_slice()));
}

#[test]
fn write_stops_at_the_piece_that_does_not_fit() {
    let mut line = FixedStr::<8>::new();
    let (left, right) = (1234, 5678);
    assert!(write!(line, "{left}-{right}").is_err());
    assert_eq!(line, "1234-");
}

#[test]
fn collecting_too_much_panics_with_the_numbers() {
    fn message<T>(run: impl FnOnce() -> T) -> String {
        let Err(panic) = catch_unwind(AssertUnwindSafe(run)) else {
            panic!("it fits");
        };
        panic.downcast_ref::<String>().unwrap().clone()
    }
    let list = message(|| (0..9).collect::<FixedVec<u8, 4>>());
    assert_eq!(list, "5 items do not fit in a `FixedVec` of 4");
    let text = message(|| FixedStr::<4>::from_iter(["abc", "def"]));
    assert_eq!(text, "6 bytes do not fit in a `FixedStr` of 4");
}

/// What a panic in the middle leaves is a value.
#[test]
fn a_panic_while_retaining_leaves_a_value() {
    let mut text = FixedStr::<16>::literal("aé€😀b");
    let panics = catch_unwind(AssertUnwindSafe(|| {
        text.retain(|ch| if ch == '😀' { panic!() } else { ch != 'a' });
    }));
    assert!(panics.is_err());
    assert_eq!(text, "é€");

    let mut list = FixedVec::<u8, 8>::from([1, 2, 3, 4]);
    let panics = catch_unwind(AssertUnwindSafe(|| {
        list.retain(|&n| if n == 3 { panic!() } else { n != 1 });
    }));
    assert!(panics.is_err());
    list.sort();
    assert_eq!(list, [1, 2, 3, 4]);
}

#[test]
fn an_index_past_the_end_panics() {
    fn panics<C: Copy, T>(container: C, call: impl FnOnce(&mut C) -> T) -> bool {
        let mut copy = container;
        catch_unwind(AssertUnwindSafe(|| call(&mut copy))).is_err()
    }
    let list = FixedVec::<u8, 4>::from([1, 2]);
    assert!(panics(list, |list| list.insert(3, 0)));
    assert!(panics(list, |list| list.remove(2)));
    assert!(panics(list, |list| list.swap_remove(2)));
    let text = FixedStr::<4>::literal("é");
    assert!(panics(text, |text| text.insert(1, 'x')));
    assert!(panics(text, |text| text.insert(3, 'x')));
    assert!(panics(text, |text| text.remove(1)));
    assert!(panics(text, |text| text.remove(2)));
    assert!(panics(text, |text| text.truncate(1)));
}

/// Items are cloned one by one when they cannot be copied.
#[cfg(feature = "derive")]
#[test]
fn a_list_of_clones() {
    #[derive(Clone, Debug, PartialEq, Shared)]
    #[repr(C)]
    struct Level {
        price: u64,
    }
    let level = |price| Level { price };
    let list = FixedVec::<Level, 4>::from([level(1), level(2)]);
    let mut clone = list.clone();
    assert_eq!(clone, list);
    clone.extend([level(3)]);
    assert_eq!(clone.pop(), Some(level(3)));
    clone.clear();
    clone.clone_from(&list);
    assert_eq!(clone, list);
    let one = FixedOption::some(level(1));
    assert_eq!(one.clone().map(|level| level.price), Some(1));
}

#[test]
fn their_size_is_what_the_format_says() {
    assert_eq!(
        (size_of::<FixedStr<5>>(), align_of::<FixedStr<5>>()),
        (9, 1)
    );
    assert_eq!(size_of::<FixedVec<u8, 5>>(), 13);
    assert_eq!(size_of::<FixedVec<u64, 5>>(), 48);
    assert_eq!(size_of::<FixedOption<u16>>(), 10);
    assert_eq!(align_of::<FixedOption<u16>>(), 2);
}

#[test]
fn their_schema_nests() {
    type Rows = FixedVec<FixedOption<FixedStr<6>>, 3>;
    let stored = String::from_utf8(Rows::SCHEMA.stored_form()).unwrap();
    assert_eq!(
        stored,
        "0\tvec\t0\t62\t\tFixedVec\t\t3\n\
         1\toption\t8\t18\t\tFixedOption\t\t\n\
         2\tstr\t8\t10\t\tFixedStr\t\t6\n"
    );
    assert!(Rows::SCHEMA.zero_is_valid());
    assert!(!Rows::SCHEMA.any_bits());
}

/// A generic type around a generic container: its layout is checked where it is used.
#[cfg(feature = "derive")]
#[test]
fn they_are_fields_of_generic_types() {
    #[derive(Shared, Clone, Copy, Debug, Default, PartialEq)]
    #[repr(C)]
    struct Slot<T: Shared, const N: usize> {
        items: FixedVec<T, N>,
        best: FixedOption<T>,
    }
    #[derive(Shared, Clone, Copy, Debug, Default, PartialEq)]
    #[repr(C)]
    struct Desk {
        name: FixedStr<12>,
        slot: Slot<u32, 3>,
    }
    let mut desk = Desk::default();
    desk.name.set("north").unwrap();
    desk.slot.items.extend([3, 1, 2]);
    desk.slot.best = desk.slot.items.iter().max().copied().into();
    assert_eq!(desk.slot.best, Some(3));
    assert_eq!(Desk::SCHEMA.size(), 16 + 20 + 12);
}
