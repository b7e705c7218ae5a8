//! The end of a round: all come to rest, step by step, and what they have left is looked for at each.

use std::fs;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use crate::board::{Phase, Place};
use crate::conductor::{Member, Round};
use crate::roles::Role;

/// How long the processes may take to come to rest once something was found.
const IMPATIENCE: Duration = Duration::from_secs(1);

impl Round<'_> {
    /// Brings the round to its end, step by step, and looks whether anything is left at each.
    pub(crate) fn end(&mut self) {
        for slot in 0..self.members.len() {
            match self.members[slot].process {
                Some(_) => self.resume(slot),
                None => self.spawn(slot),
            }
        }
        let steps = [
            (Phase::Calm, Some(Role::Publisher)),
            (Phase::Rest, None),
            (Phase::Buffers, Some(Role::Inspector)),
            (Phase::Close, None),
            (Phase::Rows, Some(Role::Inspector)),
        ];
        for (phase, who) in steps {
            self.board.set_phase(phase);
            let mut steady = self.rests(phase, who);
            if steady && phase == Phase::Calm {
                self.members.push(Member::new(Role::Inspector));
                self.spawn(self.members.len() - 1);
                steady = self.rests(phase, Some(Role::Inspector));
            }
            if steady && phase == Phase::Rest {
                steady = self.wait_for("the forked children", |round| round.orphans() == 0);
            }
            if steady && phase == Phase::Close {
                self.count_descriptors();
            }
            if !steady {
                break;
            }
        }
        self.board.set_phase(Phase::End);
        self.wait_for("the end of all processes", |round| {
            round.members.iter().all(|member| member.process.is_none())
        });
        for slot in 0..self.members.len() {
            self.kill(slot);
        }
        self.wait_for("the end of the forked children", |round| {
            round.orphans() == 0
        });
    }

    /// Waits until those with that role rest in `phase`; or all but the inspector, who is before or behind them.
    fn rests(&mut self, phase: Phase, who: Option<Role>) -> bool {
        self.wait_for(&format!("{phase:?}"), |round| {
            let members = round.members.iter().enumerate();
            let mut awaited = members.filter(|(_, member)| match who {
                Some(role) => member.role == role,
                None => member.role != Role::Inspector,
            });
            let rests = |slot| round.board.at(slot, Place::Rests).load(SeqCst);
            awaited.all(|(slot, _)| rests(slot) >= phase as u64)
        })
    }

    fn wait_for(&mut self, what: &str, done: impl Fn(&Self) -> bool) -> bool {
        let start = Instant::now();
        loop {
            self.reap();
            if done(self) {
                return true;
            }
            let gone = self.members.iter().any(|member| member.process.is_none());
            if gone && !self.board.is_past(Phase::End) {
                // Somebody has ended, and that was said.
                return false;
            }
            let failed = !self.outcome.violations.is_empty();
            let patience = if failed { IMPATIENCE } else { self.patience };
            if start.elapsed() > patience {
                self.hung(&format!("{what} did not come within {patience:?}"));
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// How many forked children there are whose parents are gone.
    fn orphans(&self) -> usize {
        let children = fs::read_to_string("/proc/thread-self/children").unwrap();
        let known = |id: i32| {
            let process = Pid::from_raw(id);
            self.members.iter().any(|member| member.process == process)
        };
        let children = children.split_whitespace();
        children.filter(|id| !id.parse().is_ok_and(known)).count()
    }

    /// Those who have closed their handles have as many descriptors as before, and nothing of the directory mapped.
    fn count_descriptors(&mut self) {
        let mut left = Vec::new();
        for (slot, member) in self.members.iter().enumerate() {
            let (Some(process), true) = (member.process, member.role != Role::Inspector) else {
                continue;
            };
            let process = process.as_raw_nonzero();
            let (role, of) = (member.role.name(), format!("/proc/{process}"));
            let now = fs::read_dir(format!("{of}/fd")).unwrap().flatten();
            let now: Vec<_> = now.flat_map(|entry| fs::read_link(entry.path())).collect();
            let before = self.board.at(slot, Place::Descriptors).load(SeqCst);
            if now.len() as u64 != before {
                left.push(format!(
                    "{role} {slot} had {before} descriptors, has {now:?}"
                ));
            }
            let maps = fs::read_to_string(format!("{of}/maps")).unwrap();
            let objects = self.dir.join("shm").display().to_string();
            let mapped: Vec<_> = maps
                .lines()
                .filter(|line| line.contains(&objects))
                .collect();
            if !mapped.is_empty() {
                left.push(format!("{role} {slot} has mapped {mapped:?}"));
            }
        }
        for text in left {
            self.outcome.left(text);
        }
    }
}
