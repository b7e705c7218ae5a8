//! What a process does next.

use super::*;

impl Life {
    /// What a process that is neither out nor stopped does next.
    pub(super) fn one(&self, s: &State, p: u8, out: &mut Steps<State>) {
        let me = &s.processes[usize::from(p)];
        let f = me.file;
        let file = s.files.get(usize::from(f)).copied().unwrap_or(NO_FILE);
        let others = file.live & !(1 << p) != 0;
        let same = s.name == f;
        let mut n = *s;
        let label: &str = match me.at {
            At::Out => return,

            At::JoinName | At::ClearName => {
                let joins = me.at == At::JoinName;
                if s.files
                    .get(usize::from(s.name))
                    .is_some_and(|file| file.half)
                {
                    n.end(p);
                    "it is no object: fail"
                } else if s.name == NONE {
                    if joins {
                        self.not_found(&mut n, p);
                    } else {
                        self.cleared(&mut n, p);
                    }
                    "there is no such name"
                } else {
                    let x = n.process(p);
                    x.file = s.name;
                    x.at = if joins { At::JoinLocks } else { At::ClearLocks };
                    "open the file"
                }
            }
            // The descriptor of the locks is opened by name too.
            At::JoinLocks if same => {
                n.process(p).at = At::JoinLook;
                "open its locks"
            }
            At::ClearLocks if same => {
                n.process(p).at = At::ClearLook;
                "open its locks"
            }
            At::JoinLocks => {
                self.again(&mut n, p);
                "the name leads elsewhere: start over"
            }
            At::ClearLocks => {
                n.close_file(p);
                self.cleared(&mut n, p);
                "the name leads elsewhere: gone"
            }

            At::JoinLook => {
                let x = n.process(p);
                x.anyone = others;
                x.at = match self.mutation {
                    Mutation::CompareWithoutMember => At::JoinEarlyCompare,
                    _ => At::JoinMember,
                };
                if others {
                    "somebody lives"
                } else {
                    "nobody lives"
                }
            }
            At::JoinEarlyCompare if same => {
                n.process(p).at = At::JoinMember;
                "compare: the same file"
            }
            At::JoinEarlyCompare => {
                self.again(&mut n, p);
                "compare: another file"
            }
            At::ClearEarlyCompare if same => {
                n.process(p).at = At::ClearMember;
                "compare: the same file"
            }
            At::ClearEarlyCompare => {
                n.close_file(p);
                self.cleared(&mut n, p);
                "compare: another file"
            }

            At::JoinMember | At::ClearMember | At::CloseMember => {
                if file.member == NONE {
                    n.file(f).member = p;
                    let x = n.process(p);
                    x.seen = false;
                    x.at = match (me.at, self.mutation) {
                        (At::CloseMember, _) => At::CloseByte,
                        (At::JoinMember, Mutation::CompareWithoutMember | Mutation::NoCompare) => {
                            At::JoinDecide
                        }
                        (At::JoinMember, _) => At::JoinCompare,
                        (_, Mutation::CompareWithoutMember | Mutation::NoCompare) => {
                            At::ClearDecide
                        }
                        _ => At::ClearCompare,
                    };
                    "take MEMBER"
                } else {
                    let holder = &s.processes[usize::from(file.member)];
                    let gives_up = holder.stopped || self.impatient;
                    if !gives_up || self.is(Mutation::NeverGiveUp) {
                        return;
                    }
                    out.reached("somebody gives up on MEMBER");
                    n.faults = true;
                    if me.at == At::CloseMember {
                        n.process(p).at = At::LeaveByte;
                    } else {
                        n.end(p);
                    }
                    "give up on MEMBER"
                }
            }

            At::JoinCompare if same => {
                n.process(p).at = At::JoinDecide;
                "compare: the same file"
            }
            At::JoinCompare => {
                out.reached("the name led elsewhere by the time MEMBER was held");
                self.again(&mut n, p);
                "compare: another file"
            }
            At::JoinDecide => {
                let anyone = match self.mutation {
                    Mutation::JoinTrustsFirstLook => me.anyone,
                    _ => others,
                };
                let removed = file.removed && !self.is(Mutation::MarkIgnored);
                if !anyone || removed {
                    out.reached("a leftover is retired by who opens");
                    n.process(p).at = At::Mark;
                    "it is a leftover"
                } else if !me.anyone {
                    self.again(&mut n, p);
                    "somebody has opened it after all"
                } else {
                    n.process(p).at = At::JoinSit;
                    "somebody lives"
                }
            }
            At::JoinSit => {
                if !me.seen {
                    return out.fail(format_args!("P{p}: take a byte"), CORPSE);
                }
                let later = [Mutation::RemoveWithoutMember, Mutation::CloseWithoutMember];
                if file.removed && !later.contains(&self.mutation) {
                    return out.fail(format_args!("P{p}: take a byte"), OPENED_REMOVED);
                }
                out.reached("a second handle joins");
                n.file(f).live |= 1 << p;
                n.file(f).member = NONE;
                if me.built != NONE {
                    n.let_go(p, me.built);
                }
                *n.process(p) = Process {
                    at: At::Open,
                    file: f,
                    ..OUT
                };
                "take a byte, let go of MEMBER: open"
            }

            At::ClearLook | At::ClearDecide => {
                let first = me.at == At::ClearLook;
                let anyone = match self.mutation {
                    Mutation::SweepTrustsFirstLook if !first => me.anyone,
                    _ => others,
                };
                let removed = file.removed && !self.is(Mutation::MarkIgnored);
                let goes = removed || me.operation == Operation::Remove || !anyone;
                let x = n.process(p);
                x.anyone = others;
                if !goes {
                    // It stays: `create` fails.
                    n.end(p);
                    "somebody has it open: it stays"
                } else if first {
                    x.at = match self.mutation {
                        Mutation::RemoveWithoutMember if me.operation == Operation::Remove => {
                            At::ClearCompare
                        }
                        Mutation::CompareWithoutMember => At::ClearEarlyCompare,
                        _ => At::ClearMember,
                    };
                    "it is to go"
                } else {
                    x.at = At::Mark;
                    "it is to go, still"
                }
            }
            At::ClearCompare if same => {
                n.process(p).at = At::ClearDecide;
                "compare: the same file"
            }
            At::ClearCompare => {
                n.close_file(p);
                self.cleared(&mut n, p);
                "compare: another file"
            }

            At::Mark => {
                let file = n.file(f);
                file.removed = true;
                file.condemned |= me.operation == Operation::Remove;
                n.process(p).at = At::Unlink;
                "set REMOVED"
            }
            At::Unlink => {
                n.unlink();
                if me.closing {
                    n.end(p);
                } else if matches!(me.operation, Operation::Open | Operation::OpenOrCreate) {
                    self.again(&mut n, p);
                } else {
                    out.reached("a leftover is swept");
                    n.close_file(p);
                    self.cleared(&mut n, p);
                }
                "unlink, let go of MEMBER"
            }

            At::Build => {
                let new = s.free_file();
                let x = n.process(p);
                x.built = new;
                x.at = At::Link;
                if !matches!(
                    self.mutation,
                    Mutation::LinkBeforeByte | Mutation::CreateInPlace
                ) {
                    n.file(new).live = 1 << p;
                }
                "build a file without a name"
            }
            At::Link if s.name == NONE || self.is(Mutation::LinkByRename) => {
                let built = me.built;
                n.unlink();
                n.file(built).half = self.is(Mutation::CreateInPlace);
                n.name = built;
                n.file(built).linked = true;
                *n.process(p) = Process {
                    at: match self.mutation {
                        Mutation::LinkBeforeByte | Mutation::CreateInPlace => At::LateByte,
                        _ => At::Open,
                    },
                    file: built,
                    ..OUT
                };
                "link: open"
            }
            At::Link => {
                out.reached("the name was taken meanwhile");
                n.process(p).at = match me.operation {
                    Operation::Create => At::ClearName,
                    _ => At::JoinName,
                };
                "link: the name is taken"
            }
            At::LateByte => {
                n.file(f).live |= 1 << p;
                n.file(f).half = false;
                n.process(p).at = At::Open;
                "take a byte, the object is complete"
            }

            At::Open => {
                n.process(p).closing = true;
                n.process(p).at = match self.mutation {
                    Mutation::CloseWithoutMember => At::CloseByte,
                    Mutation::CloseLooksFirst => At::CloseLook,
                    _ => At::CloseMember,
                };
                "close"
            }
            At::CloseLook => {
                n.process(p).at = if others {
                    At::LeaveByte
                } else {
                    At::CloseMember
                };
                if others {
                    "others have it open"
                } else {
                    "nobody else has it open"
                }
            }
            At::LeaveByte => {
                n.end(p);
                "drop the byte"
            }
            At::CloseByte => {
                n.file(f).live &= !(1 << p);
                n.process(p).at = At::LookLast;
                "drop the byte"
            }
            At::LookLast if others => {
                n.end(p);
                "somebody lives, let go of MEMBER"
            }
            At::LookLast => {
                n.process(p).at = At::CloseCompare;
                "nobody lives"
            }
            At::CloseCompare if same => {
                out.reached("the last one out retires it");
                n.process(p).at = At::Mark;
                "compare: the same file"
            }
            At::CloseCompare => {
                n.end(p);
                "compare: another file"
            }
        };
        n.settle();
        out.step(format_args!("P{p}: {label}"), n);
    }

    /// Joining found nothing.
    fn not_found(&self, n: &mut State, p: u8) {
        match n.process(p).operation {
            Operation::OpenOrCreate => self.build_or_link(n, p),
            _ => n.end(p),
        }
    }

    /// Joining starts over.
    fn again(&self, n: &mut State, p: u8) {
        n.close_file(p);
        let x = n.process(p);
        (x.anyone, x.seen) = (false, false);
        x.at = At::JoinName;
    }

    /// Nothing is in the way any more.
    fn cleared(&self, n: &mut State, p: u8) {
        match n.process(p).operation {
            Operation::Create => self.build_or_link(n, p),
            _ => n.end(p),
        }
    }

    fn build_or_link(&self, n: &mut State, p: u8) {
        let x = n.process(p);
        (x.anyone, x.seen) = (false, false);
        x.at = if x.built == NONE { At::Build } else { At::Link };
    }
}
