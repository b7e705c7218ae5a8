//! Who reads the array: under a guard, one item, or all items without one.

use super::*;

impl InPlace {
    pub(super) fn read(&self, s: &State, out: &mut Steps<State>) {
        let me = &s.reader;
        if s.kills > 0 && me.at != Look::Idle {
            let mut n = *s;
            n.kills -= 1;
            n.dead_pin |= me.pinned;
            n.reader = Reader {
                looks: me.looks,
                ..self.start().reader
            };
            out.fault(format_args!("R: KILLED"), n);
        }
        let mut n = *s;
        let x = &mut n.reader;
        let current = s.current;
        let done = |x: &mut Reader| {
            let (looks, newest) = (x.looks, x.newest);
            *x = self.start().reader;
            (x.looks, x.newest) = (looks, newest);
        };
        let mut dead = "R";
        let label: &str = match me.at {
            Look::Idle if me.looks == 0 => return,
            Look::Idle => {
                x.looks -= 1;
                x.first = current.version;
                x.at = match self.reads {
                    Reads::Guard => Look::Pin,
                    Reads::Item => Look::Stamps,
                    Reads::All => Look::ArrayStamp,
                };
                out.fault(format_args!("R: is to read"), n);
                return;
            }
            Look::Pin => {
                x.pinned = true;
                x.seen = current;
                x.at = match self.is(Mutation::NoLook) {
                    true => Look::Read(0),
                    false => Look::Current,
                };
                "pin"
            }
            Look::Current => {
                x.seen = current;
                x.at = match current.draining || current.dirty {
                    true => Look::Owner,
                    false => Look::Read(0),
                };
                "look"
            }
            Look::Owner => {
                let lives = s.owner != 0 && !s.owner_dead;
                x.at = Look::Recheck(lives);
                "ask who lives"
            }
            Look::Recheck(lives) => {
                let same = current == me.seen || self.is(Mutation::NoSecondLook);
                x.at = match (same, lives, me.seen.dirty) {
                    (true, false, true) => Look::Unpoison,
                    (true, false, false) => Look::Read(0),
                    _ => Look::Unpin,
                };
                if x.at == Look::Read(0) {
                    dead = "R, past a dead writer";
                    out.reached("a reader goes on past a dead writer");
                }
                "look again"
            }
            Look::Unpoison => {
                // Its pin has gone. A record is rolled forward by a writer of its own: that is one of the others.
                let pending = current.dirty && s.state == current.version + 1;
                let same = current.dirty && current.version == me.first;
                let poisoned = !pending && (same || self.is(Mutation::PoisonedOnce));
                if poisoned && !(s.spoilt && current.dirty) {
                    out.fail(
                        format_args!("R: is told that it is poisoned"),
                        POISONED_BY_ITEM,
                    );
                    return;
                }
                if poisoned {
                    out.reached("a reader is told that it is poisoned");
                }
                done(x);
                "is told, or looks once more"
            }
            Look::Unpin => {
                // It looks once more, later.
                done(x);
                "unpin"
            }
            Look::Read(word) => {
                let value = s.items[usize::from(word / 2)][usize::from(word % 2)];
                if value != s.history[usize::from(me.seen.version)][usize::from(word / 2)] {
                    out.fail(format_args!("R: read word {word}"), TORN_READ);
                    return;
                }
                match word {
                    3 => done(x),
                    _ => x.at = Look::Read(word + 1),
                }
                "read a word"
            }
            Look::Stamps => {
                let stamps = [s.whole, s.stripes[0]];
                let published = s.whole <= current.version || self.is(Mutation::UnpublishedWhole);
                if s.whole == 0 || stamps[1] == CHANGING || !published {
                    done(x);
                    "the item changes"
                } else {
                    x.stamps = stamps;
                    x.at = Look::CopyItem(0);
                    "stamps"
                }
            }
            Look::CopyItem(half) => {
                let at = usize::from(half);
                x.copy[0][at] = s.items[0][at];
                x.at = if half == 0 {
                    Look::CopyItem(1)
                } else {
                    Look::StampsAgain
                };
                "copy a half"
            }
            Look::StampsAgain => {
                let holds = [s.whole, s.stripes[0]] == me.stamps || self.is(Mutation::NoRecheck);
                let [first, second] = me.copy[0];
                if holds && first != second {
                    out.fail(format_args!("R: the stamps hold"), TORN_ITEM);
                    return;
                }
                let versions = &s.history[..=usize::from(current.version)];
                let published = versions.iter().any(|version| version[0] == first);
                if holds && (first < me.newest || !(published || first == s.recorded)) {
                    out.fail(format_args!("R: the stamps hold"), NEVER_PUBLISHED);
                    return;
                }
                if holds {
                    x.newest = first;
                }
                done(x);
                "stamps again"
            }
            Look::ArrayStamp => {
                x.seen = current;
                if s.stamp == current.version {
                    x.at = Look::CopyAll(0);
                } else {
                    done(x);
                }
                "the array's stamp"
            }
            Look::CopyAll(word) => {
                let (item, half) = (usize::from(word / 2), usize::from(word % 2));
                x.copy[item][half] = s.items[item][half];
                x.at = match word {
                    3 => Look::ArrayStampAgain,
                    _ => Look::CopyAll(word + 1),
                };
                "copy a word"
            }
            Look::ArrayStampAgain => {
                let holds = s.stamp == me.seen.version || self.is(Mutation::NoRecheck);
                let should = s.history[usize::from(me.seen.version)];
                if holds && me.copy != should.map(|value| [value; 2]) {
                    out.fail(format_args!("R: the stamp holds"), TORN_COPY);
                    return;
                }
                done(x);
                "the array's stamp again"
            }
        };
        if n.reader.at == Look::Unpoison {
            n.reader.pinned = false;
        }
        out.step(format_args!("{dead}: {label}"), n);
    }
}
