//! Copying out: stores nothing.

use super::*;

impl Snapshot {
    pub(super) fn copy(&self, s: &State, out: &mut Steps<State>) {
        let me = &s.copier;
        let b = usize::from(me.buffer);
        let mut n = *s;
        let x = &mut n.copier;
        match me.at {
            Copying::Idle => {
                *x = Copier {
                    at: Copying::Half0,
                    buffer: s.buffer,
                    version: s.version,
                    expected: s.tag,
                    ..COPIER
                };
                if self.is(Mutation::ParitySequence) {
                    x.at = Copying::Sequence;
                }
                out.step(
                    format_args!("R: load current (v{} b{})", s.version, s.buffer),
                    n,
                );
            }
            Copying::Sequence => {
                x.sequence = s.stamps[b];
                x.at = Copying::Half0;
                if s.stamps[b] % 2 == 1 {
                    *x = COPIER;
                }
                out.step(
                    format_args!("R: load the sequence of b{b} ({})", s.stamps[b]),
                    n,
                );
            }
            Copying::Half0 => {
                x.half = s.halves[b][0];
                x.at = Copying::Half1;
                out.step(format_args!("R: copy half 0 of b{b}"), n);
            }
            Copying::Half1 => {
                x.torn = s.halves[b][1] != me.half;
                x.at = Copying::Check;
                out.step(format_args!("R: copy half 1 of b{b}"), n);
            }
            Copying::Check => {
                let parity = self.is(Mutation::ParitySequence);
                let wanted = if parity { me.sequence } else { me.version };
                let accepted = s.stamps[b] == wanted;
                // A value of it would not live long enough before Rust 1.89.
                macro_rules! label {
                    () => {
                        format_args!("R: the stamp of b{b} is {}", s.stamps[b])
                    };
                }
                *x = COPIER;
                if accepted && !s.haunted {
                    if me.torn {
                        return out.fail(label!(), TORN_COPY);
                    }
                    if me.half != me.expected && !parity {
                        return out.fail(label!(), OTHER_COPY);
                    }
                    out.reached("a copy is accepted");
                } else {
                    out.reached("a copy is thrown away");
                }
                out.step(label!(), n);
            }
        }
    }
}
