//! Runs one round: starts its processes, kills and stops them, and looks at what is left.

use std::env::current_exe;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering::SeqCst;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, set_child_subreaper, wait, waitpid,
};
use tests::{Random, TempDir};

use crate::board::{Board, Phase, Place, Word};
use crate::ledger;
use crate::plan::Plan;
use crate::report::{Outcome, Report, Violation};
use crate::roles::Role;
use crate::sys;

/// How long the processes may take to come to rest once nobody is killed any more.
const PATIENCE: Duration = Duration::from_secs(20);

/// What rounds need and have one after the other.
#[derive(Debug)]
pub(crate) struct Stage {
    dir: TempDir,
    board: Board,
}

/// A process of the round.
#[derive(Debug)]
struct Member {
    role: Role,
    process: Option<Pid>,
    stopped: Option<Instant>,
}

struct Round<'a> {
    dir: &'a Path,
    board: Board,
    plan: &'a Plan,
    random: Random,
    bound: Duration,
    members: Vec<Member>,
    outcome: Outcome,
    /// Since the last commit, without the time in which nobody could be expected to commit.
    gap: Duration,
    last_tick: Instant,
    last_commits: u64,
}

impl Stage {
    pub(crate) fn new() -> Self {
        // Who outlives its parent, having been forked, is to be this process's child.
        set_child_subreaper(Some(getpid())).unwrap();
        let dir = TempDir::new("torture");
        let board = Board::map(&dir.path().join("board"));
        Stage { dir, board }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs one round, for `left` at most.
    pub(crate) fn round(
        &self,
        plan: &Plan,
        number: u64,
        left: Duration,
        report: &mut Report,
    ) -> Outcome {
        Board::clear(&self.path("board"));
        drop(fs::remove_dir_all(self.path("shm")));
        drop(fs::remove_file(self.path("violations")));
        fs::create_dir(self.path("shm")).unwrap();
        self.board.set_plan(*plan);
        self.board.set_phase(Phase::Run);
        let strict = report.asked.strict;
        let mut round = Round {
            dir: self.dir.path(),
            board: self.board,
            plan,
            random: Random::seeded(plan.seed),
            bound: Duration::from_millis(if strict { 250 } else { 10_000 }),
            members: Vec::new(),
            outcome: Outcome::default(),
            gap: Duration::ZERO,
            last_tick: Instant::now(),
            last_commits: 0,
        };
        let start = Instant::now();
        round.start();
        let lasts = Duration::from_millis(plan.milliseconds.into()).min(left);
        while start.elapsed() < lasts
            && self.board.get(Word::Violations) == 0
            && round.outcome.violations.is_empty()
            && !self.board.is_nearly_full()
            && !sys::is_interrupted()
        {
            let pause = round.random.below(plan.blows);
            round.go_on(Duration::from_micros(pause.into()));
            round.blow();
            report.progress(number, self.board, &round.outcome);
        }
        round.end();
        self.conclude(round, start)
    }

    /// Looks at what is left when all processes are gone.
    fn conclude(&self, round: Round<'_>, start: Instant) -> Outcome {
        let mut outcome = round.outcome;
        let told = fs::read_to_string(self.path("violations")).unwrap_or_default();
        for line in told.lines().take(20) {
            let (kind, text) = line.split_once('\t').unwrap_or(("other", line));
            outcome.violations.push(Violation::new(kind, text.into()));
        }
        let mut left = Vec::new();
        let parent = self.path("shm");
        for entry in fs::read_dir(&parent).unwrap().flatten() {
            match fs::read_dir(entry.path()) {
                Ok(files) => left.extend(files.flatten().map(|file| file.file_name())),
                Err(_) => left.push(entry.file_name()),
            }
        }
        left.retain(|name| !name.as_encoded_bytes().starts_with(b".lock-"));
        if !left.is_empty() {
            outcome.left(format!("files: {left:?}"));
        }
        let (forked, ended) = (self.board.get(Word::Forked), self.board.get(Word::Ended));
        if forked != ended {
            let text = format!("{} forked children ended otherwise", forked - ended);
            outcome.violations.push(Violation::new("other", text));
        }
        let audit = ledger::audit(self.board);
        outcome.violations.extend(audit.violations);
        outcome.unsaid = audit.unsaid;
        outcome.forks = forked;
        outcome.stops = self.board.get(Word::Stops);
        outcome.counts = Report::counts(self.board);
        outcome.lasted = start.elapsed();
        outcome
    }
}

impl Outcome {
    fn left(&mut self, text: String) {
        self.violations.push(Violation::new("left", text));
    }
}

impl Round<'_> {
    fn start(&mut self) {
        let Plan {
            writers,
            readers,
            publishers,
            ..
        } = *self.plan;
        let roles = [
            (Role::Writer, writers),
            (Role::Reader, readers),
            (Role::Publisher, publishers),
            (Role::Janitor, 1),
        ];
        for (role, count) in roles {
            for _ in 0..count {
                self.members.push(Member {
                    role,
                    process: None,
                    stopped: None,
                });
            }
        }
        for slot in 0..self.members.len() {
            self.spawn(slot);
        }
    }

    #[expect(
        clippy::zombie_processes,
        reason = "waited for by its number, together with those that others have forked"
    )]
    fn spawn(&mut self, slot: usize) {
        let Some(life) = self.board.new_life() else {
            return;
        };
        let mut command = Command::new(current_exe().unwrap());
        command
            .args(["peer", self.members[slot].role.name()])
            .args([slot.to_string(), life.to_string()])
            .arg(self.dir)
            .env("SHMEM_DIR", self.dir.join("shm"))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        // An interrupt from the terminal is the conductor's.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().unwrap();
        let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        self.members[slot].process = process;
    }

    /// Waits, looking each millisecond how things go.
    fn go_on(&mut self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            self.tick();
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(Duration::from_millis(1)));
        }
    }

    fn tick(&mut self) {
        let now = Instant::now();
        let passed = now - self.last_tick;
        self.last_tick = now;
        let commits = self.board.sum(Place::Commits);
        let stopped = self.members.iter().any(|member| member.stopped.is_some());
        if commits != self.last_commits {
            self.last_commits = commits;
            self.gap = Duration::ZERO;
        } else if !stopped && self.board.sum(Place::Wants) > 0 {
            self.gap += passed;
        }
        self.outcome.gap = self.outcome.gap.max(self.gap);
        if self.gap > self.bound {
            let gap = self.gap;
            self.hung(format!("no commit for {gap:?} that somebody wants to make"));
            self.gap = Duration::ZERO;
        }
        for slot in 0..self.members.len() {
            if self.members[slot].stopped.is_some_and(|until| until <= now) {
                self.resume(slot);
            }
        }
        self.reap();
    }

    /// Says who does what.
    fn hung(&mut self, text: String) {
        let mut who = Vec::new();
        for (slot, member) in self.members.iter().enumerate() {
            let Some(process) = member.process else {
                continue;
            };
            let process = process.as_raw_nonzero();
            let of = |file: &str| {
                let text = fs::read_to_string(format!("/proc/{process}/{file}"));
                text.unwrap_or_default().trim().replace('\n', " ")
            };
            let wants = self.board.at(slot, Place::Wants).load(SeqCst);
            let role = member.role.name();
            who.push(format!(
                "{role} {slot} (process {process}, wants {wants}): {}",
                of("syscall")
            ));
        }
        let text = format!("{text}: {}", who.join("; "));
        self.outcome.violations.push(Violation::new("hung", text));
    }

    fn resume(&mut self, slot: usize) {
        self.members[slot].stopped = None;
        if let Some(process) = self.members[slot].process {
            kill_process(process, Signal::CONT).unwrap();
        }
    }

    /// Strikes somebody.
    fn blow(&mut self) {
        let slot = self
            .random
            .below(u32::try_from(self.members.len()).unwrap_or(1)) as usize;
        let Some(process) = self.members[slot].process else {
            self.spawn(slot);
            return;
        };
        match self.random.below(1_000) {
            // All at once: nobody is left who has the object open.
            0..5 => {
                for slot in 0..self.members.len() {
                    self.kill(slot);
                }
                for slot in 0..self.members.len() {
                    self.spawn(slot);
                }
            }
            // It is started again later.
            5..30 => self.kill(slot),
            number if number >= 1_000 - self.plan.stops => {
                if self.members[slot].stopped.is_none() {
                    self.board.next(Word::Stops);
                    kill_process(process, Signal::STOP).unwrap();
                    let longest = [3, 30, 30, 300][self.random.below(4) as usize];
                    let millis = 1 + u64::from(self.random.below(longest));
                    self.members[slot].stopped =
                        Some(Instant::now() + Duration::from_millis(millis));
                }
            }
            _ => {
                self.kill(slot);
                self.spawn(slot);
            }
        }
    }

    fn kill(&mut self, slot: usize) {
        let Some(process) = self.members[slot].process.take() else {
            return;
        };
        kill_process(process, Signal::KILL).unwrap();
        let (_, status) = waitpid(Some(process), WaitOptions::empty())
            .unwrap()
            .unwrap();
        self.outcome.kills += 1;
        if status.terminating_signal() != Some(Signal::KILL.as_raw()) {
            self.ended(slot, status);
        }
        self.gone(slot);
    }

    fn gone(&mut self, slot: usize) {
        self.members[slot].stopped = None;
        for place in [Place::Wants, Place::Removing, Place::Rests] {
            self.board.at(slot, place).store(0, SeqCst);
        }
    }

    fn ended(&mut self, slot: usize, status: WaitStatus) {
        let role = self.members[slot].role.name();
        let text = format!("{role} {slot} ended by itself, with {status:?}");
        self.outcome.violations.push(Violation::new("other", text));
    }

    /// Collects those who have ended: forked children that outlived their parents, and whoever should not have.
    fn reap(&mut self) {
        while let Ok(Some((process, status))) = wait(WaitOptions::NOHANG) {
            let mut members = self.members.iter();
            let slot = members.position(|member| member.process == Some(process));
            if let Some(slot) = slot {
                self.members[slot].process = None;
                self.gone(slot);
                if !self.board.is_past(Phase::End) || status.exit_status() != Some(0) {
                    self.ended(slot, status);
                }
            }
        }
    }

    /// Brings the round to its end, step by step, and looks whether anything is left at each.
    fn end(&mut self) {
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
                self.members.push(Member {
                    role: Role::Inspector,
                    process: None,
                    stopped: None,
                });
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
            if start.elapsed() > PATIENCE {
                self.hung(format!("{what} did not come within {PATIENCE:?}"));
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
