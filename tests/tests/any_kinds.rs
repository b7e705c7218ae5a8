//! By the schema, objects of every kind: arrays, atomics, a lock for programs outside, types that grow.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use shmem_core::{
    AnyObject, Error, FieldError, Lock, Schema, Shared, StoredSchema, Value, Version,
};
use tests::{Cleanup, Engine, alone, outcome};

fn field(error: Error) -> FieldError {
    match error {
        Error::Field { error, .. } => *error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn items_of_an_array() {
    let name = Cleanup::new("any-array");
    let len = 1_000_000;
    let typed = <[u32; 2]>::create_array(&*name, len, [0; 2]).unwrap();
    let any = AnyObject::open(&*name).unwrap();
    let reader = AnyObject::open_read_only(&*name).unwrap();
    assert_eq!(any.info().items, Some(1_000_000));
    assert_eq!(any.set("[999999][1]", 5).unwrap(), Version(2));
    assert_eq!(typed.load_at(999_999).unwrap(), [0, 5]);
    assert_eq!(reader.get("[999999]").unwrap(), vec![0_u32, 5].into());
    assert_eq!(any.get("[999999][1]").unwrap(), Value::from(5_u32));
    // Several items, in one version.
    let changes = [
        ("[0]", vec![1, 2].into()),
        ("[7][0]", Value::from(3)),
        ("[0][1]", 4.into()),
    ];
    assert_eq!(any.set_all(&changes).unwrap(), Version(3));
    assert_eq!(typed.load_at(0).unwrap(), [1, 4]);
    assert_eq!(typed.load_at(7).unwrap(), [3, 0]);
    let part = Value::List(vec![vec![0_u32, 0].into(), vec![3_u32, 0].into()]);
    assert_eq!(any.get("[6..8]").unwrap(), part);
    assert_eq!(reader.get("[6..8]").unwrap(), part);
    any.set(
        "[10..12]",
        Value::List(vec![vec![8_u32, 8].into(), vec![9_u32, 9].into()]),
    )
    .unwrap();
    assert_eq!(typed.load_at(11).unwrap(), [9, 9]);
    assert_eq!(any.get("[5..5]").unwrap(), Value::List(vec![]));
    for path in [
        "[1000000]",
        "[1000000][0]",
        "[999999..1000001]",
        "[18446744073709551615]",
        "[5..9999999]",
    ] {
        let error = any.get(path).unwrap_err();
        assert!(
            matches!(field(error), FieldError::NoSuchItem { len: 1_000_000, .. }),
            "{path}"
        );
        assert!(reader.get(path).is_err());
        assert!(any.set(path, 1).is_err());
    }
    // Too many to be taken to pieces at once: three million parts are fine.
    assert_eq!(reader.snapshot().unwrap().items().len(), len);
}

#[test]
fn atomics_count_under_other_guards() {
    #[derive(Shared, Default)]
    #[repr(C)]
    #[shared(in_place)]
    struct Stats {
        requests: AtomicU32,
        limit: u32,
    }
    let name = Cleanup::new("any-atomics");
    let typed = Stats::create(&*name, Stats::default()).unwrap();
    let any = AnyObject::open(&*name).unwrap();
    let guard = typed.read().unwrap();
    guard.requests.fetch_add(3, Ordering::Relaxed);
    assert_eq!(any.get("requests").unwrap(), Value::from(3_u32));
    assert_eq!(
        any.snapshot().unwrap().to_string(),
        "{ requests: 3, limit: 0 }"
    );
    drop(guard);
    any.set_all(&[("requests", 0.into()), ("limit", 9.into())])
        .unwrap();
    let stats = typed.load().unwrap();
    assert_eq!((stats.requests.into_inner(), stats.limit), (0, 9));
}

/// A lock for programs outside is taken as by the type; who only reads cannot take it.
#[test]
fn a_lock_for_programs_outside() {
    let name = Cleanup::new("any-gate");
    let typed = Engine::options()
        .lock(Lock::RawSync)
        .create(&*name, Engine::sample())
        .unwrap();
    let any = AnyObject::options().timeout(Duration::from_millis(50));
    let any = any.open(&*name).unwrap();
    any.set("tick", 8).unwrap();
    assert_eq!(any.get("tick").unwrap().as_int(), Some(8));
    let guard = typed.write().unwrap();
    assert_eq!(outcome(any.set("tick", 9)), "WouldDeadlock");
    assert_eq!(outcome(any.get("tick")), "WouldDeadlock");
    drop(guard);
    any.set("tick", 9).unwrap();
    assert_eq!(typed.load().unwrap().tick, 9);
    let by_type = outcome(Engine::open_read_only(&*name));
    assert_eq!(outcome(AnyObject::open_read_only(&*name)), by_type);
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

mod new {
    #[derive(shmem_core::Shared, Clone, Copy, Debug, PartialEq)]
    #[repr(C)]
    #[shared(reserve = 64)]
    pub(crate) struct Health {
        pub beats: u64,
        pub failed: u32,
        pub limit: u32,
        pub load: f64,
    }
}

#[test]
fn a_type_that_grows() {
    let name = Cleanup::new("any-grows");
    let health = old::Health {
        beats: 1,
        failed: 2,
        _pad: [0; 4],
    };
    let old = old::Health::create(&*name, health).unwrap();
    let early = AnyObject::open(&*name).unwrap();
    assert_eq!(
        early.snapshot().unwrap().to_string(),
        "{ beats: 1, failed: 2 }"
    );
    assert!(matches!(
        field(early.get("_pad").unwrap_err()),
        FieldError::UnknownField { .. }
    ));
    assert_eq!(early.info().reserve, 64);

    let new = new::Health::open(&*name).unwrap();
    new.update(|health| (health.limit, health.load) = (3, 0.5))
        .unwrap();
    // What was opened before does not know the new fields, and leaves them alone.
    early.set("beats", 10).unwrap();
    let whole = early.snapshot().unwrap();
    early.set("", whole).unwrap();
    let expected = new::Health {
        beats: 10,
        failed: 2,
        limit: 3,
        load: 0.5,
    };
    assert_eq!(new.load().unwrap(), expected);
    // What is opened now has all.
    let late = early.reopen().unwrap();
    assert_eq!(
        late.snapshot().unwrap().to_string(),
        "{ beats: 10, failed: 2, limit: 3, load: 0.5 }"
    );
    late.set_all(&[("limit", 4.into()), ("load", 1.into())])
        .unwrap();
    assert_eq!(
        new.load().unwrap(),
        new::Health {
            limit: 4,
            load: 1.0,
            ..expected
        }
    );
    assert_eq!(old.load().unwrap().beats, 10);
}

#[test]
fn objects_of_each_kind_are_created() {
    alone(|alone| {
        let of = |schema: &Schema| StoredSchema::from(schema);
        // What is in the way stays, and what does not fit leaves nothing.
        let taken = u64::create("taken", 1).unwrap();
        let number = of(u64::SCHEMA);
        let create = |name: &str, value: i32| AnyObject::create(name, &number, value);
        assert_eq!(outcome(create("taken", 2)), "AlreadyExists");
        assert_eq!(taken.load().unwrap(), 1);
        assert!(matches!(
            field(create("new", -1).unwrap_err()),
            FieldError::OutOfRange { .. }
        ));
        assert_eq!(alone.files(), ["taken"]);

        // It lives as long as it is open, like any other.
        let any = create("new", 2).unwrap();
        assert_eq!(outcome(create("new", 3)), "AlreadyExists");
        any.set("", 3).unwrap();
        let typed = u64::open("new").unwrap();
        drop(any);
        assert_eq!((typed.load().unwrap(), typed.version().0), (3, 2));
        drop(typed);
        assert_eq!(outcome(u64::open("new")), "NotFound");

        // Atomics have one buffer, whatever is asked for.
        let atomic = AnyObject::create("atomic", &of(AtomicU32::SCHEMA), 7).unwrap();
        assert_eq!(atomic.info().buffers, 1);
        let typed = AtomicU32::open("atomic").unwrap();
        assert_eq!(typed.read().unwrap().fetch_add(1, Ordering::Relaxed), 7);

        // An array of a length that the type says, and of one that it does not.
        let three = of(<[u16; 3]>::SCHEMA);
        let items = vec![1_u16, 2, 3];
        let _fixed = AnyObject::create("fixed", &three, items.clone()).unwrap();
        let options = AnyObject::options().array(true);
        let _any_length = options.create("any-length", &three, items).unwrap();
        assert_eq!(
            <[u16; 3]>::open("fixed").unwrap().load().unwrap(),
            [1, 2, 3]
        );
        let opened = u16::open_array("any-length").unwrap();
        assert_eq!(*opened.read().unwrap(), [1, 2, 3]);
        assert_eq!(outcome(u16::open_array("fixed")), "LayoutMismatch");
        let error = options.create("number", &number, 1).unwrap_err();
        assert!(matches!(field(error), FieldError::NoParts { .. }));
    });
}
