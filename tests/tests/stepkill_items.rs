//! Kills who changes an item of an array, at every place that others can tell apart: a part of `stepkill --all` that
//! is quick enough to run against each mutation of these steps.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::process::Command;

#[test]
fn items_are_old_or_new_wherever_their_writer_is_killed() {
    for operation in ["store_at", "update_at"] {
        let output = Command::new("timeout")
            .args(["--kill-after=1", "50", env!("CARGO_BIN_EXE_stepkill")])
            .args(["--op", operation, "--sample", "240", "--quick"])
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        println!("{stdout}");
        assert!(output.status.success(), "{operation}: {stdout}");
    }
}
