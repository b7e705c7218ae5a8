//! The experiments: each asks all contestants in turn, round by round.

pub(crate) mod arrays;
pub(crate) mod burden;
pub(crate) mod crowd;
pub(crate) mod duel;
pub(crate) mod footprint;
pub(crate) mod kill;
pub(crate) mod life;
pub(crate) mod seen;
pub(crate) mod uncontended;

use harness::Kind;

use crate::contestants::Contestant;
use crate::peers::SYSTEM_CALLS;
use crate::plan::Plan;
use crate::process::{Post, Reply, Worker};

/// Those of some kinds, without the one that does nothing but create and open.
fn of(plan: &Plan, kinds: &[Kind]) -> Vec<Contestant> {
    let is_one = |c: &&Contestant| kinds.contains(&c.kind) && c.name != SYSTEM_CALLS;
    plan.contestants.iter().filter(is_one).cloned().collect()
}

/// Starts one that creates and one that opens, on two processors.
fn start_two(
    contestant: &Contestant,
    size: usize,
    place: &str,
    roles: [&str; 2],
) -> Result<[Worker; 2], Reply> {
    let post = |role, core| Post {
        role,
        size,
        place,
        core: Some(core),
    };
    let Contestant { program, name, .. } = contestant;
    let first = Worker::start(program, name, post(roles[0], 0))?;
    Ok([first, Worker::start(program, name, post(roles[1], 1))?])
}
