//! On what all this was measured, in words that name no machine.

use std::fs;
use std::process::Command;

/// A line for each property.
pub(crate) fn description() -> Vec<(&'static str, String)> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpu.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(": "))
            .map_or("unknown".to_owned(), |(_, value)| value.to_owned())
    };
    let virtual_machine = if cpu.contains(" hypervisor") {
        ", a virtual machine"
    } else {
        ""
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    // `6.18.44-of-somebody` is `6.18.44`.
    let kernel = kernel
        .trim()
        .split('-')
        .next()
        .unwrap_or_default()
        .to_owned();
    let output = Command::new("rustc").arg("--version").output();
    let rust = output.map_or("unknown".to_owned(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    });
    vec![
        (
            "processor",
            format!("{}{virtual_machine}", field("model name")),
        ),
        ("cores", cores.to_string()),
        ("system", format!("Linux {kernel}")),
        ("compiler", rust),
    ]
}
