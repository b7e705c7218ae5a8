//! Two definitions of one type, and the sentence that names their first difference.

use shmem_core::{Difference, FixedOption, FixedStr, FixedVec, Shared, StoredSchema};

/// Defines the object's and the program's types, and compares the types named `Value` in both.
macro_rules! difference {
    ({ $($object:tt)* } { $($program:tt)* }) => {{
        mod object {
            use super::*;
            $($object)*
        }
        mod program {
            use super::*;
            $($program)*
        }
        between::<object::Value, program::Value>()
    }};
}

fn between<O: Shared, P: Shared>() -> Difference {
    assert_ne!(O::FINGERPRINT, P::FINGERPRINT);
    let object = StoredSchema::parse(&O::SCHEMA.stored_form()).unwrap();
    let program = StoredSchema::from(P::SCHEMA);
    assert_eq!(Difference::between(&object, &object), None);
    Difference::between(&object, &program).unwrap()
}

/// A struct named `Value`.
macro_rules! value {
    ($($field:ident: $type:ty),*) => {
        #[derive(Shared)]
        #[repr(C)]
        pub(super) struct Value { $(pub(super) $field: $type),* }
    };
}

#[test]
fn retyped() {
    let difference = difference!(
        { value!(tick: u64, rpm: f32, _pad: [u8; 4]); }
        { value!(tick: u64, rpm: f64); }
    );
    assert_eq!(
        difference.to_string(),
        "field `rpm`: f32 at offset 8 in the object, f64 at offset 8 in this program"
    );
    assert_eq!(difference.field(), "rpm");
    assert_eq!(difference.object(), "f32 at offset 8");
    assert_eq!(difference.program(), "f64 at offset 8");
    assert_eq!(difference.type_name(), "Value");
}

#[test]
fn sign_only() {
    let difference = difference!({ value!(a: u32); } { value!(a: i32); });
    assert_eq!(
        difference.to_string(),
        "field `a`: u32 at offset 0 in the object, i32 at offset 0 in this program"
    );
}

#[test]
fn moved() {
    let difference = difference!(
        { value!(a: u32, b: u32, c: u32); }
        { value!(a: u32, c: u32, b: u32); }
    );
    assert_eq!(
        difference.to_string(),
        "field `b`: u32 at offset 4 in the object, u32 at offset 8 in this program"
    );
}

#[test]
fn resized() {
    let difference = difference!({ value!(a: [u8; 4]); } { value!(a: [u8; 8]); });
    assert_eq!(
        difference.to_string(),
        "field `a`: [u8; 4] at offset 0 in the object, [u8; 8] at offset 0 in this program"
    );
    let difference = difference!({ value!(a: FixedStr<8>); } { value!(a: FixedStr<16>); });
    assert_eq!(
        difference.to_string(),
        "field `a`: FixedStr<8> at offset 0 in the object, FixedStr<16> at offset 0 in this program"
    );
    let difference = difference!(
        { value!(a: FixedVec<u8, 8>); }
        { value!(a: FixedVec<u16, 8>); }
    );
    assert_eq!(
        difference.to_string(),
        "field `a`: FixedVec<u8, 8> at offset 0 in the object, \
         FixedVec<u16, 8> at offset 0 in this program"
    );
}

#[test]
fn renamed() {
    let difference = difference!({ value!(a: u8, b: u8); } { value!(a: u8, c: u8); });
    assert_eq!(
        difference.to_string(),
        "field `b`: u8 at offset 1 in the object, `c`: u8 at offset 1 in this program"
    );
}

#[test]
fn swapped() {
    let difference = difference!({ value!(bid: u64, ask: u64); } { value!(ask: u64, bid: u64); });
    assert_eq!(
        difference.to_string(),
        "field `bid`: u64 at offset 0 in the object, u64 at offset 8 in this program"
    );
}

#[test]
fn appended() {
    let difference = difference!({ value!(a: u32); } { value!(a: u32, b: u32); });
    assert_eq!(
        difference.to_string(),
        "field `b`: absent in the object, u32 at offset 4 in this program"
    );
    let difference = difference!({ value!(a: u32, b: u32); } { value!(a: u32); });
    assert_eq!(
        difference.to_string(),
        "field `b`: u32 at offset 4 in the object, absent in this program"
    );
}

#[test]
fn inserted() {
    let difference = difference!({ value!(a: u32, c: u32); } { value!(a: u32, b: u32, c: u32); });
    assert_eq!(
        difference.to_string(),
        "field `b`: absent in the object, u32 at offset 4 in this program"
    );
    let difference = difference!({ value!(a: u32, b: u32, c: u32); } { value!(a: u32, c: u32); });
    assert_eq!(
        difference.to_string(),
        "field `b`: u32 at offset 4 in the object, absent in this program"
    );
}

/// An enum named `Gear`, and a struct named `Value` with a field of it.
macro_rules! gear {
    ($repr:ident: $($variant:ident = $value:expr),*) => {
        #[derive(Shared)]
        #[repr($repr)]
        pub(super) enum Gear { $($variant = $value),* }
        value!(tick: $repr, gear: Gear);
    };
}

#[test]
fn variant_added() {
    let difference = difference!({ gear!(u8: Low = 1); } { gear!(u8: Low = 1, High = 2); });
    assert_eq!(
        difference.to_string(),
        "field `gear`: no variant `High` in the object, variant `High` = 2 in this program"
    );
}

#[test]
fn variant_removed() {
    let difference = difference!({ gear!(u8: Low = 1, High = 2); } { gear!(u8: High = 2); });
    assert_eq!(
        difference.to_string(),
        "field `gear`: variant `Low` = 1 in the object, no variant `Low` in this program"
    );
}

#[test]
fn variant_renumbered() {
    let difference = difference!(
        { gear!(u8: Low = 1, High = 2); }
        { gear!(u8: Low = 1, High = 3); }
    );
    assert_eq!(
        difference.to_string(),
        "field `gear`: variant `High` = 2 in the object, variant `High` = 3 in this program"
    );
}

#[test]
fn variant_renamed() {
    let difference = difference!({ gear!(u8: Low = 1); } { gear!(u8: First = 1); });
    assert_eq!(
        difference.to_string(),
        "field `gear`: variant `Low` = 1 in the object, variant `First` = 1 in this program"
    );
}

#[test]
fn variants_in_another_order() {
    let difference = difference!(
        { gear!(u8: Low = 1, High = 2); }
        { gear!(u8: High = 2, Low = 1); }
    );
    assert_eq!(
        difference.to_string(),
        "field `gear`: variant `Low` first in the object, variant `High` first in this program"
    );
}

#[test]
fn enum_stored_otherwise() {
    mod object {
        use super::*;
        #[derive(Shared)]
        #[repr(u8)]
        pub(super) enum Value {
            A = 0,
        }
    }
    mod program {
        use super::*;
        #[derive(Shared)]
        #[repr(i8)]
        pub(super) enum Value {
            A = 0,
        }
    }
    let _ = (object::Value::A, program::Value::A);
    assert_eq!(
        between::<object::Value, program::Value>().to_string(),
        "the value: Value stored as u8 in the object, Value stored as i8 in this program"
    );
}

#[test]
fn another_type() {
    #[derive(Shared)]
    #[repr(C)]
    struct Book(u64);
    #[derive(Shared)]
    #[repr(C)]
    struct Order(u64);
    let difference = between::<Book, Order>();
    assert_eq!(
        difference.to_string(),
        "the value: Book in the object, Order in this program"
    );
    assert_eq!((difference.field(), difference.type_name()), ("", "Order"));
    assert_eq!(
        between::<u64, Order>().to_string(),
        "the value: u64 in the object, Order in this program"
    );
    assert_eq!(
        between::<[u64; 4], [u64; 5]>().to_string(),
        "the value: [u64; 4] in the object, [u64; 5] in this program"
    );
}

/// The list is the same, and what it consists of is named the same: both sides still read differently.
#[test]
fn another_version_within_a_list() {
    let difference = difference!(
        {
            #[derive(Shared)]
            #[repr(C)]
            pub(super) struct Level { qty: u32 }
            value!(count: u32, levels: [[Level; 2]; 3]);
        }
        {
            #[derive(Shared)]
            #[shared(version = 2)]
            #[repr(C)]
            pub(super) struct Level { qty: u32 }
            value!(count: u32, levels: [[Level; 2]; 3]);
        }
    );
    assert_eq!(
        difference.to_string(),
        "field `levels`: [[Level; 2]; 3] at offset 4 without `version` in the object, \
         [[Level; 2]; 3] at offset 4 with `version = 2` in this program"
    );
}

#[test]
fn another_version() {
    mod program {
        use super::*;
        #[derive(Shared)]
        #[repr(C)]
        #[shared(version = 2)]
        pub(super) struct Value(u64);
    }
    #[derive(Shared)]
    #[repr(C)]
    struct Value(u64);
    assert_eq!(
        between::<Value, program::Value>().to_string(),
        "the value: Value without `version` in the object, \
         Value with `version = 2` in this program"
    );
}

#[test]
fn nested() {
    macro_rules! book {
        ($qty:ty) => {
            #[derive(Shared)]
            #[repr(C)]
            pub(super) struct Level {
                pub(super) price: $qty,
                pub(super) qty: $qty,
            }
        };
    }
    let difference = difference!(
        { book!(u32); value!(id: u64, levels: [[Level; 2]; 3]); }
        { book!(u64); value!(id: u64, levels: [[Level; 2]; 3]); }
    );
    assert_eq!(
        difference.to_string(),
        "field `levels[0][0].price`: u32 at offset 8 in the object, u64 at offset 8 in this program"
    );

    macro_rules! level {
        ($qty:ty) => {
            #[derive(Shared)]
            #[repr(C)]
            pub(super) struct Level {
                pub(super) price: u32,
                pub(super) qty: $qty,
            }
        };
    }
    let difference = difference!(
        { level!(u32); value!(id: u64, levels: FixedVec<Level, 4>); }
        { level!(i32); value!(id: u64, levels: FixedVec<Level, 4>); }
    );
    assert_eq!(
        difference.to_string(),
        "field `levels[0].qty`: u32 at offset 20 in the object, i32 at offset 20 in this program"
    );
    assert_eq!(difference.field(), "levels[0].qty");

    let difference = difference!(
        { level!(u32); value!(last: FixedOption<Level>); }
        { level!(i32); value!(last: FixedOption<Level>); }
    );
    assert_eq!(
        difference.to_string(),
        "field `last.value.qty`: u32 at offset 12 in the object, i32 at offset 12 in this program"
    );
}
