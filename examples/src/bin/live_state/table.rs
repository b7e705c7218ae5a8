//! Prints what the readers saw, from their reports alone.

use std::error::Error;
use std::fmt::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use examples::screen::Screen;
use shmem_core::SharedObject;

use crate::model::Report;

/// Of each reader, one.
type Reports = [SharedObject<Report>];

/// Longer than the longest interval: a reader that has not reported for so long is dead.
const SILENT: Duration = Duration::from_millis(500);

/// Shows the table for so long.
pub(crate) fn show(
    screen: &mut Screen,
    reports: &Reports,
    time: Duration,
) -> Result<(), Box<dyn Error>> {
    let end = Instant::now() + time;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        thread::sleep(screen.pause().min(left));
        screen.draw(&table(reports)?);
        if left <= screen.pause() {
            return Ok(());
        }
    }
}

fn table(reports: &Reports) -> Result<String, Box<dyn Error>> {
    let mut text = HEADING.to_owned();
    for (number, report) in (1..).zip(reports) {
        let seen = report.load()?;
        let (process, version, reads) = (seen.process, seen.version, seen.reads);
        write!(text, "{number:>6}{process:>8}{version:>8}{reads:>7}")?;
        // A dead reader's last report is still here; its age tells that it is the last.
        let age = report.age();
        if age > SILENT {
            writeln!(text, "  silent for {:.1} s", age.as_secs_f32())?;
            continue;
        }
        let busy = &seen.state.busy;
        let (hot, load, woken) = (seen.hot, seen.state.load, seen.wakeup[0] / 1000);
        let cpu = busy.iter().sum::<f32>() / busy.len().max(1) as f32;
        let memory = gibibytes(seen.state.memory_used);
        writeln!(
            text,
            "{cpu:>7.1}{hot:>5}{load:>7.2}{memory:>10.2}{woken:>10} µs"
        )?;
    }
    let Report { state, config, .. } = reports[0].load()?;
    let (publisher, memory) = (state.publisher, gibibytes(state.memory_total));
    let (interval, threshold) = (config.interval_ms, config.threshold);
    let cores: String = state.busy.iter().map(bar).collect();
    writeln!(text, "cores {cores}")?;
    writeln!(
        text,
        "{memory:.2} GiB in all, hot above {threshold} %, sampled by {publisher} every {interval} ms"
    )?;
    Ok(text)
}

const HEADING: &str = "reader process version  reads  cpu %  hot   load  GiB used  woken after\n";

fn gibibytes(bytes: u64) -> f32 {
    bytes as f32 / (1 << 30) as f32
}

/// Eight steps of 12.5 % each.
fn bar(busy: &f32) -> char {
    let steps = (1..).zip(['▂', '▃', '▄', '▅', '▆', '▇', '█']);
    let reached = steps.filter(|(step, _)| *busy >= *step as f32 * 12.5);
    reached.last().map_or('▁', |(_, bar)| bar)
}

pub(crate) fn summary(
    reports: &Reports,
    continued: Duration,
    replaced: Duration,
) -> Result<(), Box<dyn Error>> {
    let (mut total, mut half_written) = (0, 0);
    for (number, report) in (1..).zip(reports) {
        let seen = report.load()?;
        let (reads, [_, median, longest]) = (seen.reads, seen.wakeup.map(|nanos| nanos / 1000));
        println!(
            "  reader {number}: read {reads}, woken after {median} µs (median), {longest} µs (longest)"
        );
        total += reads;
        half_written += seen.half_written;
    }
    let first = reports[0].load()?;
    let (samples, publishers, reopened) = (first.state.samples, first.publishers, first.reopened);
    let (changes, after) = (first.followed, first.followed_after / 1000);
    let silent = reports.iter().filter(|report| report.age() > SILENT);
    let (gone, silent) = (publishers - 1, silent.count());
    let [continued, replaced] = [continued, replaced].map(|time| time.as_secs_f64() * 1e3);
    println!("  published: {samples} versions by {publishers} publishers");
    println!("  read: {total} versions, {half_written} half-written");
    println!("  config: {changes} changes, followed after {after} µs at most");
    println!("  killed with SIGKILL: {gone} publishers, {silent} reader");
    println!("  continued: {continued:.1} ms after the kill, in the same object");
    println!("  replaced: {replaced:.1} ms after the kill, by a new object (reopened: {reopened})");
    Ok(())
}
