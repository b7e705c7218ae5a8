//! The state of this machine, live: one process publishes it, three show it, one turns the knobs, and in the
//! middle some of them are killed.
//!
//! Start here, then `model.rs` (what is shared), `publisher.rs`, `reader.rs`; `table.rs` only prints.

mod model;
mod publisher;
mod reader;
mod table;

use std::error::Error;
use std::process;
use std::time::{Duration, Instant};

use examples::screen::Screen;
use examples::{Peer, now};
use model::{Config, Report};
use shmem_core::{Shared, SharedObject, Version};

fn main() -> Result<(), Box<dyn Error>> {
    match examples::arguments()[..] {
        [] => launch(6.0),
        ["--seconds", seconds] => launch(seconds.parse()?),
        // What follows is for the processes that `launch` starts.
        ["publisher", name] => publisher::publish(name, publisher::open_or_create(name)?),
        ["replacing-publisher", name] => publisher::publish(name, publisher::replace(name)?),
        ["reader", name, number] => reader::read(name, number),
        ["tuner", name, seconds] => publisher::tune(name, seconds.parse()?),
        _ => Err("usage: live_state [--seconds N]".into()),
    }
}

fn launch(seconds: f32) -> Result<(), Box<dyn Error>> {
    let quarter = Duration::try_from_secs_f32(seconds / 4.0)?;
    // The process id keeps two launches apart, each with its own objects.
    let name = format!("live_state-{}", process::id());
    let config = Config::create(format!("{name}/config"), Config::new(100, 50.0))?;
    let mut reports = Vec::new();
    let mut readers = Vec::new();
    for number in ["1", "2", "3"] {
        let report = format!("{name}/reader-{number}");
        reports.push(Report::create(report, Report::default())?);
        readers.push(Peer::start(&["reader", &name, number])?);
    }
    let publisher = Peer::start(&["publisher", &name])?;
    let tuner = Peer::start(&["tuner", &name, &seconds.to_string()])?;
    let mut screen = Screen::of_stdout();
    table::show(&mut screen, &reports, quarter * 2)?;

    // Readers keep the object alive, so the next publisher goes on where this one was stopped.
    screen.keep("kill -9 of the publisher and of reader 3; a new publisher continues the object");
    if let Some(third) = readers.pop() {
        third.kill()?;
    }
    let killed = now();
    publisher.kill()?;
    let publisher = Peer::start(&["publisher", &name])?;
    let continued = takeover(&reports[0], &publisher, killed)?;
    table::show(&mut screen, &reports, quarter)?;

    // This one makes a new object under the old name, as a program with another layout would have to.
    screen.keep("kill -9 of that publisher; the next one replaces the object, and readers follow");
    let killed = now();
    publisher.kill()?;
    let publisher = Peer::start(&["replacing-publisher", &name])?;
    let replaced = takeover(&reports[0], &publisher, killed)?;
    table::show(&mut screen, &reports, quarter)?;

    config.update(|config| config.stop = true)?;
    for peer in readers.into_iter().chain([publisher, tuner]) {
        peer.join()?;
    }
    screen.keep("summary");
    table::summary(&reports, continued, replaced)
}

/// How long after `killed` reader 1 first saw a version by `publisher`.
fn takeover(
    report: &SharedObject<Report>,
    publisher: &Peer,
    killed: u64,
) -> Result<Duration, Box<dyn Error>> {
    let patience = Instant::now() + Duration::from_secs(10);
    let mut version = Version(0);
    loop {
        version = report.wait(version, patience - Instant::now())?;
        let seen = report.load()?;
        if seen.state.publisher == publisher.id() {
            let first = seen.publisher_since;
            return Ok(Duration::from_nanos(first.saturating_sub(killed)));
        }
    }
}
