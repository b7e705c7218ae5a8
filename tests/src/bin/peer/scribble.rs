//! `peer scribble <path> <seed>`: writes nonsense into the object at `path` that others use, until it is killed.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use tests::raw::{ROW, Raw, control, word};
use tests::{Random, say};

pub(crate) fn run(args: &[&str]) {
    let [path, seed] = args else {
        panic!("not a path and a seed: {args:?}");
    };
    let path = Path::new(path);
    let raw = Raw::read(path);
    // By the descriptor, since the name may lead elsewhere or be gone after the first of these.
    let file = File::options().read(true).write(true).open(path);
    let file = file.expect("the object");
    let rows = raw.offset(word::HANDLES) * ROW;
    let buffers = raw.offset(word::BUFFERS) * raw.offset(word::STRIDE);
    let parts = [
        (raw.offset(word::WAITERS), 8),
        (raw.offset(word::CONTROL), control::LEN),
        (raw.offset(word::ROWS), rows),
        (raw.offset(word::BUFFER_0), buffers),
    ];
    let mut random = Random::seeded(seed.parse().expect("a seed"));
    say("ready");
    loop {
        let (start, len) = parts[random.below(4) as usize];
        let words = u32::try_from(len / 4).expect("a small object");
        let at = start + 4 * random.below(words) as usize;
        let mut bytes = [0; 8];
        // The last word of a part may be half of one.
        let bytes = &mut bytes[..(start + len - at).min(8)];
        if random.below(2) == 0 {
            // What was there at first, or soon nobody would get anywhere.
            bytes.copy_from_slice(&raw.0[at..][..bytes.len()]);
        } else {
            file.read_exact_at(bytes, at as u64).expect("a word");
            change(bytes, &mut random);
        }
        file.write_all_at(bytes, at as u64).expect("a word");
    }
}

/// Numbers at the ends of their ranges, small ones, noise, and what nearly was there: nonsense that looks right
/// gets furthest.
fn change(word: &mut [u8], random: &mut Random) {
    let mut wide = [0; 8];
    wide[..word.len()].copy_from_slice(word);
    let old = u64::from_ne_bytes(wide);
    let noise = u64::from(random.below(u32::MAX)) << 32 | u64::from(random.below(u32::MAX));
    let new = match random.below(8) {
        0 => 0,
        1 => u64::MAX,
        2 => noise,
        3 => noise >> random.below(64),
        4 => 1 << random.below(64),
        5 => old.wrapping_add(1),
        6 => old.wrapping_sub(1),
        _ => old ^ 1 << random.below(64),
    };
    word.copy_from_slice(&new.to_ne_bytes()[..word.len()]);
}
