//! Who waits: look, set the flag, look again, sleep.

use super::*;

impl Wait {
    /// What waiters compare: the whole word, or what a waiter can see of it.
    fn word(&self, s: &State) -> u8 {
        let removed = s.removed && !self.is(Mutation::RemovedElsewhere);
        (s.version << 1) | u8::from(removed)
    }

    /// What the kernel compares.
    fn half(&self, word: u8) -> u8 {
        (word & 1) | (((word >> 1) % self.half) << 1)
    }

    pub(super) fn wait(&self, s: &State, index: usize, out: &mut Steps<State>) {
        let me = &s.waiters[index];
        let word = self.word(s);
        let mut n = *s;
        let x = &mut n.waiters[index];
        let done = |x: &mut Waiter| {
            x.seen = 0;
            x.at = if x.counted { At::Uncount } else { At::Done };
        };
        if s.waiter_kills > 0 && !matches!(me.at, At::Idle | At::Done | At::Dead) {
            let mut n = *s;
            n.waiter_kills -= 1;
            let x = &mut n.waiters[index];
            x.at = At::Dead;
            (x.after, x.seen, x.waits) = (0, 0, 0);
            (x.interrupted, x.counted) = (false, false);
            out.fault(format_args!("W{index}: KILLED"), n);
        }
        let label: &str = match me.at {
            At::Dead => return,
            At::Done if me.waits == 0 || s.removed || me.interrupted || !s.linked => return,
            At::Idle | At::Done => {
                x.waits -= 1;
                x.after = s.version;
                x.at = At::Look;
                "wait for the next version"
            }
            At::Look if me.interrupted || s.removed || s.version > me.after => {
                out.reached("a waiter finds news");
                done(x);
                "look: news"
            }
            At::Look => {
                x.seen = word;
                x.at = if self.always { At::Sleep } else { At::SetFlag };
                "look: nothing new"
            }
            At::SetFlag => {
                x.at = match self.mutation {
                    Mutation::NoLookAgain => At::Sleep,
                    _ => At::LookAgain,
                };
                if !self.is(Mutation::Count) {
                    n.flag = 1;
                } else if !me.counted {
                    x.counted = true;
                    n.flag += 1;
                }
                "set the flag"
            }
            At::LookAgain if word != me.seen => {
                out.reached("a waiter looks again, with success");
                x.at = At::Look;
                "look again: something new"
            }
            At::LookAgain => {
                x.at = At::Sleep;
                "look again: nothing new"
            }
            At::Sleep if self.half(word) != self.half(me.seen) => {
                out.reached("the kernel finds another value");
                x.at = At::Awake;
                "do not fall asleep: another value"
            }
            At::Sleep => {
                x.at = At::Asleep;
                "fall asleep"
            }
            At::Asleep if self.slices => {
                x.at = At::Awake;
                "the slice ends"
            }
            At::Asleep => return,
            At::Awake if word == me.seen && !s.linked => {
                done(x);
                "awake: the name is gone"
            }
            At::Awake => {
                x.seen = 0;
                x.at = At::Look;
                "awake"
            }
            At::Uncount => {
                x.counted = false;
                x.at = At::Done;
                n.flag -= 1;
                "take the count back"
            }
        };
        out.step(format_args!("W{index}: {label}"), n);
    }
}
