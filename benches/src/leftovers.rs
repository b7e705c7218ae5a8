//! What a killed run leaves in shared memory and elsewhere. Nobody can tidy up after SIGKILL, so the next run does.

use std::fs;
use std::path::Path;
use std::process;

use crate::contestants::workspace;

/// What the names of this run's objects begin with: the process says whose they are.
pub(crate) fn prefix() -> String {
    format!("bench-{}-", process::id())
}

/// Whose it is, if the name is one of this suite's: `bench-PID-…`, or `bench_iox2_PID…` of iceoryx2.
fn owner(name: &str) -> Option<u32> {
    let rest = name.strip_prefix("bench_iox2_");
    let rest = rest.or_else(|| name.strip_prefix("bench-"))?;
    let end = rest.find(|c: char| !c.is_ascii_digit());
    let (number, rest) = rest.split_at(end.unwrap_or(rest.len()));
    let is_ours = rest.is_empty() || rest.starts_with(['-', '_']);
    number.parse().ok().filter(|_| is_ours)
}

/// Takes away what belongs to this run, and to those whose process is gone. Their workers went with them.
pub(crate) fn sweep() {
    let shared = Path::new("/dev/shm");
    for folder in [shared, Path::new("/tmp"), &workspace().join("target")] {
        sweep_folder(folder);
    }
    // The folders of this library's named objects.
    for entry in fs::read_dir(shared).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("shmem-") {
            sweep_folder(&entry.path());
        }
    }
}

fn sweep_folder(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Some(owner) = owner(&entry.file_name().to_string_lossy()) else {
            continue;
        };
        if owner == process::id() || !Path::new(&format!("/proc/{owner}")).exists() {
            let path = entry.path();
            drop(fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_names_of_this_suite_have_an_owner() {
        assert_eq!(owner("bench-123-4_data_0"), Some(123));
        assert_eq!(owner("bench_iox2_123_abc.dynamic"), Some(123));
        assert_eq!(owner("bench_iox2_123"), Some(123));
        for other in [
            "bench-",
            "bench-x-1",
            "bench-12x",
            "benches-123-4",
            "worker-stats",
        ] {
            assert_eq!(owner(other), None, "{other}");
        }
    }
}
