//! Kills one operation at every place that was chosen, one run after the other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use shmem_core::{Shared as _, SharedObject};
use tests::Small;

use crate::operations::{Allowed, NAME, NEW, Operation, Scene};
use crate::path::Path;
use crate::report::Figures;
use crate::stage::{Stage, home};
use crate::verifier::{Verifier, Violation};
use crate::watch::Watch;

/// How many places that others cannot tell apart are tried all the same, if not told.
const EXTRA: usize = 64;

/// How many violations are told in words.
const TOLD: u64 = 20;

/// What the driver asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    pub(crate) operation: &'static Operation,
    /// At most so many kills.
    pub(crate) sample: Option<usize>,
    pub(crate) seed: u64,
    /// Search for places less thoroughly.
    pub(crate) quick: bool,
}

/// Where a child is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Before this instruction, or at the end.
    Before(usize),
    /// While it sleeps in this system call.
    Asleep(usize),
}

/// Does it all, and tells the driver in lines on standard output.
pub(crate) fn run(task: Task) {
    let start = Instant::now();
    let mut figures = Figures::default();
    // So that the directory is there in every scene that does not say otherwise.
    drop(u8::create(NAME, 0));
    let mut random = Random(task.seed);
    for scene in task.operation.scenes {
        if !in_scene(task, *scene, &mut random, &mut figures) {
            break;
        }
    }
    let took = start.elapsed().as_millis();
    figures.milliseconds = u64::try_from(took).unwrap_or(u64::MAX);
    println!("result {}", figures.line());
}

/// False if the harness cannot go on.
fn in_scene(task: Task, scene: Scene, random: &mut Random, figures: &mut Figures) -> bool {
    let operation = task.operation;
    let tell = |figures: &mut Figures, place: &str, what: &str| {
        figures.violations += 1;
        if figures.violations <= TOLD {
            let scene = scene.name();
            println!("violation {} ({scene}), {place}: {what}", operation.name);
        }
    };
    let path = match discover(task, scene, random) {
        Ok(path) => path,
        Err(error) => {
            tell(figures, "not killed", &error);
            return true;
        }
    };
    figures.instructions += path.steps.len() as u64;
    figures.points += path.visible().count() as u64;
    let plan = plan(task, &path, random);
    for (done, place) in plan.iter().enumerate() {
        println!("progress {} {done} {}", scene.name(), plan.len());
        figures.kills += 1;
        match kill_at(operation, scene, &path, *place, figures) {
            Ok(()) => {}
            Err(violation) => {
                tell(figures, &describe(&path, *place), &violation.what);
                if violation.hung {
                    return false;
                }
            }
        }
    }
    true
}

/// How many stretches are stepped through for their own sake in a quick search.
const STRETCHES: usize = 3;

/// Finds the path: in one run without a kill, step by step.
///
/// A quick search first goes from system call to system call, and then steps through those stretches only in
/// which the object changed, and through a few others. What is changed and changed back between two calls
/// is missed.
fn discover(task: Task, scene: Scene, random: &mut Random) -> Result<Path, String> {
    if !task.quick || task.operation.short {
        return uncut(task.operation, scene, |_| true);
    }
    let calls = uncut(task.operation, scene, |_| false)?;
    let all = (0..=calls.calls() as usize).collect();
    let mut stepped = calls.missed;
    stepped.extend(
        random
            .choose(all, STRETCHES)
            .filter_map(|one| u32::try_from(one).ok()),
    );
    uncut(task.operation, scene, |stretch| stepped.contains(&stretch))
}

/// One run without a kill.
fn uncut(
    operation: &'static Operation,
    scene: Scene,
    stepped: impl Fn(u32) -> bool,
) -> Result<Path, String> {
    let mut stage = Stage::set(operation, scene)?;
    let mut child = stage.start()?;
    let mut watch = Watch::new(home().join(NAME));
    let mut waker = Waker::new(operation, &stage);
    let path = Path::find(&mut child, &mut watch, stepped, |pid| waker.wake(pid));
    waker.finish();
    child.kill();
    drop(watch);
    // Whatever it left is looked at when it is killed behind its last instruction.
    stage.forget();
    path
}

fn plan(task: Task, path: &Path, random: &mut Random) -> Vec<Place> {
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
        let extra = if task.operation.short {
            usize::MAX
        } else {
            EXTRA
        };
        places.extend(shown.into_iter().map(Place::Before));
        places.extend(random.choose(hidden, extra).map(Place::Before));
    }
    places.sort_unstable();
    places.dedup();
    places
}

fn describe(path: &Path, place: Place) -> String {
    let about = |index: usize| {
        let shows = |index: usize| path.steps.get(index).and_then(|found| found.shows);
        let before = shows(index).map(|shows| format!(" before {shows}"));
        let after = index.checked_sub(1).and_then(shows);
        let after = after.map(|shows| format!(" after {shows}"));
        format!(
            "{index} of {}{}{}",
            path.steps.len(),
            after.unwrap_or_default(),
            before.unwrap_or_default()
        )
    };
    match place {
        Place::Before(index) => format!("killed at instruction {}", about(index)),
        Place::Asleep(index) => format!("killed asleep in instruction {}", about(index)),
    }
}

fn kill_at(
    operation: &'static Operation,
    scene: Scene,
    path: &Path,
    place: Place,
    figures: &mut Figures,
) -> Result<(), Violation> {
    let failed = |what| Violation { what, hung: false };
    let mut stage = Stage::set(operation, scene).map_err(failed)?;
    let mut child = stage.start().map_err(failed)?;
    let mut waker = Waker::new(operation, &stage);
    let (Place::Before(index) | Place::Asleep(index)) = place;
    let there = path.run_to(index, &mut child, |pid| waker.wake(pid));
    let there = there.map_err(failed)?;
    figures.strayed += u64::from(!there);
    if there && place == Place::Asleep(index) {
        child.resume().map_err(failed)?;
        sleeps(child.pid());
    }
    let published = waker.finish();
    let mut allowed = operation.allowed(scene);
    if operation.is_woken() {
        // The harness itself knows which value it is.
        allowed = Allowed {
            old: !published,
            new: published.then_some(2),
            ..allowed
        };
    }
    let killed = Instant::now();
    child.kill();
    let verifier = Verifier {
        operation,
        scene,
        allowed,
        peer: stage.peer.clone(),
        killed,
    };
    let seen = verifier.verify();
    let hung = matches!(&seen, Err(violation) if violation.hung);
    let cleared = if hung { Ok(()) } else { stage.clear() };
    figures.count(seen?);
    cleared.map_err(failed)
}

/// Publishes once, when the child has gone to sleep.
struct Waker {
    peer: Option<Arc<SharedObject<Small>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Waker {
    fn new(operation: &Operation, stage: &Stage) -> Self {
        Waker {
            peer: stage.peer.clone().filter(|_| operation.is_woken()),
            threads: Vec::new(),
        }
    }

    fn wake(&mut self, pid: i32) {
        if let Some(peer) = self.peer.take() {
            self.threads.push(thread::spawn(move || {
                sleeps(pid);
                drop(peer.store(Small::new(NEW)));
            }));
        }
    }

    /// Whether it has published.
    fn finish(self) -> bool {
        let woke = !self.threads.is_empty();
        for thread in self.threads {
            drop(thread.join());
        }
        woke
    }
}

/// Returns when the process sleeps in the kernel; after a second at the latest, since it may have ended its
/// sleep by itself.
fn sleeps(pid: i32) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat
            .rsplit_once(") ")
            .and_then(|(_, rest)| rest.chars().next());
        if state == Some('S') {
            return;
        }
        thread::sleep(Duration::from_micros(50));
    }
}

/// Sebastiano Vigna's splitmix64.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// At most `count` of them.
    fn choose(&mut self, mut from: Vec<usize>, count: usize) -> impl Iterator<Item = usize> {
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
