//! `peer layouts`: a program with definitions of its own, today's and those of an older release.

use shmem_core::Shared;
use tests::{serve, tell};

#[derive(Shared, Clone, Copy, Debug, Default)]
#[repr(C)]
struct Telemetry {
    tick: u64,
    rpm: f32,
    gear: Gear,
    armed: bool,
    _pad: [u8; 2],
}

#[derive(Shared, Clone, Copy, Debug, Default)]
#[repr(u8)]
enum Gear {
    #[default]
    Neutral = 0,
    First = 1,
}

mod old {
    use super::{Gear, Shared};

    #[derive(Shared, Clone, Copy, Debug, Default)]
    #[repr(C)]
    pub(super) struct Telemetry {
        tick: u64,
        rpm: f64,
        gear: Gear,
        _pad: [u8; 7],
    }
}

pub(crate) fn run() {
    let (mut today, mut older) = (Vec::new(), Vec::new());
    serve(|words| match *words {
        ["fingerprint"] => format!("{:016x}", Telemetry::FINGERPRINT),
        ["create", name] => {
            let value = Telemetry {
                tick: 7,
                rpm: 880.0,
                gear: Gear::First,
                armed: true,
                _pad: [0; 2],
            };
            tell(Telemetry::create(name, value), |object| {
                today.push(object);
                "created"
            })
        }
        ["create-old", name] => {
            let value = old::Telemetry::default();
            tell(old::Telemetry::create(name, value), |object| {
                older.push(object);
                "created"
            })
        }
        ref other => panic!("no such command: {other:?}"),
    });
}
