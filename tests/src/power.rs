//! A file through which power is cut, and what may be found of it then.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::process::Command;

use shmem_core::{Options, Shared, Version};

use crate::raw::{Raw, control, word};
use crate::recorder::{Actor, Mark, Recording};
use crate::{Checked, Random, TempDir};

/// How many files are tried of those that one moment allows, if they are too many to try all.
const SAMPLE: u128 = 300;
/// How many are tried at most.
const ALL: u128 = 20_000;

/// An object of `WORDS` words and 16 bytes, in a directory of its own.
#[derive(Debug)]
pub struct Stage<const WORDS: usize> {
    directory: TempDir,
    peer: &'static str,
}

impl<const WORDS: usize> Stage<WORDS> {
    /// Creates it, with the value of 1. `peer` is `env!("CARGO_BIN_EXE_peer")`.
    pub fn new(peer: &'static str, options: &Options<Checked<WORDS>>) -> Self {
        let stage = Stage {
            directory: TempDir::new("power"),
            peer,
        };
        let options = options.clone().max_handles(3);
        drop(options.create(stage.path(), Checked::new(1)).unwrap());
        stage
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join("object")
    }

    /// Starts a program that obeys this script.
    pub fn start(&self, recording: &mut Recording, script: &[&str]) -> Actor {
        let size = size_of::<Checked<WORDS>>().to_string();
        let mut command = Command::new(self.peer);
        command.arg("recorded").arg(self.path()).arg(size);
        recording.start(command.args(script))
    }

    /// One program does this.
    pub fn record(&self, unit: usize, script: &[&str]) -> Recording {
        let mut recording = Recording::new(&self.path(), unit);
        let mut actor = self.start(&mut recording, script);
        while recording.run_to(&mut actor, Mark::Step) {}
        recording
    }

    /// A file beside the object.
    pub fn beside(&self, raw: &Raw) -> PathBuf {
        let path = self.directory.path().join("disk");
        raw.write(&path);
        path
    }

    /// Opens what a power cut at `moment` has left, and sees whether it may be that. Says which counter it holds.
    pub fn cut(&self, recording: &Recording, moment: usize, mut disk: Raw) -> u64 {
        another_boot(&mut disk);
        let path = self.beside(&disk);
        let object = Checked::<WORDS>::open(&path)
            .unwrap_or_else(|error| panic!("after a power cut at {moment}: {error}"));
        let value = object.load_boxed().unwrap();
        assert!(value.is_whole(), "torn at {moment}: {}", value.counter);
        let counter = value.counter;
        let found = recording
            .published(moment)
            .find(|(_, bytes)| first_word(bytes) == counter);
        let Some((version, _)) = found else {
            panic!("at {moment}: {counter} was not published");
        };
        let flushed = recording.flushed(moment);
        assert!(
            version >= flushed,
            "at {moment}: {version} came back, {flushed} was flushed"
        );
        assert!(
            object.version() >= Version(disk.version()),
            "a version comes twice"
        );
        counter
    }

    /// Opens all that a power cut at `moment` may leave, or a sample of it; says how many that were.
    pub fn cut_anyhow(&self, recording: &Recording, moment: usize, random: &mut Random) -> usize {
        let (all, coarse) = (recording.disk(moment), recording.coarse_disk(moment));
        let mut seen = Seen::default();
        if coarse.count() <= ALL {
            for number in 0..coarse.count() {
                seen.add(coarse.nth(number), |disk| {
                    self.cut(recording, moment, disk);
                });
            }
        }
        for _ in 0..all.count().min(SAMPLE) {
            seen.add(all.any(random), |disk| {
                self.cut(recording, moment, disk);
            });
        }
        seen.hashes.len()
    }

    /// Power fails at many moments of the recording. Says how many different files were opened.
    pub fn cut_everywhere(&self, recording: &Recording) {
        let mut random = Random::new();
        println!("SHMEM_SEED={} repeats it", random.seed());
        let (mut files, mut most) = (0, 0);
        for moment in recording.windows() {
            files += self.cut_anyhow(recording, moment, &mut random);
            let count = recording.coarse_disk(moment).count();
            println!("{count} files of whole states at {moment}");
            most = most.max(count);
        }
        let windows = recording.windows().len();
        println!("{windows} windows, at most {most} files of whole states, {files} files opened");
        assert!(files > 100, "nothing happened between the flushes");
        let mut seen = Seen::default();
        for _ in 0..1_000 {
            let last = u32::try_from(recording.end()).unwrap();
            let moment = random.below(last + 1) as usize;
            let disk = recording.disk(moment).any(&mut random);
            seen.add(disk, |disk| {
                self.cut(recording, moment, disk);
            });
        }
        println!("{} files at {} moments", seen.hashes.len(), recording.end());
    }

    /// Everybody is killed at each moment of the recording, and power does not fail: nothing is lost.
    pub fn kill_everywhere(&self, recording: &Recording) {
        for moment in 0..=recording.end() {
            let path = self.beside(&recording.at(moment));
            let object = Checked::<WORDS>::open(&path).unwrap();
            let (version, bytes) = recording.published(moment).last().unwrap();
            assert_eq!(object.version(), Version(version), "at {moment}");
            let value = object.load_boxed().unwrap();
            assert!(
                value.is_whole() && value.counter == first_word(bytes),
                "at {moment}"
            );
        }
    }
}

/// Which files were seen before.
#[derive(Default)]
struct Seen {
    hashes: HashSet<u64>,
    state: RandomState,
}

impl Seen {
    fn add(&mut self, raw: Raw, new: impl FnOnce(Raw)) {
        if self.hashes.insert(self.state.hash_one(&raw.0)) {
            new(raw);
        }
    }
}

/// The machine has started anew since somebody had it open.
pub fn another_boot(raw: &mut Raw) {
    let at = raw.offset(word::CONTROL) + control::BOOT;
    raw.set(at, raw.at(at) ^ 1);
}

/// The counter of a value.
pub fn first_word(bytes: &[u8]) -> u64 {
    u64::from_ne_bytes(bytes[..8].try_into().unwrap())
}
