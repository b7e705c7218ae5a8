//! `peer confined <name> <then>`: opens two objects read-only, has the kernel kill it at any system call but a
//! few, and reads. `then` says what it does at last. Also the filter of a `peer user`.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};
use shmem_core::{Shared, Version};
use tests::{Commands, Medium, Small, say};

pub(crate) fn run(name: &str, then: &str) {
    let small = Small::open_read_only(name).expect("the small object");
    let medium = Medium::open_read_only(format!("{name}-medium")).expect("the larger one");
    let mut small_out = small.load().expect("a value");
    let mut medium_out = medium.load_boxed().expect("a value");
    // The first look at an age asks which boot this is.
    small.age();
    let commands = Commands::ready();
    commands.next().expect("the word to go");

    confine();
    for _ in 0..1000 {
        let value = small.load().expect("a value");
        assert!(value.is_whole());
        assert!(medium.load().expect("a value").is_whole());
        assert!(small.load_boxed().expect("a value").is_whole());
        assert!(medium.load_boxed().expect("a value").is_whole());
        small.load_into(&mut small_out).expect("a value");
        medium.load_into(&mut medium_out).expect("a value");
        assert!(small.version() >= Version(1));
        small.age();
    }
    match then {
        "say" => say(format!("{} {}", small_out.counter, medium_out.counter)),
        // Asks for the locks, which the filter does not let through.
        "ask-who-lives" => drop(Small::open_read_only(name)),
        other => panic!("no such end: {other}"),
    }
    std::process::exit(0);
}

/// From here on the kernel kills this process at any system call but: writing to standard output, getting
/// memory for the heap, and leaving.
fn confine() {
    let standard_output = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, 1);
    let write = SeccompRule::new(vec![standard_output.expect("a condition")]).expect("a rule");
    let mut rules = BTreeMap::from([(libc::SYS_write, vec![write])]);
    for call in [
        libc::SYS_brk,
        libc::SYS_mmap,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_sigaltstack,
        libc::SYS_exit_group,
    ] {
        rules.insert(call, Vec::new());
    }
    install(rules, SeccompAction::KillProcess, SeccompAction::Allow);
}

/// From here on the kernel refuses to make a file without a name, as some filesystems do.
pub(crate) fn refuse_unnamed_files() {
    // The flag is more than one bit: its own, and that of `O_DIRECTORY`, which others set as well.
    let own = u64::from((libc::O_TMPFILE & !libc::O_DIRECTORY).unsigned_abs());
    let unnamed = SeccompCmpOp::MaskedEq(own);
    let unnamed = SeccompCondition::new(2, SeccompCmpArgLen::Dword, unnamed, own);
    let rule = SeccompRule::new(vec![unnamed.expect("a condition")]).expect("a rule");
    let rules = BTreeMap::from([(libc::SYS_openat, vec![rule])]);
    let refused = SeccompAction::Errno(libc::EOPNOTSUPP.unsigned_abs());
    install(rules, SeccompAction::Allow, refused);
}

fn install(
    rules: BTreeMap<libc::c_long, Vec<SeccompRule>>,
    other: SeccompAction,
    matching: SeccompAction,
) {
    let rules = rules.into_iter();
    let rules = rules.map(|(call, rules)| (widened(call), rules));
    let rules = rules.collect();
    let architecture = std::env::consts::ARCH
        .try_into()
        .expect("a known processor");
    let filter = SeccompFilter::new(rules, other, matching, architecture);
    let program: BpfProgram = filter.and_then(TryInto::try_into).expect("a filter");
    apply_filter(&program).expect("a confined process");
}

/// The number of a system call, which is smaller on targets of 32 bits.
fn widened(number: impl Into<i64>) -> i64 {
    number.into()
}
