//! Breaks the protocol, one step at a time, and shows that a test notices.
//!
//! ```text
//! cargo run --release -p tests --bin mutants                      all of them
//! cargo run --release -p tests --bin mutants -- --only relaxed_pin
//! cargo run --release -p tests --bin mutants -- --list
//! ```
//!
//! Each mutation is a `cfg` in the files that are shipped, off in every other build. The library is built for
//! loom with one of them on, and the tests of `shmem-core/src/model/tests.rs` run, each in a process of its
//! own: one that is named here must fail, for the reason that is named here. Without a mutation all must pass.
//!
//! Loom knows no files. What is wrong with names and with what a file holds is caught by tests with real
//! processes, of the package `tests`, which stop one at the place where another would do harm.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// A name, what it breaks, and the test that must fail: of the model, or of a file in `tests/tests`.
type Mutation = (&'static str, &'static str, &'static str);

const MUTATIONS: &[Mutation] = &[
    (
        "relaxed_pin",
        "pin with acquire and release only",
        "a_pin_holds_what_was_seen",
    ),
    (
        "relaxed_local_pin",
        "pin by a releasing store",
        "a_pin_of_one_thread_holds_what_was_seen",
    ),
    (
        "relaxed_look",
        "look again with acquire only",
        "a_pin_holds_what_was_seen",
    ),
    (
        "relaxed_publish",
        "publish with acquire and release only",
        "a_pin_holds_what_was_seen",
    ),
    (
        "relaxed_scan",
        "scan the pins with acquire only",
        "a_pin_holds_what_was_seen",
    ),
    (
        "relaxed_unpin",
        "let go of a pin without release",
        "a_pin_holds_what_was_seen",
    ),
    (
        "relaxed_local_unpin",
        "let go of one thread's pin without release",
        "a_pin_of_one_thread_holds_what_was_seen",
    ),
    (
        "no_recheck",
        "pin and do not look again",
        "a_guard_sees_one_version_of_three_buffers",
    ),
    (
        "no_high_water",
        "join without raising the high water",
        "a_joiners_pin_is_seen",
    ),
    (
        "no_generation",
        "take whoever has a dead owner's row for the owner",
        "a_dead_writers_row_is_taken_anew",
    ),
    (
        "live_byte_before_generation",
        "take a row's byte before it has a new generation",
        "a_dead_writers_row_is_taken_anew",
    ),
    (
        "reclaim_without_byte",
        "take every row for dead, whoever holds its byte",
        "two_writers_lose_nothing",
    ),
    (
        "unlock_before_publish",
        "give the lock back, then publish",
        "two_writers_lose_nothing",
    ),
    (
        "plain_store_commit",
        "publish by a plain store",
        "a_removal_wakes_and_is_not_lost",
    ),
    (
        "removed_dropped",
        "publish without the removal that came in between",
        "a_removal_wakes_and_is_not_lost",
    ),
    (
        "no_stamp_zero",
        "write a buffer whose stamp still holds",
        "a_copy_is_whole_or_thrown_away",
    ),
    (
        "parity_stamps",
        "turn a bit of the stamp at each beginning",
        "a_copy_is_whole_after_a_kill",
    ),
    (
        "no_begin_fence",
        "stamp and bytes in any order, for the writer",
        "a_copy_holds_what_was_stamped",
    ),
    (
        "no_copy_fence",
        "bytes and stamp in any order, for who copies out",
        "a_copy_holds_what_was_stamped",
    ),
    (
        "unmoved_though_dirty",
        "accept a copy of what is being changed in place, since nothing was published",
        "a_copy_is_whole_or_thrown_away_in_place",
    ),
    (
        "relaxed_flag",
        "look whether somebody waits with acquire only",
        "no_waiter_sleeps_for_ever",
    ),
    (
        "wake_before_publish",
        "wake, then publish",
        "no_waiter_sleeps_for_ever",
    ),
    (
        "flag_cleared_after_publish",
        "clear the waiters' flag between publishing and waking",
        "no_waiter_sleeps_for_ever",
    ),
    (
        "flag_cleared_after_wake",
        "clear the waiters' flag after waking",
        "no_waiter_sleeps_for_ever",
    ),
    (
        "flag_not_passed_on",
        "sleep for the lock, and do not wake the next",
        "no_writer_sleeps_for_ever",
    ),
    (
        "relaxed_drain",
        "drain the only buffer with acquire and release only",
        "a_reader_meets_a_writer",
    ),
    (
        "no_dirty",
        "change the only buffer without saying so first",
        "what_a_dead_writer_left_half_changed_is_read_by_nobody",
    ),
    (
        "admit_draining",
        "let every reader in while a writer drains",
        "a_reader_meets_a_writer",
    ),
    (
        "no_wake_in_place",
        "let readers in again, and do not wake them",
        "giving_up_wakes_who_waits",
    ),
    (
        "no_drain",
        "scan the pins of the only buffer without having kept readers out",
        "a_reader_meets_a_writer",
    ),
    (
        "no_soil_stamp",
        "change the only buffer below a stamp that still holds",
        "a_copy_is_whole_or_thrown_away_in_place",
    ),
    (
        "no_soil_fence",
        "stamp and bytes of the only buffer in any order",
        "a_copy_is_whole_or_thrown_away_in_place",
    ),
    (
        "poisoned_by_an_item",
        "take a value for poisoned that somebody has published since",
        "who_reads_rolls_an_item_forward",
    ),
    (
        "no_item_stamp",
        "change an item below a stamp that still holds",
        "an_item_is_copied_whole_or_thrown_away",
    ),
    (
        "no_item_fence",
        "stamp and bytes of an item in any order, for the writer",
        "an_item_is_copied_whole_or_thrown_away",
    ),
    (
        "item_not_rechecked",
        "copy an item out and do not look at its stamps again",
        "an_item_is_copied_whole_or_thrown_away",
    ),
    (
        "no_item_copy_fence",
        "bytes and stamps of an item in any order, for who copies it out",
        "an_item_is_copied_whole_or_thrown_away",
    ),
    (
        "no_begin_whole",
        "change an array below a stamp of the whole that still holds",
        "an_item_is_copied_whole_while_all_of_them_change",
    ),
    (
        "no_end_whole",
        "leave the stamp of the whole away",
        "an_item_is_copied_whole_while_all_of_them_change",
    ),
    (
        "no_roll_forward",
        "leave a dead writer's record where it is",
        "who_reads_rolls_an_item_forward",
    ),
    (
        "no_mend",
        "leave the stamp of the whole as a dead writer left it",
        "items_are_copied_out_after_a_change_that_never_began",
    ),
    (
        "record_after_dirty",
        "say that an array is half-written, then fill the record",
        "stepkill_items::items_are_old_or_new_wherever_their_writer_is_killed",
    ),
    (
        "record_outlives_a_whole",
        "change an array as a whole beside a dead writer's record",
        "a_record_ends_with_a_change_of_the_whole",
    ),
    (
        "item_into_a_poisoned_array",
        "publish an item of an array that was left half-changed",
        "arrays::a_half_changed_whole_is_poisoned_for_items_too",
    ),
    (
        "unpublished_whole",
        "copy an item out of a whole that was not published",
        "a_whole_that_was_never_published_is_not_copied_out",
    ),
    (
        "rolled_under_a_stamp",
        "roll a dead writer's item forward below a stamp that still holds",
        "a_copy_is_of_one_version_while_an_item_is_rolled_forward",
    ),
    (
        "remove_without_member",
        "remove and sweep without MEMBER",
        "replaced::a_name_is_not_taken_before_it_is_free",
    ),
    (
        "close_without_member",
        "let the last one out take the name away without MEMBER",
        "replaced::a_name_is_not_taken_before_it_is_free",
    ),
    (
        "unlink_without_looking",
        "take a name away wherever it leads by now",
        "replaced::a_name_that_leads_elsewhere_by_now",
    ),
    (
        "lock_not_orphaned",
        "believe a lock word that nobody alive has written",
        "power_cut::a_lock_word_newer_than_its_row",
    ),
    (
        "flushed_not_reserved",
        "write the buffer that a power cut would lead back to",
        "a_flushed_version_stays",
    ),
    (
        "reserved_before_pins",
        "ask what is flushed before asking what is pinned",
        "a_flushed_version_stays",
    ),
    (
        "sum_after_publish",
        "publish a version, then store its sum",
        "a_version_comes_with_its_sum",
    ),
    (
        "sum_not_checked",
        "take every buffer for whole after a power cut",
        "power_loss::sectors_in_any_order",
    ),
    (
        "control_not_flushed",
        "flush a value without the word that says where it is",
        "power_loss::pages_in_any_order",
    ),
    (
        "stale_stamp_kept",
        "publish a version beside a dead writer's of the same number",
        "power_loss::a_stamp_of_the_dead",
    ),
    (
        "record_outlives_a_power_cut",
        "go on from the record of an item that a power cut may have torn",
        "power_loss_arrays::an_array_is_settled_or_poisoned",
    ),
    (
        "not_unsettled",
        "change a flushed value in place before the disk knows of that",
        "power_loss::in_place_it_is_settled_or_poisoned",
    ),
];

/// For one test; the slowest takes a fifth of it.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let chosen: Vec<&Mutation> = match arguments[..] {
        [] => MUTATIONS.iter().collect(),
        ["--list"] => {
            for (name, what, _) in MUTATIONS {
                println!("{name:<28} {what}");
            }
            return ExitCode::SUCCESS;
        }
        ["--only", only] => MUTATIONS
            .iter()
            .filter(|(name, ..)| *name == only)
            .collect(),
        _ => Vec::new(),
    };
    if chosen.is_empty() {
        eprintln!("usage: mutants [--list | --only NAME]");
        return ExitCode::FAILURE;
    }
    let known: BTreeSet<_> = MUTATIONS
        .iter()
        .map(|(name, ..)| name.to_string())
        .collect();
    assert_eq!(known, in_sources(), "the table, and the sources");

    let mut failures = 0;
    println!("{:<28} {:>6}  caught by", "mutation", "s");
    let mut report = |name: &str, started: Instant, result: String, good: bool| {
        let seconds = started.elapsed().as_secs_f64();
        let mark = if good { "" } else { "  <-- WRONG" };
        println!("{name:<28} {seconds:>6.1}  {result}{mark}");
        failures += u32::from(!good);
    };
    let files: BTreeSet<_> = chosen
        .iter()
        .map(|(.., catcher)| file_of(catcher))
        .collect();
    for file in files {
        let started = Instant::now();
        let red = red_tests(file, None);
        let name = format!("(none, {})", file.unwrap_or("model"));
        report(&name, started, red.join(", "), red.is_empty());
    }
    for (name, _, catcher) in chosen {
        let started = Instant::now();
        let red = red_tests(file_of(catcher), Some(name));
        let caught = red.iter().any(|test| test == catcher);
        report(name, started, red.join(", "), caught);
    }
    if failures == 0 {
        println!("every mutation was caught, and nothing else");
        return ExitCode::SUCCESS;
    }
    println!("{failures} wrong");
    ExitCode::FAILURE
}

fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("the workspace")
}

/// The names of all mutations in the library.
fn in_sources() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(root().join("shmem-core/src")).expect("the sources") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(path).expect("a source file");
            let found = text.split("mutation = \"").skip(1);
            names.extend(found.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
    names
}

/// The file of a test with real processes; `None` for a test of the model.
fn file_of(catcher: &'static str) -> Option<&'static str> {
    catcher.split_once("::").map(|(file, _)| file)
}

/// Builds the tests of a file or of the model, with a mutation or without, and says which of them fail.
fn red_tests(file: Option<&str>, mutation: Option<&str>) -> Vec<String> {
    let Some(file) = file else {
        return red_models(mutation);
    };
    let mut cargo = cargo("test");
    cargo.args(["--package", "tests", "--test", file, "--no-run"]);
    if let Some(name) = mutation {
        // The compiler of the workspace's own crates: a flag for all would build their dependencies again.
        cargo.env("RUSTC_WORKSPACE_WRAPPER", wrapper(name));
    }
    let red = failing(&build(cargo), "");
    red.iter().map(|test| format!("{file}::{test}")).collect()
}

fn red_models(mutation: Option<&str>) -> Vec<String> {
    let mut cargo = cargo("rustc");
    cargo
        .args(["--package", "shmem-core", "--lib", "--profile", "test"])
        // The test profile has no release form here, and unoptimised the model takes minutes.
        .args(["--config", "profile.dev.opt-level = 3"])
        .env("RUSTFLAGS", "--cfg loom");
    if let Some(name) = mutation {
        // For this crate alone: its dependencies are built once.
        cargo.args(["--", "--cfg", &format!("mutation=\"{name}\"")]);
    }
    let red = failing(&build(cargo), "loom_tests::");
    red.iter()
        .map(|test| test.rsplit("::").next().unwrap_or(test).to_owned())
        .collect()
}

/// A compiler with the mutation on. Cargo tells the builds apart by its path.
fn wrapper(mutation: &str) -> PathBuf {
    let directory = target().join("compilers");
    fs::create_dir_all(&directory).expect("a directory");
    let path = directory.join(mutation);
    let script = format!("#!/bin/sh\nexec \"$@\" --cfg 'mutation=\"{mutation}\"'\n");
    fs::write(&path, script).expect("a script");
    fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("an executable");
    path
}

fn target() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or(root().join("target"), PathBuf::from);
    target.join("mutants")
}

/// Cargo, with a subcommand, building in a directory of its own.
fn cargo(subcommand: &str) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo
        .current_dir(root())
        .args([
            subcommand,
            "--locked",
            "--message-format",
            "json-render-diagnostics",
        ])
        .args(["--config", "profile.dev.debug = false"])
        .env("CARGO_TARGET_DIR", target().join(subcommand))
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("RUSTFLAGS");
    cargo
}

/// The test program that this makes.
fn build(mut cargo: Command) -> PathBuf {
    let output = cargo.output().expect("cargo");
    let messages = String::from_utf8_lossy(&output.stdout);
    let program = messages.lines().find_map(|line| {
        // Peers are programs, too, and come in any order.
        let (profile, rest) = line.split_once("\"profile\":")?.1.split_once('}')?;
        let (_, program) = rest.split_once("\"executable\":\"")?;
        let tests = profile.contains("\"test\":true");
        tests.then_some(program.split_once('"')?.0)
    });
    if let (true, Some(program)) = (output.status.success(), program) {
        return program.into();
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    panic!("{cargo:?} fails:\n{errors}");
}

/// Which of the tests whose names begin so fail.
fn failing(program: &Path, prefix: &str) -> Vec<String> {
    let list = Command::new(program)
        .args(["--list", "--format=terse"])
        .output();
    let list = String::from_utf8(list.expect("a list").stdout).expect("UTF-8");
    let tests = list.lines().filter_map(|line| line.strip_suffix(": test"));
    let tests: Vec<_> = tests.filter(|test| test.starts_with(prefix)).collect();
    assert!(!tests.is_empty(), "{program:?} has no tests {prefix}");
    let red = tests.into_iter().filter(|test| !passes(program, test));
    red.map(str::to_owned).collect()
}

/// Whether the test passes. One that does not end is not one that fails.
fn passes(program: &Path, test: &str) -> bool {
    let mut child = Command::new(program)
        .args(["--exact", test])
        .env_remove("LOOM_MAX_PREEMPTIONS")
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the test");
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("its status") {
            return status.success();
        }
        if started.elapsed() > PATIENCE {
            child.kill().expect("to kill it");
            child.wait().expect("its status");
            panic!("{test} did not end within {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
