//! Who reads under a guard, and who copies out.

use super::*;

impl Weak {
    pub(super) fn read(&self, s: &State, out: &mut Steps<State>) {
        let mut n = *s;
        let unpin = |n: &mut State| {
            n.flush_reader();
            n.pins[buffer(s.seen)] -= 1;
            n.reader = Reader::Idle;
            (n.seen, n.half) = (0, 0);
        };
        match s.reader {
            Reader::Idle => {
                n.seen = s.version;
                n.reader = Reader::Pin;
                out.step(format_args!("R: load current (v{})", s.version), n);
            }
            Reader::Pin => {
                let b = buffer(s.seen);
                if self.weak_pin {
                    n.reader_pending = Pending::Pin(u8::from(b == 1));
                } else {
                    n.pins[b] += 1;
                }
                n.reader = Reader::LookAgain;
                out.step(format_args!("R: pin b{b}"), n);
            }
            Reader::LookAgain if buffer(s.version) == buffer(s.seen) => {
                n.seen = s.version;
                n.reader = Reader::Half0;
                out.step(format_args!("R: look again, v{}", s.version), n);
            }
            Reader::LookAgain => {
                out.reached("the reader lets go");
                n.reader = Reader::LetGo;
                out.step(format_args!("R: look again, another buffer"), n);
            }
            Reader::LetGo => {
                unpin(&mut n);
                out.step(format_args!("R: unpin"), n);
            }
            Reader::Half0 => {
                n.half = s.halves[buffer(s.seen)][0];
                n.reader = Reader::Half1;
                out.step(format_args!("R: read half 0"), n);
                let mut n = *s;
                unpin(&mut n);
                out.step(format_args!("R: unpin"), n);
            }
            Reader::Half1 => {
                if [s.half, s.halves[buffer(s.seen)][1]] != [s.seen; 2] {
                    return out.fail(format_args!("R: read half 1"), TORN_READ);
                }
                n.half = 0;
                n.reader = Reader::Half0;
                out.step(format_args!("R: read half 1"), n);
            }
        }
    }

    pub(super) fn copy(&self, s: &State, out: &mut Steps<State>) {
        let mut n = *s;
        let label: &str = match s.copier {
            Copier::Idle if self.no_fence_before_copy => {
                // Which buffer it is going to be, the processor guesses.
                for b in 0..2 {
                    let mut n = *s;
                    n.copied_version = 1 + u8::from(b == 1);
                    n.copied[0] = s.halves[b][0];
                    n.copier = Copier::LateCurrent;
                    out.step(format_args!("C: copy half 0 of b{b}, early"), n);
                }
                return;
            }
            Copier::LateCurrent => {
                if buffer(s.version) != buffer(s.copied_version) {
                    n.copied_version = 0;
                    n.copied = [0, 0];
                    n.copier = Copier::Idle;
                } else {
                    n.copied_version = s.version;
                    n.copier = Copier::Half1;
                }
                "load current"
            }
            Copier::Idle => {
                n.copied_version = s.version;
                n.copier = Copier::Half0;
                "load current"
            }
            Copier::Half0 => {
                n.copied[0] = s.halves[buffer(s.copied_version)][0];
                n.copier = match self.no_fence_after_copy {
                    true => Copier::EarlyStamp,
                    false => Copier::Half1,
                };
                "copy half 0"
            }
            Copier::EarlyStamp => {
                n.early = s.stamps[buffer(s.copied_version)];
                n.copier = Copier::Half1;
                "load the stamp, early"
            }
            Copier::Half1 => {
                n.copied[1] = s.halves[buffer(s.copied_version)][1];
                n.copier = Copier::Check;
                "copy half 1"
            }
            Copier::Check => {
                let stamp = match self.no_fence_after_copy {
                    true => s.early,
                    false => s.stamps[buffer(s.copied_version)],
                };
                // A value of it would not live long enough before Rust 1.89.
                macro_rules! label {
                    () => {
                        format_args!("C: the stamp is {stamp}")
                    };
                }
                if stamp == s.copied_version {
                    if s.copied[0] != s.copied[1] {
                        return out.fail(label!(), TORN_COPY);
                    }
                    if s.copied[0] != s.copied_version {
                        return out.fail(label!(), OTHER_COPY);
                    }
                    out.reached("a copy is accepted");
                } else {
                    out.reached("a copy is thrown away");
                }
                n.copied_version = 0;
                n.copied = [0, 0];
                n.early = 0;
                n.copier = Copier::Idle;
                "check the stamp"
            }
        };
        out.step(format_args!("C: {label}"), n);
    }
}
