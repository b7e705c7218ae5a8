//! What is measured of one contestant in one process, with every value checked.

use std::hint::black_box;
use std::thread;
use std::time::Duration;

use crate::histogram::Histogram;
use crate::{Failure, Outcome, Peer, Place, Value, clock_ns, cpu_ns, failed};

/// The word that ends a game of ping and pong.
const END: u64 = u64::MAX;

/// A contestant, the values that go in and out, and what is expected.
pub(crate) struct Bench<P, const W: usize> {
    pub(crate) peer: P,
    back: Option<P>,
    new: Box<Value<W>>,
    out: Box<Value<W>>,
    /// What the first word is, and what all others are, if this process alone writes.
    first: u64,
    rest: u64,
    /// How many calls the last `time` of each operation made in a millisecond.
    pace: [u64; 5],
}

pub(crate) fn zeros<const W: usize>() -> Box<Value<W>> {
    let words = vec![0; W].into_boxed_slice();
    words.try_into().expect("as many as that")
}

/// Whether all words are equal.
fn is_whole(value: &[u64]) -> bool {
    value.iter().fold(0, |sum, word| sum | (word ^ value[0])) == 0
}

/// The same of a few words, which costs little.
#[inline]
fn seems_whole<const W: usize>(value: &Value<W>) -> bool {
    let first = value[0];
    (value[W - 1] ^ first) | (value[W / 2] ^ first) | (value[W / 4] ^ first) == 0
}

fn sleep_until(time: u64) {
    let now = clock_ns();
    if time > now + 200_000 {
        thread::sleep(Duration::from_nanos(time - now - 100_000));
    }
    while clock_ns() < time {
        std::hint::spin_loop();
    }
}

impl<P: Peer<W>, const W: usize> Bench<P, W> {
    pub(crate) fn new(peer: P, back: Option<P>) -> Self {
        Bench {
            peer,
            back,
            new: zeros(),
            out: zeros(),
            first: 0,
            rest: 0,
            pace: [0; 5],
        }
    }

    /// Repeats an operation for about so many milliseconds: nanoseconds a call, calls, wrong values.
    ///
    /// What was read or written last is checked as a whole afterwards.
    pub(crate) fn time(&mut self, operation: &str, millis: u64) -> Outcome<Vec<f64>> {
        let which = ["read-field", "copy", "write-field", "write-all", "poll"];
        let which = which.iter().position(|name| *name == operation);
        let which = which.ok_or_else(|| failed("no such operation"))?;
        if !P::OPERATIONS.contains(&operation) {
            return Err(Failure::NotOffered);
        }
        // What `write-all` writes.
        self.new.fill(self.first.max(self.rest) + 1);
        while self.pace[which] == 0 {
            // Doubles until it can be measured.
            let mut calls = 1;
            loop {
                let start = clock_ns();
                self.repeat(which, calls)?;
                let took = clock_ns() - start;
                if took > 300_000 {
                    self.pace[which] = (calls * 1_000_000 / took).max(1);
                    break;
                }
                calls *= 2;
            }
        }
        // Not in the time either: others had the caches since the last turn, and no call of a turn should be the first
        // that touches a page. Eight, so that a contestant with several buffers comes to each.
        let mut wrong = self.repeat(which, (self.pace[which] / 4).max(8))?;
        let calls = self.pace[which] * millis;
        let start = clock_ns();
        wrong += self.repeat(which, calls)?;
        let took = clock_ns() - start;
        // Nor this: for a mebibyte it takes as long as thousands of calls.
        wrong += match self.look() {
            // A limit that has a field and no value.
            Err(Failure::NotOffered) => 0,
            other => other?,
        };
        // Something else may have had the processor when the pace was found.
        self.pace[which] = self.pace[which].max(calls * 1_000_000 / took.max(1));
        Ok(vec![took as f64 / calls as f64, calls as f64, wrong as f64])
    }

    fn repeat(&mut self, which: usize, calls: u64) -> Outcome<u64> {
        match which {
            0 => self.read_fields(calls),
            1 => self.copies(calls),
            2 => self.write_fields(calls),
            3 => self.write_alls(calls),
            _ => self.polls(calls),
        }
    }

    #[inline(never)]
    fn read_fields(&mut self, calls: u64) -> Outcome<u64> {
        let mut wrong = 0;
        for _ in 0..calls {
            wrong += u64::from(black_box(self.peer.read_field()?) != self.first);
        }
        Ok(wrong)
    }

    #[inline(never)]
    fn polls(&mut self, calls: u64) -> Outcome<u64> {
        let mut wrong = 0;
        for _ in 0..calls {
            wrong += u64::from(black_box(self.peer.poll()?) != self.first);
        }
        Ok(wrong)
    }

    #[inline(never)]
    fn copies(&mut self, calls: u64) -> Outcome<u64> {
        let mut wrong = 0;
        for _ in 0..calls {
            self.peer.copy(&mut self.out)?;
            let out = black_box(&*self.out);
            wrong += u64::from(out[0] != self.first) | u64::from(out[W - 1] != self.rest);
        }
        Ok(wrong)
    }

    #[inline(never)]
    fn write_fields(&mut self, calls: u64) -> Outcome<u64> {
        for _ in 0..calls {
            self.first += 1;
            self.peer.write_field(black_box(self.first))?;
        }
        Ok(0)
    }

    #[inline(never)]
    fn write_alls(&mut self, calls: u64) -> Outcome<u64> {
        for _ in 0..calls {
            self.peer.write_all(black_box(&self.new))?;
        }
        (self.first, self.rest) = (self.new[0], self.new[0]);
        Ok(0)
    }

    /// 1 if the object is not what was written last.
    fn look(&mut self) -> Outcome<u64> {
        self.out.fill(END);
        self.peer.copy(&mut self.out)?;
        Ok(u64::from(!self.is_as_expected()))
    }

    fn is_as_expected(&self) -> bool {
        self.out[0] == self.first && is_whole(&self.out[1..]) && self.out[1] == self.rest
    }

    /// Has the writer of a duel write whole values at full speed: calls and nanoseconds.
    pub(crate) fn write_for(&mut self, millis: u64, start: u64) -> Outcome<Vec<f64>> {
        sleep_until(start);
        let end = start + millis * 1_000_000;
        let (mut calls, mut now) = (0u32, clock_ns());
        let begun = now;
        let mut word = self.rest;
        while now < end {
            for _ in 0..if W <= 512 { 16 } else { 1 } {
                word += 1;
                self.new.fill(word);
                self.peer.write_all(&self.new)?;
                calls += 1;
            }
            now = clock_ns();
        }
        (self.first, self.rest) = (word, word);
        Ok(vec![f64::from(calls), (now - begun) as f64])
    }

    /// Has the reader of a duel copy whole values at full speed: calls, nanoseconds, torn values, steps back.
    pub(crate) fn read_for(&mut self, millis: u64, start: u64) -> Outcome<Vec<f64>> {
        if !P::OPERATIONS.contains(&"copy") {
            return Err(Failure::NotOffered);
        }
        sleep_until(start);
        let end = start + millis * 1_000_000;
        let (mut calls, mut torn, mut back, mut last) = (0u64, 0u64, 0u64, 0);
        let mut now = clock_ns();
        let begun = now;
        while now < end {
            for _ in 0..if W <= 512 { 16 } else { 1 } {
                self.peer.copy(&mut self.out)?;
                let out = black_box(&*self.out);
                torn += u64::from(!seems_whole(out));
                back += u64::from(out[0] < last);
                last = out[0];
                calls += 1;
            }
            now = clock_ns();
        }
        Ok([calls, now - begun, torn, back].map(|n| n as f64).into())
    }

    /// The same with each call timed and each value checked whole: p50, p99, p99.9, max, calls, torn.
    pub(crate) fn latency_for(&mut self, millis: u64, start: u64) -> Outcome<Vec<f64>> {
        sleep_until(start);
        let end = start + millis * 1_000_000;
        let mut histogram = Histogram::new();
        let mut torn = 0;
        let mut before = clock_ns();
        while before < end {
            self.peer.copy(&mut self.out)?;
            histogram.add(clock_ns() - before);
            torn += u64::from(!is_whole(&*self.out));
            before = clock_ns();
        }
        let quantiles = [0.5, 0.99, 0.999].map(|share| histogram.quantile(share));
        let [p50, p99, p999] = quantiles;
        let all = [p50, p99, p999, histogram.max(), histogram.seen(), torn];
        Ok(all.map(|n| n as f64).into())
    }

    /// One of many readers: calls, nanoseconds of processor time, wrong values.
    pub(crate) fn crowd(&mut self, operation: &str, millis: u64, start: u64) -> Outcome<Vec<f64>> {
        let is_copy = operation == "copy";
        // The first call maps pages.
        self.peer.read_field()?;
        let now = clock_ns();
        thread::sleep(Duration::from_nanos(start.saturating_sub(now)));
        let end = start + millis * 1_000_000;
        let (mut calls, mut wrong, mut last) = (0u64, 0u64, 0);
        let begun = cpu_ns();
        while clock_ns() < end {
            for _ in 0..64 {
                let first = if is_copy {
                    self.peer.copy(&mut self.out)?;
                    wrong += u64::from(!seems_whole(black_box(&*self.out)));
                    self.out[0]
                } else {
                    black_box(self.peer.read_field()?)
                };
                wrong += u64::from(first < last);
                last = first;
            }
            calls += 64;
        }
        let cpu = cpu_ns() - begun;
        Ok([calls, cpu, wrong].map(|n| n as f64).into())
    }

    /// Writes whole values so often a second: calls.
    pub(crate) fn tick(&mut self, hertz: u64, millis: u64, start: u64) -> Outcome<Vec<f64>> {
        let end = start + millis * 1_000_000;
        let (mut next, mut calls) = (start, 0);
        while next < end {
            let now = clock_ns();
            thread::sleep(Duration::from_nanos(next.saturating_sub(now)));
            self.rest += 1;
            self.new.fill(self.rest);
            self.peer.write_all(&self.new)?;
            calls += 1;
            next += 1_000_000_000 / hertz;
        }
        self.first = self.rest;
        Ok(vec![f64::from(calls)])
    }

    /// Writes, waits until the other side has answered, for so long: nanoseconds for one direction, calls, wrong.
    pub(crate) fn ping(&mut self, place: &Place, asleep: bool, millis: u64) -> Outcome<Vec<f64>> {
        if self.back.is_none() {
            self.back = Some(P::open(&place.with("back"))?);
        }
        let begun = clock_ns();
        let end = begun + millis * 1_000_000;
        let (mut rounds, mut wrong) = (0u32, 0u32);
        let mut now = begun;
        while now < end {
            for _ in 0..if asleep { 1 } else { 16 } {
                self.first += 1;
                let word = self.first;
                self.say(word, asleep)?;
                wrong += u32::from(self.hear(word - 1, asleep)? != word);
                rounds += 1;
            }
            now = clock_ns();
        }
        // The other side starts its next game where this one ended.
        let word = self.first;
        self.say(END, asleep)?;
        self.hear(word, asleep)?;
        self.say(word, asleep)?;
        self.hear(END, asleep)?;
        let calls = f64::from(2 * rounds);
        Ok(vec![(now - begun) as f64 / calls, calls, f64::from(wrong)])
    }

    /// Answers whatever comes, until the end is said.
    pub(crate) fn pong(&mut self, asleep: bool) -> Outcome<Vec<f64>> {
        loop {
            let word = self.hear(self.first, asleep)?;
            if word == END {
                self.say(END, asleep)?;
                self.first = self.hear(END, asleep)?;
                self.say(self.first, asleep)?;
                return Ok(vec![]);
            }
            self.first = word;
            self.say(word, asleep)?;
        }
    }

    #[inline]
    fn say(&mut self, word: u64, asleep: bool) -> Outcome<()> {
        if asleep {
            return self.peer.announce(word);
        }
        self.new[0] = word;
        self.new[W - 1] = word;
        self.peer.write_all(&self.new)
    }

    #[inline]
    fn hear(&mut self, seen: u64, asleep: bool) -> Outcome<u64> {
        let back = self.back.as_mut().ok_or_else(|| failed("no pair"))?;
        if asleep {
            return back.wait(seen);
        }
        loop {
            let word = back.poll()?;
            if word != seen {
                return Ok(word);
            }
        }
    }

    /// Reads once: nanoseconds, and 1 if the value was torn.
    pub(crate) fn probe_read(&mut self) -> Outcome<Vec<f64>> {
        let start = clock_ns();
        self.peer.copy(&mut self.out)?;
        let took = clock_ns() - start;
        let torn = u8::from(!is_whole(&*self.out));
        Ok(vec![took as f64, torn.into()])
    }

    /// Writes some whole values: the nanoseconds of the slowest, and 1 if what is read then is another.
    pub(crate) fn probe_write(&mut self) -> Outcome<Vec<f64>> {
        let mut slowest = 0;
        for word in 1..=16 {
            self.new.fill(word);
            let start = clock_ns();
            self.peer.write_all(&self.new)?;
            slowest = slowest.max(clock_ns() - start);
        }
        self.peer.copy(&mut self.out)?;
        let other = u8::from(self.out != self.new);
        Ok(vec![slowest as f64, other.into()])
    }

    /// Writes whole values until it is killed.
    pub(crate) fn write_for_ever(&mut self, begun: impl FnOnce()) -> Outcome<Vec<f64>> {
        begun();
        loop {
            self.rest += 1;
            self.new.fill(self.rest);
            self.peer.write_all(&self.new)?;
        }
    }

    /// Reads whole values until it is killed.
    pub(crate) fn read_for_ever(&mut self, begun: impl FnOnce()) -> Outcome<Vec<f64>> {
        begun();
        loop {
            self.peer.copy(&mut self.out)?;
        }
    }
}
