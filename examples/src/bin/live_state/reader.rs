//! Sleeps until there is a new version, looks at it, and reports what it saw.

use std::error::Error;
use std::os::unix::process::parent_id;
use std::process;
use std::time::Duration;

use examples::{insert_sorted, now};
use shmem_core::Error as SharedError;
use shmem_core::{ReadGuard, Shared, Version};

use crate::model::{Config, Report, State};

pub(crate) fn read(name: &str, number: &str) -> Result<(), Box<dyn Error>> {
    let config = Config::open(format!("{name}/config"))?;
    let report = Report::open(format!("{name}/reader-{number}"))?;
    report.update(|report| report.process = process::id())?;
    let launcher = parent_id();
    // A reader may come before the publisher, and is there first when an object is replaced.
    let open = || {
        let patient = State::options().wait_for(Duration::from_secs(5));
        patient.open(format!("{name}/state"))
    };
    let mut state = open()?;
    // Version 1 is what the object was created with, before the first sample.
    let mut seen = Version(1);
    let mut wakeups = Vec::new();
    loop {
        let awaited = state.wait(seen, Duration::from_millis(100));
        let arrived = now();
        let config = config.load()?;
        if config.stop || parent_id() != launcher {
            return Ok(());
        }
        match awaited {
            Ok(_) => {}
            Err(SharedError::TimedOut { .. }) => continue,
            Err(SharedError::Removed { .. }) => {
                state = open()?;
                seen = Version(1);
                report.update(|report| report.reopened += 1)?;
                continue;
            }
            Err(error) => return Err(error.into()),
        }

        // Borrowed, not copied. The publisher may go on meanwhile, this version stays as it is.
        let state = state.read()?;
        seen = ReadGuard::version(&state);
        let wakeup = arrived.saturating_sub(state.sampled_at);
        insert_sorted(&mut wakeups, wakeup);
        report.update(|report| {
            if report.state.publisher != state.publisher {
                report.publishers += 1;
                report.publisher_since = arrived;
            }
            if report.reads > 0 && report.state.follows != state.follows {
                let after = arrived.saturating_sub(config.changed_at);
                report.followed += 1;
                report.followed_after = report.followed_after.max(after);
            }
            let hot = state.busy.iter().filter(|busy| **busy > config.threshold);
            report.hot = hot.map(|_| 1).sum();
            report.half_written += u64::from(state.echo != state.samples);
            report.version = seen.0;
            report.reads += 1;
            report.wakeup = [
                wakeup,
                wakeups[wakeups.len() / 2],
                wakeups[wakeups.len() - 1],
            ];
            (report.state, report.config) = (*state, config);
        })?;
    }
}
