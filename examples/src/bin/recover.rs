//! Kills a writer in the middle of a write, and a reader that holds the last free buffer. Nothing is lost,
//! nothing is half-done, nobody hangs.

use std::error::Error;
use std::time::{Duration, Instant};
use std::{process, thread};

use examples::{Peer, Steps};
use shmem_core::{Shared, WriteGuard};

/// Whoever moves money changes both; the sum is 1000 in every version.
#[derive(Shared, Clone, Copy, Debug)]
#[repr(C)]
struct Accounts {
    alice: u64,
    bob: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    match examples::arguments()[..] {
        [] => launch(&format!("recover-{}", process::id())),
        ["writer", name] => write(name),
        ["reader", name] => read(name),
        _ => Err("usage: recover".into()),
    }
}

fn launch(name: &str) -> Result<(), Box<dyn Error>> {
    let (alice, bob) = (600, 400);
    // The fewest buffers there can be, one to read and one to write, so that a reader can be in the way.
    let options = Accounts::options().buffers(2);
    let accounts = options.create(name, Accounts { alice, bob })?;
    let steps = Steps::create(name)?;
    println!("before                 {:?}", accounts.load()?);

    let writer = Peer::start(&["writer", name])?;
    steps.wait_for(1)?;
    let id = writer.id();
    println!("writer {id} took 250 from alice, and is killed before it gives them to bob");
    writer.kill()?;
    println!("a reader sees          {:?}", accounts.load()?);
    for which in ["the next writer", "the one after it"] {
        let started = Instant::now();
        let guard = accounts.write()?;
        let (waited, recovered) = (started.elapsed(), WriteGuard::recovered(&guard));
        println!("{which:<16} sees  {:?}", *guard);
        println!("                       recovered: {recovered}, waited {waited:.1?}");
    }

    let reader = Peer::start(&["reader", name])?;
    steps.wait_for(2)?;
    println!("reader {} holds a guard and does not let go", reader.id());
    accounts.update(move_one)?;
    match accounts.write_timeout(Duration::from_millis(50)) {
        Ok(_) => return Err("two versions in two buffers, and room for a third?".into()),
        Err(error) => println!("a writer is told       {error}"),
    }
    reader.kill()?;
    let started = Instant::now();
    for _ in 0..100 {
        accounts.update(move_one)?;
    }
    let took = started.elapsed();
    println!("it is killed, too, and 100 writes take {took:.1?}");
    println!("after                  {:?}", accounts.load()?);
    Ok(())
}

fn move_one(accounts: &mut Accounts) {
    accounts.alice -= 1;
    accounts.bob += 1;
}

fn write(name: &str) -> Result<(), Box<dyn Error>> {
    let accounts = Accounts::open(name)?;
    let mut guard = accounts.write()?;
    guard.alice -= 250;
    let survived = wait_to_be_killed(name);
    WriteGuard::discard(guard); // an early `?` would have published half of the change
    survived
}

fn read(name: &str) -> Result<(), Box<dyn Error>> {
    let accounts = Accounts::open(name)?;
    let _guard = accounts.read()?;
    wait_to_be_killed(name)
}

fn wait_to_be_killed(name: &str) -> Result<(), Box<dyn Error>> {
    Steps::open(name)?.done()?;
    thread::sleep(Duration::from_secs(60));
    Err("nobody killed this process".into())
}
