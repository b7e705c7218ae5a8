//! Closing and joining: rows, and their reuse.

use super::*;

impl Snapshot {
    pub(super) fn join(&self, s: &State, p: u8, out: &mut Steps<State>) {
        if s.joins == 0 || s.member != NONE {
            return;
        }
        let mut n = *s;
        n.joins -= 1;
        n.member = p;
        for process in &mut n.processes {
            process.alone = false;
        }
        n.process(p).main = Main::Orphan;
        out.step(format_args!("P{p}: take MEMBER"), n);
    }

    /// What the thread that writes does when it closes and joins.
    pub(super) fn come_or_go(&self, s: &State, p: u8, out: &mut Steps<State>) {
        let me = &s.processes[usize::from(p)];
        let mut n = *s;
        let x = n.process(p);
        match me.main {
            Main::CloseWriting => {
                out.reached("a forgotten guard is closed");
                x.main = Main::CloseUnlock;
                n.writing = 0;
                out.step(format_args!("P{p}: clear `writing`"), n);
            }
            Main::CloseMember => {
                let leave = match self.mutation {
                    Mutation::ByteBeforePins => Main::LeaveByte,
                    _ => Main::LeavePins,
                };
                x.main = leave;
                if s.member == NONE {
                    n.member = p;
                    out.step(format_args!("P{p}: take MEMBER"), n);
                } else {
                    out.step(format_args!("P{p}: give up on MEMBER"), n);
                }
            }
            Main::LeavePins => {
                x.main = Main::LeaveByte;
                n.row_mut(me.row).pins = [0; BUFFERS];
                if self.is(Mutation::ByteBeforePins) {
                    self.leave(&mut n, p);
                }
                out.step(format_args!("P{p}: zero the pins of row {}", me.row), n);
            }
            Main::LeaveByte => {
                if n.row(me.row).live == p {
                    n.row_mut(me.row).live = NONE;
                }
                if self.is(Mutation::ByteBeforePins) {
                    n.process(p).main = Main::LeavePins;
                } else {
                    self.leave(&mut n, p);
                }
                out.step(format_args!("P{p}: drop the byte of row {}", me.row), n);
            }
            Main::Orphan => {
                x.main = Main::Sit;
                let nobody = s.rows.iter().all(|row| row.live == NONE);
                if s.lock_row != NONE && nobody && !self.is(Mutation::NoOrphan) {
                    out.reached("a lock is orphaned");
                    (n.lock_row, n.lock_generation) = (NOBODY, 0);
                    out.step(format_args!("P{p}: the lock is nobody's"), n);
                } else {
                    out.step(format_args!("P{p}: leave the lock as it is"), n);
                }
            }
            Main::Sit => {
                for row in 0..self.rows {
                    if s.row(row).live == NONE {
                        let mut n = *s;
                        n.process(p).main = Main::ZeroPins;
                        n.process(p).row = row;
                        out.step(format_args!("P{p}: row {row} is free"), n);
                    }
                }
                if s.rows[..usize::from(self.rows)]
                    .iter()
                    .all(|row| row.live != NONE)
                {
                    self.leave(&mut n, p);
                    out.step(format_args!("P{p}: too many handles"), n);
                }
            }
            Main::ZeroPins => {
                x.main = match self.mutation {
                    Mutation::ByteBeforeGeneration => Main::Byte,
                    _ => Main::Generation,
                };
                if !self.is(Mutation::PinsNotZeroed) {
                    n.row_mut(me.row).pins = [0; BUFFERS];
                }
                out.step(format_args!("P{p}: zero the pins of row {}", me.row), n);
            }
            Main::Generation => {
                x.main = match self.mutation {
                    Mutation::ByteBeforeGeneration => Main::HighWater,
                    _ => Main::Byte,
                };
                if !self.is(Mutation::NoGeneration) {
                    n.row_mut(me.row).generation += 1;
                }
                let generation = n.row(me.row).generation;
                n.process(p).generation = generation;
                out.step(
                    format_args!("P{p}: generation {generation} of row {}", me.row),
                    n,
                );
            }
            Main::Byte => {
                x.main = match self.mutation {
                    Mutation::ByteBeforeGeneration => Main::Generation,
                    _ => Main::HighWater,
                };
                if s.row(me.row).live == NONE {
                    n.row_mut(me.row).live = p;
                    out.step(format_args!("P{p}: take the byte of row {}", me.row), n);
                }
            }
            Main::HighWater => {
                out.reached("a handle joins");
                x.main = Main::Idle;
                if self.is(Mutation::HighWaterAfterPin) {
                    x.late = true;
                } else {
                    n.high = n.high.max(me.row + 1);
                }
                n.member = NONE;
                out.step(
                    format_args!("P{p}: raise the high water to {}, let go of MEMBER", n.high),
                    n,
                );
            }
            _ => unreachable!("a step of writing"),
        }
    }

    fn leave(&self, n: &mut State, p: u8) {
        if n.member == p {
            n.member = NONE;
        }
        *n.process(p) = OUT;
    }
}
