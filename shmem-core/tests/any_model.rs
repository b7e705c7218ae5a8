//! Values by their schema against the same values by their type: what the one writes the other reads.
#![cfg(target_os = "linux")]

use core::num::{NonZeroI16, NonZeroU32};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use shmem_core::{
    AnyObject, AnyValue, FixedOption, FixedStr, FixedVec, Lifetime, Shared, StoredSchema, Value,
};

#[derive(Shared, Clone, Copy, Debug, PartialEq)]
#[repr(i16)]
enum Gear {
    Reverse = -1,
    Neutral = 0,
    First = 300,
}

#[derive(Shared, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Wheel(u16, bool, u8);

#[derive(Shared, Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct All {
    wide: u128,
    low: i128,
    tick: u64,
    debt: i64,
    ratio: f64,
    rpm: f32,
    letter: char,
    id: NonZeroU32,
    port: Option<NonZeroI16>,
    gear: Gear,
    wheels: FixedVec<Wheel, 4>,
    spare: FixedOption<[i16; 4]>,
    names: FixedVec<FixedStr<4>, 3>,
    grid: [[Wheel; 2]; 3],
    name: FixedStr<12>,
    small: i8,
    on: bool,
    _pad: [u8; 22],
}

fn gears() -> impl Strategy<Value = Gear> {
    prop_oneof![Just(Gear::Reverse), Just(Gear::Neutral), Just(Gear::First)]
}

fn wheel() -> impl Strategy<Value = Wheel> {
    any::<(u16, bool, u8)>().prop_map(|(a, b, c)| Wheel(a, b, c))
}

/// A text of at most so many bytes.
fn text(most: usize) -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..=most).prop_map(move |letters| {
        let mut text = String::new();
        for letter in letters {
            if text.len() + letter.len_utf8() <= most {
                text.push(letter);
            }
        }
        text
    })
}

fn number() -> impl Strategy<Value = f64> {
    // A NaN is no equal of itself.
    any::<f64>().prop_filter("a number", |number| !number.is_nan())
}

prop_compose! {
    fn all()(
        (wide, low, tick, debt) in any::<(u128, i128, u64, i64)>(),
        (ratio, rpm) in (number(), any::<f32>().prop_filter("a number", |n| !n.is_nan())),
        (letter, id, port) in (any::<char>(), 1..=u32::MAX, option::of(any::<i16>())),
        gear in gears(),
        wheels in vec(wheel(), 0..=4),
        spare in option::of(any::<[i16; 4]>()),
        names in vec(text(4), 0..=3),
        grid in [[wheel(), wheel()], [wheel(), wheel()], [wheel(), wheel()]],
        name in text(12),
        (small, on) in any::<(i8, bool)>(),
    ) -> All {
        let names: Vec<FixedStr<4>> = names.iter().map(|n| n.as_str().try_into().unwrap()).collect();
        All {
            wide, low, tick, debt, ratio, rpm, letter,
            id: NonZeroU32::new(id).unwrap(),
            port: port.and_then(NonZeroI16::new),
            gear,
            wheels: FixedVec::try_from(&wheels[..]).unwrap(),
            spare: spare.map_or(FixedOption::none(), FixedOption::some),
            names: FixedVec::try_from(&names[..]).unwrap(),
            grid,
            name: name.as_str().try_into().unwrap(),
            small, on,
            _pad: [0; 22],
        }
    }
}

fn of_wheel(wheel: &Wheel) -> Value {
    let Wheel(a, b, c) = *wheel;
    Value::Struct(vec![
        ("0".into(), a.into()),
        ("1".into(), b.into()),
        ("2".into(), c.into()),
    ])
}

/// The same value, written down by hand.
fn of_all(all: &All) -> Value {
    let list = |items: &mut dyn Iterator<Item = Value>| Value::List(items.collect());
    let gear = match all.gear {
        Gear::Reverse => Value::Variant("Reverse".into(), -1),
        Gear::Neutral => Value::Variant("Neutral".into(), 0),
        Gear::First => Value::Variant("First".into(), 300),
    };
    let spare = all.spare.as_ref().map(|spare| spare.to_vec());
    let mut rows = all
        .grid
        .iter()
        .map(|row| list(&mut row.iter().map(of_wheel)));
    let fields = [
        ("wide", all.wide.into()),
        ("low", all.low.into()),
        ("tick", all.tick.into()),
        ("debt", all.debt.into()),
        ("ratio", all.ratio.into()),
        ("rpm", all.rpm.into()),
        ("letter", all.letter.into()),
        ("id", all.id.get().into()),
        ("port", all.port.map(NonZeroI16::get).into()),
        ("gear", gear),
        ("wheels", list(&mut all.wheels.iter().map(of_wheel))),
        ("spare", spare.into()),
        (
            "names",
            list(&mut all.names.iter().map(|name| name.as_str().into())),
        ),
        ("grid", list(&mut rows)),
        ("name", all.name.as_str().into()),
        ("small", all.small.into()),
        ("on", all.on.into()),
    ];
    let named = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    Value::Struct(named.collect())
}

/// Every part of a value with the path that leads to it.
fn paths(value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    found.push((path.to_owned(), value.clone()));
    for (name, value) in value.fields() {
        let dot = if path.is_empty() { "" } else { "." };
        paths(value, &format!("{path}{dot}{name}"), found);
    }
    for (index, item) in value.items().iter().enumerate() {
        paths(item, &format!("{path}[{index}]"), found);
    }
    if let Value::Option(Some(inner)) = value {
        // An integer other than zero is no part of its own.
        if matches!(**inner, Value::List(_)) {
            paths(inner, &format!("{path}.value"), found);
        }
    }
}

fn name(what: &str) -> String {
    format!("any-model-{what}-{}", std::process::id())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_by_type_is_read_by_schema(first in all(), second in all()) {
        let name = name("by-type");
        let typed = All::create(name.as_str(), first).unwrap();
        let any = AnyObject::open(name.as_str()).unwrap();
        let reader = AnyObject::open_read_only(name.as_str()).unwrap();
        let unmapped = AnyObject::options().mapped(false).open_read_only(name.as_str()).unwrap();
        for value in [first, second] {
            let version = typed.store(value).unwrap();
            let expected = of_all(&value);
            prop_assert_eq!(&any.snapshot().unwrap(), &expected);
            prop_assert_eq!(&reader.snapshot().unwrap(), &expected);
            prop_assert_eq!(&unmapped.snapshot().unwrap(), &expected);
            let loaded = reader.load().unwrap();
            prop_assert_eq!(loaded.version(), version);
            prop_assert_eq!(loaded.len("wheels").unwrap(), value.wheels.len());
            prop_assert_eq!(loaded.len("name").unwrap(), value.name.len());
            prop_assert_eq!(loaded.len("grid").unwrap(), 3);
            prop_assert!(loaded.len("tick").is_err());
            let wheels = value.wheels.len();
            for (start, end) in [(0, 0), (0, wheels), (wheels, wheels)] {
                let range = format!("wheels[{start}..{end}]");
                prop_assert_eq!(loaded.get(&range).unwrap().items().len(), end - start);
            }
            let beyond = format!("wheels[0..{}]", wheels + 1);
            prop_assert!(loaded.get(&beyond).is_err());
            let mut parts = Vec::new();
            paths(&expected, "", &mut parts);
            for (path, part) in parts {
                prop_assert_eq!(&loaded.get(&path).unwrap(), &part, "{}", path);
                prop_assert_eq!(&any.get(&path).unwrap(), &part, "{}", path);
                prop_assert_eq!(&reader.get(&path).unwrap(), &part, "{}", path);
            }
        }
    }

    #[test]
    fn what_is_written_by_schema_is_read_by_type(first in all(), second in all(), third in all()) {
        let name = name("by-schema");
        let typed = All::create(name.as_str(), first).unwrap();
        let any = AnyObject::open(name.as_str()).unwrap();
        any.set("", of_all(&second)).unwrap();
        prop_assert_eq!(typed.load().unwrap(), second);
        // Field by field, in one step.
        let Value::Struct(fields) = of_all(&third) else { unreachable!() };
        let changes: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let before = typed.version();
        let after = any.set_all(&changes).unwrap();
        prop_assert_eq!(after.0, before.0 + 1);
        prop_assert_eq!(typed.load().unwrap(), third);
        // Part by part, those that are there.
        let mut parts = Vec::new();
        paths(&of_all(&third), "", &mut parts);
        typed.store(first).unwrap();
        let mut expected: AnyValue = any.load().unwrap();
        for (path, part) in parts {
            let there = expected.get(&path).is_ok();
            prop_assert_eq!(any.set(&path, part.clone()).is_ok(), there, "{}", path);
            if there {
                expected.set(&path, part.clone()).unwrap();
                prop_assert_eq!(&any.get(&path).unwrap(), &part, "{}", path);
            }
        }
        prop_assert_eq!(any.snapshot().unwrap(), expected.value().unwrap());
        prop_assert_eq!(of_all(&typed.load().unwrap()), expected.value().unwrap());
    }

    #[test]
    fn what_is_created_by_schema_is_opened_by_type(value in all()) {
        let name = name("created");
        let text = All::SCHEMA.stored_form();
        let schema = StoredSchema::parse(&text).unwrap();
        prop_assert_eq!(schema.stored_form(), text);
        let any = AnyObject::create(name.as_str(), &schema, of_all(&value)).unwrap();
        let typed = All::open(name.as_str()).unwrap();
        prop_assert_eq!(typed.load().unwrap(), value);
        let (any, typed) = (any.info(), typed.info());
        prop_assert_eq!((any.fingerprint, any.size), (All::FINGERPRINT, typed.size));
        prop_assert_eq!((any.version.0, any.lifetime), (1, Lifetime::WhileOpen));
    }

    /// Whatever the bytes are: those that are a value are the one that the typed handle sees, and others are an error
    /// at the same field.
    #[test]
    fn any_bytes(bytes in any::<[u8; 3]>(), which in 0_usize..208) {
        let name = name("bytes");
        let typed = All::create(name.as_str(), sample()).unwrap();
        let reader = AnyObject::open_read_only(name.as_str()).unwrap();
        scribble(&name, which.min(205), &bytes);
        match (typed.load(), reader.snapshot()) {
            (Ok(value), Ok(seen)) if value.ratio.is_nan() || value.rpm.is_nan() => {
                prop_assert_eq!(of_all(&value).to_string(), seen.to_string());
            }
            (Ok(value), Ok(seen)) => prop_assert_eq!(of_all(&value), seen),
            (Err(typed), Err(seen)) => prop_assert_eq!(typed.to_string(), seen.to_string()),
            (typed, seen) => prop_assert!(false, "{typed:?}, {seen:?}"),
        }
    }
}

fn sample() -> All {
    All {
        wide: 1,
        low: 2,
        tick: 3,
        debt: 4,
        ratio: 5.0,
        rpm: 6.0,
        letter: 'g',
        id: NonZeroU32::MIN,
        port: NonZeroI16::new(8),
        gear: Gear::Neutral,
        wheels: FixedVec::try_from(&[Wheel(1, true, 2)][..]).unwrap(),
        spare: FixedOption::some([1; 4]),
        names: FixedVec::try_from(&["ab".try_into().unwrap()][..]).unwrap(),
        grid: [[Wheel(3, false, 4); 2]; 3],
        name: "nine".try_into().unwrap(),
        small: 10,
        on: true,
        _pad: [0; 22],
    }
}

/// Writes bytes into the current value of an object that nobody else uses, as a program that is out of its mind.
fn scribble(name: &str, at: usize, bytes: &[u8]) {
    use std::os::unix::fs::FileExt as _;
    let directory = shmem_core::users().unwrap();
    let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
    assert!(directory.contains(&uid));
    let parent = std::env::var("SHMEM_DIR").unwrap_or_else(|_| "/dev/shm".into());
    let path = format!("{parent}/shmem-{uid}/{name}");
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let word = |at: u64| {
        let mut word = [0; 8];
        file.read_exact_at(&mut word, at).unwrap();
        u64::from_ne_bytes(word)
    };
    let current = word(word(8 * 17));
    let buffer = word(8 * 19) + (current & 7) * word(8 * 20);
    file.write_all_at(bytes, buffer + at as u64).unwrap();
}
