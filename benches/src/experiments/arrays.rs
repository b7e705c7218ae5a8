//! Arrays: whether one item of a big one costs more than one of a small one, and what opening a big one takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use harness::{Kind, clock_ns};
use shmem_core::{Shared as _, SharedObject};

use crate::contestants::{Contestant, workspace};
use crate::plan::{Plan, progress};
use crate::process::Reply;
use crate::table::{Findings, Samples, Table};

const ITEM: usize = size_of::<u64>();
const SMALL: usize = 1 << 20;
const BIG: usize = 1 << 30;
/// What the file should have, if there is room.
const FILE: u64 = 20 << 30;

fn row(name: &str) -> Contestant {
    Contestant {
        name: name.to_owned(),
        kind: Kind::Ours,
        note: String::new(),
        program: PathBuf::new(),
    }
}

/// A file that is taken away.
struct Scrap(PathBuf);

impl Drop for Scrap {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

pub(crate) fn run(plan: &Plan) -> Result<Findings, String> {
    let tables = vec![update(plan)?, open(plan)?, resident(plan)?];
    Ok(Findings {
        id: "arrays",
        title: "Arrays",
        method: "Arrays of `u64` that are changed in place. *The same items*: 4,096 that lie together, in both; \
                 *any items*: spread over the whole array, where the memory itself costs more. The array in a file is \
                 created with zeros, that is without writing them; the opener's memory is counted by the kernel (Rss) in \
                 a process of its own that reads one item of so many pages. Of a file Linux maps up to 16 pages \
                 around the one that is touched, 64 KiB, which is what each page costs there."
            .to_owned(),
        tables,
    })
}

fn updates(array: &SharedObject<[u64]>, count: usize, spread: usize) -> Result<f64, String> {
    let start = Instant::now();
    let mut at = 1;
    for _ in 0..count {
        // A sequence that does not repeat soon.
        at = (at * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % usize::MAX;
        let index = (at >> 20) % spread;
        array
            .update_at(index, |item| *item += 1)
            .map_err(|error| error.to_string())?;
    }
    Ok(start.elapsed().as_secs_f64() * 1e9 / count as f64)
}

fn update(plan: &Plan) -> Result<Table, String> {
    let rows = [row("shmem, 1 MiB"), row("shmem, 1 GiB")];
    let mut table = Table::new("`update_at`", "ns", &rows);
    let create = |len| {
        let array = u64::create_array(plan.place(), len / ITEM, 0);
        array.map_err(|error| error.to_string())
    };
    let arrays = [create(SMALL)?, create(BIG)?];
    for (column, is_same) in [("the same items", true), ("any items", false)] {
        let mut samples = [Samples::default(), Samples::default()];
        for round in 0..=plan.rounds() {
            progress(&format!("update_at, {column}, round {round}"));
            for (array, samples) in arrays.iter().zip(&mut samples) {
                let spread = if is_same { 4096 } else { array.len() };
                let count = if plan.quick { 10_000 } else { 50_000 };
                let nanos = updates(array, count, spread)?;
                if round > 0 {
                    samples.add(Reply::Done(vec![nanos]), |n| (n[0], 0.0));
                }
            }
        }
        table.add(column, samples.iter().map(Samples::cell));
    }
    // Each update counted: what is there is what was added, or something was lost.
    for array in &arrays {
        let sum = array
            .read()
            .map_err(|error| error.to_string())?
            .iter()
            .sum::<u64>();
        let count = if plan.quick { 10_000 } else { 50_000 };
        let expected = 2 * (plan.rounds() as u64 + 1) * count;
        if sum != expected {
            return Err(format!("{sum} updates are there, expected {expected}"));
        }
    }
    Ok(table)
}

/// Where the file goes, and how big it may be: half of what is free.
fn file(plan: &Plan) -> Result<(Scrap, u64), String> {
    let folder = workspace().join("target");
    let output = Command::new("df")
        .args(["--output=avail", "-B1"])
        .arg(&folder)
        .output();
    let output = output.map_err(|error| format!("df: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let free = text
        .lines()
        .nth(1)
        .and_then(|line| line.trim().parse::<u64>().ok());
    let free = free.ok_or("df does not say how much is free")?;
    let path = folder.join(plan.place());
    Ok((Scrap(path), FILE.min(free / 2)))
}

fn create(path: &Path, bytes: u64) -> Result<f64, String> {
    let len = usize::try_from(bytes).map_err(|error| error.to_string())? / ITEM;
    let start = Instant::now();
    let array = u64::create_array(path, len, 0);
    array.map_err(|error| error.to_string())?;
    Ok(start.elapsed().as_secs_f64() * 1e6)
}

fn open(plan: &Plan) -> Result<Table, String> {
    let (big, bytes) = file(plan)?;
    let (small, _) = file(plan)?;
    progress("creating the array in a file");
    let created = [create(&small.0, SMALL as u64)?, create(&big.0, bytes)?];
    let gib = bytes as f64 / (1u64 << 30) as f64;
    let rows = [
        row("shmem, file of 1 MiB"),
        row(&format!("shmem, file of {gib:.1} GiB")),
    ];
    let mut table = Table::new("An array in a file", "µs", &rows);
    let created = created.map(|micros| {
        let mut samples = Samples::default();
        samples.add(Reply::Done(vec![micros]), |n| (n[0], 0.0));
        samples.cell()
    });
    table.add("create, once", created);
    let mut samples = [Samples::default(), Samples::default()];
    for round in 0..=plan.rounds() {
        progress(&format!("opening the array in a file, round {round}"));
        for (path, samples) in [&small.0, &big.0].into_iter().zip(&mut samples) {
            let start = clock_ns();
            let array = u64::open_array(path.as_path()).map_err(|error| error.to_string())?;
            let micros = (clock_ns() - start) as f64 / 1000.0;
            drop(array);
            if round > 0 {
                samples.add(Reply::Done(vec![micros]), |n| (n[0], 0.0));
            }
        }
    }
    table.add("open", samples.iter().map(Samples::cell));
    Ok(table)
}

fn resident(plan: &Plan) -> Result<Table, String> {
    let (path, bytes) = file(plan)?;
    create(&path.0, bytes)?;
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let rows = [row("shmem, the opener")];
    let mut table = Table::new("Memory of who opens it", "KiB more than before", &rows);
    for pages in [0, 100, 1_000, 10_000] {
        progress(&format!("resident memory of {pages} pages"));
        let output = Command::new(&own)
            .arg("array-opener")
            .arg(&path.0)
            .arg(pages.to_string())
            .output()
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let kib = text.trim().parse::<f64>().map_err(|_| {
            let why = String::from_utf8_lossy(&output.stderr);
            format!("the opener failed: {why}")
        })?;
        let mut samples = Samples::default();
        samples.add(Reply::Done(vec![kib]), |n| (n[0], 0.0));
        table.add(&format!("{pages} pages"), [samples.cell()]);
    }
    Ok(table)
}

/// The program of the opener: opens the array, touches so many pages, and prints how many KiB that took.
pub(crate) fn opener(path: &str, pages: &str) -> ExitCode {
    let run = || -> Result<u64, String> {
        let pages = pages.parse::<usize>().map_err(|error| error.to_string())?;
        let before = harness::resident();
        let array = u64::open_array(Path::new(path)).map_err(|error| error.to_string())?;
        let stride = array.len() / pages.max(1);
        for page in 0..pages {
            let item = array
                .load_at(page * stride)
                .map_err(|error| error.to_string())?;
            if item != 0 {
                return Err(format!("item {} is {item}, expected 0", page * stride));
            }
        }
        Ok(harness::resident().saturating_sub(before) / 1024)
    };
    match run() {
        Ok(kib) => {
            println!("{kib}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
