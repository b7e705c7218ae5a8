//! What `shmem top` takes from a publisher while it shows 50 objects.
//!
//! `cargo bench -p shmem-cli --bench top [-- --strict]`. One publisher stores as fast as it can into 50 objects in turn,
//! for a minute. `top` runs in a terminal of its own (tmux) and is stopped and continued every second (SIGSTOP,
//! SIGCONT), so that both rates come from one run; each second with it is compared with the mean of the two beside it
//! without. With `--strict` more than 2 % is a failure.

use std::error::Error;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use shmem_core::{Shared, SharedObject};
use tests::Small;

const OBJECTS: u64 = 50;
/// Of a second each: without `top`, with it, without it, …, without it.
const ROUNDS: usize = 61;
const AT_MOST: f64 = 0.02;

/// A terminal with `top` in it, gone at the end.
struct Terminal(String);

impl Terminal {
    fn tmux(&self, args: &[&str]) -> Result<String, Box<dyn Error>> {
        let mut command = Command::new("tmux");
        let output = command.args(["-L", &self.0]).args(args).output()?;
        if !output.status.success() {
            return Err(String::from_utf8(output.stderr)?.into());
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.tmux(&["kill-server"]));
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let strict = std::env::args().any(|argument| argument == "--strict");
    let name = |i| format!("bench-top-{}/{i}", std::process::id());
    let objects = (0..OBJECTS).map(|i| Small::create(name(i), Small::new(0)));
    let objects: Vec<_> = objects.collect::<Result<_, _>>()?;

    let terminal = Terminal(format!("bench-top-{}", std::process::id()));
    let shmem = env!("CARGO_BIN_EXE_shmem");
    terminal.tmux(&[
        "-f",
        "/dev/null",
        "new-session",
        "-d",
        "-x",
        "120",
        "-y",
        "60",
        shmem,
        "top",
    ])?;
    let pid = terminal.tmux(&["display-message", "-p", "#{pane_pid}"])?;
    let pid = Pid::from_raw(pid.trim().parse()?).ok_or("no process in the terminal")?;
    thread::sleep(Duration::from_secs(2));
    let shown = terminal.tmux(&["capture-pane", "-p"])?;
    if !shown.contains(&format!("bench-top-{}/", std::process::id())) {
        return Err(format!("`top` does not show the objects:\n{shown}").into());
    }

    let mut rates = Vec::new();
    for round in 0..ROUNDS {
        let signal = if round % 2 == 0 {
            Signal::STOP
        } else {
            Signal::CONT
        };
        kill_process(pid, signal)?;
        rates.push(publish(&objects)?);
    }
    kill_process(pid, Signal::CONT)?;

    let mut slower: Vec<f64> = (1..ROUNDS)
        .step_by(2)
        .map(|i| 1.0 - 2.0 * rates[i] / (rates[i - 1] + rates[i + 1]))
        .collect();
    slower.sort_by(f64::total_cmp);
    let median = slower[slower.len() / 2];
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    println!(
        "{OBJECTS} objects, {} seconds each way: {:.1} million publications a second without `top`",
        slower.len(),
        rates[0] / 1e6
    );
    println!(
        "with it slower by {} (median; {} to {}; the goal is less than {})",
        percent(median),
        percent(slower[0]),
        percent(slower[slower.len() - 1]),
        percent(AT_MOST)
    );
    if strict && median >= AT_MOST {
        return Err("slower than the goal".into());
    }
    Ok(())
}

/// Publishes for a second, and says how often in one.
#[expect(clippy::cast_precision_loss, reason = "a count of one second")]
fn publish(objects: &[SharedObject<Small>]) -> Result<f64, shmem_core::Error> {
    let start = Instant::now();
    let mut count = 0_u64;
    while start.elapsed() < Duration::from_secs(1) {
        for object in objects {
            count += 1;
            object.store(Small::new(count))?;
        }
    }
    Ok(count as f64 / start.elapsed().as_secs_f64())
}
