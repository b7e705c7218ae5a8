//! Accounts for every version of a round, once all its processes are gone.
//!
//! A writer says what it is about to publish, publishes, and says that it did. So of a writer that was killed
//! one publication may be unsaid, and it is known which. And each writer says whose value it found: every
//! version but the last, and those before a blind `store`, is seen by its successor.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering::SeqCst;

use crate::board::{Board, Kind, Word};
use crate::plan;
use crate::report::Violation;

/// More versions than a round can have.
const TOO_MANY: u64 = 1 << 26;

/// What is known of one object: for each version the life that says it published it, and the one it is said to
/// be by.
#[derive(Debug, Default)]
struct Book {
    said: Vec<u16>,
    seen: Vec<u16>,
    recovered: HashMap<u64, u32>,
    /// Those who gave up in place, and live: one who did may have been found by many, one after the other.
    left: HashSet<u64>,
}

fn place(list: &mut Vec<u16>, version: u64) -> &mut u16 {
    let at = usize::try_from(version.min(TOO_MANY)).unwrap_or(0);
    if list.len() <= at {
        list.resize(at + 1, 0);
    }
    &mut list[at]
}

/// What those who were killed were about to publish in one object: the versions, and how many did not know theirs.
#[derive(Debug, Default)]
struct Unsaid {
    known: HashMap<u64, Vec<u16>>,
    blind: Vec<u16>,
    /// Those who were not as far as publishing.
    changes: usize,
}

/// The outcome of an audit.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    pub(crate) violations: Vec<Violation>,
    /// Versions that were published by somebody who was killed before it could say so.
    pub(crate) unsaid: u64,
}

pub(crate) fn audit(board: Board) -> Audit {
    let mut audit = Audit::default();
    let mut books: HashMap<u16, Book> = HashMap::new();
    for line in board.lines() {
        let book = books.entry(line.incarnation).or_default();
        let (version, life) = (line.version, line.life);
        match line.kind {
            Kind::Commit => {
                let said = place(&mut book.said, version);
                if *said != 0 {
                    let text = format!(
                        "version {version} of object {} was published twice, by lives {said} and {life}",
                        line.incarnation
                    );
                    audit.lost(text);
                }
                *said = life;
            }
            Kind::Seen => {
                let seen = place(&mut book.seen, version);
                if *seen != 0 && *seen != life {
                    let text = format!(
                        "version {version} of object {} was seen by lives {seen} and {life}",
                        line.incarnation
                    );
                    audit.lost(text);
                }
                *seen = life;
            }
            Kind::Recovered => *book.recovered.entry(version).or_default() += 1,
            Kind::Left => {
                book.left.insert(version);
            }
            Kind::Blind | Kind::Change => {}
        }
    }
    let mut unsaid = unsaid(board, &mut books);
    let in_place = board.plan().kind != plan::Kind::Copies;
    for (incarnation, book) in &mut books {
        let unsaid = unsaid.remove(incarnation).unwrap_or_default();
        let newest = board.newest(*incarnation).load(SeqCst);
        audit.account(*incarnation, book, unsaid, newest, in_place);
    }
    audit
}

/// What lives were about to publish and did not say.
fn unsaid(board: Board, books: &mut HashMap<u16, Book>) -> HashMap<u16, Unsaid> {
    let mut all: HashMap<u16, Unsaid> = HashMap::new();
    let last = u16::try_from(board.get(Word::NextLife)).unwrap_or(u16::MAX);
    for intent in (1..=last).filter_map(|life| board.intent(life)) {
        let unsaid = all.entry(intent.incarnation).or_default();
        let book = books.entry(intent.incarnation).or_default();
        match intent.kind {
            Kind::Change => unsaid.changes += 1,
            Kind::Blind => unsaid.blind.push(intent.life),
            _ if *place(&mut book.said, intent.version) == intent.life => {}
            _ => {
                let lives = unsaid.known.entry(intent.version).or_default();
                lives.push(intent.life);
            }
        }
    }
    all
}

impl Audit {
    fn lost(&mut self, text: String) {
        // One cause has thousands of effects.
        if self.violations.len() < 20 {
            self.violations.push(Violation::new("lost", text));
        }
    }

    /// Accounts for the versions of one object up to the newest that anybody knows of.
    fn account(
        &mut self,
        incarnation: u16,
        book: &mut Book,
        mut unsaid: Unsaid,
        newest: u64,
        in_place: bool,
    ) {
        for (version, times) in &book.recovered {
            // The dead, of whom each was about to publish the next version, or did not say which.
            let known = unsaid.known.get(&(version + 1)).map_or(0, Vec::len);
            let dead = known + unsaid.blind.len() + unsaid.changes;
            if *times as usize > dead && !(in_place && (dead > 0 || book.left.contains(version))) {
                let text = format!(
                    "{times} writers found one dead after version {version} of object {incarnation}, where {known} died"
                );
                self.violations.push(Violation::new("other", text));
            }
        }
        let last = (book.said.len().max(book.seen.len()) as u64).saturating_sub(1);
        // Version 1 is the creator's.
        for version in 2..=last.max(newest).min(TOO_MANY) {
            let said = *place(&mut book.said, version);
            let seen = *place(&mut book.seen, version);
            if said != 0 {
                if seen != 0 && seen != said {
                    let text = format!(
                        "version {version} of object {incarnation} was published by life {said}, and is by life {seen}"
                    );
                    self.lost(text);
                }
                continue;
            }
            let known = unsaid.known.remove(&version).unwrap_or_default();
            let known = known.iter().any(|life| seen == 0 || seen == *life);
            let mut blind = unsaid.blind.iter();
            let blind = blind.position(|life| seen == 0 || seen == *life);
            if !known {
                let Some(blind) = blind else {
                    let text = format!(
                        "version {version} of object {incarnation} (newest {newest}, by life {seen}) was \
                         published by nobody who says so"
                    );
                    self.lost(text);
                    continue;
                };
                unsaid.blind.swap_remove(blind);
            }
            self.unsaid += 1;
        }
    }
}
