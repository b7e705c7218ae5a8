//! What a user takes on: crates, and the time of a build from nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use harness::Kind;

use crate::contestants::{Contestant, workspace};
use crate::plan::{Plan, progress};
use crate::process::Reply;
use crate::table::{Findings, Samples, Table};

/// A tool, and its crates and seconds, or why there are none.
type Figures = (String, Result<[f64; 2], String>);

/// A name, what its users write into their manifests, and a line that uses it.
fn tools() -> Vec<(&'static str, String, &'static str)> {
    let own = workspace().join("../shmem-core");
    let own = own.canonicalize().unwrap_or(own);
    vec![
        (
            "shmem",
            format!("shmem-core = {{ path = {own:?} }}"),
            "use shmem_core as _;",
        ),
        (
            "raw_sync and shared_memory",
            "raw_sync = \"0.1\"\nshared_memory = \"0.12\"".to_owned(),
            "use raw_sync as _; use shared_memory as _;",
        ),
        (
            "mmap-sync",
            "mmap-sync = \"2\"\nrkyv = \"0.7\"\nbytecheck = \"0.6\"".to_owned(),
            "use mmap_sync as _; use rkyv as _; use bytecheck as _;",
        ),
        (
            "iceoryx2",
            "iceoryx2 = \"0.10\"".to_owned(),
            "use iceoryx2 as _;",
        ),
    ]
}

fn cache() -> PathBuf {
    workspace().join("builds.tsv")
}

/// What was measured last: name, crates, seconds or why not.
fn cached() -> Option<Vec<Figures>> {
    let text = fs::read_to_string(cache()).ok()?;
    let line = |line: &str| {
        let parts = line.split('\t').collect::<Vec<_>>();
        let name = (*parts.first()?).to_owned();
        match parts[1..] {
            [crates, seconds] => {
                let numbers = [crates.parse().ok()?, seconds.parse().ok()?];
                Some((name, Ok(numbers)))
            }
            [why] => Some((name, Err(why.to_owned()))),
            _ => None,
        }
    };
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(line).collect()
}

fn measure(name: &str, dependencies: &str, code: &str) -> Result<[f64; 2], String> {
    let folder = workspace()
        .join("target/burden")
        .join(name.replace(' ', "-"));
    // Nothing of it may be there already.
    drop(fs::remove_dir_all(&folder));
    let write = |file: &str, text: &str| fs::write(folder.join(file), text);
    fs::create_dir_all(folder.join("src"))
        .and_then(|()| {
            let head = "[workspace]\n[package]\nname = \"user\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";
            write("Cargo.toml", &format!("{head}[dependencies]\n{dependencies}\n"))
        })
        .and_then(|()| write("src/main.rs", &format!("{code}\nfn main() {{}}\n")))
        .map_err(|error| error.to_string())?;
    let cargo = |args: &[&str]| cargo(&folder, args);
    cargo(&["fetch"])?;
    let tree = cargo(&[
        "tree",
        "--prefix",
        "none",
        "-e",
        "normal,build",
        "--format",
        "{p}",
    ])?;
    let mut crates = tree
        .lines()
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>();
    crates
        .iter_mut()
        .for_each(|line| *line = line.trim_end_matches(" (*)"));
    crates.sort_unstable();
    crates.dedup();
    let start = Instant::now();
    cargo(&["build", "--release", "--offline", "--target-dir", "target"])?;
    let seconds = start.elapsed().as_secs_f64();
    drop(fs::remove_dir_all(&folder));
    // Not the user's own.
    Ok([crates.len() as f64 - 1.0, seconds])
}

fn cargo(folder: &Path, args: &[&str]) -> Result<String, String> {
    let output = Command::new("cargo")
        .args(args)
        .current_dir(folder)
        .output();
    let output = output.map_err(|error| format!("cargo: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find(|line| line.contains("error"));
    Err(line.unwrap_or("cargo failed").trim().to_owned())
}

pub(crate) fn run(plan: &Plan) -> Result<Findings, String> {
    let known = if plan.builds { None } else { cached() };
    let results = match known {
        Some(known) => known,
        None => {
            let mut results = Vec::new();
            for (name, dependencies, code) in tools() {
                progress(&format!("building for a user of {name}"));
                results.push((name.to_owned(), measure(name, &dependencies, code)));
            }
            save(&results).map_err(|error| error.to_string())?;
            results
        }
    };
    let row = |(name, _): &(String, _)| Contestant {
        name: name.clone(),
        kind: if name == "shmem" {
            Kind::Ours
        } else {
            Kind::Peer
        },
        note: String::new(),
        program: PathBuf::new(),
    };
    let rows = results.iter().map(row).collect::<Vec<_>>();
    let mut table = Table::new("What a program takes on", "", &rows);
    for (at, column) in ["crates", "seconds of a build"].into_iter().enumerate() {
        let cells = results.iter().map(|(_, result)| {
            let mut samples = Samples::default();
            let reply = match result {
                Ok(numbers) => Reply::Done(numbers.to_vec()),
                Err(why) => Reply::Failed(why.clone()),
            };
            samples.add(reply, |n| (n[at], 0.0));
            samples.cell()
        });
        table.add(column, cells);
    }
    Ok(Findings {
        id: "burden",
        title: "Crates and build time",
        method: "A new program with that dependency alone, everything downloaded and nothing compiled: the crates that \
                 `cargo tree -e normal,build` names beside it, and the time of `cargo build --release`. Measured once \
                 (`--builds` measures again) and kept in `benches/builds.tsv`."
            .to_owned(),
        tables: vec![table],
    })
}

fn save(results: &[Figures]) -> std::io::Result<()> {
    let head = "# What a program takes on: tool, crates, seconds of a release build from nothing; or why not.\n";
    let mut text = format!("{head}# Generated by `--builds`.\n");
    for (name, result) in results {
        text += &match result {
            Ok([crates, seconds]) => format!("{name}\t{crates}\t{seconds:.1}\n"),
            Err(why) => format!("{name}\t{why}\n"),
        };
    }
    fs::write(cache(), text)
}
