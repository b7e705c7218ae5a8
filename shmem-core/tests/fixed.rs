//! The fixed containers against the std types that they stand in for: the same calls, the same outcome.
//!
//! A call that would make the std type longer than the capacity must be refused, with the container
//! unchanged.

use core::fmt::Write;
use std::collections::{BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::collection::vec;
use proptest::prelude::*;
use shmem_core::{CapacityError, FixedOption, FixedStr, FixedVec, Shared};

/// A `Result` for what a container of capacity `N` does, from the model's wish: applied if it fits.
fn fits<M: Clone>(
    model: &mut M,
    len: impl Fn(&M) -> usize,
    capacity: usize,
    change: impl FnOnce(&mut M),
) -> Result<(), (usize, usize)> {
    let mut wish = model.clone();
    change(&mut wish);
    if len(&wish) > capacity {
        return Err((len(&wish), capacity));
    }
    *model = wish;
    Ok(())
}

fn numbers(result: Result<(), CapacityError>) -> Result<(), (usize, usize)> {
    result.map_err(|error| (error.found, error.capacity))
}

#[derive(Clone, Debug)]
enum TextCall {
    Push(char),
    PushStr(String),
    Set(String),
    Pop,
    Insert(usize, char),
    InsertStr(usize, String),
    Remove(usize),
    Retain(char),
    Truncate(usize),
    Uppercase,
    Clear,
}

fn text_call() -> impl Strategy<Value = TextCall> {
    let ch = || prop::sample::select(vec!['a', 'b', 'é', '€', '😀']);
    let text = || vec(ch(), 0..5).prop_map(|chars| chars.into_iter().collect::<String>());
    prop_oneof![
        4 => ch().prop_map(TextCall::Push),
        4 => text().prop_map(TextCall::PushStr),
        1 => text().prop_map(TextCall::Set),
        1 => Just(TextCall::Pop),
        2 => (any::<usize>(), ch()).prop_map(|(at, ch)| TextCall::Insert(at, ch)),
        2 => (any::<usize>(), text()).prop_map(|(at, text)| TextCall::InsertStr(at, text)),
        2 => any::<usize>().prop_map(TextCall::Remove),
        1 => ch().prop_map(TextCall::Retain),
        1 => any::<usize>().prop_map(TextCall::Truncate),
        1 => Just(TextCall::Uppercase),
        1 => Just(TextCall::Clear),
    ]
}

/// The boundary of `text` that the number `at` stands for.
fn boundary(text: &str, at: usize) -> usize {
    let mut at = at % (text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn text_agrees<const N: usize>(calls: Vec<TextCall>) {
    let mut model = String::new();
    let mut text = FixedStr::<N>::new();
    for call in calls {
        let at = |at| boundary(&model, at);
        match call {
            TextCall::Push(ch) => assert_eq!(
                numbers(text.push(ch)),
                fits(&mut model, String::len, N, |m| m.push(ch))
            ),
            TextCall::PushStr(more) => assert_eq!(
                numbers(text.push_str(&more)),
                fits(&mut model, String::len, N, |m| m.push_str(&more))
            ),
            TextCall::Set(new) => assert_eq!(
                numbers(text.set(&new)),
                fits(&mut model, String::len, N, |m| m.clone_from(&new))
            ),
            TextCall::Pop => assert_eq!(text.pop(), model.pop()),
            TextCall::Insert(i, ch) => {
                let i = at(i);
                assert_eq!(
                    numbers(text.insert(i, ch)),
                    fits(&mut model, String::len, N, |m| m.insert(i, ch))
                );
            }
            TextCall::InsertStr(i, more) => {
                let i = at(i);
                assert_eq!(
                    numbers(text.insert_str(i, &more)),
                    fits(&mut model, String::len, N, |m| m.insert_str(i, &more))
                );
            }
            TextCall::Remove(i) => {
                let i = at(i);
                if i < model.len() {
                    assert_eq!(text.remove(i), model.remove(i));
                }
            }
            TextCall::Retain(ch) => {
                text.retain(|c| c != ch);
                model.retain(|c| c != ch);
            }
            TextCall::Truncate(i) => {
                let i = at(i);
                text.truncate(i);
                model.truncate(i);
            }
            TextCall::Uppercase => {
                text.make_ascii_uppercase();
                model.make_ascii_uppercase();
            }
            TextCall::Clear => {
                text.clear();
                model.clear();
            }
        }
        assert_eq!(text, model);
        assert_eq!(text.len() + text.remaining_capacity(), N);
        assert_eq!(core::str::from_utf8(text.as_bytes()), Ok(model.as_str()));
    }
}

#[derive(Clone, Debug)]
enum ListCall {
    Push(u16),
    ExtendFromSlice(Vec<u16>),
    Pop,
    Insert(usize, u16),
    Remove(usize),
    SwapRemove(usize),
    Retain(u16),
    Truncate(usize),
    Resize(usize, u16),
    Sort,
    Clear,
}

fn list_call() -> impl Strategy<Value = ListCall> {
    let item = || any::<u16>();
    prop_oneof![
        4 => item().prop_map(ListCall::Push),
        4 => vec(item(), 0..5).prop_map(ListCall::ExtendFromSlice),
        1 => Just(ListCall::Pop),
        2 => (any::<usize>(), item()).prop_map(|(at, item)| ListCall::Insert(at, item)),
        2 => any::<usize>().prop_map(ListCall::Remove),
        2 => any::<usize>().prop_map(ListCall::SwapRemove),
        1 => item().prop_map(ListCall::Retain),
        1 => any::<usize>().prop_map(ListCall::Truncate),
        1 => (0usize..12, item()).prop_map(|(len, item)| ListCall::Resize(len, item)),
        1 => Just(ListCall::Sort),
        1 => Just(ListCall::Clear),
    ]
}

fn list_agrees<const N: usize>(calls: Vec<ListCall>) {
    let mut model = Vec::new();
    let mut list = FixedVec::<u16, N>::new();
    for call in calls {
        let len = model.len();
        match call {
            ListCall::Push(item) => assert_eq!(
                numbers(list.push(item)),
                fits(&mut model, Vec::len, N, |m| m.push(item))
            ),
            ListCall::ExtendFromSlice(items) => assert_eq!(
                numbers(list.extend_from_slice(&items)),
                fits(&mut model, Vec::len, N, |m| m.extend_from_slice(&items))
            ),
            ListCall::Pop => assert_eq!(list.pop(), model.pop()),
            ListCall::Insert(i, item) => {
                let i = i % (len + 1);
                assert_eq!(
                    numbers(list.insert(i, item)),
                    fits(&mut model, Vec::len, N, |m| m.insert(i, item))
                );
            }
            ListCall::Remove(i) if len > 0 => {
                assert_eq!(list.remove(i % len), model.remove(i % len));
            }
            ListCall::SwapRemove(i) if len > 0 => {
                assert_eq!(list.swap_remove(i % len), model.swap_remove(i % len));
            }
            ListCall::Remove(_) | ListCall::SwapRemove(_) => {}
            ListCall::Retain(limit) => {
                list.retain(|&item| item < limit);
                model.retain(|&item| item < limit);
            }
            ListCall::Truncate(to) => {
                list.truncate(to % (N + 2));
                model.truncate(to % (N + 2));
            }
            ListCall::Resize(to, item) => assert_eq!(
                numbers(list.resize(to, item)),
                fits(&mut model, Vec::len, N, |m| m.resize(to, item))
            ),
            ListCall::Sort => {
                list.sort();
                model.sort();
            }
            ListCall::Clear => {
                list.clear();
                model.clear();
            }
        }
        assert_eq!(list, model);
        assert_eq!(Clone::clone(&list).into_iter().len(), model.len());
        assert!(list.into_iter().rev().eq(model.iter().rev().copied()));
    }
}

#[derive(Clone, Debug)]
enum ChoiceCall {
    Set(Option<u32>),
    Insert(u32),
    Take,
    Replace(u32),
    GetOrInsert(u32),
    Clear,
}

fn choice_call() -> impl Strategy<Value = ChoiceCall> {
    prop_oneof![
        any::<Option<u32>>().prop_map(ChoiceCall::Set),
        any::<u32>().prop_map(ChoiceCall::Insert),
        Just(ChoiceCall::Take),
        any::<u32>().prop_map(ChoiceCall::Replace),
        any::<u32>().prop_map(ChoiceCall::GetOrInsert),
        Just(ChoiceCall::Clear),
    ]
}

fn choice_agrees(calls: Vec<ChoiceCall>) {
    let mut model = None;
    let mut choice = FixedOption::none();
    for call in calls {
        let before = (choice, model);
        match call {
            ChoiceCall::Set(value) => {
                choice.set(value);
                model = value;
            }
            ChoiceCall::Insert(value) => assert_eq!(choice.insert(value), model.insert(value)),
            ChoiceCall::Take => assert_eq!(choice.take(), model.take()),
            ChoiceCall::Replace(value) => assert_eq!(choice.replace(value), model.replace(value)),
            ChoiceCall::GetOrInsert(value) => {
                assert_eq!(choice.get_or_insert(value), model.get_or_insert(value));
            }
            ChoiceCall::Clear => {
                choice.clear();
                model = None;
            }
        }
        assert_eq!(choice, model);
        assert_eq!(model, choice);
        assert_eq!(choice.cmp(&before.0), model.cmp(&before.1));
        assert_eq!(choice == before.0, model == before.1);
        assert_eq!(format!("{choice:?}"), format!("{model:?}"));
        assert_eq!(choice.is_some(), model.is_some());
        assert_eq!(Option::from(choice), model);
        assert_eq!(FixedOption::from(model), choice);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn str_is_a_string(calls in vec(text_call(), 0..40)) {
        text_agrees::<12>(calls.clone());
        text_agrees::<1>(calls.clone());
        text_agrees::<0>(calls);
    }

    #[test]
    fn vec_is_a_vec(calls in vec(list_call(), 0..40)) {
        list_agrees::<8>(calls.clone());
        list_agrees::<1>(calls.clone());
        list_agrees::<0>(calls);
    }

    #[test]
    fn option_is_an_option(calls in vec(choice_call(), 0..20)) {
        choice_agrees(calls);
    }

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
