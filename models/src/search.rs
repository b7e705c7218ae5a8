//! Breadth-first search through all states of a model, with the shortest way to what is wrong.
//!
//! Of a state that was seen, 64 bits of hash, its predecessor and the number of the step are kept, 13 bytes,
//! and the states themselves only for the level that is being explored and the next. The way to a violation is
//! found by doing its steps again. Two states with one hash would count as one: with ten million states the
//! chance that any two do is 3 in a million.

use std::fmt;
use std::hash::{Hash, Hasher};

/// A model of a part of the protocol.
pub trait Model {
    type State: Copy + Hash;

    fn start(&self) -> Self::State;

    /// All that can happen next, always in the same order.
    fn steps(&self, state: &Self::State, out: &mut Steps<Self::State>);

    /// What is wrong with this state, if anything.
    fn broken(&self, _: &Self::State) -> Option<&'static str> {
        None
    }

    /// What is wrong if nothing but a fault can happen any more.
    fn at_rest(&self, _: &Self::State) -> Option<&'static str> {
        None
    }
}

/// The steps that are possible in one state.
pub struct Steps<S> {
    next: Vec<S>,
    progress: bool,
    broken: Option<(&'static str, String)>,
    reached: Vec<&'static str>,
    /// Kept only while a way is told.
    labels: Option<Vec<String>>,
}

impl<S> Steps<S> {
    fn new(labels: Option<Vec<String>>) -> Self {
        Steps {
            next: Vec::new(),
            progress: false,
            broken: None,
            reached: Vec::new(),
            labels,
        }
    }

    /// For a model that looks ahead by itself.
    pub fn silent() -> Self {
        Steps::new(None)
    }

    /// The step that was added last.
    pub fn last(&self) -> Option<S>
    where
        S: Copy,
    {
        self.next.last().copied()
    }

    /// A step of the protocol.
    pub fn step(&mut self, label: fmt::Arguments<'_>, state: S) {
        self.progress = true;
        self.fault(label, state);
    }

    /// What nobody may count on, such as a kill.
    pub fn fault(&mut self, label: fmt::Arguments<'_>, state: S) {
        if let Some(labels) = &mut self.labels {
            labels.push(label.to_string());
        }
        self.next.push(state);
    }

    /// A step that breaks a property.
    pub fn fail(&mut self, label: fmt::Arguments<'_>, property: &'static str) {
        if self.broken.is_none() {
            self.broken = Some((property, label.to_string()));
        }
    }

    /// Notes that something happens in this model: a search that never saw it shows nothing about it.
    pub fn reached(&mut self, what: &'static str) {
        if !self.reached.contains(&what) {
            self.reached.push(what);
        }
    }
}

/// A property that does not hold, and how that comes about.
#[derive(Clone, Debug)]
pub struct Violation {
    pub property: &'static str,
    pub steps: Vec<String>,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub states: usize,
    pub depth: usize,
    /// Whether all states were seen; true also of a search that ended at a violation.
    pub complete: bool,
    pub violation: Option<Violation>,
    pub reached: Vec<&'static str>,
}

/// Searches until something is wrong, or at most `limit` states.
pub fn search<M: Model>(model: &M, limit: usize) -> Outcome {
    let start = model.start();
    let mut seen = Seen::new();
    seen.insert(fingerprint(&start));
    // By number of the state, from 1; the start is number 0.
    let mut origins: Vec<(u32, u8)> = Vec::new();
    let mut level = vec![start];
    let mut first = 0;
    let mut depth = 0;
    let mut out = Steps::new(None);
    let outcome = |states, depth, complete, violation, reached| Outcome {
        states,
        depth,
        complete,
        violation,
        reached,
    };
    while !level.is_empty() {
        let mut next = Vec::new();
        for (offset, state) in level.iter().enumerate() {
            let number = first + offset;
            out.next.clear();
            out.progress = false;
            let mut broken = model.broken(state).map(|property| (property, None));
            if broken.is_none() {
                model.steps(state, &mut out);
                if let Some((property, label)) = out.broken.take() {
                    broken = Some((property, Some(label)));
                } else if !out.progress {
                    broken = model.at_rest(state).map(|property| (property, None));
                }
            }
            if let Some((property, last)) = broken {
                let mut steps = retell(model, &origins, number);
                steps.extend(last);
                let violation = Violation { property, steps };
                let states = origins.len() + 1;
                return outcome(states, depth, true, Some(violation), out.reached);
            }
            for (step, successor) in out.next.iter().enumerate() {
                if seen.insert(fingerprint(successor)) {
                    let number = u32::try_from(number).expect("more states than a u32 counts");
                    let step = u8::try_from(step).expect("more steps than a u8 counts");
                    origins.push((number, step));
                    next.push(*successor);
                }
            }
        }
        if origins.len() > limit {
            return outcome(origins.len() + 1, depth, false, None, out.reached);
        }
        first += level.len();
        depth += usize::from(!next.is_empty());
        level = next;
    }
    outcome(origins.len() + 1, depth, true, None, out.reached)
}

/// The steps that lead from the start to a state.
fn retell<M: Model>(model: &M, origins: &[(u32, u8)], mut number: usize) -> Vec<String> {
    let mut way = Vec::new();
    while number != 0 {
        let (origin, step) = origins[number - 1];
        way.push(usize::from(step));
        number = origin as usize;
    }
    let mut state = model.start();
    let mut told = Vec::with_capacity(way.len());
    for step in way.into_iter().rev() {
        let mut out = Steps::new(Some(Vec::new()));
        model.steps(&state, &mut out);
        told.extend(out.labels.map(|mut labels| labels.swap_remove(step)));
        state = out.next[step];
    }
    told
}

/// The hashes that were seen; 0 marks a free place.
struct Seen {
    table: Vec<u64>,
    len: usize,
}

impl Seen {
    fn new() -> Self {
        Seen {
            table: vec![0; 1 << 16],
            len: 0,
        }
    }

    /// Whether it is new.
    fn insert(&mut self, hash: u64) -> bool {
        if self.len * 4 > self.table.len() * 3 {
            let larger = vec![0; self.table.len() * 2];
            for old in std::mem::replace(&mut self.table, larger) {
                if old != 0 {
                    self.place(old);
                }
            }
        }
        let new = self.place(hash.max(1));
        self.len += usize::from(new);
        new
    }

    fn place(&mut self, hash: u64) -> bool {
        let mask = self.table.len() - 1;
        let mut at = usize::try_from(hash & mask as u64).unwrap_or(0);
        loop {
            match self.table[at] {
                0 => {
                    self.table[at] = hash;
                    return true;
                }
                found if found == hash => return false,
                _ => at = (at + 1) & mask,
            }
        }
    }
}

fn fingerprint(state: &impl Hash) -> u64 {
    let mut hasher = Mixer::default();
    state.hash(&mut hasher);
    hasher.finish()
}

/// States are bytes: gathers eight of them, then mixes by a full multiplication (as wyhash does).
#[derive(Default)]
struct Mixer {
    sum: u64,
    word: u64,
    bytes: u32,
}

impl Mixer {
    #[inline]
    fn mix(&mut self) {
        let (a, b) = (
            self.word ^ 0xA076_1D64_78BD_642F,
            self.sum ^ 0xE703_7ED1_A0B4_28DB,
        );
        let product = u128::from(a) * u128::from(b);
        let (low, high) = (product & u128::from(u64::MAX), product >> 64);
        // Not the bare product: it forgets the one factor when the other is 0.
        let folded = u64::try_from(low ^ high).unwrap_or(0);
        self.sum = folded ^ self.sum.rotate_left(23) ^ self.word.rotate_left(47);
        self.word = 0;
        self.bytes = 0;
    }
}

impl Hasher for Mixer {
    #[inline]
    fn write_u8(&mut self, byte: u8) {
        self.word = self.word << 8 | u64::from(byte);
        self.bytes += 1;
        if self.bytes == 8 {
            self.mix();
        }
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u8(*byte);
        }
    }

    /// The lengths of arrays, which are the same in all states.
    #[inline]
    fn write_usize(&mut self, _: usize) {}

    /// The variants of an enum without a `repr`.
    #[inline]
    fn write_isize(&mut self, number: isize) {
        self.write_u8(number.to_le_bytes()[0]);
    }

    fn finish(&self) -> u64 {
        let mut last = Mixer { ..*self };
        last.mix();
        last.word = u64::from(self.bytes);
        last.mix();
        last.sum
    }
}
