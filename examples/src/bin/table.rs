//! A table of a million rows: one program changes rows, alone or in pairs, while two others each look at one half.

use std::error::Error;
use std::ops::Range;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use examples::Peer;
use shmem_core::{ReadGuard, Shared};

#[derive(Shared, Clone, Copy, Default)]
#[repr(C)]
struct Row {
    stock: u32,
    changes: u32,
}

const ROWS: usize = 1_000_000;
const STOCK: u32 = 100;
const HALVES: [Range<usize>; 2] = [0..ROWS / 2, ROWS / 2..ROWS];

fn main() -> Result<(), Box<dyn Error>> {
    match examples::arguments()[..] {
        [] => launch(&format!("table-{}", process::id())),
        ["writer", name] => write(name),
        ["reader", name, half] => read(name, HALVES[half.parse::<usize>()?].clone()),
        _ => Err("usage: table".into()),
    }
}

fn launch(name: &str) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let (stock, changes) = (STOCK, 0);
    let table = Row::create_array(name, ROWS, Row { stock, changes })?;
    println!("{} rows made in {:.1?}", table.len(), started.elapsed());
    let readers = [
        Peer::start(&["reader", name, "0"])?,
        Peer::start(&["reader", name, "1"])?,
    ];
    Peer::start(&["writer", name])?.join()?;
    shmem_core::remove(name)?; // tells the readers that this was the last version
    readers.into_iter().try_for_each(Peer::join)?;
    Ok(())
}

fn write(name: &str) -> Result<(), Box<dyn Error>> {
    let table = Row::open_array(name)?;
    let end = Instant::now() + Duration::from_secs(2);
    let (mut changes, mut moves) = (0_u64, 0);
    let mut random = 1_usize;
    while Instant::now() < end {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let row = (random >> 32) % ROWS;
        // One row: nothing else is copied or locked, and who reads it sees it before or after.
        table.update_at(row, |row| row.changes += 1)?;
        changes += 1;
        if changes % 100 == 0 {
            // Two rows of one half: nobody sees what is gone from the one and not yet in the other.
            let mut rows = table.write()?;
            rows[row].stock -= 1;
            rows[if row % (ROWS / 2) == 0 {
                row + 1
            } else {
                row - 1
            }]
            .stock += 1;
            moves += 1;
        }
    }
    println!("writer: {changes} rows changed, {moves} moves");
    Ok(())
}

fn read(name: &str, rows: Range<usize>) -> Result<(), Box<dyn Error>> {
    let expected = u64::from(STOCK) * rows.len() as u64;
    // These rows alone are mapped, and take memory. The first of them is row 0 of this handle.
    let window = Row::options().open_array_window(name, rows.clone())?;
    let (mut looks, mut torn) = (0, 0);
    loop {
        let is_last = !window.is_current();
        // A plain slice, and nothing is copied. The writer waits until it is let go.
        let half = window.read()?;
        let stock: u64 = half.iter().map(|row| u64::from(row.stock)).sum();
        looks += 1;
        torn += u32::from(stock != expected);
        if is_last {
            let changes: u64 = half.iter().map(|row| u64::from(row.changes)).sum();
            println!(
                "reader: rows {rows:?} seen {looks} times, {torn} torn; in v{} they have {changes} changes",
                ReadGuard::version(&half).0
            );
            return Ok(());
        }
        drop(half);
        thread::sleep(Duration::from_millis(10));
    }
}
