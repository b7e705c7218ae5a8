//! How many instructions `load`, `read`, `write` and `store` take, by valgrind: the same on a busy machine as on a
//! quiet one. Fails if one takes more than `tests/instructions.txt` allows.
//!
//!     RUSTFLAGS="--cfg rustix_use_libc" cargo run --release -p tests --bin instructions
//!
//! (Valgrind hides the vDSO, which rustix looks for unless it calls the C library.) Each is run a thousand times and two thousand times; the difference is a thousand calls, without what comes
//! before and after.

use std::hint::black_box;
use std::process::{Command, ExitCode};

use shmem_core::Shared;

/// How much more than its budget an operation may take, in per cent: what another compiler makes of it.
const TOLERANCE: u64 = 5;

const BUDGETS: &str = include_str!("../../instructions.txt");

type Value = [u64; 8];

fn work(operation: &str, calls: u64) -> Result<(), Box<dyn std::error::Error>> {
    let object = Value::create(format!("instructions-{}", std::process::id()), [0; 8])?;
    // What is called is chosen outside of the loop, which is to have nothing else in it.
    match operation {
        "load" => {
            for _ in 0..calls {
                black_box(object.load()?[0]);
            }
        }
        "read" => {
            for _ in 0..calls {
                black_box(object.read()?[0]);
            }
        }
        "write" => {
            for call in 0..calls {
                object.write()?[0] = black_box(call);
            }
        }
        "store" => {
            for call in 0..calls {
                black_box(object.store(black_box([call; 8]))?);
            }
        }
        _ => return Err("no such operation".into()),
    }
    Ok(())
}

/// Instructions of the whole program.
fn count(operation: &str, calls: u64) -> Result<u64, Box<dyn std::error::Error>> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args([operation, &calls.to_string()])
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(text.into());
    }
    let line = text
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let (_, number) = line.ok_or("valgrind gives no number")?;
    Ok(number.trim().parse()?)
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let args = std::env::args().skip(1).collect::<Vec<_>>();
    if let [operation, calls] = &args[..] {
        work(operation, calls.parse()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut code = ExitCode::SUCCESS;
    for line in BUDGETS.lines().filter(|line| !line.starts_with('#')) {
        let (operation, budget) = line.split_once(' ').ok_or("a line without a budget")?;
        let budget = budget.trim().parse::<u64>()?;
        let thousand = count(operation, 2_000)?.saturating_sub(count(operation, 1_000)?);
        let found = thousand.div_ceil(1_000);
        let verdict = if 100 * found <= (100 + TOLERANCE) * budget {
            "within its budget"
        } else {
            code = ExitCode::FAILURE;
            "too many"
        };
        println!("{operation:<8}{found:>5} instructions, budget {budget}: {verdict}");
    }
    Ok(code)
}
