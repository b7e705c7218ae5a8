//! A program that knows the type, for one that does not.

use shmem_core::Shared;
use tests::{Commands, Engine, say, tell};

/// `new <name> <buffers>`, `open <name>`.
pub(crate) fn run(args: &[&str]) {
    let engine = match *args {
        ["new", name, buffers] => Engine::options()
            .buffers(buffers.parse().unwrap())
            .create(name, Engine::sample()),
        ["open", name] => Engine::open(name),
        ref other => panic!("{other:?}"),
    };
    let engine = engine.unwrap();
    let (mut reads, mut write) = (Vec::new(), None);
    let commands = Commands::ready();
    while let Some(words) = commands.next() {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        say(match *words.as_slice() {
            ["load"] => tell(engine.load(), |value| format!("{value:?}")),
            ["tick", tick] => {
                let tick = tick.parse().unwrap();
                tell(engine.update(|engine| engine.tick = tick), |()| "Ok")
            }
            ["count", times] => {
                let times: u32 = times.parse().unwrap();
                let count = || engine.update(|engine| engine.tick += 1);
                tell((0..times).try_for_each(|_| count()), |()| "Ok")
            }
            // Sees one half of a change, until told to stop.
            ["compare", times] => {
                let times: u32 = times.parse().unwrap();
                let torn = (0..times).filter(|_| {
                    let engine = engine.load().unwrap();
                    engine.load[0] != engine.load[1]
                });
                torn.count().to_string()
            }
            ["read"] => {
                reads.push(engine.read().unwrap());
                "Ok".to_owned()
            }
            ["write"] => {
                let mut guard = engine.write().unwrap();
                guard.tick = 99;
                write = Some(guard);
                "Ok".to_owned()
            }
            ["discard"] => {
                reads.clear();
                if let Some(guard) = write.take() {
                    shmem_core::WriteGuard::discard(guard);
                }
                "Ok".to_owned()
            }
            ref other => panic!("{other:?}"),
        });
    }
}
