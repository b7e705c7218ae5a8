//! The path of an operation through its instructions, found once, and running a child to a place on it.

use std::collections::HashSet;

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

/// The instructions between the two markers, as far as they were stepped through; all system calls at least.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) steps: Vec<Instruction>,
    /// Stretches in which the object changed that were not stepped through, each by the number of system calls
    /// before it.
    pub(crate) missed: Vec<u32>,
}

/// The bytes of the instruction `syscall`.
const SYSCALL_LEN: u64 = 2;

/// Longer than any operation: a loop that waits for something that does not come.
const LONGEST: usize = 3_000_000;

impl Path {
    /// Leads `child` from its first marker to its second one: step by step in those stretches between system
    /// calls that `stepped` says, else from call to call.
    ///
    /// `asleep` is told of a child that is about to go to sleep, and may see to it that it is woken.
    pub(crate) fn find(
        child: &mut Traced,
        watch: &mut Watch,
        stepped: impl Fn(u32) -> bool,
        mut asleep: impl FnMut(i32),
    ) -> Result<Self, String> {
        let mut path = Path {
            steps: Vec::new(),
            missed: Vec::new(),
        };
        let mut calls = 0;
        watch.change();
        while path.steps.len() < LONGEST {
            let stepping = stepped(calls);
            if !stepping {
                let stop = child.run()?;
                if watch.change().is_some() {
                    path.missed.push(calls);
                }
                if stop == Stop::Trap {
                    return Ok(path);
                }
            }
            let mut instruction = Instruction {
                place: child.place(),
                calls,
                shows: None,
            };
            match child.next()? {
                Next::Marker => return Ok(path),
                Next::Plain => {
                    child.step()?;
                    instruction.shows = watch.change().map(Shows::Store);
                }
                Next::Syscall(call) => {
                    if call.is_futex_wait() {
                        asleep(child.pid());
                    }
                    if stepping {
                        child.step()?;
                    } else {
                        instruction.place -= SYSCALL_LEN;
                        child.run()?;
                    }
                    calls += 1;
                    watch.look_up();
                    watch.change();
                    instruction.shows = Some(Shows::Call(call));
                }
            }
            path.steps.push(instruction);
        }
        Err(format!("the operation did not end in {LONGEST} steps"))
    }

    /// The instructions that others can see, by index.
    pub(crate) fn visible(&self) -> impl Iterator<Item = usize> + '_ {
        let all = self.steps.iter().enumerate();
        all.filter_map(|(index, instruction)| instruction.shows.map(|_| index))
    }

    /// Whether the instruction may sleep in the kernel.
    pub(crate) fn sleeps(&self, index: usize) -> bool {
        let shows = self
            .steps
            .get(index)
            .and_then(|instruction| instruction.shows);
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
        let target = self.steps.get(index);
        let calls = match target {
            Some(instruction) => instruction.calls,
            None => self.calls(),
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
        let Some(target) = target else {
            return Ok(child.run()? == Stop::Trap);
        };
        let start = self
            .steps
            .partition_point(|instruction| instruction.calls < calls);
        let stretch = &self.steps[start..=index];
        // The last instruction of the stretch that had not been executed before in it.
        let mut seen = HashSet::new();
        let mut anchor = 0;
        for (offset, instruction) in stretch.iter().enumerate() {
            if seen.insert(instruction.place) {
                anchor = offset;
            }
        }
        if !child.run_to(stretch[anchor].place)? {
            return Ok(false);
        }
        for _ in anchor..stretch.len() - 1 {
            match child.next()? {
                Next::Plain => child.step()?,
                Next::Syscall(_) | Next::Marker => return Ok(false),
            };
        }
        Ok(child.place() == target.place)
    }

    /// How many system calls there are.
    pub(crate) fn calls(&self) -> u32 {
        let last = self.steps.last();
        last.map_or(0, |last| {
            last.calls + u32::from(matches!(last.shows, Some(Shows::Call(_))))
        })
    }
}
