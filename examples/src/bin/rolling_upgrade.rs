//! Two services count into one struct, and are upgraded one at a time, in both orders, while both go on counting.

use std::error::Error;
use std::time::{Duration, Instant};
use std::{mem, process, thread};

use examples::Peer;
use shmem_core::Error as SharedError;
use shmem_core::{Shared, SharedReader, assert_compatible};

/// What the services of version 1 are compiled with.
mod v1 {
    #[derive(shmem_core::Shared, Clone, Copy, Default)]
    #[repr(C)]
    #[shared(reserve = 64)] // room to grow, the same in all versions
    pub(crate) struct Totals {
        pub(crate) served: [u64; 2],
        pub(crate) failed: u32,
        pub(crate) _pad: [u8; 4],
    }
}

/// What the services of version 2 are compiled with.
mod v2 {
    #[derive(shmem_core::Shared, Clone, Copy, Default)]
    #[repr(C)]
    #[shared(reserve = 64)]
    pub(crate) struct Totals {
        pub(crate) served: [u64; 2],
        pub(crate) failed: u32,
        pub(crate) limit: u32,   // was padding
        pub(crate) slowest: u64, // appended; in microseconds
    }
}

// Whoever breaks the rule by which a type grows is told by the compiler.
assert_compatible!(v1::Totals, v2::Totals);

const SERVICES: [&str; 2] = ["front", "back"];

fn main() -> Result<(), Box<dyn Error>> {
    match examples::arguments()[..] {
        [] => {
            upgrade("front-first", [0, 1])?;
            upgrade("back-first", [1, 0])
        }
        [service, "v1", name] => serve(name, |totals: &mut v1::Totals, _| {
            totals.served[usize::from(service == "back")] += 1;
        }),
        [service, "v2", name] => serve(name, |totals: &mut v2::Totals, took| {
            totals.served[usize::from(service == "back")] += 1;
            totals.limit = totals.limit.max(500);
            totals.slowest = totals.slowest.max(took);
        }),
        _ => Err("usage: rolling_upgrade".into()),
    }
}

fn upgrade(order: &str, services: [usize; 2]) -> Result<(), Box<dyn Error>> {
    println!("{order}");
    let name = format!("rolling_upgrade-{}/{order}", process::id());
    let start = |which: usize, version| Peer::start(&[SERVICES[which], version, &name]);
    let mut versions = ["v1", "v1"];
    let mut running = [start(0, "v1")?, start(1, "v1")?];
    let patient = v2::Totals::options().wait_for(Duration::from_secs(10));
    let totals = patient.open_read_only(&*name)?;
    show(&totals, versions)?;
    for which in services {
        // The new one works beside the old one until that is killed, in the middle of whatever it does.
        let new = start(which, "v2")?;
        mem::replace(&mut running[which], new).kill()?;
        versions[which] = "v2";
        show(&totals, versions)?;
    }
    shmem_core::remove(&*name)?; // tells the services
    running.into_iter().try_for_each(Peer::join)?;
    Ok(())
}

/// Waits until both services have served a hundred requests more.
fn show(totals: &SharedReader<v2::Totals>, versions: [&str; 2]) -> Result<(), Box<dyn Error>> {
    let before = totals.load()?.served;
    loop {
        let seen = totals.version();
        let v2::Totals {
            served,
            limit,
            slowest,
            ..
        } = totals.load()?;
        if (0..2).all(|service| served[service] >= before[service] + 100) {
            let ([front, back], [a, b]) = (versions, served);
            println!(
                "  front {front}, back {back}:  served {a:>4} and {b:>4}, limit {limit:>3}, slowest {slowest:>4} µs"
            );
            return Ok(());
        }
        totals.wait(seen, Duration::from_secs(10))?;
    }
}

/// Serves a thousand requests a second, and counts them.
fn serve<T: Shared + Default>(
    name: &str,
    count: impl Fn(&mut T, u64),
) -> Result<(), Box<dyn Error>> {
    let totals = T::open_or_create(name, T::default())?;
    loop {
        let started = Instant::now();
        thread::sleep(Duration::from_millis(1));
        let took = u64::try_from(started.elapsed().as_micros())?;
        match totals.update(|totals| count(totals, took)) {
            Err(SharedError::Removed { .. }) => return Ok(()),
            other => other?,
        }
    }
}
