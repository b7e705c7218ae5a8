//! Two programs with two definitions of one type: the second is refused, and told which field differs.
//!
//! `difference.rs` has every sentence; here are the objects between them, which stay as they are.

use std::fmt::Debug;
use std::path::PathBuf;

use shmem_core::{Error, Result, Shared, StoredKind, schema};
use tests::{Cleanup, Peer, TempDir, variant};

/// Defines the object's and the program's `Value`, and has a program refuse an object.
macro_rules! refused {
    ({ $($object:tt)* } { $($program:tt)* } $difference:expr) => {{
        mod object {
            use super::*;
            $($object)*
        }
        mod program {
            use super::*;
            $($program)*
        }
        refuse(object::Value::default(), program::Value::default(), $difference);
    }};
}

/// A struct named `Value`.
macro_rules! value {
    ($(#[$option:meta])? $($field:ident: $type:ty),*) => {
        #[derive(Shared, Clone, Copy, Debug, Default, PartialEq)]
        #[repr(C)]
        $(#[$option])?
        pub(super) struct Value { $(pub(super) $field: $type),* }
    };
}

/// An enum named `Value`.
macro_rules! choice {
    ($($variant:ident = $number:literal),*) => {
        #[derive(Shared, Clone, Copy, Debug, Default, PartialEq)]
        #[repr(u8)]
        pub(super) enum Value { #[default] $($variant = $number),* }
    };
}

/// Creates an object with `theirs` and tries to open it as `ours` in every way; nothing of it may change.
#[track_caller]
fn refuse<T, O>(theirs: T, ours: O, difference: &str)
where
    T: Shared + Copy + PartialEq + Debug,
    O: Shared,
{
    assert_ne!(T::FINGERPRINT, O::FINGERPRINT);
    let directory = TempDir::new("layouts");
    let path = directory.path().join("object");
    let object = T::create(&path, theirs).unwrap();
    let before = std::fs::read(&path).unwrap();

    let check = |verb: &str, error: Option<Error>| {
        let Some(error) = error else {
            panic!("{verb} opened an object of another layout");
        };
        let message = format!(
            "`{}` holds another layout of `{}`:\n  {difference}\n\
             rebuild both programs with the same definition, or use another name",
            path.display(),
            diff_type::<O>(),
        );
        assert_eq!(error.to_string(), message, "{verb}");
        let Error::LayoutMismatch { diff, .. } = &error else {
            panic!("{verb}: {}", variant(&error));
        };
        assert_eq!(diff.to_string(), difference, "{verb}");
        assert!(std::fs::read(&path).unwrap() == before, "{verb} changed it");
    };
    check("open", O::open(&path).err());
    check("open_read_only", O::open_read_only(&path).err());
    check("open_or_create", O::open_or_create(&path, ours).err());
    let wait = std::time::Duration::from_secs(10);
    check("wait_for", O::options().wait_for(wait).open(&path).err());

    assert_eq!(object.load().unwrap(), theirs);
    object.store(theirs).unwrap();
    let again = T::open(&path).unwrap();
    assert_eq!(again.load().unwrap(), theirs);
    assert_eq!(again.info().handles, Some(2));
    assert_eq!(T::open_read_only(&path).unwrap().load().unwrap(), theirs);
}

fn diff_type<T: Shared>() -> String {
    shmem_core::StoredSchema::from(T::SCHEMA).type_text()
}

/// The first page of the README promises this sentence.
#[test]
fn the_message_names_the_field_and_both_sides() {
    mod object {
        use shmem_core::Shared;
        #[derive(Shared, Clone, Copy, Debug, Default)]
        #[repr(C)]
        pub(super) struct Telemetry {
            pub(super) tick: u64,
            pub(super) rpm: f32,
            pub(super) _pad: [u8; 4],
        }
    }
    #[derive(Shared, Clone, Copy, Debug, Default)]
    #[repr(C)]
    struct Telemetry {
        tick: u64,
        rpm: f64,
    }
    let name = Cleanup::new("telemetry");
    let _object = object::Telemetry::create(name.name(), object::Telemetry::default()).unwrap();
    let error = Telemetry::open(name.name()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "`{}` holds another layout of `Telemetry`:\n  \
             field `rpm`: f32 at offset 8 in the object, f64 at offset 8 in this program\n\
             rebuild both programs with the same definition, or use another name",
            name.name()
        )
    );
}

#[test]
fn swapped_fields() {
    refused!(
        { value!(bid: u64, ask: u64); }
        { value!(ask: u64, bid: u64); }
        "field `bid`: u64 at offset 0 in the object, u64 at offset 8 in this program"
    );
}

#[test]
fn a_field_of_another_size() {
    refused!(
        { value!(id: u32, name: [u8; 4]); }
        { value!(id: u32, name: [u8; 8]); }
        "field `name`: [u8; 4] at offset 4 in the object, [u8; 8] at offset 4 in this program"
    );
}

#[test]
fn a_renamed_field() {
    refused!(
        { value!(a: u8, b: u8); }
        { value!(a: u8, c: u8); }
        "field `b`: u8 at offset 1 in the object, `c`: u8 at offset 1 in this program"
    );
}

/// Same size, same place, and every byte would be a value: only the schema can tell.
#[test]
fn a_field_of_another_sign() {
    refused!(
        { value!(balance: i64); }
        { value!(balance: u64); }
        "field `balance`: i64 at offset 0 in the object, u64 at offset 0 in this program"
    );
}

#[test]
fn an_appended_field_in_the_program() {
    refused!(
        { value!(a: u32); }
        { value!(a: u32, b: u32); }
        "field `b`: absent in the object, u32 at offset 4 in this program"
    );
}

#[test]
fn an_appended_field_in_the_object() {
    refused!(
        { value!(a: u32, b: u32); }
        { value!(a: u32); }
        "field `b`: u32 at offset 4 in the object, absent in this program"
    );
}

#[test]
fn another_type_with_the_same_fields() {
    #[derive(Shared, Clone, Copy, Debug, Default, PartialEq)]
    #[repr(C)]
    struct Celsius {
        degrees: f64,
    }
    #[derive(Shared, Clone, Copy, Debug, Default, PartialEq)]
    #[repr(C)]
    struct Fahrenheit {
        degrees: f64,
    }
    let difference = "the value: Celsius in the object, Fahrenheit in this program";
    refuse(Celsius::default(), Fahrenheit::default(), difference);
}

#[test]
fn the_same_layout_with_another_meaning() {
    refused!(
        { value!(#[shared(version = 1)] price: u64); }
        { value!(#[shared(version = 2)] price: u64); }
        "the value: Value with `version = 1` in the object, Value with `version = 2` in this program"
    );
}

#[test]
fn a_variant_more() {
    refused!(
        { choice!(Buy = 0, Sell = 1); }
        { choice!(Buy = 0, Sell = 1, Hold = 2); }
        "the value: no variant `Hold` in the object, variant `Hold` = 2 in this program"
    );
    refused!(
        { choice!(Buy = 0, Sell = 1, Hold = 2); }
        { choice!(Buy = 0, Sell = 1); }
        "the value: variant `Hold` = 2 in the object, no variant `Hold` in this program"
    );
}

#[derive(Shared, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(crate) struct Level<Quantity: Shared> {
    price: u32,
    qty: Quantity,
}

#[test]
fn a_field_of_a_field() {
    refused!(
        { value!(id: u64, levels: [Level<u32>; 2]); }
        { value!(id: u64, levels: [Level<f32>; 2]); }
        "field `levels[0].qty`: u32 at offset 12 in the object, f32 at offset 12 in this program"
    );
}

#[test]
fn a_number_and_a_struct() {
    mod object {
        use super::*;
        value!(count: u64);
    }
    use object::Value;
    let difference = "the value: u64 in the object, Value in this program";
    refuse(7_u64, Value::default(), difference);
    let difference = "the value: Value in the object, u64 in this program";
    refuse(Value::default(), 7_u64, difference);
}

/// Whoever asks for another type is told so even if nobody may write the object as that type again.
#[test]
fn create_over_another_type_is_told_that_it_exists() {
    let name = Cleanup::new("over");
    let object = u64::create(name.name(), 1).unwrap();
    let error = i64::create(name.name(), 2).unwrap_err();
    assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
    assert_eq!(object.load().unwrap(), 1);
}

/// The same definition as in the peer, and its relative.
#[derive(Shared, Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
struct Telemetry {
    tick: u64,
    rpm: f32,
    gear: Gear,
    armed: bool,
    _pad: [u8; 2],
}

#[derive(Shared, Clone, Copy, Debug, Default, PartialEq)]
#[repr(u8)]
enum Gear {
    #[default]
    Neutral = 0,
    First = 1,
}

fn peer() -> Peer {
    Peer::spawn(env!("CARGO_BIN_EXE_peer"), &["layouts"])
}

#[test]
fn two_programs_with_one_definition_meet() {
    let mut peer = peer();
    let fingerprint = Telemetry::FINGERPRINT;
    peer.expect("fingerprint", format!("{fingerprint:016x}"));

    let name = Cleanup::new("meet");
    peer.expect(format!("create {}", name.name()), "created");
    let object = Telemetry::open(name.name()).unwrap();
    let expected = Telemetry {
        tick: 7,
        rpm: 880.0,
        gear: Gear::First,
        armed: true,
        _pad: [0; 2],
    };
    assert_eq!(object.load().unwrap(), expected);
}

#[test]
fn a_program_of_an_older_release_is_refused() {
    let mut peer = peer();
    let name = Cleanup::new("older");
    peer.expect(format!("create-old {}", name.name()), "created");
    let sentence = "field `rpm`: f64 at offset 8 in the object, f32 at offset 8 in this program";
    let Err(Error::LayoutMismatch { diff, .. }) = Telemetry::open(name.name()) else {
        panic!("opened");
    };
    assert_eq!(diff.to_string(), sentence);
}

/// What `schema` gives needs no definition here: the peer made the object.
#[test]
fn a_layout_is_read_back_without_its_type() -> Result<()> {
    let mut peer = peer();
    let name = Cleanup::new("read-back");
    peer.expect(format!("create-old {}", name.name()), "created");

    let schema = schema(name.name())?;
    assert_eq!((schema.name(), schema.size()), ("Telemetry", 24));
    assert_eq!(schema.kind(), StoredKind::Struct);
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .map(|field| (field.name(), field.offset(), field.schema().type_text()))
        .collect();
    let expected = [
        ("tick", 0, "u64"),
        ("rpm", 8, "f64"),
        ("gear", 16, "Gear"),
        ("_pad", 17, "[u8; 7]"),
    ];
    assert_eq!(fields, expected.map(|(n, at, ty)| (n, at, ty.to_owned())));
    let variants: Vec<_> = schema.fields()[2]
        .schema()
        .variants()
        .iter()
        .map(|variant| (variant.name(), variant.value()))
        .collect();
    assert_eq!(variants, [("Neutral", 0), ("First", 1)]);

    let listed = shmem_core::list()?;
    let info = listed
        .iter()
        .find(|info| info.location.name() == Some(name.name()))
        .expect("listed");
    assert_eq!((info.type_name.as_str(), info.size), ("Telemetry", 24));
    Ok(())
}

#[test]
fn the_layout_of_nothing_is_not_found() {
    let absent: PathBuf = TempDir::new("nothing").path().join("absent");
    let error = schema(&absent).unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}
