//! Those who write: the publisher, and the one who turns its knobs.

use std::error::Error;
use std::os::unix::process::parent_id;
use std::time::Duration;
use std::{process, thread};

use examples::machine::Machine;
use examples::now;
use shmem_core::Error as SharedError;
use shmem_core::{Shared, SharedObject};

use crate::model::{Config, State};

/// The object of the publisher before this one, or a new one.
pub(crate) fn open_or_create(name: &str) -> Result<SharedObject<State>, SharedError> {
    State::open_or_create(format!("{name}/state"), State::default())
}

/// A new object in place of the one that is there. Its readers are told, and find this one by the name.
pub(crate) fn replace(name: &str) -> Result<SharedObject<State>, SharedError> {
    let name = format!("{name}/state");
    let samples = State::open(&name)?.load()?.samples;
    shmem_core::remove(&name)?;
    let initial = State {
        samples,
        ..State::default()
    };
    State::create(&name, initial)
}

pub(crate) fn publish(name: &str, state: SharedObject<State>) -> Result<(), Box<dyn Error>> {
    let config = Config::open(format!("{name}/config"))?;
    let launcher = parent_id(); // changes if the launcher dies
    let mut machine = Machine::new()?;
    let mut follows = config.version();
    // Short before the first sample, so that a new publisher is soon there.
    let mut pause = Duration::from_millis(20);
    loop {
        // The pause between two samples is a wait for the config: what it says counts at once.
        match config.wait(follows, pause) {
            Ok(version) => follows = version,
            Err(SharedError::TimedOut { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let wanted = config.load()?;
        if wanted.stop || parent_id() != launcher {
            return Ok(());
        }
        pause = Duration::from_millis(wanted.interval_ms.into());
        let sample = machine.sample()?;

        // Nothing between here and the end of the block can fail half-way: a `?` would publish half of it.
        let mut state = state.write()?;
        state.samples += 1;
        state.follows = follows.0;
        state.publisher = process::id();
        state.memory_used = sample.memory_used;
        state.memory_total = sample.memory_total;
        state.load = sample.load;
        state.busy.clear();
        state.busy.extend(sample.busy.into_iter().take(64));
        state.sampled_at = now();
        state.echo = state.samples;
    }
}

/// Changes the config three times.
pub(crate) fn tune(name: &str, seconds: f32) -> Result<(), Box<dyn Error>> {
    let config = Config::open(format!("{name}/config"))?;
    for (interval_ms, threshold) in [(50, 25.0), (200, 75.0), (100, 50.0)] {
        thread::sleep(Duration::try_from_secs_f32(seconds / 5.0)?);
        config.store(Config::new(interval_ms, threshold))?;
    }
    Ok(())
}
