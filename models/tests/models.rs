//! The protocol as the code has it is clean, and each mutation is caught, by the property that it breaks.
//!
//! The short searches only; `cargo run --release -p models -- --full` has the long ones.

use std::collections::HashSet;

use models::{Case, cases};

fn run(model: &str, mutated: bool) {
    let chosen =
        |case: &&Case| !case.full && case.model == model && case.expected.is_some() == mutated;
    let cases = cases();
    let mut chosen = cases.iter().filter(chosen).peekable();
    assert!(chosen.peek().is_some(), "{model} has none");
    for case in chosen {
        let report = case.run();
        if let Some(why) = report.unexpected {
            let steps = report.outcome.violation.map(|found| found.steps.join("\n"));
            panic!(
                "{model}, {}: {why}\n{}",
                case.variant,
                steps.unwrap_or_default()
            );
        }
    }
}

#[test]
fn the_snapshot_protocol_is_clean() {
    run("snapshot", false);
}

#[test]
fn mutations_of_the_snapshot_protocol_are_caught() {
    run("snapshot", true);
}

#[test]
fn weak_memory_is_clean() {
    run("weak", false);
}

#[test]
fn weaker_orderings_are_caught() {
    run("weak", true);
}

#[test]
fn waiting_is_clean() {
    run("wait", false);
}

#[test]
fn mutations_of_waiting_are_caught() {
    run("wait", true);
}

#[test]
fn the_life_of_a_name_is_clean() {
    run("life", false);
}

#[test]
fn mutations_of_the_life_of_a_name_are_caught() {
    run("life", true);
}

#[test]
fn forks_are_clean() {
    run("fork", false);
}

#[test]
fn mutations_of_forks_are_caught() {
    run("fork", true);
}

#[test]
fn changes_in_place_are_clean() {
    run("in place", false);
}

#[test]
fn mutations_of_changes_in_place_are_caught() {
    run("in place", true);
}

/// What the design asks for; a mutation that is renamed or dropped is missed here.
#[test]
fn the_mutations_are_all_there() {
    let wanted = [
        ("snapshot", "no look after the pin", "torn read"),
        ("snapshot", "look, then pin", "torn read"),
        ("snapshot", "parity in place of stamps", "torn copy"),
        ("snapshot", "stamp not zeroed", "torn copy"),
        ("snapshot", "no generation", "a dead owner looks alive"),
        (
            "snapshot",
            "byte before generation",
            "a dead owner looks alive",
        ),
        ("snapshot", "dead pins zeroed without the byte", "torn read"),
        ("snapshot", "high water after the first pin", "torn read"),
        ("snapshot", "publish by a plain store", "REMOVED was erased"),
        ("snapshot", "commit erases REMOVED", "REMOVED was erased"),
        (
            "snapshot",
            "unlock before publish",
            "the current buffer changed",
        ),
        (
            "snapshot",
            "`writing` kept on discard",
            "recovered is wrong",
        ),
        ("weak", "weak pin", "torn read"),
        ("weak", "weak publish", "torn read"),
        (
            "wait",
            "flag cleared after publishing",
            "sleeps for ever beside news",
        ),
        (
            "wait",
            "flag cleared after the wake",
            "sleeps for ever beside news",
        ),
        (
            "wait",
            "count in place of a flag",
            "the count of waiters drifted",
        ),
        (
            "wait",
            "REMOVED in a word of its own",
            "sleeps for ever beside news",
        ),
        ("wait", "wake before publish", "sleeps for ever beside news"),
        (
            "wait",
            "no slices, publisher killed",
            "sleeps for ever beside news",
        ),
        (
            "life",
            "remove without MEMBER",
            "a live object lost its name",
        ),
        (
            "life",
            "close without MEMBER",
            "a live object lost its name",
        ),
        (
            "life",
            "compare without MEMBER",
            "a live object lost its name",
        ),
        (
            "life",
            "sweep trusts its first look",
            "a live object lost its name",
        ),
        (
            "life",
            "close looks before it drops its byte",
            "the last close left it behind",
        ),
        (
            "life",
            "never give up on MEMBER",
            "hangs behind a stopped process",
        ),
        (
            "fork",
            "child keeps the descriptor",
            "a dead owner looks alive",
        ),
        ("fork", "child unlocks", "a live owner looks dead"),
        ("fork", "anchor inherited", "a dead owner looks alive"),
        ("in place", "scan, then drain", "torn read"),
        ("in place", "record after DIRTY", "poisoned by an item"),
        ("in place", "no stamp of the item", "torn item"),
        (
            "in place",
            "record outlives a change of the whole",
            "published something else",
        ),
        (
            "in place",
            "rolled forward under the array's stamp",
            "torn copy",
        ),
        (
            "in place",
            "a whole that was not published",
            "an item that was never published",
        ),
        (
            "in place",
            "poisoned once, poisoned still",
            "poisoned by an item",
        ),
    ];
    let cases = cases();
    let there: HashSet<_> = cases
        .iter()
        .filter_map(|case| Some((case.model, case.variant, case.expected?)))
        .collect();
    for mutation in wanted {
        assert!(there.contains(&mutation), "{mutation:?}");
    }
    let names: HashSet<_> = cases
        .iter()
        .map(|case| (case.model, case.variant))
        .collect();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
}

#[test]
fn a_violation_is_told_step_by_step() {
    let cases = cases();
    let case = cases
        .iter()
        .find(|case| case.variant == "weak pin")
        .unwrap();
    let violation = case.run().outcome.violation.unwrap();
    let pin = violation.steps.iter().position(|step| step == "R: pin b0");
    let publish = violation
        .steps
        .iter()
        .position(|step| step.starts_with("P: publish"));
    assert!(pin.is_some() && publish.is_some(), "{:#?}", violation.steps);
    assert_eq!(violation.steps.last().unwrap(), "R: read half 1");
}
