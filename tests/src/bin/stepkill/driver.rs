//! The command line; a worker process for each operation, in a directory of its own; the report.
#![expect(unsafe_code, reason = "sets the alarm, and the layout of addresses")]

use std::env;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tests::TempDir;

use crate::child;
use crate::list;
use crate::operations::{Operation, Scene};
use crate::report::{Figures, table};
use crate::stage;
use crate::worker::{self, GOAL, Task};

const USAGE: &str = "\
usage: stepkill --list | --op NAME | --all
  --sample N  at most so many kills for each operation
  --quick     step through the long operations only where the object changes (for debug builds)
  --strict    fail also if at some place the recovery takes longer than 100 ms, three times
  --seed S    chooses other places (1 if not given)
  --jobs N    so many operations at once (one for each processor, if not given)
  --json      one line of JSON for each operation instead of a table";

/// Longer than any operation under ptrace.
const ALARM: u32 = 60;

#[derive(Debug, Default)]
struct Arguments {
    operations: Vec<&'static Operation>,
    sample: Option<usize>,
    strict: bool,
    quick: bool,
    json: bool,
    seed: u64,
    jobs: usize,
}

pub(crate) fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if let ["--role", role, operation, args @ ..] = &*args {
        let operation = Operation::find(operation).expect("no such operation");
        play(role, operation, args);
        return ExitCode::SUCCESS;
    }
    if args == ["--list"] {
        for operation in list::all().filter(|operation| !operation.broken) {
            let scenes: Vec<_> = operation.scenes.iter().map(|scene| scene.name()).collect();
            let scenes = scenes.join(", ");
            println!("{:<26}{} ({scenes})", operation.name, operation.about);
        }
        return ExitCode::SUCCESS;
    }
    match parse(&args) {
        Ok(arguments) => drive(&arguments),
        Err(problem) => {
            eprintln!("{problem}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn parse(args: &[&str]) -> Result<Arguments, String> {
    let mut arguments = Arguments {
        seed: 1,
        jobs: thread::available_parallelism().map_or(1, usize::from),
        ..Arguments::default()
    };
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} what?"));
        let number = |text: &&str| text.parse().map_err(|_| format!("{word} {text}?"));
        match *word {
            "--all" => {
                arguments.operations = list::all().filter(|one| !one.broken).collect();
            }
            "--op" => {
                let name = value()?;
                let found = Operation::find(name).ok_or_else(|| format!("no operation {name}"));
                arguments.operations.push(found?);
            }
            "--sample" => arguments.sample = Some(value().and_then(number)?),
            "--seed" => arguments.seed = value().and_then(number)? as u64,
            "--jobs" => arguments.jobs = value().and_then(number)?,
            "--quick" => arguments.quick = true,
            "--strict" => arguments.strict = true,
            "--json" => arguments.json = true,
            other => return Err(format!("{other}?")),
        }
    }
    if arguments.operations.is_empty() {
        return Err("which operation?".into());
    }
    Ok(arguments)
}

/// What a process does that this program has started.
fn play(role: &str, operation: &'static Operation, args: &[&str]) {
    let scene = |name: &str| -> Scene {
        let scenes = operation.scenes.iter().copied();
        scenes
            .into_iter()
            .find(|scene| scene.name() == name)
            .expect("no such scene")
    };
    match (role, args) {
        ("worker", [sample, seed, processor, quick]) => {
            one_place(processor.parse().unwrap());
            worker::run(Task {
                operation,
                sample: sample.parse().ok(),
                seed: seed.parse().unwrap(),
                quick: quick.parse().unwrap(),
            });
        }
        ("child", [name]) => {
            // SAFETY: `alarm(2)` has no preconditions; its signal ends the process or stops it for its tracer.
            unsafe { libc::alarm(ALARM) };
            stage::set_umask();
            child::perform(operation, scene(name));
        }
        ("victim", [name, what]) => child::fall_victim(operation, scene(name), what),
        other => panic!("no such role: {other:?}"),
    }
}

/// Keeps this process and its children on one processor, where a step costs half as much, and gives all
/// children the same addresses, so that they take the same path.
fn one_place(processor: usize) {
    let mut set = rustix::thread::CpuSet::new();
    set.set(processor);
    // Not more than speed depends on it.
    let _ = rustix::thread::sched_setaffinity(None, &set);
    let fixed = libc::c_ulong::try_from(libc::ADDR_NO_RANDOMIZE).unwrap_or(0);
    // SAFETY: `personality(2)` has no preconditions; it counts from the next `execve` on.
    unsafe { libc::personality(fixed) };
}

fn drive(arguments: &Arguments) -> ExitCode {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for job in 0..arguments.jobs.clamp(1, arguments.operations.len()) {
            let (next, results) = (&next, &results);
            scope.spawn(move || {
                while let Some(operation) = arguments
                    .operations
                    .get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let figures = work(arguments, operation, job);
                    let mut results = results.lock().expect("no job panics");
                    results.push((operation.name, figures));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no job panics");
    let place = |name| list::all().position(|one| one.name == name);
    results.sort_by_key(|(name, _)| place(*name));
    progress("");
    if arguments.json {
        for (name, figures) in &results {
            println!("{}", figures.json(name));
        }
    } else {
        print!("{}", table(&results));
    }
    let total = Figures::total(&results);
    let slow = arguments.strict && total.slow > 0;
    if slow {
        let places = total.slow;
        println!("at {places} places the recovery took longer than {GOAL:?}, each time");
    }
    if total.violations > 0 || slow {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Starts the worker for one operation and listens to it.
fn work(arguments: &Arguments, operation: &Operation, job: usize) -> Figures {
    let dir = TempDir::new(&format!("stepkill-{}", operation.name));
    let sample = arguments.sample.map(|sample| sample.to_string());
    let mut child = Command::new(env::current_exe().expect("this program has a file"))
        .args(["--role", "worker", operation.name])
        .arg(sample.as_deref().unwrap_or("all"))
        .args([arguments.seed.to_string(), job.to_string()])
        .arg(arguments.quick.to_string())
        .env("SHMEM_DIR", dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program can be started");
    let output = child.stdout.take().expect("its output is a pipe");
    let mut figures = None;
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        match line.split_once(' ') {
            Some(("progress", rest)) => progress(&format!("{} {rest}", operation.name)),
            Some(("result", rest)) => figures = Figures::parse(rest),
            _ => {
                progress("");
                println!("{line}");
            }
        }
    }
    drop(child.wait());
    figures.unwrap_or_else(|| {
        println!("violation {}: the worker died", operation.name);
        Figures {
            violations: 1,
            ..Figures::default()
        }
    })
}

/// One line that changes, if somebody is looking.
fn progress(text: &str) {
    let mut stderr = std::io::stderr().lock();
    if stderr.is_terminal() {
        drop(write!(stderr, "\r\x1b[K{text}"));
    }
}
