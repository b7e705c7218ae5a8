//! Who changes the array.

use super::*;

impl InPlace {
    pub(super) fn write(&self, s: &State, index: usize, out: &mut Steps<State>) {
        let me = &s.writers[index];
        let number = if index == 0 { 1 } else { 2 };
        let mine = s.owner == number && !s.owner_dead;
        if s.kills > 0 && me.at != At::Idle {
            let mut n = *s;
            n.kills -= 1;
            n.owner_dead |= mine;
            n.writers[index] = self.start().writers[index];
            out.fault(format_args!("W{index}: KILLED"), n);
        }
        if me.at == At::Idle {
            self.begin(s, index, out);
            return;
        }
        let mut n = *s;
        let x = &mut n.writers[index];
        let label: &str = match me.at {
            At::Idle => return,
            At::Lock if s.owner == 0 || s.owner_dead => {
                if s.owner_dead {
                    out.reached("a lock is taken over");
                }
                n.owner = number;
                n.owner_dead = false;
                // Later values are greater.
                n.values += 1;
                x.value = n.values;
                x.at = match self.is(Mutation::ScanThenDrain) {
                    true => At::Scan,
                    false => At::Drain,
                };
                "lock"
            }
            At::Lock => return,
            At::Drain => {
                n.current.draining = true;
                x.seen = n.current;
                x.at = match self.is(Mutation::ScanThenDrain) {
                    true => At::LookForRecord,
                    false => At::Scan,
                };
                "drain"
            }
            At::Scan if s.reader.pinned || s.dead_pin && self.is(Mutation::CountTheDead) => return,
            At::Scan => {
                x.at = match self.is(Mutation::ScanThenDrain) {
                    true => At::Drain,
                    false => At::LookForRecord,
                };
                "scan: no pin"
            }
            At::LookForRecord => {
                let pending = x.seen.dirty && s.state == x.seen.version + 1;
                if pending && !self.is(Mutation::NoRollForward) {
                    out.reached("a record is rolled forward");
                    x.rolling = true;
                    x.at = At::ItemStamp;
                    "finds a record"
                } else {
                    if !x.seen.dirty && s.whole == 0 {
                        n.whole = x.seen.version;
                    }
                    x.at = match me.change {
                        Change::Nothing => At::LetIn,
                        Change::Whole => At::BeginState,
                        // Poisoned: an item cannot be changed.
                        _ if me.seen.dirty => At::LetIn,
                        _ if self.is(Mutation::RecordAfterDirty) => At::Dirty,
                        _ => At::Reset,
                    };
                    let item = matches!(me.change, Change::First | Change::Second);
                    if item && me.seen.dirty && !s.spoilt {
                        out.fail(format_args!("W{index}: refused"), POISONED_BY_ITEM);
                        return;
                    }
                    "has the array to itself"
                }
            }
            At::Reset => {
                if !self.is(Mutation::RecordNotReset) {
                    n.state = 0;
                }
                x.at = At::Record(0);
                "no record"
            }
            At::Record(half) => {
                n.record[usize::from(half)] = me.value;
                x.at = if half == 0 {
                    At::Record(1)
                } else {
                    At::Complete
                };
                "fill the record"
            }
            At::Complete => {
                n.index = u8::from(me.change == Change::Second);
                n.state = me.seen.version + 1;
                n.recorded = me.value;
                x.at = match self.mutation {
                    Mutation::RecordAfterDirty | Mutation::DirtyAfterItem => At::ItemStamp,
                    _ => At::Dirty,
                };
                "the record is complete"
            }
            At::BeginState => {
                if !self.is(Mutation::RecordOutlivesWhole) {
                    n.state = 0;
                }
                x.at = At::BeginWhole;
                "no record"
            }
            At::BeginWhole => {
                if !self.is(Mutation::NoWholeStamp) {
                    n.whole = 0;
                }
                x.at = At::Dirty;
                "the whole changes"
            }
            At::Dirty => {
                n.current.dirty = true;
                x.seen.dirty = true;
                n.spoilt |= me.change == Change::Whole;
                x.at = match me.change {
                    _ if self.is(Mutation::DirtyAfterItem) && me.change != Change::Whole => {
                        At::PublishStamp
                    }
                    _ => At::Stamp,
                };
                "DIRTY"
            }
            At::Stamp => {
                n.stamp = 0;
                x.at = match me.change {
                    Change::Whole => At::WriteWhole(0),
                    _ if self.is(Mutation::RecordAfterDirty) => At::Reset,
                    _ => At::ItemStamp,
                };
                "the array's stamp"
            }
            At::ItemStamp => {
                if !self.is(Mutation::NoItemStamp) {
                    n.stripes[self.stripe(s.index)] = CHANGING;
                }
                x.at = At::ArrayStamp;
                "the item's stamp"
            }
            At::ArrayStamp => {
                if !self.is(Mutation::RolledUnderStamp) {
                    n.stamp = 0;
                }
                x.at = At::Apply(0);
                "the array's stamp"
            }
            At::Apply(half) => {
                let at = usize::from(half);
                n.items[usize::from(s.index)][at] = s.record[at];
                x.at = if half == 0 { At::Apply(1) } else { At::Applied };
                "copy the record"
            }
            At::Applied => {
                n.stripes[self.stripe(s.index)] = me.seen.version + 1;
                let late = self.is(Mutation::DirtyAfterItem) && !me.rolling;
                x.at = if late { At::Dirty } else { At::PublishStamp };
                "the item's stamp"
            }
            At::WriteWhole(word) => {
                n.items[usize::from(word / 2)][usize::from(word % 2)] = me.value;
                x.at = match word {
                    3 => At::EndWhole,
                    _ => At::WriteWhole(word + 1),
                };
                if word == 1 {
                    // It may give up now.
                    let mut n = n;
                    n.writers[index].at = At::LetIn;
                    out.fault(format_args!("W{index}: write a word, and give up"), n);
                }
                "write a word"
            }
            At::EndWhole => {
                n.whole = me.seen.version + 1;
                x.at = At::PublishStamp;
                "the whole is done"
            }
            At::PublishStamp => {
                n.stamp = me.seen.version + 1;
                x.at = At::Publish;
                "the array's stamp"
            }
            At::Publish => {
                let Some(next) = self.publish(s, index) else {
                    out.fail(format_args!("W{index}: publish"), WRONG_VERSION);
                    return;
                };
                n = next;
                "publish"
            }
            At::LetIn => {
                n.current.draining = false;
                x.at = At::Unlock;
                "let readers in"
            }
            At::Unlock => {
                n.owner = 0;
                x.at = At::Idle;
                x.seen = self.start().current;
                (x.change, x.value) = (Change::Nothing, 0);
                "unlock"
            }
        };
        out.step(format_args!("W{index}: {label}"), n);
    }

    fn begin(&self, s: &State, index: usize, out: &mut Steps<State>) {
        if s.changes == 0 {
            return;
        }
        for (change, what) in [
            (Change::Nothing, "nothing"),
            (Change::First, "the first item"),
            (Change::Second, "the second item"),
            (Change::Whole, "the whole"),
        ] {
            let mut n = *s;
            n.changes -= 1;
            n.writers[index].at = At::Lock;
            n.writers[index].change = change;
            out.fault(format_args!("W{index}: is to change {what}"), n);
        }
    }

    /// `None` if the items are not what this version should be.
    fn publish(&self, s: &State, index: usize) -> Option<State> {
        let me = &s.writers[index];
        let mut n = *s;
        let version = me.seen.version + 1;
        let mut should = s.history[usize::from(me.seen.version)];
        if me.rolling || me.change != Change::Whole {
            should[usize::from(s.index)] = s.recorded;
        } else {
            should = [me.value; 2];
        }
        if s.items != should.map(|value| [value; 2]) {
            return None;
        }
        n.history[usize::from(version)] = should;
        n.current = Current {
            version,
            draining: false,
            dirty: false,
        };
        n.spoilt = false;
        let x = &mut n.writers[index];
        x.at = if me.rolling { At::Drain } else { At::LetIn };
        x.rolling = false;
        Some(n)
    }
}
