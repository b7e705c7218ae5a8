//! Kills one operation at every place that was chosen, one run after the other.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use shmem_core::Shared as _;

use crate::object::Object;
use crate::operations::{Allowed, Content, NAME, NEW, Operation, Scene, Victim};
use crate::oracle::Oracle;
use crate::path::Path;
use crate::plan::{Place, Random, plan};
use crate::report::Figures;
use crate::rival::{Rival, until_asleep};
use crate::stage::Stage;
use crate::verifier::{Found, Verifier, Violation};
use crate::watch::Watch;

/// The goal for the time from a kill to the first value that somebody else published.
pub(crate) const GOAL: Duration = Duration::from_millis(100);

/// How often a recovery must miss the goal at one place to count: other programs may be in the way, too.
const TRIES: u32 = 3;

/// A reader of an array that is half-changed says so after a second: of so many kills it is asked once.
const PATIENT: u64 = 64;

/// How many violations of one operation are enough: each may take as long as a verifier waits.
const ENOUGH: u64 = 20;

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

/// A process that was killed before, at this place of its path.
#[derive(Clone, Copy)]
struct Dead<'a> {
    operation: &'static Operation,
    path: &'a Path,
    index: usize,
}

/// False if the harness is to stop.
fn in_scene(task: Task, scene: Scene, random: &mut Random, figures: &mut Figures) -> bool {
    let Victim::Anywhere(first) = task.operation.victim else {
        return after(task, scene, None, random, figures);
    };
    let operation = Operation::find(first).expect("its victim's operation exists");
    let path = match discover(task, operation, scene, None, random) {
        Ok(path) => path,
        Err(error) => {
            tell(task, scene, figures, "finding its victim's path", &error);
            return true;
        }
    };
    // Right behind what others can see: until the next such place nothing changes for them.
    let mut places: Vec<usize> = path.visible().map(|index| index + 1).collect();
    if let Some(sample) = task.sample {
        places = random.choose(places, (sample / 10).max(2)).collect();
    }
    let task = Task {
        sample: task.sample.map(|sample| sample / places.len().max(1)),
        ..task
    };
    places.iter().all(|index| {
        let dead = Dead {
            operation,
            path: &path,
            index: *index,
        };
        after(task, scene, Some(dead), random, figures)
    })
}

/// All kills of the operation after one that was killed before. False if the harness is to stop.
fn after(
    task: Task,
    scene: Scene,
    dead: Option<Dead<'_>>,
    random: &mut Random,
    figures: &mut Figures,
) -> bool {
    let operation = task.operation;
    let path = match discover(task, operation, scene, dead, random) {
        Ok(path) => path,
        Err(error) => {
            tell(task, scene, figures, &describe(dead, None), &error);
            return true;
        }
    };
    figures.instructions += path.steps.len() as u64;
    figures.points += path.visible().count() as u64;
    let plan = plan(task, &path, random);
    for (done, place) in plan.iter().enumerate() {
        println!("progress {} {done} {}", scene.name(), plan.len());
        let mut slow = 0;
        while slow < TRIES {
            figures.kills += 1;
            match kill_at(operation, scene, dead, &path, *place, figures) {
                Ok(recovery) if recovery > GOAL => slow += 1,
                Ok(_) => break,
                Err(violation) => {
                    let place = describe(dead, Some((&path, *place)));
                    tell(task, scene, figures, &place, &violation.what);
                    if violation.hung || figures.violations >= ENOUGH {
                        return false;
                    }
                    break;
                }
            }
        }
        figures.slow += u64::from(slow == TRIES);
    }
    true
}

fn tell(task: Task, scene: Scene, figures: &mut Figures, place: &str, what: &str) {
    figures.violations += 1;
    let (name, scene) = (task.operation.name, scene.name());
    println!("violation {name} ({scene}), {place}: {what}");
}

/// How many stretches are stepped through for their own sake in a quick search.
const STRETCHES: usize = 3;

/// Finds the path: in one run without a kill, step by step.
///
/// A quick search first goes from system call to system call, and then steps through those stretches only in
/// which the object changed, and through a few others. What is changed and changed back between two calls
/// is missed.
fn discover(
    task: Task,
    operation: &'static Operation,
    scene: Scene,
    dead: Option<Dead<'_>>,
    random: &mut Random,
) -> Result<Path, String> {
    let does = Operation::find(operation.does);
    let short = operation.short || does.is_some_and(|does| does.short);
    let quick = task.quick || dead.is_some();
    if short || !quick {
        return uncut(operation, scene, dead, |_| true);
    }
    let calls = uncut(operation, scene, dead, |_| false)?;
    let all = (0..=calls.calls() as usize).collect();
    let mut stepped = calls.missed;
    let others = random.choose(all, STRETCHES);
    stepped.extend(others.filter_map(|one| u32::try_from(one).ok()));
    uncut(operation, scene, dead, |stretch| stepped.contains(&stretch))
}

/// One run without a kill.
fn uncut(
    operation: &'static Operation,
    scene: Scene,
    dead: Option<Dead<'_>>,
    stepped: impl Fn(u32) -> bool,
) -> Result<Path, String> {
    let mut stage = set(operation, scene, dead)?;
    let mut child = stage.start(operation)?;
    let mut watch = Watch::new(operation.path());
    let mut waker = Waker::new(operation, &stage);
    let path = Path::find(&mut child, &mut watch, stepped, |pid| waker.wake(pid));
    waker.finish();
    child.kill();
    drop(watch);
    // Whatever it left is looked at when it is killed behind its last instruction.
    stage.forget();
    path
}

/// Sets the stage, and has the dead die on it.
fn set(
    operation: &'static Operation,
    scene: Scene,
    dead: Option<Dead<'_>>,
) -> Result<Stage, String> {
    let mut stage = Stage::set(operation, scene)?;
    if let Some(dead) = dead {
        let mut child = stage.start(dead.operation)?;
        dead.path.run_to(dead.index, &mut child, |_| {})?;
        child.kill();
    }
    Ok(stage)
}

fn describe(dead: Option<Dead<'_>>, place: Option<(&Path, Place)>) -> String {
    let about = |path: &Path, index: usize| {
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
    let mut text = match place {
        Some((path, Place::Before(index))) => {
            format!("killed at instruction {}", about(path, index))
        }
        Some((path, Place::Asleep(index))) => {
            format!("killed asleep in instruction {}", about(path, index))
        }
        None => "not killed".into(),
    };
    if let Some(dead) = dead {
        let place = about(dead.path, dead.index);
        text += &format!(", after {} was killed at {place}", dead.operation.name);
    }
    text
}

/// One run with a kill, and how long it took until somebody else had published.
fn kill_at(
    operation: &'static Operation,
    scene: Scene,
    dead: Option<Dead<'_>>,
    path: &Path,
    place: Place,
    figures: &mut Figures,
) -> Result<Duration, Violation> {
    let failed = |what| Violation { what, hung: false };
    let mut stage = set(operation, scene, dead).map_err(failed)?;
    let mut earlier = operation.content(scene);
    let mut old = earlier.clone();
    if dead.is_some() {
        let left = Oracle::look(&operation.path(), operation.kind, stage.peer.is_some());
        if let Some(wrong) = left.wrong {
            return Err(failed(format!("the victim left this: {wrong}")));
        }
        old = left.content;
        let version = earlier.version();
        if let (Some(copy), true) = (left.copy, version < old.version()) {
            // Not rolled forward yet.
            earlier = Content::Whole(copy, version);
        }
    }
    let mut allowed = operation.allowed(scene, old.clone(), earlier);
    let mut child = stage.start(operation).map_err(failed)?;
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
    if operation.is_woken() {
        // The harness itself knows which value it is.
        allowed = Allowed {
            old: if published { Content::Free } else { old },
            new: allowed.new.filter(|_| published),
            free: false,
            ..allowed
        };
    }
    // Nobody waits for a process that is stopped but who wants to write.
    let peer = stage
        .peer
        .as_ref()
        .filter(|_| !operation.kind.is_in_place());
    let before = peer.map(|peer| peer.copy());
    let rival = stage.peer.clone().filter(|_| operation.contended);
    let rival = rival.map(|peer| Rival::start(peer, operation.kind.is_in_place()));
    let killed = Instant::now();
    child.kill();
    let rival = rival.map_or(Ok(false), Rival::finish).map_err(failed)?;
    let verifier = Verifier {
        operation,
        scene,
        allowed,
        peer: stage.peer.clone(),
        before,
        killed,
        patient: figures.kills % PATIENT == 0,
    };
    let seen = verifier.verify();
    let hung = matches!(&seen, Err(violation) if violation.hung);
    let cleared = if hung { Ok(()) } else { stage.clear() };
    let mut seen = seen?;
    if rival && !matches!(seen.found, Found::Old | Found::Poisoned) {
        return Err(failed(
            "a writer that waited was told of a change that was published".into(),
        ));
    }
    seen.recovered |= rival;
    figures.count(seen);
    cleared.map_err(failed)?;
    Ok(seen.recovery)
}

/// Publishes once, when the child has gone to sleep.
struct Waker {
    peer: Option<Arc<Object>>,
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
                drop(peer.store(NEW));
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

/// Returns when the process sleeps in the kernel.
fn sleeps(pid: i32) {
    let stat = format!("/proc/{pid}/stat");
    until_asleep(std::path::Path::new(&stat), || false);
}
