//! Objects whose type a program never saw: the same safety as by type, with programs that know it beside it.

use std::time::Duration;

use shmem_core::{
    AnyObject, Error, FieldError, Shared, Trust, Value, Version, list_of, participants, remove,
    users,
};
use tests::{Cleanup, Engine, Peer, TempDir, alone, eventually, outcome};

const PEER: &str = env!("CARGO_BIN_EXE_peer");

fn field(error: Error) -> FieldError {
    match error {
        Error::Field { error, .. } => *error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_live_object_of_another_program() {
    let name = Cleanup::new("any-live");
    let mut peer = Peer::spawn(PEER, &["any", "new", &name, "4"]);
    let reader = AnyObject::open_read_only(&*name).unwrap();
    let engine = reader.snapshot().unwrap();
    assert_eq!(
        engine.to_string(),
        r#"{ tick: 7, rpm: 880.5, gear: First, armed: true, port: 8080, driver: "ada", load: [10, 20], pit: none, laps: [61, 59] }"#
    );
    assert_eq!(reader.schema().name(), "Engine");
    assert_eq!(reader.info().type_name, "Engine");
    assert_eq!(reader.version(), Version(1));

    // What the other publishes wakes us.
    peer.expect("tick 8", "Ok");
    assert_eq!(
        reader.wait(Version(1), Duration::from_secs(10)).unwrap(),
        Version(2)
    );
    assert_eq!(reader.get("tick").unwrap(), Value::from(8_u64));

    // And it sees what is set here.
    let any = AnyObject::open(&*name).unwrap();
    assert_eq!(any.info().handles, Some(2));
    let changes = [
        ("rpm", Value::from(1000)),
        ("gear", "Reverse".into()),
        ("port", None::<u16>.into()),
        ("driver", "grace".into()),
        ("load[1]", 21.into()),
        ("pit", 5.into()),
        ("laps", vec![1_u32, 2, 3].into()),
    ];
    assert_eq!(any.set_all(&changes).unwrap(), Version(3));
    peer.expect(
        "load",
        r#"Engine { tick: 8, rpm: 1000.0, gear: Reverse, armed: true, port: None, driver: "grace", load: [10, 21], pit: Some(5), laps: [1, 2, 3] }"#,
    );
    any.update(|engine| {
        let pit = engine.get("pit.value")?;
        engine.set("laps[2]", pit)
    })
    .unwrap();
    assert_eq!(any.get("laps[2]").unwrap(), Value::from(5_u32));

    // Its owner goes; then this is the last handle.
    assert!(peer.finish().success());
    assert_eq!(any.get("tick").unwrap().as_int(), Some(8));
    drop(any);
    assert_eq!(outcome(AnyObject::open(&*name)), "NotFound");
    assert_eq!(outcome(AnyObject::open_read_only(&*name)), "NotFound");
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let name = Cleanup::new("any-refused");
    let typed = Engine::create(&*name, Engine::sample()).unwrap();
    let any = AnyObject::open(&*name).unwrap();
    let refuse = |path: &str, value: Value, message: &str| {
        let error = any.set(path, value).unwrap_err();
        assert_eq!(error.to_string(), format!("`{}`: {message}", &*name));
        drop(field(error));
    };
    let list = |len: u32| Value::from((0..len).collect::<Vec<_>>());
    refuse(
        "tik",
        1.into(),
        "`Engine` has no field `tik`; the nearest field is `tick`",
    );
    refuse(
        "tick",
        (-1).into(),
        "-1 is out of range for `tick`: u64 is 0 to 18446744073709551615",
    );
    refuse("tick", 0.5.into(), "`tick` is u64, not 0.5");
    refuse("tick.x", 1.into(), "`tick` is u64, which has no field");
    refuse("tick[0]", 1.into(), "`tick` is u64, which has no item");
    refuse("rpm", "fast".into(), "`rpm` is f32, not the text \"fast\"");
    refuse(
        "gear",
        "Frist".into(),
        "`Gear` has no variant `Frist`; the nearest variant is `First`",
    );
    refuse(
        "gear",
        2.into(),
        "`Gear` has no variant `2`; the nearest variants are `Neutral`, `First`, `Reverse`",
    );
    refuse("armed", 1.into(), "`armed` is bool, not 1");
    refuse(
        "port",
        0.into(),
        "0 is out of range for `port`: Option<NonZeroU16> is 0 to 65535, or none, but not 0",
    );
    refuse(
        "port",
        65536.into(),
        "65536 is out of range for `port`: Option<NonZeroU16> is 0 to 65535",
    );
    refuse(
        "driver",
        "nine bytes".into(),
        "`driver` has room for 8 bytes, not for 10",
    );
    refuse("load", list(3), "`load` has 2 items, not 3");
    refuse(
        "load[2]",
        1.into(),
        "`load` has 2 items, so there is no item 2",
    );
    refuse("load[1", 1.into(), "`load[1` is no path: a `]` is missing");
    refuse("pit.value", 1.into(), "`pit` is none: set the whole of it");
    refuse("laps", list(4), "`laps` has room for 3 items, not for 4");
    refuse(
        "laps[2]",
        1.into(),
        "`laps` has 2 items, so there is no item 2",
    );
    refuse("laps[1]", true.into(), "`laps[1]` is u32, not true");
    refuse(
        "",
        Value::Struct(vec![("tick".into(), 1.into())]),
        "field `rpm` of the value is missing",
    );
    // The first of two fits; the change is one.
    let both = [("tick", Value::from(1)), ("gear", "Second".into())];
    assert!(any.set_all(&both).is_err());
    let stopped = any.update(|engine| {
        engine.set("tick", 1)?;
        engine.set("armed", "no")
    });
    assert!(matches!(
        field(stopped.unwrap_err()),
        FieldError::WrongKind { .. }
    ));
    assert_eq!(typed.load().unwrap(), Engine::sample());
    assert_eq!(typed.version(), Version(1));
}

#[test]
fn several_fields_change_at_once() {
    let name = Cleanup::new("any-at-once");
    let mut peer = Peer::spawn(PEER, &["any", "new", &name, "4"]);
    let any = AnyObject::open(&*name).unwrap();
    any.set("load", vec![0, 0]).unwrap();
    peer.send("compare 200000");
    let mut rounds = 0_u32;
    let torn = loop {
        let number = Value::from(rounds % 60_000);
        any.set_all(&[("load[0]", number.clone()), ("load[1]", number)])
            .unwrap();
        rounds += 1;
        if let Some(torn) = peer.try_recv() {
            break torn;
        }
    };
    assert_eq!(torn, "0");
    assert!(rounds > 100, "{rounds} changes");
}

#[test]
fn no_update_is_lost() {
    for buffers in ["4", "1"] {
        let name = Cleanup::new("any-updates");
        let mut peer = Peer::spawn(PEER, &["any", "new", &name, buffers]);
        let any = AnyObject::open(&*name).unwrap();
        any.set("tick", 0).unwrap();
        peer.send("count 3000");
        for _ in 0..3000 {
            any.update(|engine| {
                let tick = engine.get("tick")?.as_int().unwrap_or(0);
                engine.set("tick", tick + 1)
            })
            .unwrap();
        }
        assert_eq!(peer.recv(), "Ok");
        assert_eq!(any.get("tick").unwrap().as_int(), Some(6000));
    }
}

#[test]
fn others_in_the_way() {
    let name = Cleanup::new("any-in-the-way");
    let mut peer = Peer::spawn(PEER, &["any", "new", &name, "2"]);
    let any = AnyObject::options().timeout(Duration::from_millis(50));
    let any = any.open(&*name).unwrap();
    peer.expect("write", "Ok");
    assert_eq!(outcome(any.set("tick", 1)), "TimedOut");
    // A reader does not wait for it.
    assert_eq!(any.get("tick").unwrap().as_int(), Some(7));
    let who = participants(&*name).unwrap();
    let theirs = who.iter().find(|who| who.process == peer.id()).unwrap();
    assert!(theirs.writes && theirs.published && theirs.pins.is_empty());
    let ours = who
        .iter()
        .find(|who| who.process == std::process::id())
        .unwrap();
    assert!(!ours.writes && !ours.published && ours.pins.is_empty());
    peer.expect("discard", "Ok");

    peer.expect("read", "Ok");
    peer.expect("read", "Ok");
    any.set("tick", 1).unwrap();
    assert_eq!(outcome(any.set("tick", 2)), "TimedOut");
    let who = participants(&*name).unwrap();
    let [pin] = who
        .iter()
        .find(|who| who.process == peer.id())
        .unwrap()
        .pins[..]
    else {
        panic!("{who:?}");
    };
    assert_eq!((pin.guards, pin.version), (2, Version(1)));

    // Dead, it is in nobody's way, and nobody.
    peer.kill();
    eventually("the kernel has told", || {
        participants(&*name).unwrap().len() == 1
    });
    any.set("tick", 2).unwrap();
    drop(any);
    assert_eq!(outcome(participants(&*name)), "NotFound");
}

#[test]
fn what_was_left_half_changed() {
    let name = Cleanup::new("any-poisoned");
    let keeper = Engine::options()
        .buffers(1)
        .create(&*name, Engine::sample())
        .unwrap();
    let mut peer = Peer::spawn(PEER, &["any", "open", &name]);
    peer.expect("write", "Ok");
    peer.kill();
    let any = AnyObject::open(&*name).unwrap();
    assert_eq!(outcome(any.snapshot()), "Poisoned");
    assert_eq!(outcome(any.set("tick", 1)), "Poisoned");
    assert_eq!(outcome(any.update(|_| Ok(()))), "Poisoned");
    let reader = AnyObject::open_read_only(&*name).unwrap();
    assert_eq!(outcome(reader.snapshot()), "Busy");
    assert_eq!(outcome(keeper.load()), "Poisoned");
    // As a whole it can be set, as `store` can.
    let other = Cleanup::new("any-sound");
    let sound = Engine::create(&*other, Engine::sample()).unwrap();
    let whole = AnyObject::open(&*other).unwrap().snapshot().unwrap();
    any.set("", whole).unwrap();
    assert_eq!(keeper.load().unwrap(), sound.load().unwrap());
    // An update that fails poisons nothing.
    assert!(any.set("tick", "x").is_err());
    assert_eq!(keeper.load().unwrap(), sound.load().unwrap());
}

#[test]
fn after_removal() {
    let name = Cleanup::new("any-removed");
    let _typed = Engine::create(&*name, Engine::sample()).unwrap();
    let any = AnyObject::open(&*name).unwrap();
    let reader = AnyObject::open_read_only(&*name).unwrap();
    remove(&*name).unwrap();
    assert_eq!(any.get("tick").unwrap().as_int(), Some(7));
    assert_eq!(reader.get("tick").unwrap().as_int(), Some(7));
    assert_eq!(outcome(any.set("tick", 1)), "Removed");
    let long = Duration::from_secs(10);
    assert_eq!(outcome(any.wait(Version(1), long)), "Removed");
    assert_eq!(outcome(reader.wait(Version(1), long)), "Removed");
    assert!(!any.is_current() && !reader.is_current());
    let _new = u64::create(&*name, 3).unwrap();
    assert_eq!(any.reopen().unwrap().schema().name(), "u64");
    assert_eq!(
        reader.reopen().unwrap().snapshot().unwrap().as_int(),
        Some(3)
    );
}

#[test]
fn trust_and_permissions() {
    let directory = TempDir::new("any-trust");
    let path = directory.path().join("object");
    let options = u64::options().mode(0o666).trust(Trust::Anyone);
    let _typed = options.create(&path, 5).unwrap();
    assert_eq!(outcome(AnyObject::open(&path)), "Untrusted");
    assert_eq!(
        AnyObject::open_read_only(&path)
            .unwrap()
            .snapshot()
            .unwrap()
            .as_int(),
        Some(5)
    );
    let any = AnyObject::options()
        .trust(Trust::Anyone)
        .open(&path)
        .unwrap();
    any.set("", 6).unwrap();
    any.flush().unwrap();
}

#[test]
fn lists_of_users() {
    alone(|_| {
        let _typed = u64::create("listed", 1).unwrap();
        let me = rustix::process::geteuid().as_raw();
        assert_eq!(users().unwrap(), [me]);
        let all = list_of(me).unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].items, all[0].reserve), (None, 0));
        assert!(list_of(me + 1).unwrap().is_empty());
    });
}
