//! This library beside its peers and the physical limits, in one run.
//!
//! `cargo run --release --manifest-path benches/Cargo.toml -- --help` says how. `docs/performance/README.md` has the
//! method and what was found.

mod contestants;
mod experiments;
mod grid;
mod leftovers;
mod machine;
mod number;
mod peers;
mod plan;
mod plot;
mod process;
mod report;
mod table;
mod targets;

use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use contestants::Field;
use experiments::{arrays, burden, crowd, duel, footprint, kill, life, seen, uncontended};
use plan::{Plan, USAGE, done};
use table::Findings;

fn main() -> ExitCode {
    let args = std::env::args().skip(1).collect::<Vec<_>>();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        // What the workers and their servers are told; see `harness`.
        ["list" | "worker", ..] => return harness::main(peers::ALL),
        ["socket-server", path, words] => return peers::socket::serve(path, words),
        ["array-opener", path, pages] => return arrays::opener(path, pages),
        ["--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    leftovers::sweep();
    let result = Plan::parse(&args).and_then(conduct);
    leftovers::sweep();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}\n\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn conduct(mut plan: Plan) -> Result<(), String> {
    let field = Field::gather().map_err(|error| error.to_string())?;
    for (name, why) in &field.missing {
        eprintln!("not measured: {name}: {why}");
    }
    plan.contestants.clone_from(&field.all);
    let plan = plan;
    let begun = Instant::now();
    let mut all: Vec<Findings> = Vec::new();
    let mut finish = |name: &str, findings: Vec<Findings>| {
        done(&format!(
            "{name}: done after {:.0} s",
            begun.elapsed().as_secs_f64()
        ));
        findings.iter().for_each(report::print);
        all.extend(findings);
    };
    for name in plan::EXPERIMENTS.into_iter().filter(|name| plan.runs(name)) {
        let findings = match name {
            "uncontended" => uncontended::run(&plan),
            "duel" => vec![duel::run(&plan)],
            "crowd" => vec![crowd::run(&plan)],
            "seen" => vec![seen::run(&plan)],
            "life" => vec![life::run(&plan)],
            "footprint" => vec![footprint::run(&plan)],
            "kill" => vec![kill::run(&plan)],
            "arrays" => vec![arrays::run(&plan)?],
            _ => vec![burden::run(&plan)?],
        };
        finish(name, findings);
    }
    report::print_targets(&all);
    if let Some(path) = &plan.json {
        let experiments = all.iter().map(Findings::json).collect::<Vec<_>>();
        let json = serde_json::json!({
            "machine": machine::description().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            "rounds": plan.rounds(),
            "missing": field.missing,
            "experiments": experiments,
        });
        fs::write(path, format!("{json:#}\n")).map_err(|error| error.to_string())?;
    }
    // A run of some experiments alone would leave the others out of the report.
    let complete = !plan.quick && plan.only.is_empty();
    let default = contestants::workspace().join("../docs/performance");
    let folder = plan.out.clone().or(complete.then_some(default));
    if let Some(folder) = folder {
        report::write(&folder, &plan, &field, &all).map_err(|error| error.to_string())?;
        println!("{}", folder.join("README.md").display());
    }
    Ok(())
}
