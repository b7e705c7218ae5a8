//! By the schema, objects in which anything may stand.

use shmem_core::{AnyObject, Error, FieldError, Lifetime, Shared};
use tests::raw::{Forged, Raw, look, scribble, word};
use tests::{Engine, TempDir, alone, corrupt_part, outcome};

fn field(error: Error) -> FieldError {
    match error {
        Error::Field { error, .. } => *error,
        other => panic!("{other:?}"),
    }
}

/// A schema that contradicts nothing may still ask for more than there is.
#[test]
fn hostile_schemas() {
    alone(|alone| {
        let path = alone.home().join("hostile");
        let options = u64::options().lifetime(Lifetime::Keep);
        drop(options.create("hostile", 5).unwrap());
        let raw = Raw::read(&path);
        let honest = raw.parts();
        let forge = |schema: &str, buffers: u64| {
            let parts = Forged {
                schema: schema.as_bytes(),
                buffers,
                ..honest.clone()
            };
            Raw::forge(&parts).write(&path);
        };
        // Nothing, as often as there are numbers.
        let max = usize::MAX;
        forge(
            &format!(
                "0\tstruct\t0\t8\t\tS\t\t\n1\tuint\t0\t8\ta\tu64\t\t\n1\tarray\t8\t0\tb\t\t\t{max}\n\
                 2\tstruct\t0\t0\t\tT\t\t\n"
            ),
            4,
        );
        let any = AnyObject::open("hostile").unwrap();
        let error = any.snapshot().unwrap_err();
        assert!(matches!(field(error), FieldError::TooManyParts { .. }));
        assert_eq!(any.get("a").unwrap().as_int(), Some(0));
        assert_eq!(
            any.get("b[18446744073709551613]").unwrap().to_string(),
            "{}"
        );
        any.set("a", 3).unwrap();
        drop(any);
        // Atomics beside guards.
        forge("0\tatomic-uint\t0\t8\t\tAtomicU64\t\t\n", 4);
        let before = look(&path);
        assert_eq!(outcome(AnyObject::open("hostile")), "Corrupt");
        assert_eq!(outcome(AnyObject::open_read_only("hostile")), "Corrupt");
        assert_eq!(outcome(shmem_core::schema("hostile")), "Corrupt");
        assert!(look(&path) == before);
    });
}

mod old {
    #[derive(shmem_core::Shared, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    #[shared(reserve = 64)]
    pub(crate) struct Health {
        pub beats: u64,
        pub failed: u32,
        pub _pad: [u8; 4],
    }
}

/// The list of added fields is anybody's who may write, and so is what it says.
#[test]
fn hostile_additions() {
    let directory = TempDir::new("any-additions");
    let path = directory.path().join("object");
    let health = old::Health {
        beats: 1,
        failed: 2,
        _pad: [0; 4],
    };
    drop(old::Health::create(&path, health).unwrap());
    let raw = Raw::read(&path);
    let at = raw.offset(word::ADDITIONS);
    let top = "0\tstruct\t0\t24\t\tHealth\t\t\n".to_owned();
    for fields in [
        "1\tuint\t4\t8\tover\tu64\t\t\n",
        "1\tuint\t16\t8\tbeats\tu64\t\t\n",
        "1\tuint\t12\t1\ta\tu8\t\t\n1\tuint\t13\t1\ta1\tu8\t\t\n1\tuint\t14\t8\tb\tu64\t\t\n",
    ] {
        let text = top.clone() + fields;
        let mut two = record(&text);
        // The same once more.
        two.extend(record(&text));
        scribble(&path, at, &two);
        assert_eq!(
            corrupt_part(AnyObject::open(&path)),
            "list of added fields",
            "{fields}"
        );
        assert_eq!(
            corrupt_part(AnyObject::open_read_only(&path)),
            "list of added fields"
        );
        raw.write(&path);
    }
    let beyond = "0\tstruct\t0\t72\t\tHealth\t\t\n1\tuint\t64\t8\tfar\tu64\t\t\n";
    scribble(&path, at, &record(beyond));
    assert_eq!(corrupt_part(AnyObject::open(&path)), "list of added fields");
    assert_eq!(
        corrupt_part(shmem_core::schema(&path)),
        "list of added fields"
    );
}

fn record(text: &str) -> Vec<u8> {
    let mut record = (text.len() as u64).to_ne_bytes().to_vec();
    record.extend(tests::raw::fnv1a(&[text.as_bytes()]).to_ne_bytes());
    record.extend(text.bytes());
    record.resize(record.len().next_multiple_of(8), 0);
    record
}

/// A field that holds nonsense hides no other, and can be set right.
#[test]
fn a_field_with_nonsense_in_it() {
    let directory = TempDir::new("any-nonsense");
    let path = directory.path().join("object");
    let typed = Engine::create(&path, Engine::sample()).unwrap();
    let value = Raw::read(&path).value().start;
    scribble(&path, value + 12, &[77]);
    let any = AnyObject::open(&path).unwrap();
    let message = any.snapshot().unwrap_err().to_string();
    assert_eq!(message, typed.load().unwrap_err().to_string());
    assert_eq!(outcome(any.get("gear")), "InvalidValue");
    assert_eq!(any.get("driver").unwrap(), "ada".into());
    any.set("gear", 1).unwrap();
    assert_eq!(typed.load().unwrap(), Engine::sample());
}
