//! The path of an operation through its instructions, found once, and running a child to a place on it.

use crate::tracer::{Call, Next, Stop, Traced};
use crate::watch::Watch;

/// One instruction of the operation, in the order of their execution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instruction {
    /// Its address.
    pub(crate) place: u64,
    /// How many system calls were made before it.
    calls: u32,
    /// What others can see of it.
    pub(crate) shows: Option<Shows>,
}

/// How others can tell that an instruction was executed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shows {
    Call(Call),
    /// It changed the object at this offset.
    Store(usize),
}

impl std::fmt::Display for Shows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Shows::Call(call) => write!(f, "system call {}", call.number),
            Shows::Store(offset) => write!(f, "store at {offset:#x}"),
        }
    }
}

/// All instructions between the two markers.
#[derive(Debug)]
pub(crate) struct Path(pub(crate) Vec<Instruction>);

/// Longer than any operation: a loop that waits for something that does not come.
const LONGEST: usize = 3_000_000;

impl Path {
    /// Steps `child` from its first marker to its second one.
    ///
    /// `asleep` is told of a child that is about to go to sleep, and may see to it that it is woken.
    pub(crate) fn find(
        child: &mut Traced,
        watch: &mut Watch,
        mut asleep: impl FnMut(i32),
    ) -> Result<Self, String> {
        let mut path = Vec::new();
        let mut calls = 0;
        watch.change();
        while path.len() < LONGEST {
            let next = child.next()?;
            let mut instruction = Instruction {
                place: child.place(),
                calls,
                shows: None,
            };
            match next {
                Next::Marker => return Ok(Path(path)),
                Next::Plain => {
                    child.step()?;
                    instruction.shows = watch.change().map(Shows::Store);
                }
                Next::Syscall(call) => {
                    if call.is_futex_wait() {
                        asleep(child.pid());
                    }
                    child.step()?;
                    calls += 1;
                    watch.look_up();
                    watch.change();
                    instruction.shows = Some(Shows::Call(call));
                }
            }
            path.push(instruction);
        }
        Err(format!("the operation did not end in {LONGEST} steps"))
    }

    /// The instructions that others can see, by index.
    pub(crate) fn visible(&self) -> impl Iterator<Item = usize> + '_ {
        let all = self.0.iter().enumerate();
        all.filter_map(|(index, instruction)| instruction.shows.map(|_| index))
    }

    /// Whether the instruction may sleep in the kernel.
    pub(crate) fn sleeps(&self, index: usize) -> bool {
        let shows = self.0.get(index).and_then(|instruction| instruction.shows);
        matches!(shows, Some(Shows::Call(call)) if call.is_futex_wait())
    }

    /// Runs `child` from its first marker until the instruction `index` comes next (one past the last: the
    /// second marker), and says whether it got just there.
    ///
    /// Not step by step: from system call to system call, then to an instruction that is executed for the
    /// first time since, then in steps. If this run differs from the one that was recorded, the child stands
    /// somewhere near: at the next system call at the latest.
    pub(crate) fn run_to(
        &self,
        index: usize,
        child: &mut Traced,
        mut asleep: impl FnMut(i32),
    ) -> Result<bool, String> {
        let calls = match self.0.get(index) {
            Some(instruction) => instruction.calls,
            None => self.0.last().map_or(0, |last| {
                last.calls + u32::from(matches!(last.shows, Some(Shows::Call(_))))
            }),
        };
        for _ in 0..calls {
            if child.run()? != Stop::Syscall {
                return Ok(false);
            }
            match child.next()? {
                Next::Syscall(call) if call.is_futex_wait() => asleep(child.pid()),
                _ => {}
            }
            child.run()?;
        }
        let start = self
            .0
            .partition_point(|instruction| instruction.calls < calls);
        let stretch = &self.0[start..index];
        // The last instruction of the stretch that had not been executed before in it.
        let mut seen = std::collections::HashSet::new();
        let mut anchor = 0;
        for (offset, instruction) in stretch.iter().enumerate() {
            if seen.insert(instruction.place) {
                anchor = offset;
            }
        }
        if anchor > 0 && !child.run_to(stretch[anchor].place)? {
            return Ok(false);
        }
        for _ in anchor..stretch.len() {
            match child.next()? {
                Next::Plain => child.step()?,
                Next::Syscall(_) | Next::Marker => return Ok(false),
            };
        }
        let place = self.0.get(index).map(|instruction| instruction.place);
        match place {
            Some(place) => Ok(child.place() == place),
            None => Ok(child.next()? == Next::Marker),
        }
    }
}
