//! Which objects there are, and how often each is updated.

use std::collections::{HashMap, VecDeque};
use std::time::{Instant, SystemTime};

use shmem_core::{Info, Location, Version, list};

use crate::commands::ls::place;
use crate::failure::Result;

/// How many rates are kept for the picture.
const HISTORY: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Name,
    Rate,
    Age,
}

/// One object, as it was seen last.
pub(super) struct Seen {
    pub(super) info: Info,
    pub(super) rates: VecDeque<f64>,
    version: Version,
    at: Instant,
}

impl Seen {
    /// Over the last few looks: one alone is by chance before an update or behind it.
    pub(super) fn rate(&self) -> f64 {
        const LOOKS: usize = 4;
        let newest = self.rates.iter().rev().take(LOOKS);
        newest.sum::<f64>() / self.rates.len().clamp(1, LOOKS) as f64
    }
}

/// A new object of an old name is another one.
type Key = (Location, SystemTime);

pub(super) struct Objects {
    seen: HashMap<Key, Seen>,
    /// Those that are shown, in their order.
    shown: Vec<Key>,
    selected: Option<Key>,
    word: String,
    order: Order,
}

impl Objects {
    pub(super) fn new(word: String) -> Self {
        Objects {
            seen: HashMap::new(),
            shown: Vec::new(),
            selected: None,
            word,
            order: Order::Name,
        }
    }

    /// Looks at all of them, as `ls` does: nothing is stored anywhere.
    pub(super) fn look(&mut self) -> Result<()> {
        let now = Instant::now();
        let mut before = std::mem::take(&mut self.seen);
        for info in list()? {
            let key = (info.location.clone(), info.created);
            let seen = match before.remove(&key) {
                None => Seen {
                    version: info.version,
                    at: now,
                    rates: VecDeque::new(),
                    info,
                },
                Some(mut seen) => {
                    let updates = info.version.0.saturating_sub(seen.version.0) as f64;
                    let time = now.duration_since(seen.at).as_secs_f64();
                    seen.rates.push_back(updates / time.max(0.001));
                    if seen.rates.len() > HISTORY {
                        seen.rates.pop_front();
                    }
                    Seen {
                        version: info.version,
                        at: now,
                        rates: seen.rates,
                        info,
                    }
                }
            };
            self.seen.insert(key, seen);
        }
        self.arrange();
        Ok(())
    }

    fn arrange(&mut self) {
        let word = &self.word;
        let wanted = self
            .seen
            .iter()
            .filter(|(_, seen)| place(&seen.info).contains(word.as_str()));
        let mut shown: Vec<_> = wanted.collect();
        shown.sort_by(|(_, a), (_, b)| {
            let by_name = || place(&a.info).cmp(&place(&b.info));
            match self.order {
                Order::Name => by_name(),
                Order::Rate => b.rate().total_cmp(&a.rate()).then_with(by_name),
                Order::Age => a.info.age.cmp(&b.info.age).then_with(by_name),
            }
        });
        self.shown = shown.into_iter().map(|(key, _)| key.clone()).collect();
        let is_shown = |key: &Key| self.shown.contains(key);
        if !self.selected.as_ref().is_some_and(is_shown) {
            self.selected = self.shown.first().cloned();
        }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Seen> {
        self.shown.iter().filter_map(|key| self.seen.get(key))
    }

    pub(super) fn selected(&self) -> Option<&Info> {
        let seen = self.seen.get(self.selected.as_ref()?)?;
        Some(&seen.info)
    }

    pub(super) fn index(&self) -> Option<usize> {
        self.shown
            .iter()
            .position(|key| Some(key) == self.selected.as_ref())
    }

    pub(super) fn go(&mut self, by: isize) {
        let Some(last) = self.shown.len().checked_sub(1) else {
            return;
        };
        let index = self
            .index()
            .unwrap_or(0)
            .saturating_add_signed(by)
            .min(last);
        self.selected = self.shown.get(index).cloned();
    }

    pub(super) fn word(&self) -> &str {
        &self.word
    }

    pub(super) fn filter(&mut self, word: String) {
        self.word = word;
        self.arrange();
    }

    pub(super) fn order(&self) -> Order {
        self.order
    }

    pub(super) fn sort_otherwise(&mut self) {
        self.order = match self.order {
            Order::Name => Order::Rate,
            Order::Rate => Order::Age,
            Order::Age => Order::Name,
        };
        self.arrange();
    }
}
