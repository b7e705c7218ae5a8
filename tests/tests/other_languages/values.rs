//! The example of `docs/format.md`, an array of it, and a type that has grown, as others see them.

use std::num::NonZeroU16;

use shmem_core::{FixedOption, FixedStr, FixedVec, Shared};
use tests::Cleanup;

use crate::reader::{Reader, c, dotnet, has_numpy, python};

#[derive(Shared, Clone, Copy)]
#[repr(u8)]
enum Gear {
    Neutral = 0,
    First = 1,
    Reverse = 255,
}

#[derive(Shared, Clone, Copy)]
#[repr(C)]
struct Engine {
    tick: u64,
    rpm: f32,
    gear: Gear,
    armed: bool,
    port: Option<NonZeroU16>,
    driver: FixedStr<8>,
    load: [u16; 2],
    pit: FixedOption<u32>,
    laps: FixedVec<u32, 3>,
}

fn engine() -> Engine {
    Engine {
        tick: 7,
        rpm: 880.5,
        gear: Gear::Reverse,
        armed: true,
        port: None,
        driver: FixedStr::literal("grün"),
        load: [1, 2],
        pit: FixedOption::some(5),
        laps: FixedVec::from([10, 20]),
    }
}

/// Where fields lie, by name.
fn fields(reader: &Reader) {
    let name = Cleanup::new("other-fields");
    let _object = Engine::create(&*name, engine()).unwrap();
    let expected = [
        "tick 0 8 0 uint u64",
        "gear 12 1 0 enum Gear",
        "port 14 2 0 maybe-uint Option<NonZeroU16>",
        "driver 16 12 8 str FixedStr",
        "load 28 4 2 array ",
        "load.1 30 2 0 uint u16",
        "pit.0 40 4 0 uint u32",
        "laps 44 20 3 vec FixedVec",
        "laps.1 56 4 0 uint u32",
        "laps.3 NoSuchField",
        "laps.x NoSuchField",
        "tick.0 NoSuchField",
        "tic NoSuchField",
        "ticks NoSuchField",
        "load. NoSuchField",
    ];
    let paths = expected.map(|line| line.split(' ').next().unwrap());
    assert_eq!(
        reader.ask(&[&["fields", &*name], &paths[..]].concat()),
        expected
    );
    let whole = reader.ask(&["fields", &name, ""]);
    assert_eq!(whole, [" 0 64 0 struct Engine"]);
}

#[test]
fn c_finds_fields() {
    if let Some(reader) = c() {
        fields(&reader);
        added_fields(&reader);
    }
}

#[test]
fn python_finds_fields() {
    if let Some(reader) = python() {
        fields(&reader);
        added_fields(&reader);
    }
}

/// The fields that a later program has brought, in an object that an earlier one made.
fn added_fields(reader: &Reader) {
    mod old {
        #[derive(shmem_core::Shared, Clone, Copy)]
        #[repr(C)]
        #[shared(reserve = 64)]
        pub(super) struct Health {
            pub(super) beats: u64,
            pub(super) _pad: [u8; 8],
        }
    }
    #[derive(Shared, Clone, Copy)]
    #[repr(C)]
    #[shared(reserve = 64)]
    struct Health {
        beats: u64,
        limit: u32,
        _pad: [u8; 4],
        load: f64,
    }
    let name = Cleanup::new("other-added");
    let (beats, _pad) = (1, [0; 8]);
    let _old = old::Health::create(&*name, old::Health { beats, _pad }).unwrap();
    let ask = || reader.ask(&["fields", &name, "beats", "limit", "load"]);
    assert_eq!(
        ask(),
        [
            "beats 0 8 0 uint u64",
            "limit NoSuchField",
            "load NoSuchField"
        ]
    );
    let new = Health::open(&*name).unwrap();
    new.update(|health| health.load = 0.5).unwrap();
    assert_eq!(
        ask(),
        [
            "beats 0 8 0 uint u64",
            "limit 8 4 0 uint u32",
            "load 16 8 0 float f64"
        ]
    );
}

#[test]
fn python_makes_a_dict_of_it() {
    if let Some(reader) = python() {
        let name = Cleanup::new("other-snapshot");
        let object = Engine::create(&*name, engine()).unwrap();
        let expected = "{'tick': 7, 'rpm': 880.5, 'gear': 'Reverse', 'armed': True, 'port': None, \
                        'driver': 'grün', 'load': [1, 2], 'pit': 5, 'laps': [10, 20]}";
        assert_eq!(reader.ask(&["snapshot", &name]), [expected]);
        object
            .update(|engine| {
                engine.port = NonZeroU16::new(80);
                engine.gear = [Gear::Neutral, Gear::First][usize::from(engine.armed)];
                engine.pit = FixedOption::none();
                engine.laps.clear();
            })
            .unwrap();
        let expected = "{'tick': 7, 'rpm': 880.5, 'gear': 'First', 'armed': True, 'port': 80, \
                        'driver': 'grün', 'load': [1, 2], 'pit': None, 'laps': []}";
        assert_eq!(reader.ask(&["snapshot", &name]), [expected]);
    }
}

#[test]
fn dotnet_shows_it() {
    if let Some(reader) = dotnet() {
        let name = Cleanup::new("other-show");
        let _object = Engine::create(&*name, engine()).unwrap();
        let expected = "v1 Engine { tick: 7, rpm: 880.5, gear: Reverse, armed: true, port: None, \
                        driver: \"grün\", load: [1, 2], pit: Some(5), laps: [10, 20] }";
        assert_eq!(reader.ask(&["show", &name, "1"]), [expected]);
    }
}

#[test]
fn numpy_has_arrays_of_it() {
    let Some(reader) = python() else { return };
    if !has_numpy() {
        println!("not run: this Python has no numpy");
        return;
    }
    let name = Cleanup::new("other-numpy");
    let options = u32::options();
    let _numbers = options
        .create_array_with(&*name, 4, |i| u32::try_from(i * i).unwrap())
        .unwrap();
    assert_eq!(reader.ask(&["numpy", &name]), ["[0, 1, 4, 9] 4"]);

    #[derive(Shared, Clone, Copy)]
    #[repr(C)]
    struct Row {
        id: u64,
        price: f32,
        gear: Gear,
        counts: [u8; 3],
    }
    let name = Cleanup::new("other-numpy");
    let row = |id| Row {
        id,
        price: 0.5,
        gear: Gear::First,
        counts: [1, 2, 3],
    };
    let _rows = Row::options()
        .create_array_from(&*name, [row(1), row(2)])
        .unwrap();
    let columns =
        "{'id': [1, 2], 'price': [0.5, 0.5], 'gear': [1, 1], 'counts': [[1, 2, 3], [1, 2, 3]]} 16";
    assert_eq!(reader.ask(&["numpy", &name]), [columns]);

    let name = Cleanup::new("other-numpy");
    let _row = Row::create(&*name, row(7)).unwrap();
    let fields = "{'id': 7, 'price': 0.5, 'gear': 1, 'counts': [1, 2, 3]} 16";
    assert_eq!(reader.ask(&["numpy", &name]), [fields]);
}
