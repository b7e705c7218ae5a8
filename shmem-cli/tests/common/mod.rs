//! Runs `shmem`: a program of its own, which has never seen the types of the objects that the tests make.

use std::process::{Command, Output, Stdio};

use serde_json::Value as Json;

/// What a run said.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shmem"));
    command
        .args(args)
        .stdin(Stdio::null())
        .env_remove("NO_COLOR");
    command
}

pub(crate) fn ran(output: &Output) -> Ran {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let code = output.status.code();
    Ran {
        code: code.unwrap_or_else(|| panic!("ended by a signal: {output:?}")),
        out: text(&output.stdout),
        err: text(&output.stderr),
    }
}

pub(crate) fn shmem(args: &[&str]) -> Ran {
    ran(&command(args).output().unwrap())
}

/// Its output, if it succeeds.
#[track_caller]
pub(crate) fn out(args: &[&str]) -> String {
    let ran = shmem(args);
    assert_eq!(ran.code, 0, "{args:?}: {}{}", ran.out, ran.err);
    assert_eq!(ran.err, "", "{args:?}");
    ran.out
}

#[track_caller]
pub(crate) fn json(args: &[&str]) -> Json {
    let args = [args, &["--json"]].concat();
    serde_json::from_str(&out(&args)).unwrap()
}

/// Its message, if it fails with this code and says nothing else.
#[track_caller]
pub(crate) fn refused(code: i32, args: &[&str]) -> String {
    let ran = shmem(args);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (code, ""),
        "{args:?}: {}",
        ran.err
    );
    ran.err
}
