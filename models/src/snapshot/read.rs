//! The thread that reads under guards.

use super::*;

impl Snapshot {
    pub(super) fn read(&self, s: &State, p: u8, out: &mut Steps<State>) {
        let me = &s.processes[usize::from(p)];
        let b = usize::from(me.buffer);
        let row = usize::from(me.row);
        let mut n = *s;
        let x = n.process(p);
        match me.read {
            Read::Idle => {
                x.buffer = s.buffer;
                x.expected = s.tag;
                x.reads(Read::Pin);
                out.step(format_args!("P{p}: load current (b{})", s.buffer), n);
            }
            Read::Pin if self.is(Mutation::LookThenPin) => {
                if s.buffer == me.buffer {
                    x.expected = s.tag;
                    x.reads(Read::LatePin);
                    out.step(format_args!("P{p}: look again, still b{b}"), n);
                } else {
                    x.reads(Read::Idle);
                    out.step(format_args!("P{p}: look again, not b{b} any more"), n);
                }
            }
            Read::LatePin => {
                x.reads(Read::Holding);
                n.rows[row].pins[b] += 1;
                out.step(format_args!("P{p}: pin b{b}"), n);
            }
            Read::Pin => {
                let next = match self.mutation {
                    Mutation::NoRecheck => Read::Holding,
                    _ => Read::LookAgain,
                };
                x.expected = if next == Read::Holding {
                    me.expected
                } else {
                    0
                };
                x.reads(next);
                n.rows[row].pins[b] += 1;
                out.step(format_args!("P{p}: pin b{b}"), n);
            }
            Read::LookAgain if s.buffer == me.buffer => {
                x.expected = s.tag;
                x.reads(if x.late {
                    Read::LateHighWater
                } else {
                    Read::Holding
                });
                out.step(format_args!("P{p}: look again, still b{b}"), n);
            }
            Read::LookAgain => {
                out.reached("a reader lets go and starts over");
                x.half = s.buffer;
                x.reads(Read::LetGo);
                out.step(format_args!("P{p}: look again, b{} now", s.buffer), n);
            }
            Read::LetGo => {
                x.buffer = me.half;
                x.half = 0;
                x.reads(Read::Pin);
                n.unpin(row, b);
                out.step(format_args!("P{p}: unpin b{b}, start over"), n);
            }
            Read::LateHighWater => {
                x.late = false;
                x.reads(Read::Holding);
                n.high = n.high.max(me.row + 1);
                out.step(format_args!("P{p}: raise the high water"), n);
            }
            Read::Holding => {
                if self.discards && s.rows[row].pins[b] < 2 {
                    let mut n = *s;
                    n.process(p).reads(Read::Idle);
                    out.step(format_args!("P{p}: forget the read guard"), n);
                }
                let mut n = *s;
                n.process(p).reads(Read::Idle);
                n.unpin(row, b);
                out.step(format_args!("P{p}: unpin b{b}"), n);
                let mut n = *s;
                let x = n.process(p);
                x.half = s.halves[b][0];
                x.reads(Read::HalfWay);
                out.step(format_args!("P{p}: read half 0 of b{b}"), n);
            }
            Read::HalfWay => {
                // A value of it would not live long enough before Rust 1.89.
                macro_rules! label {
                    () => {
                        format_args!("P{p}: read half 1 of b{b}")
                    };
                }
                let right = [me.half, s.halves[b][1]] == [me.expected; 2];
                if !right && !me.haunts && !s.haunted {
                    return out.fail(label!(), TORN_READ);
                }
                x.half = 0;
                x.reads(Read::Holding);
                out.step(label!(), n);
            }
        }
    }
}
