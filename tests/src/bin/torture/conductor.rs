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

/// What rounds need and have one after the other.
#[derive(Debug)]
pub(crate) struct Stage {
    dir: TempDir,
    board: Board,
}

/// A process of the round.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) role: Role,
    pub(crate) process: Option<Pid>,
    stopped: Option<Instant>,
}

pub(crate) struct Round<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) board: Board,
    plan: &'a Plan,
    random: Random,
    /// The longest time that may pass without a commit.
    bound: Duration,
    /// How long all may take to come to rest once nobody is killed any more.
    pub(crate) patience: Duration,
    pub(crate) members: Vec<Member>,
    pub(crate) outcome: Outcome,
    /// Since the last commit, without the time in which nobody could be expected to commit.
    gap: Duration,
    last_tick: Instant,
    last_commits: u64,
    /// Whether somebody wanted to commit, at the last look.
    wanted: bool,
}

impl Member {
    pub(crate) fn new(role: Role) -> Self {
        Member {
            role,
            process: None,
            stopped: None,
        }
    }
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
            patience: Duration::from_secs(if strict { 5 } else { 20 }),
            members: Vec::new(),
            outcome: Outcome::default(),
            gap: Duration::ZERO,
            last_tick: Instant::now(),
            last_commits: 0,
            wanted: false,
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
    pub(crate) fn left(&mut self, text: String) {
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
                self.members.push(Member::new(role));
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
    pub(crate) fn spawn(&mut self, slot: usize) {
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
        self.outcome.late = self.outcome.late.max(passed);
        let commits = self.board.sum(Place::Commits);
        let stopped = self.members.iter().any(|member| member.stopped.is_some());
        let wanted = !stopped && self.board.sum(Place::Wants) > 0;
        if commits != self.last_commits {
            self.last_commits = commits;
            self.gap = Duration::ZERO;
        } else if wanted && self.wanted {
            self.gap += passed;
        }
        self.wanted = wanted;
        self.outcome.gap = self.outcome.gap.max(self.gap);
        if self.gap > self.bound {
            let gap = self.gap;
            self.hung(&format!(
                "no commit for {gap:?} that somebody wants to make"
            ));
            self.gap = Duration::ZERO;
        }
        for slot in 0..self.members.len() {
            if self.members[slot].stopped.is_some_and(|until| until <= now) {
                self.resume(slot);
            }
        }
        self.reap();
    }

    pub(crate) fn resume(&mut self, slot: usize) {
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

    pub(crate) fn kill(&mut self, slot: usize) {
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
    pub(crate) fn reap(&mut self) {
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
}
