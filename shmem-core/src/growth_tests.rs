//! Random layouts: what grows by the rule is accepted in every order, and any other change is refused by name.

use core::num::NonZeroU32;
use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::Known;
use crate::stored::Shape;
use crate::{FixedOption, FixedStr, Schema, Shared, StoredField, StoredSchema};

/// Types of one to eight bytes, two for each size; the last has no zero.
const TYPES: [&Schema; 11] = [
    u8::SCHEMA,
    i8::SCHEMA,
    bool::SCHEMA,
    u16::SCHEMA,
    <[i8; 2]>::SCHEMA,
    u32::SCHEMA,
    f32::SCHEMA,
    <Option<NonZeroU32>>::SCHEMA,
    u64::SCHEMA,
    FixedStr::<4>::SCHEMA,
    NonZeroU32::SCHEMA,
];
const WITH_ZERO: usize = TYPES.len() - 1;
const RESERVE: u64 = 1 << 16;

fn ty(index: &Index, among: usize) -> StoredSchema {
    TYPES[index.index(among)].into()
}

fn bytes(len: usize) -> StoredSchema {
    StoredSchema {
        type_name: String::new(),
        version: 0,
        size: len,
        shape: Shape::Array {
            item: Box::new(u8::SCHEMA.into()),
            len,
        },
    }
}

/// A layout under construction: names and types, one after the other, without holes.
type Fields = Vec<(String, StoredSchema)>;

fn layout(fields: &Fields) -> StoredSchema {
    let mut offset = 0;
    let mut stored = Vec::new();
    for (name, schema) in fields {
        stored.push(StoredField {
            name: name.clone(),
            offset,
            schema: schema.clone(),
        });
        offset += schema.size;
    }
    StoredSchema {
        type_name: "Value".into(),
        version: 0,
        size: offset,
        shape: Shape::Struct(stored),
    }
}

fn is_padding(name: &str) -> bool {
    name.starts_with('_')
}

/// Fields and padding, some 40 bytes of them.
fn fields() -> impl Strategy<Value = Fields> {
    let field = (any::<bool>(), any::<Index>());
    vec(field, 1..10).prop_map(|fields| {
        let named = fields.into_iter().enumerate();
        named
            .map(|(i, (padding, index))| match padding {
                true => (format!("_pad{i}"), bytes(1 + index.index(12))),
                false => (format!("f{i}"), ty(&index, WITH_ZERO)),
            })
            .collect()
    })
}

/// Where and what to add, by the rule: in each padding that is large enough, and behind the end.
fn grow(fields: &Fields, choices: &[(bool, Index, Index)], tag: &str) -> Fields {
    let mut grown = Fields::new();
    let mut choices = choices.iter().enumerate();
    for (name, schema) in fields {
        let choice = is_padding(name).then(|| choices.next()).flatten();
        let Some((i, (true, what, place))) = choice else {
            grown.push((name.clone(), schema.clone()));
            continue;
        };
        let new = ty(what, WITH_ZERO);
        let Some(spare) = schema.size.checked_sub(new.size) else {
            grown.push((name.clone(), schema.clone()));
            continue;
        };
        let before = place.index(spare + 1);
        if before > 0 {
            grown.push((format!("{name}_{tag}_before"), bytes(before)));
        }
        grown.push((format!("{tag}{i}"), new));
        if spare > before {
            // Under the old name, though it is smaller: padding is no field.
            grown.push((name.clone(), bytes(spare - before)));
        }
    }
    for (i, (_, what, _)) in choices {
        grown.push((format!("{tag}{i}"), ty(what, WITH_ZERO)));
    }
    grown
}

fn known(creator: &Fields) -> Known {
    Known {
        schema: layout(creator),
        added: Vec::new(),
        reserve: RESERVE,
    }
}

fn verdict(object: &Fields, program: &Fields) -> Option<String> {
    let difference = known(object).compare(&layout(program), RESERVE);
    difference.map(|difference| difference.field().to_owned())
}

/// The rule once more, byte by byte: the names of all fields that break it, if any.
fn broken(a: &Fields, b: &Fields) -> BTreeSet<String> {
    let mut broken = BTreeSet::new();
    let mut owners = BTreeMap::<usize, String>::new();
    let sides = [a, b].map(|fields| match layout(fields).shape {
        Shape::Struct(fields) => fields,
        _ => unreachable!(),
    });
    for side in &sides {
        for field in side.iter().filter(|field| !is_padding(&field.name)) {
            for byte in field.offset..field.offset + field.schema.size {
                let owner = owners.entry(byte).or_insert_with(|| field.name.clone());
                if *owner != field.name {
                    broken.extend([owner.clone(), field.name.clone()]);
                }
            }
            let others = sides
                .iter()
                .map(|side| side.iter().find(|f| f.name == field.name));
            for other in others {
                let fits = match other {
                    Some(other) => other == field,
                    None => field.schema != NonZeroU32::SCHEMA.into(),
                };
                if !fits {
                    broken.insert(field.name.clone());
                }
            }
        }
    }
    broken
}

/// One change that the rule does not allow, and the names of which one must be told.
fn spoil(fields: &Fields, how: u8, at: &Index, what: &Index) -> Option<(Fields, Vec<String>)> {
    let mut spoiled = fields.clone();
    let real: Vec<_> = (0..fields.len())
        .filter(|i| !is_padding(&fields[*i].0))
        .collect();
    if real.is_empty() {
        return None;
    }
    let i = real[at.index(real.len())];
    let name = fields[i].0.clone();
    match how {
        0 => {
            spoiled[i].1 = ty(what, TYPES.len());
            (spoiled[i] != fields[i]).then_some((spoiled, vec![name]))
        }
        1 => {
            spoiled[i].0 = "renamed".into();
            Some((spoiled, vec![name, "renamed".into()]))
        }
        2 => {
            spoiled.insert(i, ("inserted".into(), ty(what, WITH_ZERO)));
            Some((spoiled, vec![name, "inserted".into()]))
        }
        3 => {
            spoiled.push(("nonzero".into(), NonZeroU32::SCHEMA.into()));
            Some((spoiled, vec!["nonzero".into()]))
        }
        _ => {
            // The bytes of a field, given to another: it is padding to none.
            let (head, tail) = spoiled.split_at(i);
            let size = fields[i].1.size;
            let taken = [("taken".to_owned(), bytes(size))];
            let spoiled = [head, &taken, &tail[1..]].concat();
            Some((spoiled, vec![name, "taken".into()]))
        }
    }
}

fn choices() -> impl Strategy<Value = Vec<(bool, Index, Index)>> {
    vec((any::<bool>(), any::<Index>(), any::<Index>()), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: if cfg!(miri) { 4 } else { 1_000 },
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_grows_by_the_rule_is_accepted_in_every_order(base in fields(), a in choices(), b in choices()) {
        let first = grow(&base, &a, "a");
        let second = grow(&first, &b, "b");
        let all = [&base, &first, &second];
        for object in all {
            for program in all {
                prop_assert_eq!(verdict(object, program), None);
            }
        }
        // Whoever created it, a later one is compared with all who came in between.
        let mut known = known(&base);
        known.added.push(layout(&first));
        prop_assert_eq!(known.compare(&layout(&second), RESERVE), None);
        prop_assert!(known.compare(&layout(&second), RESERVE + 8).is_some());
    }

    #[test]
    fn any_other_change_is_refused_by_name(
        base in fields(), a in choices(), how in 0_u8..5, at: Index, what: Index,
    ) {
        let grown = grow(&base, &a, "a");
        if let Some((spoiled, names)) = spoil(&grown, how, &at, &what) {
            for (object, program) in [(&grown, &spoiled), (&spoiled, &grown)] {
                let told = verdict(object, program).expect("refused");
                // A change of size moves what is behind it; a first change is told first.
                prop_assert!(names.contains(&told), "{told} of {names:?}");
            }
        }
    }

    /// Two programs that grew apart, or anything else: the verdict is that of a rule that goes byte by byte.
    #[test]
    fn the_verdict_is_right_byte_by_byte(
        base in fields(), a in choices(), b in choices(), how in 0_u8..8, at: Index, what: Index,
    ) {
        let one = grow(&base, &a, "a");
        let mut other = grow(&base, &b, if how % 2 == 0 { "a" } else { "b" });
        if let Some((spoiled, _)) = spoil(&other, how, &at, &what).filter(|_| how < 5) {
            other = spoiled;
        }
        let broken = broken(&one, &other);
        for (object, program) in [(&one, &other), (&other, &one)] {
            let told = verdict(object, program);
            prop_assert_eq!(told.is_none(), broken.is_empty(), "{:?} {:?}", told, broken);
            if let Some(told) = told {
                prop_assert!(broken.contains(&told), "{told} of {broken:?}");
            }
        }
    }
}

/// The rule is asked of types when a program is compiled, and of stored ones when it runs.
#[test]
fn a_type_and_its_stored_form_are_alike_to_the_rule() {
    #[derive(Shared)]
    #[shared(crate = crate)]
    #[repr(C)]
    struct Value {
        _wide: [u16; 2],
        _pad: [u8; 4],
        plain: [u8; 4],
        _none: [u8; 0],
        _inner: [[u8; 2]; 2],
        id: NonZeroU32,
        ids: [NonZeroU32; 0],
        maybe: FixedOption<NonZeroU32>,
    }
    let crate::schema::Kind::Struct(fields) = Value::SCHEMA.kind else {
        unreachable!()
    };
    let stored = StoredSchema::from(Value::SCHEMA);
    let padding: Vec<_> = fields
        .iter()
        .map(crate::schema::Field::is_padding)
        .collect();
    assert_eq!(
        padding,
        [false, true, false, true, false, false, false, false]
    );
    let zero: Vec<_> = fields
        .iter()
        .map(|field| field.schema.zero_is_valid())
        .collect();
    assert_eq!(zero, [true, true, true, true, true, false, true, true]);
    for (field, (padding, zero)) in stored.fields().iter().zip(padding.into_iter().zip(zero)) {
        assert_eq!(field.is_padding(), padding, "{}", field.name);
        assert_eq!(field.schema.zero_is_valid(), zero, "{}", field.name);
    }
}
