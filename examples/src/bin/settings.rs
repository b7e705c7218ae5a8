//! Many readers, one writer: settings that a hot loop looks at each time round, and that change while it runs.

use std::error::Error;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use std::{process, thread};

use examples::{Peer, insert_sorted, now};
use shmem_core::Error as SharedError;
use shmem_core::{FixedStr, Shared, SharedObject, Version};

#[derive(Shared, Clone, Copy, Default)]
#[repr(C)]
struct Settings {
    changed_at: u64,
    requests_per_second: u32,
    log: Level,
    tracing: bool,
    region: FixedStr<14>,
}

#[derive(Shared, Clone, Copy, Default)]
#[repr(u8)]
enum Level {
    #[default]
    Quiet = 0,
    Verbose = 1,
}

const READERS: u32 = 4;
const CHANGES: u32 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    match examples::arguments()[..] {
        [] => write(&format!("settings-{}", process::id())),
        ["reader", name, number] => read(name, number),
        _ => Err("usage: settings".into()),
    }
}

fn write(name: &str) -> Result<(), Box<dyn Error>> {
    let initial = Settings {
        requests_per_second: 100,
        region: FixedStr::literal("north"),
        ..Settings::default()
    };
    let settings = Settings::create(name, initial)?;
    let readers = (1..=READERS).map(|number| Peer::start(&["reader", name, &number.to_string()]));
    let readers = readers.collect::<Result<Vec<_>, _>>()?;
    println!("{READERS} readers in a hot loop, {CHANGES} changes, 100 ms apart");
    for _ in 0..CHANGES {
        thread::sleep(Duration::from_millis(100));
        settings.update(|settings| {
            settings.requests_per_second += 10;
            settings.log = Level::Verbose;
            settings.changed_at = now();
        })?;
    }
    thread::sleep(Duration::from_millis(100));
    shmem_core::remove(name)?; // tells the readers that it is over
    readers.into_iter().try_for_each(Peer::join)?;
    Ok(())
}

fn read(name: &str, number: &str) -> Result<(), Box<dyn Error>> {
    let settings = Settings::open(name)?;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let latencies = watch(&settings);
            over.store(true, Relaxed);
            latencies
        });
        let (started, mut loads) = (Instant::now(), 0_u64);
        while !over.load(Relaxed) {
            // A checked copy of the latest version: no lock, no system call, nothing written.
            black_box(settings.load()?);
            loads += 1;
        }
        let millions = loads as f64 / started.elapsed().as_secs_f64() / 1e6;
        let latencies = watcher.join().map_err(|_| "the watcher panicked")??;
        let Some(longest) = latencies.last() else {
            return Err("no change was seen".into());
        };
        let (changes, median) = (latencies.len(), latencies[latencies.len() / 2]);
        println!(
            "reader {number}: {millions:.1} million loads/s, {changes} changes, \
             seen after {median} µs (median), {longest} µs (longest)"
        );
        Ok(())
    })
}

/// Sleeps until the settings change, again and again. Returns how old each change was, in microseconds.
fn watch(settings: &SharedObject<Settings>) -> Result<Vec<u64>, SharedError> {
    let (mut seen, mut latencies) = (Version(1), Vec::new());
    loop {
        match settings.wait(seen, Duration::from_secs(1)) {
            Ok(version) => seen = version,
            // The writer took the object away: it has finished.
            Err(SharedError::Removed { .. }) => return Ok(latencies),
            // A writer that was killed will not even do that.
            Err(SharedError::TimedOut { .. }) if settings.info().publisher_alive != Some(false) => {
                continue;
            }
            Err(error) => return Err(error),
        }
        let age = now().saturating_sub(settings.load()?.changed_at);
        insert_sorted(&mut latencies, age / 1000);
    }
}
