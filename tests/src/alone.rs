//! A test in a process of its own.

use std::any;
use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::geteuid;

use crate::{TempDir, tell};

/// Tells the second process that it is the one.
const INSIDE: &str = "SHMEM_TEST_ALONE";

/// What the second process prints when the body has returned: a filter that found no test also succeeds.
const DONE: &str = "alone: done";

/// The directory of named objects that only one test uses.
#[derive(Clone, Debug)]
pub struct Alone(PathBuf);

/// Runs `body`, the whole of a test, in a process of its own, where named objects live in a directory of their
/// own.
///
/// `SHMEM_DIR`, the user, the current directory and the mounts belong to a process, and the tests of one program
/// share theirs. So this starts the test program once more for this test alone. Peers that `body` starts inherit
/// `SHMEM_DIR`, in which everybody may make directories, as in `/dev/shm`. All is gone at the end.
///
/// It must be called by the test function itself, with a closure: the test's name is taken from it.
pub fn alone<F: FnOnce(&Alone)>(body: F) {
    if let Some(dir) = env::var_os(INSIDE) {
        body(&Alone(dir.into()));
        println!("\n{DONE}");
        return;
    }
    let test = any::type_name::<F>();
    let test = test.strip_suffix("::{{closure}}").unwrap_or(test);
    let (_, test) = test.split_once("::").unwrap_or(("", test));
    let dir = TempDir::new(&test.replace("::", "-"));
    fs::set_permissions(dir.path(), Permissions::from_mode(0o1777)).unwrap();
    let output = Command::new("timeout")
        .args(["--kill-after=1", "60"])
        .arg(env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, dir.path())
        .env("SHMEM_DIR", dir.path())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    for line in stdout.lines().filter(|line| line.contains("not run: ")) {
        println!("{line}");
    }
    assert!(
        output.status.success() && stdout.contains(DONE),
        "{test}, alone: {}\n{stdout}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
}

impl Alone {
    /// The parent of the users' directories: `SHMEM_DIR`.
    pub fn parent(&self) -> &Path {
        &self.0
    }

    /// This user's directory of named objects.
    pub fn home(&self) -> PathBuf {
        self.0.join(format!("shmem-{}", geteuid().as_raw()))
    }

    /// Makes [`home`](Self::home) as the library does.
    pub fn make_home(&self) -> PathBuf {
        use shmem_core::Shared as _;
        drop(u8::create("to-make-the-directory", 0).unwrap());
        self.home()
    }

    /// The names of the files in [`home`](Self::home), hidden ones included, in order.
    pub fn files(&self) -> Vec<String> {
        let entries = match fs::read_dir(self.home()) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
            other => other.unwrap(),
        };
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// Whether this process is root; says that the test did not run otherwise.
pub fn is_root(test: &str) -> bool {
    let root = geteuid().is_root();
    if !root {
        println!("not run: {test} needs root");
    }
    root
}

/// `Ok`, or the name of the error's variant.
pub fn outcome<T>(result: shmem_core::Result<T>) -> String {
    tell(result, |_| "Ok")
}

/// Which part of an object [`Error::Corrupt`](shmem_core::Error::Corrupt) names.
#[track_caller]
pub fn corrupt_part<T>(result: shmem_core::Result<T>) -> &'static str {
    match result {
        Err(shmem_core::Error::Corrupt { what, .. }) => what,
        other => panic!("{}", outcome(other)),
    }
}
