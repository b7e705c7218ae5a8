//! `peer session` (by name) or `peer session-file` (by path): opens a [`Small`], holds guards and lets go of them as it is told.

use std::ops::ControlFlow;
use std::time::Duration;

use shmem_core::{Lifetime, Location, ReadGuard, Shared, SharedObject, Version, WriteGuard};
use tests::{Commands, Small, say, tell};

pub(crate) fn run(location: impl Fn(&str) -> shmem_core::Result<Location>) {
    let location = |text: &str| location(text).unwrap();
    let commands = Commands::ready();
    while let Some(words) = commands.next() {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let options = Small::options();
        let opened = match words[..] {
            ["create", name, n] => options.create(location(name), Small::new(number(n))),
            ["create-kept", name, n] => options
                .lifetime(Lifetime::Keep)
                .create(location(name), Small::new(number(n))),
            ["open", name] => options.open(location(name)),
            ["open-or-create", name, n] => {
                options.open_or_create(location(name), Small::new(number(n)))
            }
            ["wait-for", name] => {
                say("waiting");
                options.wait_for(tests::DEADLINE).open(location(name))
            }
            ref other => panic!("no such command without a handle: {other:?}"),
        };
        match opened {
            Ok(object) => {
                say("open");
                hold(&commands, &object);
                drop(object);
                say("closed");
            }
            Err(error) => say(tests::variant(&error)),
        }
    }
}

/// Obeys until the handle is to be closed.
fn hold(commands: &Commands, object: &SharedObject<Small>) {
    let mut readers: Vec<ReadGuard<'_, Small>> = Vec::new();
    let mut writer: Option<WriteGuard<'_, Small>> = None;
    while let Some(words) = commands.next() {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        match obey(object, &mut readers, &mut writer, &words) {
            ControlFlow::Continue(answer) => say(answer),
            ControlFlow::Break(()) => return,
        }
    }
}

fn obey<'a>(
    object: &'a SharedObject<Small>,
    readers: &mut Vec<ReadGuard<'a, Small>>,
    writer: &mut Option<WriteGuard<'a, Small>>,
    words: &[&str],
) -> ControlFlow<(), String> {
    let begin = |guard: WriteGuard<'a, Small>, writer: &mut Option<_>| {
        let recovered = WriteGuard::recovered(&guard);
        let text = format!("{} recovered {recovered}", guard.counter);
        *writer = Some(guard);
        text
    };
    ControlFlow::Continue(match *words {
        ["close"] => return ControlFlow::Break(()),
        // Reading.
        ["load"] => tell(object.load(), whole),
        ["read"] => tell(object.read(), |guard| {
            let text = whole(*guard);
            readers.push(guard);
            text
        }),
        // What the guards held by `read` see now, the first first.
        ["look"] => {
            let seen: Vec<_> = readers.iter().map(|guard| whole(**guard)).collect();
            seen.join(" ")
        }
        ["drop-readers"] => {
            readers.clear();
            "done".into()
        }
        // Writing.
        ["write"] => tell(object.write(), |guard| begin(guard, writer)),
        ["try-write"] => tell(object.try_write(), |guard| begin(guard, writer)),
        ["set", n] => {
            writer.as_mut().expect("a guard").set(number(n));
            "done".into()
        }
        ["spoil", n] => {
            writer.as_mut().expect("a guard").spoil(number(n));
            "done".into()
        }
        ["commit"] => WriteGuard::commit(writer.take().expect("a guard")).to_string(),
        ["discard"] => {
            WriteGuard::discard(writer.take().expect("a guard"));
            "done".into()
        }
        ["drop-writer"] => {
            *writer = None;
            "done".into()
        }
        ["store", n] => tell(object.store(Small::new(number(n))), |version| version),
        ["add", n] => tell(object.update(|v| v.set(v.counter + number(n))), |()| "done"),
        // The rest.
        ["version"] => object.version().to_string(),
        ["wait", after, ms] => {
            let timeout = Duration::from_millis(number(ms));
            tell(object.wait(Version(number(after)), timeout), |version| {
                version
            })
        }
        // Says `waiting` first.
        ["wait-forever", after] => {
            say("waiting");
            tell(object.wait_forever(Version(number(after))), |version| {
                version
            })
        }
        ["is-current"] => object.is_current().to_string(),
        // Opens what the name leads to now, and says what it holds.
        ["reopen"] => tell(object.reopen().and_then(|new| new.load()), whole),
        ref other => panic!("no such command: {other:?}"),
    })
}

fn whole(value: Small) -> String {
    if value.is_whole() {
        value.counter.to_string()
    } else {
        format!("torn at {}", value.counter)
    }
}

fn number(word: &str) -> u64 {
    word.parse().expect("a number")
}
