//! Searches the models and prints what came of it.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use models::{Case, Report, cases};

const USAGE: &str = "\
usage: models [--list] [--only NAME] [--full] [--steps] [--json]

  --list       what there is, without searching
  --only NAME  only where the model or the variant contains NAME
  --full       the large ones too: minutes, and gigabytes of memory
  --steps      how each violation comes about; without it, only those that were not expected
  --json       for programs: an array, with all steps";

#[derive(Default)]
struct Arguments {
    list: bool,
    full: bool,
    steps: bool,
    json: bool,
    only: Option<String>,
}

fn arguments() -> Option<Arguments> {
    let mut found = Arguments::default();
    let mut rest = std::env::args().skip(1);
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--list" => found.list = true,
            "--full" => found.full = true,
            "--steps" => found.steps = true,
            "--json" => found.json = true,
            "--only" => found.only = Some(rest.next()?),
            _ => return None,
        }
    }
    Some(found)
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let mut cases = cases();
    if let Some(only) = &arguments.only {
        cases.retain(|case| case.model.contains(only) || case.variant.contains(only));
    }
    if arguments.list {
        list(&cases);
        return ExitCode::SUCCESS;
    }
    if !arguments.full {
        cases.retain(|case| !case.full);
    }
    if cases.is_empty() {
        eprintln!("no model has that name");
        return ExitCode::from(2);
    }
    if search(&cases, &arguments) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn list(cases: &[Case]) {
    println!("{:<9} {:<34} {:<6} expected", "model", "variant", "");
    for case in cases {
        let full = if case.full { "--full" } else { "" };
        let expected = case.expected.unwrap_or("clean");
        println!(
            "{:<9} {:<34} {full:<6} {expected}",
            case.model, case.variant
        );
    }
}

/// Whether everything was as expected.
fn search(cases: &[Case], arguments: &Arguments) -> bool {
    let start = Instant::now();
    let next = AtomicUsize::new(0);
    let reports: Mutex<Vec<Option<Report>>> = Mutex::new(vec![None; cases.len()]);
    let printed = Mutex::new(0);
    if !arguments.json {
        println!(
            "{:<9} {:<34} {:>10} {:>5}  {:<28} {:<28} {:>7}",
            "model", "variant", "states", "depth", "result", "expected", "seconds"
        );
    }
    let work = || {
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let at = cases.iter().position(|other| std::ptr::eq(other, case));
            let report = case.run();
            let mut reports = reports.lock().unwrap_or_else(|poison| poison.into_inner());
            if let Some(place) = at.and_then(|at| reports.get_mut(at)) {
                *place = Some(report);
            }
            // In their order, each as soon as those before it are done.
            let mut printed = printed.lock().unwrap_or_else(|poison| poison.into_inner());
            while let Some(Some(report)) = reports.get(*printed) {
                if !arguments.json {
                    print(&cases[*printed], report, arguments.steps);
                }
                *printed += 1;
            }
        }
    };
    // The large ones need the memory for themselves.
    let threads = match thread::available_parallelism() {
        Ok(threads) if !arguments.full => threads.get().min(2),
        _ => 1,
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let reports = reports
        .into_inner()
        .unwrap_or_else(|poison| poison.into_inner());
    let reports: Vec<_> = reports.into_iter().flatten().collect();
    let unexpected = reports
        .iter()
        .filter(|report| report.unexpected.is_some())
        .count();
    if arguments.json {
        print_json(cases, &reports);
    } else {
        let states: usize = reports.iter().map(|report| report.outcome.states).sum();
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "\n{} searches, {states} states, {seconds:.0} s; {unexpected} not as expected",
            reports.len()
        );
    }
    unexpected == 0
}

fn print(case: &Case, report: &Report, all_steps: bool) {
    let Report {
        outcome,
        seconds,
        unexpected,
    } = report;
    let result = match &outcome.violation {
        Some(violation) => violation.property,
        None if outcome.complete => "clean",
        None => "clean so far",
    };
    println!(
        "{:<9} {:<34} {:>10} {:>5}  {result:<28} {:<28} {seconds:>7.1}",
        case.model,
        case.variant,
        outcome.states,
        outcome.depth,
        case.expected.unwrap_or("clean"),
    );
    if let Some(why) = unexpected {
        println!("    NOT AS EXPECTED: {why}");
    }
    let shown = all_steps || unexpected.is_some();
    if let Some(violation) = outcome.violation.as_ref().filter(|_| shown) {
        for step in &violation.steps {
            println!("    {step}");
        }
        println!("    => {}", violation.property);
    }
}

fn print_json(cases: &[Case], reports: &[Report]) {
    println!("[");
    for (at, (case, report)) in cases.iter().zip(reports).enumerate() {
        let outcome = &report.outcome;
        let violation = outcome.violation.as_ref();
        let steps: Vec<_> = violation
            .map(|violation| violation.steps.iter().map(|step| quoted(step)).collect())
            .unwrap_or_default();
        println!(
            "  {{\"model\": {}, \"variant\": {}, \"full\": {}, \"states\": {}, \"depth\": {}, \"complete\": {}, \
             \"result\": {}, \"expected\": {}, \"as_expected\": {}, \"seconds\": {:.3}, \"steps\": [{}]}}{}",
            quoted(case.model),
            quoted(case.variant),
            case.full,
            outcome.states,
            outcome.depth,
            outcome.complete,
            quoted(violation.map_or("clean", |violation| violation.property)),
            quoted(case.expected.unwrap_or("clean")),
            report.unexpected.is_none(),
            report.seconds,
            steps.join(", "),
            if at + 1 < reports.len() { "," } else { "" }
        );
    }
    println!("]");
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}
