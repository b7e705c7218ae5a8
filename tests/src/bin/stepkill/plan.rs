//! Where an operation is killed: wherever others can tell the difference, and at some other places.

use std::collections::BTreeSet;

use crate::operations::Victim;
use crate::path::Path;
use crate::worker::Task;

/// How many places that others cannot tell apart are tried all the same, if not told.
const EXTRA: usize = 64;

/// The same, for each place at which a victim was killed.
const EXTRA_AGAIN: usize = 4;

/// Where a child is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// Before this instruction, or at the end.
    Before(usize),
    /// While it sleeps in this system call.
    Asleep(usize),
}

/// All places of the path at which the task kills.
pub(crate) fn plan(task: Task, path: &Path, random: &mut Random) -> Vec<Place> {
    let end = path.steps.len();
    let mut shown = BTreeSet::from([0, end]);
    for index in path.visible() {
        shown.extend([index, index + 1]);
    }
    let hidden: Vec<usize> = (0..end).filter(|index| !shown.contains(index)).collect();
    let asleep = (0..end).filter(|index| path.sleeps(*index));
    let mut places: Vec<Place> = asleep.map(Place::Asleep).collect();
    if let Some(sample) = task.sample {
        let sample = (sample / task.operation.scenes.len()).max(4);
        let shown: Vec<usize> = shown.into_iter().collect();
        places.extend([0, end].map(Place::Before));
        places.extend(random.choose(shown, sample * 3 / 4).map(Place::Before));
        places.extend(random.choose(hidden, sample / 4).map(Place::Before));
    } else {
        let extra = match task.operation.victim {
            _ if task.operation.short => usize::MAX,
            Victim::Anywhere(_) => EXTRA_AGAIN,
            _ => EXTRA,
        };
        places.extend(shown.into_iter().map(Place::Before));
        places.extend(random.choose(hidden, extra).map(Place::Before));
    }
    places.sort_unstable();
    places.dedup();
    places
}

/// Sebastiano Vigna's splitmix64.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// At most `count` of them.
    pub(crate) fn choose(
        &mut self,
        mut from: Vec<usize>,
        count: usize,
    ) -> impl Iterator<Item = usize> {
        let count = count.min(from.len());
        for index in 0..count {
            let rest = (from.len() - index) as u64;
            let other = usize::try_from(self.next() % rest).unwrap_or(0);
            from.swap(index, index + other);
        }
        from.truncate(count);
        from.into_iter()
    }
}
