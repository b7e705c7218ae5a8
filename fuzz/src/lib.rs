//! What the fuzz targets share.

use std::env;
use std::process::{Command, exit};

use tests::TempDir;

mod entries;

/// See [`entries::open`].
pub fn open(data: &[u8]) {
    entries::open(data);
}

/// See [`entries::schema`].
pub fn schema(data: &[u8]) {
    entries::schema(data);
}

/// See [`entries::values`].
pub fn values(data: &[u8]) {
    entries::values(data);
}

/// Starts this program once more with named objects in a directory that nobody else has, and ends as that ends.
///
/// So the directory goes away after a crash too.
pub fn in_a_directory_of_its_own() {
    const INSIDE: &str = "SHMEM_FUZZ_INSIDE";
    if env::var_os(INSIDE).is_some() {
        return;
    }
    let dir = TempDir::new("fuzz");
    let program = env::current_exe().expect("the path of this program");
    let status = Command::new(program)
        .args(env::args_os().skip(1))
        .env(INSIDE, "1")
        .env("SHMEM_DIR", dir.path())
        .status()
        .expect("it starts again");
    drop(dir);
    exit(status.code().unwrap_or(1));
}
