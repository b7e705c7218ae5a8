//! What publishing costs in a file that survives power cuts, beside an object in memory, in one run.
//!
//! `cargo bench -p shmem-core --bench files`. The file is on the filesystem of the temporary directory. Of each
//! publication it has a checksum made; what the disk does is measured apart, by `flush`.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use shmem_core::{Lifetime, Shared, SharedObject, WriteGuard};

const ROUNDS: usize = 31;

#[derive(Shared, Clone, Copy)]
#[repr(C)]
struct Value<const WORDS: usize> {
    words: [u64; WORDS],
}

/// One field of the value is changed.
fn publish<const WORDS: usize>(object: &SharedObject<Value<WORDS>>, calls: u32) -> Duration {
    let start = Instant::now();
    for call in 0..calls {
        let mut guard = object.write().expect("a guard");
        guard.words[0] = black_box(call.into());
        WriteGuard::commit(guard);
    }
    start.elapsed() / calls
}

fn flush<const WORDS: usize>(object: &SharedObject<Value<WORDS>>) -> Duration {
    publish(object, 1);
    let start = Instant::now();
    object.flush().expect("a disk");
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Deletes its file.
struct Path(PathBuf);

impl Drop for Path {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

fn compare<const WORDS: usize>(calls: u32) {
    let id = std::process::id();
    let path = Path(std::env::temp_dir().join(format!("shmem-bench-{id}.shm")));
    let init = |value: &mut Value<WORDS>| value.words[1] = 1;
    let options = Value::options();
    let file = options.create_with(&path.0, init).expect("a file");
    let name = format!("bench-files-{id}");
    let memory = options
        .lifetime(Lifetime::WhileOpen)
        .create_with(name, init);
    let memory = memory.expect("an object");
    let (mut in_file, mut in_memory, mut flushes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        in_memory.push(publish(&memory, calls));
        in_file.push(publish(&file, calls));
        flushes.push(flush(&file));
    }
    let [memory, file, flush] = [in_memory, in_file, flushes].map(median);
    let ratio = file.as_secs_f64() / memory.as_secs_f64();
    println!(
        "{:>9} bytes  memory {memory:>10.1?}  file {file:>10.1?}  {ratio:>5.2} x  flush {flush:>10.1?}",
        8 * WORDS
    );
}

fn main() {
    compare::<8>(20_000);
    compare::<512>(5_000);
    compare::<131_072>(50);
}
