//! Kills a process at every step that matters: `stepkill --list | --op NAME | --all`.
//!
//! A child performs one operation of the public API under `ptrace(2)`. Others can tell two of its moments
//! apart only if a store to the object or a system call lies between, so one run, step by step, finds those.
//! Then the operation is run again for each of them and killed right before and right after it, and at other
//! instructions; the short operations at every single one. After each kill the next process must find the old
//! value or the new one whole, or the name free, and can write, wait and be woken; and nothing is left behind.
//! A value that is changed in place may be poisoned instead, if and only if the bytes say so, until somebody has
//! written; never by a change of one item of an array.
//!
//! | Module | |
//! |--------|-|
//! | `driver` | starts a worker for each operation, and reports |
//! | `operations`, `list`, `object`, `child` | what is killed |
//! | `stage` | what there is before |
//! | `worker` | one run and one kill after the other |
//! | `path`, `tracer`, `watch`, `plan` | where in the operation |
//! | `rival` | a writer that waits meanwhile |
//! | `oracle` | what the bytes say that it left |
//! | `verifier`, `using` | what must hold afterwards |
//! | `report` | the figures |
//! | `broken` | what must be noticed |
#![cfg_attr(
    not(all(target_os = "linux", target_arch = "x86_64")),
    expect(unused, reason = "it does nothing elsewhere")
)]

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod broken;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod child;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod driver;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod list;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod object;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod operations;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod oracle;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod path;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod plan;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod report;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod rival;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod stage;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod tracer;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod using;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod verifier;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod watch;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod worker;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn main() -> std::process::ExitCode {
    driver::main()
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn main() {
    println!("not run: stepkill knows the instructions of x86-64 and the ptrace(2) of Linux");
}
