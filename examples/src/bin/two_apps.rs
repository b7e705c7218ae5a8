//! Two programs that talk: the same one started twice, each both sender and receiver, through one mapping.
//!
//! Without arguments it starts both. Or start `two_apps --a` in one terminal and `two_apps --b` in another.

use std::error::Error;
use std::process;
use std::time::Duration;

use examples::Peer;
use shmem_core::{FixedStr, Shared, WriteGuard};

/// What one side says to the other: the latest message, and where both are with it.
#[derive(Shared, Clone, Copy, Default)]
#[repr(C)]
struct Mailbox {
    sent: u32,
    received: u32,
    text: FixedStr<60>,
}

#[derive(Shared, Clone, Copy, Default)]
#[repr(C)]
struct Desk {
    from_a: Mailbox,
    from_b: Mailbox,
}

const MESSAGES: u32 = 5;

fn main() -> Result<(), Box<dyn Error>> {
    match examples::arguments()[..] {
        [] => {
            let name = format!("two_apps-{}", process::id());
            let a = Peer::start(&["--a", &name])?;
            let b = Peer::start(&["--b", &name])?;
            a.join()?;
            b.join()?;
            Ok(())
        }
        [side @ ("--a" | "--b")] => talk(side == "--a", "two_apps"),
        [side @ ("--a" | "--b"), name] => talk(side == "--a", name),
        _ => Err("usage: two_apps [--a | --b]".into()),
    }
}

fn talk(is_a: bool, name: &str) -> Result<(), Box<dyn Error>> {
    let me = if is_a { "a" } else { "b" };
    // Whoever comes first creates it. It is gone when both have left.
    let shared = Desk::open_or_create(name, Desk::default())?;
    loop {
        // From here on the desk is ours alone, and the other side sees nothing of what we do to it.
        let mut desk = shared.write()?;
        let before = shared.version();
        let Desk { from_a, from_b } = &mut *desk;
        let (mine, theirs) = if is_a {
            (from_a, from_b)
        } else {
            (from_b, from_a)
        };

        let received = (theirs.sent > theirs.received).then_some(theirs.text);
        theirs.received = theirs.sent;
        let may_send = mine.received == mine.sent && mine.sent < MESSAGES;
        if may_send {
            mine.sent += 1;
            let text = format!("message {} of {me}, process {}", mine.sent, process::id());
            mine.text = FixedStr::from_str_truncated(&text);
        }
        let finished = mine.sent == MESSAGES && theirs.received == MESSAGES;

        // Both changes appear at once; without one there is nothing to wake the other side for.
        let seen = if may_send || received.is_some() {
            WriteGuard::commit(desk)
        } else {
            WriteGuard::discard(desk);
            before
        };
        if let Some(text) = received {
            println!("{me} received: {text}");
        }
        if finished {
            return Ok(());
        }
        shared.wait(seen, Duration::from_secs(60))?;
    }
}
