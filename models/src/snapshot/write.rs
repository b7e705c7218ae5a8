//! The thread that writes: the lock and its take-over, a buffer, the change, publishing it.

use super::*;

impl Snapshot {
    pub(super) fn main(&self, s: &State, p: u8, out: &mut Steps<State>) {
        let me = &s.processes[usize::from(p)];
        let target = (me.seen + me.turn) % self.buffers;
        let b = usize::from(target);
        let mut n = *s;
        let x = n.process(p);
        match me.main {
            Main::Idle => {
                let token = (me.row, me.generation);
                if self.writers & 1 << p != 0 && s.writes > 0 && !s.removed {
                    if s.lock_row == NONE {
                        x.rest(Main::Locked);
                        n.owner = p;
                        (n.lock_row, n.lock_generation) = token;
                        out.step(format_args!("P{p}: lock"), n);
                    } else if (s.lock_row, s.lock_generation) != token {
                        x.rest(Main::AskGeneration);
                        x.owner_row = s.lock_row;
                        x.owner_generation = s.lock_generation;
                        out.step(
                            format_args!("P{p}: the lock is held by row {}", s.lock_row),
                            n,
                        );
                    }
                }
                if s.closes > 0 && me.read == Read::Idle && !me.haunts {
                    let mut n = *s;
                    n.closes -= 1;
                    n.process(p).main = Main::CloseMember;
                    out.step(format_args!("P{p}: close"), n);
                }
            }
            Main::AskGeneration => {
                let other =
                    me.owner_row >= NOBODY || s.row(me.owner_row).generation != me.owner_generation;
                x.main = if other { Main::TakeOver } else { Main::AskByte };
                let answer = if other { "another" } else { "the same" };
                out.step(
                    format_args!("P{p}: ask for the owner's generation: {answer}"),
                    n,
                );
            }
            Main::AskByte => {
                if s.row(me.owner_row).live == NONE {
                    x.main = Main::TakeOver;
                    out.step(format_args!("P{p}: ask for the owner's byte: free"), n);
                } else {
                    x.rest(Main::Idle);
                    out.step(format_args!("P{p}: ask for the owner's byte: held"), n);
                }
            }
            Main::TakeOver => {
                let same = (s.lock_row, s.lock_generation) == (me.owner_row, me.owner_generation);
                if same || self.is(Mutation::TakeOverByStore) {
                    out.reached("the lock is taken over");
                    x.rest(Main::Locked);
                    n.owner = p;
                    (n.lock_row, n.lock_generation) = (me.row, me.generation);
                    out.step(format_args!("P{p}: take the lock over"), n);
                } else {
                    x.rest(Main::Idle);
                    out.step(format_args!("P{p}: the lock is another's by now"), n);
                }
            }
            Main::Locked if s.removed => {
                x.rest(Main::Unlock);
                out.step(format_args!("P{p}: it is removed"), n);
            }
            Main::Locked => {
                x.version = s.version;
                x.seen = s.buffer;
                x.high = s.high;
                x.turn = 1;
                x.index = 0;
                x.alone = (0..self.processes)
                    .all(|q| q == p || s.processes[usize::from(q)].main == Main::Out);
                x.main = Main::Scan;
                out.step(
                    format_args!(
                        "P{p}: load current (v{} b{}) and the high water ({})",
                        s.version, s.buffer, s.high
                    ),
                    n,
                );
            }
            Main::Scan if me.index == me.high => {
                x.main = Main::Begin;
                x.index = 0;
                x.high = 0;
                x.alone = false;
                out.step(format_args!("P{p}: choose b{b}"), n);
            }
            Main::Scan if self.is(Mutation::ProbeBeforePin) && me.index != me.row => {
                x.dead = s.row(me.index).live == NONE;
                x.main = Main::Probe;
                out.step(format_args!("P{p}: probe row {}", me.index), n);
            }
            Main::Scan if s.row(me.index).pins[b] == 0 => {
                x.index += 1;
                out.step(format_args!("P{p}: row {} does not pin b{b}", me.index), n);
            }
            Main::Scan if me.index == me.row || self.is(Mutation::CountTheDead) => {
                self.pinned(s, p, format_args!("P{p}: row {} pins b{b}", me.index), out);
            }
            Main::Scan => {
                x.main = Main::Probe;
                out.step(format_args!("P{p}: row {} pins b{b}", me.index), n);
            }
            Main::Probe if self.is(Mutation::ProbeBeforePin) => {
                let pins = s.row(me.index).pins[b] != 0;
                // A value of it would not live long enough before Rust 1.89.
                macro_rules! label {
                    () => {
                        format_args!("P{p}: read the pins of row {}: {pins}", me.index)
                    };
                }
                if pins && !me.dead {
                    self.pinned(s, p, label!(), out);
                } else {
                    x.index += 1;
                    x.dead = false;
                    x.main = Main::Scan;
                    out.step(label!(), n);
                }
            }
            Main::Probe if s.row(me.index).live != NONE => {
                self.pinned(s, p, format_args!("P{p}: row {} lives", me.index), out);
            }
            Main::Probe => {
                out.reached("a dead row's pin is ignored");
                if self.is(Mutation::ZeroWithoutByte) {
                    x.main = Main::ZeroDead;
                } else {
                    x.index += 1;
                    x.main = Main::Scan;
                }
                out.step(format_args!("P{p}: row {} is dead", me.index), n);
            }
            Main::ZeroDead => {
                x.index += 1;
                x.main = Main::Scan;
                n.row_mut(me.index).pins = [0; BUFFERS];
                out.step(format_args!("P{p}: zero the pins of row {}", me.index), n);
            }
            Main::Begin => {
                x.main = Main::LookWriting;
                n.writes = s.writes.saturating_sub(1);
                n.tags += 1;
                n.process(p).tag = n.tags;
                match self.mutation {
                    Mutation::NoStampZeroing => {}
                    Mutation::ParitySequence => n.stamps[b] += 1,
                    _ => n.stamps[b] = 0,
                }
                out.step(format_args!("P{p}: stamp b{b} 0"), n);
            }
            Main::LookWriting => {
                let recovered = s.writing == me.version + 1;
                // A value of it would not live long enough before Rust 1.89.
                macro_rules! label {
                    () => {
                        format_args!("P{p}: look at `writing`: recovered {recovered}")
                    };
                }
                if recovered != s.lost && !s.haunted && !self.is(Mutation::UnlockBeforePublish) {
                    return out.fail(label!(), RECOVERED_WRONG);
                }
                if recovered {
                    out.reached("a lost change is reported");
                }
                x.main = if recovered {
                    Main::ClearWriting
                } else {
                    Main::Handed
                };
                out.step(label!(), n);
            }
            Main::ClearWriting => {
                x.main = Main::Handed;
                n.writing = 0;
                n.lost = false;
                out.step(format_args!("P{p}: clear `writing`"), n);
            }
            Main::Handed => {
                if self.discards {
                    let mut n = *s;
                    self.let_go(&mut n, p, b);
                    out.step(format_args!("P{p}: drop the guard untouched"), n);
                }
                x.main = Main::Half0;
                if self.is(Mutation::TouchAfterWrite) {
                    out.step(format_args!("P{p}: begin"), n);
                } else {
                    n.writing = me.version + 1;
                    out.step(format_args!("P{p}: touch: `writing` is {}", n.writing), n);
                }
            }
            Main::Half0 => {
                x.main = match self.mutation {
                    Mutation::TouchAfterWrite => Main::LateTouch,
                    _ => Main::Half1,
                };
                n.halves[b][0] = me.tag;
                out.step(format_args!("P{p}: write half 0 of b{b}"), n);
            }
            Main::LateTouch => {
                x.main = Main::Half1;
                n.writing = me.version + 1;
                out.step(format_args!("P{p}: touch: `writing` is {}", n.writing), n);
            }
            Main::Half1 => {
                if self.discards {
                    let mut n = *s;
                    if !self.is(Mutation::WritingNotCleared) {
                        n.writing = 0;
                    }
                    self.let_go(&mut n, p, b);
                    out.reached("a change is discarded");
                    out.step(format_args!("P{p}: discard: clear `writing`"), n);
                    let mut n = *s;
                    n.process(p).main = Main::Forgotten;
                    out.step(format_args!("P{p}: forget the write guard"), n);
                }
                x.main = Main::Stamp;
                n.halves[b][1] = me.tag;
                out.step(format_args!("P{p}: write half 1 of b{b}"), n);
            }
            Main::Stamp => {
                x.main = match self.mutation {
                    Mutation::UnlockBeforePublish => Main::Unlock,
                    _ => Main::Publish,
                };
                match self.mutation {
                    Mutation::ParitySequence => n.stamps[b] += 1,
                    _ => n.stamps[b] = me.version + 1,
                }
                out.step(format_args!("P{p}: stamp b{b} {}", me.version + 1), n);
            }
            Main::Publish | Main::LatePublish => {
                let late = me.main == Main::LatePublish;
                let found = (s.version, s.buffer) == (me.version, me.seen);
                // A value of it would not live long enough before Rust 1.89.
                macro_rules! label {
                    () => {
                        format_args!("P{p}: publish v{} b{b}", me.version + 1)
                    };
                }
                if found || self.is(Mutation::PublishByStore) {
                    if s.version != me.version {
                        return out.fail(label!(), LOST_UPDATE);
                    }
                    n.version = me.version + 1;
                    n.buffer = target;
                    n.tag = me.tag;
                    if self.is(Mutation::CommitErasesRemoved) || self.is(Mutation::PublishByStore) {
                        n.removed = false;
                    } else if s.removed {
                        out.reached("published after a removal");
                    }
                    let x = n.process(p);
                    x.rest(if late { Main::Idle } else { Main::Unlock });
                    out.step(label!(), n);
                } else {
                    out.reached("publishing is refused");
                    x.rest(if late { Main::Idle } else { Main::Unlock });
                    out.step(
                        format_args!("P{p}: publish is refused: v{} is there", s.version),
                        n,
                    );
                }
            }
            Main::Unlock | Main::CloseUnlock => {
                let own = (s.lock_row, s.lock_generation) == (me.row, me.generation);
                if me.main == Main::CloseUnlock {
                    x.main = Main::CloseMember;
                } else if self.is(Mutation::UnlockBeforePublish) && me.tag != 0 {
                    x.main = Main::LatePublish;
                } else {
                    x.rest(Main::Idle);
                }
                // A value of it would not live long enough before Rust 1.89.
                macro_rules! label {
                    () => {
                        format_args!("P{p}: unlock")
                    };
                }
                if own {
                    n.free_lock();
                } else if self.is(Mutation::UnlockByStore) && s.lock_row != NONE {
                    return out.fail(label!(), FOREIGN_UNLOCK);
                }
                out.step(label!(), n);
            }
            Main::Forgotten => {
                if s.closes > 0 && me.read == Read::Idle && !me.haunts {
                    n.closes -= 1;
                    n.process(p).rest(Main::CloseWriting);
                    out.step(format_args!("P{p}: close"), n);
                }
            }
            _ => self.come_or_go(s, p, out),
        }
    }

    /// A live row pins the buffer: the next, or none is left.
    fn pinned(&self, s: &State, p: u8, label: std::fmt::Arguments<'_>, out: &mut Steps<State>) {
        let mut n = *s;
        let x = n.process(p);
        x.turn += 1;
        x.index = 0;
        x.dead = false;
        x.main = Main::Scan;
        if x.turn < self.buffers {
            out.step(label, n);
            return;
        }
        out.reached("every other buffer is pinned");
        let own = s.row(x.row).pins.iter().any(|pins| *pins != 0);
        if x.alone && !own {
            out.fail(label, BLOCKED_BY_DEAD);
            return;
        }
        // Look again, or give up.
        x.rest(Main::Locked);
        out.step(label, n);
        let mut n = *s;
        n.process(p).rest(Main::Unlock);
        out.step(format_args!("{label}, give up"), n);
    }

    /// Ends a write without publishing.
    fn let_go(&self, n: &mut State, p: u8, b: usize) {
        if self.is(Mutation::ParitySequence) {
            n.stamps[b] += 1;
        }
        n.process(p).rest(Main::Unlock);
    }
}
