//! The stored form of a schema: golden text and fingerprint, reading it back, damaged forms.

use shmem_core::{FixedOption, FixedStr, FixedVec, Shared, StoredKind, StoredSchema};
use std::num::{NonZeroI64, NonZeroU32};

#[derive(Shared, Clone, Copy)]
#[repr(C)]
#[shared(version = 2)]
struct Telemetry {
    tick: u64,
    rpm: f32,
    gear: Gear,
    armed: bool,
    _pad: [u8; 2],
    limits: [Limit; 2],
    note: FixedStr<12>,
    log: FixedVec<i64, 3>,
    last: FixedOption<u16>,
    _pad2: [u8; 6],
    count: NonZeroU32,
    letter: char,
    maybe: Option<NonZeroI64>,
}

#[derive(Shared, Clone, Copy)]
#[repr(i8)]
#[shared(name = "Gear")]
enum Gearbox {
    Reverse = -1,
    Neutral = 0,
}
type Gear = Gearbox;

#[derive(Shared, Clone, Copy)]
#[repr(C)]
struct Limit(u16, #[shared(name = "high")] u16);

/// Other programs read this text and this number from objects. A change of either is a change of the format.
const GOLDEN: &str = "\
0\tstruct\t0\t104\t\tTelemetry\t2\t
1\tuint\t0\t8\ttick\tu64\t\t
1\tfloat\t8\t4\trpm\tf32\t\t
1\tenum\t12\t1\tgear\tGear\t\ti8
2\tvariant\t0\t1\tReverse\t\t\t-1
2\tvariant\t0\t1\tNeutral\t\t\t0
1\tbool\t13\t1\tarmed\tbool\t\t
1\tarray\t14\t2\t_pad\t\t\t2
2\tuint\t0\t1\t\tu8\t\t
1\tarray\t16\t8\tlimits\t\t\t2
2\tstruct\t0\t4\t\tLimit\t\t
3\tuint\t0\t2\t0\tu16\t\t
3\tuint\t2\t2\thigh\tu16\t\t
1\tstr\t24\t16\tnote\tFixedStr\t\t12
1\tvec\t40\t32\tlog\tFixedVec\t\t3
2\tint\t8\t8\t\ti64\t\t
1\toption\t72\t10\tlast\tFixedOption\t\t
2\tuint\t8\t2\t\tu16\t\t
1\tarray\t82\t6\t_pad2\t\t\t6
2\tuint\t0\t1\t\tu8\t\t
1\tnonzero-uint\t88\t4\tcount\tNonZeroU32\t\t
1\tchar\t92\t4\tletter\tchar\t\t
1\tmaybe-int\t96\t8\tmaybe\tOption<NonZeroI64>\t\t
";

#[test]
fn the_stored_form_is_golden() {
    let form = String::from_utf8(Telemetry::SCHEMA.stored_form()).unwrap();
    assert_eq!(form, GOLDEN);
}

#[test]
fn the_fingerprint_is_the_hash_of_the_stored_form() {
    let fnv1a = |text: &str| {
        text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    assert_eq!(Telemetry::FINGERPRINT, fnv1a(GOLDEN));
    assert_eq!(u64::FINGERPRINT, fnv1a("0\tuint\t0\t8\t\tu64\t\t\n"));
}

#[test]
fn what_was_stored_is_read_back() {
    let stored = StoredSchema::parse(GOLDEN.as_bytes()).unwrap();
    assert_eq!(stored, StoredSchema::from(Telemetry::SCHEMA));

    assert_eq!((stored.name(), stored.size()), ("Telemetry", 104));
    assert_eq!(stored.version(), 2);
    let field = |name: &str| {
        let found = stored.fields().iter().find(|field| field.name() == name);
        found.unwrap_or_else(|| panic!("no field {name}"))
    };
    let gear = field("gear").schema();
    assert_eq!((gear.kind(), gear.repr()), (StoredKind::Enum, Some("i8")));
    assert_eq!(gear.variants()[0].name(), "Reverse");
    assert_eq!(gear.variants()[0].value(), -1);
    let limits = field("limits").schema();
    assert_eq!((limits.kind(), limits.len()), (StoredKind::Array, Some(2)));
    assert_eq!(limits.item().unwrap().fields()[1].name(), "high");
    assert_eq!(limits.item().unwrap().fields()[1].offset(), 2);
    let log = field("log");
    assert_eq!(log.schema().type_text(), "FixedVec<i64, 3>");
    assert_eq!((log.offset(), log.schema().item_offset()), (40, Some(8)));
}

#[test]
fn a_stored_schema_prints_as_definitions() {
    let text = StoredSchema::from(Telemetry::SCHEMA).to_string();
    assert_eq!(
        text,
        "\
#[shared(version = 2)]
#[repr(C)]
struct Telemetry { // 104 bytes
    tick: u64, // offset 0
    rpm: f32, // offset 8
    gear: Gear, // offset 12
    armed: bool, // offset 13
    _pad: [u8; 2], // offset 14
    limits: [Limit; 2], // offset 16
    note: FixedStr<12>, // offset 24
    log: FixedVec<i64, 3>, // offset 40
    last: FixedOption<u16>, // offset 72
    _pad2: [u8; 6], // offset 82
    count: NonZeroU32, // offset 88
    letter: char, // offset 92
    maybe: Option<NonZeroI64>, // offset 96
}

#[repr(i8)]
enum Gear {
    Reverse = -1,
    Neutral = 0,
}

#[repr(C)]
struct Limit { // 4 bytes
    0: u16, // offset 0
    high: u16, // offset 2
}"
    );
    assert_eq!(StoredSchema::from(u64::SCHEMA).to_string(), "u64");
}

/// A type that several fields have is defined once.
#[test]
fn a_definition_is_printed_once() {
    #[derive(Shared, Clone, Copy)]
    #[repr(C)]
    struct Pair {
        first: Limit,
        second: Limit,
    }
    let many = StoredSchema::from(<[Limit; 2]>::SCHEMA).to_string();
    assert!(
        many.starts_with("[Limit; 2]\n\n#[repr(C)]\nstruct Limit {"),
        "{many}"
    );
    let text = StoredSchema::from(Pair::SCHEMA).to_string();
    assert_eq!(text.matches("struct Limit").count(), 1, "{text}");
}

/// Whatever is read is consistent: parts within the whole, in order, and the size of the items adds up.
fn assert_consistent(schema: &StoredSchema) {
    let mut end = 0;
    for field in schema.fields() {
        let size = field.schema().size();
        assert!(size == 0 || field.offset() >= end);
        assert!(field.offset() + size <= schema.size());
        end = end.max(field.offset() + size);
        assert_consistent(field.schema());
    }
    if let (Some(item), Some(offset)) = (schema.item(), schema.item_offset()) {
        let count = schema.len().unwrap_or(1);
        assert_eq!(offset + item.size() * count, schema.size());
        assert_consistent(item);
    }
    assert!(!schema.to_string().is_empty());
}

#[test]
fn a_damaged_form_is_refused_or_consistent() {
    let check = |bytes: &[u8]| {
        if let Ok(schema) = StoredSchema::parse(bytes) {
            assert_consistent(&schema);
        }
    };
    // Miri needs minutes for all of them.
    let step = if cfg!(miri) { 331 } else { 1 };
    for end in (0..GOLDEN.len()).step_by(step) {
        check(&GOLDEN.as_bytes()[..end]);
    }
    for i in (0..GOLDEN.len()).step_by(step) {
        for byte in *b"\0\t\n09-az\x7f\xff" {
            let mut bytes = GOLDEN.as_bytes().to_vec();
            bytes[i] = byte;
            check(&bytes);
            bytes.insert(i, byte);
            check(&bytes);
        }
    }
    // Lines swapped, repeated, left out.
    let lines: Vec<_> = GOLDEN.split_inclusive('\n').collect();
    for i in (0..lines.len()).step_by(step) {
        for j in 0..lines.len() {
            let mut changed = lines.clone();
            changed.swap(i, j);
            check(changed.concat().as_bytes());
            let line = changed[i];
            changed.insert(j, line);
            check(changed.concat().as_bytes());
        }
    }
}

fn refused(text: &str) -> String {
    match StoredSchema::parse(text.as_bytes()) {
        Ok(schema) => panic!("not refused: {schema}"),
        Err(error) => error.to_string(),
    }
}

fn nested(depth: usize) -> String {
    let line = |i| format!("{i}\tarray\t0\t1\t\t\t\t1\n");
    (0..depth).map(line).collect::<String>() + &format!("{depth}\tuint\t0\t1\t\tu8\t\t\n")
}

#[test]
#[cfg_attr(miri, ignore = "so many lines take it minutes")]
fn forms_of_too_many_lines_are_refused() {
    assert!(refused(&nested(50_000)).contains("too many levels"));

    let wide = |fields: usize| {
        let line = |i| format!("1\tstruct\t0\t0\tf{i}\tUnit\t\t\n");
        "0\tstruct\t0\t0\t\tWide\t\t\n".to_owned() + &(0..fields).map(line).collect::<String>()
    };
    assert!(StoredSchema::parse(wide(65_535).as_bytes()).is_ok());
    assert!(refused(&wide(65_536)).contains("too many lines"));
}

#[test]
fn forms_out_of_bounds_are_refused() {
    assert!(StoredSchema::parse(nested(63).as_bytes()).is_ok());
    assert!(refused(&nested(64)).contains("too many levels"));

    let cases = [
        ("", "the last line has no end"),
        ("0\tuint\t0\t8\t\tu64\t\t", "the last line has no end"),
        (
            "0\tuint\t0\t3\t\tu24\t\t\n",
            "a kind and size that do not exist",
        ),
        ("0\tuint\t0\t08\t\tu64\t\t\n", "a column is not a number"),
        ("0\tuint\t0\t+8\t\tu64\t\t\n", "a column is not a number"),
        (
            "0\tuint\t0\t99999999999999999999999\t\tu64\t\t\n",
            "a column is not a number",
        ),
        (
            "0\tuint\t4\t8\t\tu64\t\t\n",
            "the outermost type has a name or an offset",
        ),
        (
            "0\tuint\t0\t8\t\tu64\t1\t\n",
            "a version where there is none",
        ),
        ("0\tuint\t0\t8\t\t\t\t\n", "a type has no name"),
        ("0\tuint\t0\t8\t\tu\u{7}64\t\t\n", "a control character"),
        ("0\tuint\t0\t8\t\tu64\t\n", "fewer than 8 columns"),
        ("0\tuint\t0\t8\t\tu64\t\t\t\n", "more than 8 columns"),
        (
            "0\tuint\t0\t8\t\tu64\t\t\n0\tuint\t0\t8\t\tu64\t\t\n",
            "more than one outermost type",
        ),
        ("0\tarray\t0\t8\t\t\t\t8\n", "a type is missing"),
        (
            "0\tstruct\t0\t4\t\tA\t\t\n1\tuint\t2\t4\ta\tu32\t\t\n",
            "beyond the end of its struct",
        ),
        (
            "0\tstruct\t0\t4\t\tA\t\t\n1\tuint\t18446744073709551614\t4\ta\tu32\t\t\n",
            "beyond the end of its struct",
        ),
        (
            "0\tstruct\t0\t4\t\tA\t\t\n1\tuint\t0\t4\ta\tu32\t\t\n1\tuint\t2\t2\tb\tu16\t\t\n",
            "overlaps the one before",
        ),
        (
            "0\tstruct\t0\t4\t\tA\t\t\n1\tuint\t0\t2\ta\tu16\t\t\n1\tuint\t2\t2\ta\tu16\t\t\n",
            "two fields of one name",
        ),
        (
            "0\tarray\t0\t8\t\t\t\t4611686018427387906\n1\tuint\t0\t4\t\tu32\t\t\n",
            "not that of the whole",
        ),
        (
            "0\tvec\t0\t16\t\tFixedVec\t\t3\n1\tuint\t8\t4\t\tu32\t\t\n",
            "not that of the whole",
        ),
        (
            "0\tstr\t0\t3\t\tFixedStr\t\t18446744073709551615\n",
            "from the capacity",
        ),
        (
            "0\tenum\t0\t2\t\tE\t\tu8\n1\tvariant\t0\t2\tA\t\t\t0\n",
            "an enum of another size",
        ),
        ("0\tenum\t0\t1\t\tE\t\tu8\n", "an enum without variants"),
        (
            "0\tenum\t0\t1\t\tE\t\tu8\n1\tvariant\t0\t1\tA\t\t\t256\n",
            "does not fit",
        ),
        (
            "0\tenum\t0\t1\t\tE\t\ti8\n1\tvariant\t0\t1\tA\t\t\t-129\n",
            "does not fit",
        ),
        (
            "0\tenum\t0\t1\t\tE\t\tu8\n1\tvariant\t0\t1\tA\t\t\t1\n1\tvariant\t0\t1\tB\t\t\t1\n",
            "two variants of one name or number",
        ),
    ];
    for (text, reason) in cases {
        let error = refused(text);
        assert!(error.contains(reason), "{text:?}: {error}");
        assert!(error.starts_with("line "), "{error}");
    }
}
