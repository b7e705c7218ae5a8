//! The fixed containers against the std types that they stand in for: the same calls, the same outcome.
//!
//! A call that would make the std type longer than the capacity must be refused, with the container
//! unchanged.

use proptest::collection::vec;
use proptest::prelude::*;
use shmem_core::{CapacityError, FixedOption, FixedStr, FixedVec};

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
}
