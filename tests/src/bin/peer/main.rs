//! The second process of the tests: `peer <group> <args…>`.
//!
//! One module for each group. A peer that outlives its test dies by an alarm.
#![expect(
    unsafe_code,
    reason = "sets the alarm, and shares memory as a program in C does"
)]

use std::path::Path;

mod any;
mod confined;
mod environment;
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
mod failing;
mod fork;
mod kills;
mod layouts;
mod lifetime;
mod pthread;
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
mod recorded;
mod scribble;
mod session;
mod sharing;
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
mod traced;
mod user;
mod waiting;

/// Longer than any test.
const ALARM: u32 = 240;

fn main() {
    // SAFETY: `alarm(2)` has no preconditions; SIGALRM ends the process, which is meant.
    unsafe { libc::alarm(ALARM) };
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["any", args @ ..] => any::run(args),
        ["environment"] => environment::run(),
        #[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
        ["failing"] => failing::run(),
        ["fork", args @ ..] => fork::run(args),
        ["kills", args @ ..] => kills::run(args),
        ["lifetime", args @ ..] => lifetime::run(args),
        ["pthread", path] => pthread::run(path),
        #[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
        ["recorded", args @ ..] => recorded::run(args),
        ["scribble", args @ ..] => scribble::run(args),
        ["session"] => session::run(|name| name.try_into()),
        ["session-file"] => session::run(|path| Path::new(path).try_into()),
        ["sharing", args @ ..] => sharing::run(args),
        ["layouts"] => layouts::run(),
        ["waiting", args @ ..] => waiting::run(args),
        ["user", args @ ..] => user::run(args),
        ["confined", name, then] => confined::run(name, then),
        other => panic!("no such group: {other:?}"),
    }
}
