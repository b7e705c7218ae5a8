//! `torture`: processes that share one object, killed, stopped and forked at random, in rounds.
//!
//! ```text
//! cargo run --release -p tests --bin torture -- [--seconds N] [--seed S] [--round K] [--writers W]
//!     [--readers R] [--payload BYTES] [--buffers B] [--kind copies|in-place|array] [--file yes|no] [--strict] [--json]
//! ```
//!
//! Each round has its own directory of named objects and its own numbers, drawn from the seed: 2 to 8 writers,
//! up to 16 readers, a value of 8 bytes to a mebibyte, 2 to 8 buffers, hardly more handles than processes. In a
//! quarter of the rounds the value is changed in place, in another it is an array, whose items are changed one by
//! one and together; a third has its object at a path, and flushes it. While
//! they write and read, publishers create and remove the object, a janitor lists and prunes, all of them
//! fork now and then, and the conductor kills one every few milliseconds, or stops it for a while.
//!
//! What must hold is checked while the round goes on (no value is torn; no handle goes back; what is known to
//! be published is seen; an open object stays until somebody removes it; somebody gets on), at its end (no row,
//! pin, file, descriptor or mapping is left) and afterwards, from the log (every version has one writer, who
//! said so or was killed). The program ends with 1 if anything did not, and says how to repeat the round.
//!
//! The bound of the longest time without a commit is 10 s, with `--strict` 250 ms. Time in which the conductor
//! has somebody stopped does not count.

use std::process::ExitCode;
use std::time::Duration;

mod board;
mod conductor;
mod ending;
mod ledger;
mod plan;
mod report;
mod roles;
mod sys;
mod value;
mod witness;

use conductor::Stage;
use plan::{Asked, Kind, Plan, Teeth};
use report::Report;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let Some(("peer", rest)) = args.split_first().map(|(first, rest)| (&**first, rest)) {
        roles::run(rest);
        return ExitCode::SUCCESS;
    }
    let asked = match Asked::parse(&args) {
        Ok(asked) => asked,
        Err(wrong) => {
            eprintln!("{wrong}; see the first lines of tests/src/bin/torture/main.rs");
            return ExitCode::from(2);
        }
    };
    sys::catch_interrupts();
    let stage = Stage::new();
    let seconds = Duration::from_secs(asked.seconds);
    let mut report = Report::new(asked.clone());
    let mut round = asked.round.unwrap_or(1);
    while report.elapsed() < seconds && report.is_clean() && !sys::is_interrupted() {
        let plan = Plan::draw(&asked, round);
        let left = seconds - report.elapsed();
        let outcome = stage.round(&plan, round, left, &mut report);
        report.add(round, &plan, outcome);
        if asked.round.is_none() {
            round += 1;
        }
    }
    drop(stage);
    report.finish();
    if sys::is_interrupted() {
        eprintln!("interrupted");
    }
    if report.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

impl Asked {
    fn parse(args: &[String]) -> Result<Self, String> {
        let mut asked = Asked {
            seconds: 0,
            seed: u64::from(std::process::id()),
            round: None,
            writers: None,
            readers: None,
            payload: None,
            buffers: None,
            kind: None,
            file: None,
            strict: false,
            json: false,
            teeth: Teeth::None,
        };
        let mut words = args.iter();
        while let Some(word) = words.next() {
            let mut next = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--strict" => asked.strict = true,
                "--json" => asked.json = true,
                "--seconds" => asked.seconds = number(next()?, 1..=1 << 32)?,
                "--seed" => asked.seed = number(next()?, 0..=u64::MAX)?,
                "--round" => asked.round = Some(number(next()?, 1..=u64::MAX)?),
                "--writers" => asked.writers = Some(small(next()?, 1, 8)?),
                "--readers" => asked.readers = Some(small(next()?, 0, 16)?),
                "--buffers" => asked.buffers = Some(small(next()?, 2, 8)?),
                "--payload" => {
                    let payload = small(next()?, 8, 1 << 20)?;
                    if !value::SIZES.contains(&payload) {
                        return Err(format!("there are payloads of {:?} bytes", value::SIZES));
                    }
                    asked.payload = Some(payload);
                }
                "--kind" => {
                    let name = next()?;
                    let mut all = Kind::ALL.iter();
                    let found = all.find(|(known, _)| known == name);
                    asked.kind = Some(found.ok_or(format!("no such kind: {name}"))?.1);
                }
                "--file" => asked.file = Some(next()? == "yes"),
                // To see that what is wrong is found.
                "--teeth" => {
                    let name = next()?;
                    let mut all = Teeth::ALL.iter();
                    let found = all.find(|(known, _)| known == name);
                    asked.teeth = found.ok_or(format!("no such teeth: {name}"))?.1;
                }
                other => return Err(format!("no such option: {other}")),
            }
        }
        if asked.seconds == 0 {
            // A round that is repeated: once.
            asked.seconds = if asked.round.is_some() { 6 } else { 60 };
        }
        Ok(asked)
    }

    /// The options that were given besides the seed and the round.
    fn given(&self) -> String {
        let numbers = [
            ("writers", self.writers),
            ("readers", self.readers),
            ("payload", self.payload),
            ("buffers", self.buffers),
        ];
        let given = numbers.iter().filter_map(|(name, value)| {
            let value = (*value)?;
            Some(format!(" --{name} {value}"))
        });
        let mut kinds = Kind::ALL.iter();
        let kind = kinds.find(|(_, kind)| Some(*kind) == self.kind);
        let kind = kind.map(|(name, _)| format!(" --kind {name}"));
        let file = self.file.map(|file| match file {
            true => " --file yes".to_owned(),
            false => " --file no".to_owned(),
        });
        let strict = self.strict.then(|| " --strict".to_owned());
        given.chain(kind).chain(file).chain(strict).collect()
    }
}

fn number(word: &str, range: std::ops::RangeInclusive<u64>) -> Result<u64, String> {
    let number = word.parse().ok().filter(|number| range.contains(number));
    number.ok_or(format!("{word} is no number in {range:?}"))
}

fn small(word: &str, least: u32, most: u32) -> Result<u32, String> {
    let number = number(word, least.into()..=most.into())?;
    u32::try_from(number).map_err(|error| error.to_string())
}
