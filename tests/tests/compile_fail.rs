//! What the derive refuses, in our words and at the right line; and the surroundings that it must work in.
//!
//! Each file in `ui/` shows a mistake and says in comments what must be reported:
//!
//! ```text
//! pub name: String, //~ use `FixedStr<N>`
//! //~^ something about the line above
//! //~? something about a generic type, which the compiler reports without our line
//! ```
//!
//! On any compiler, every comment must be matched by one error that has the sentence in its message or label
//! and points at that line, and there may be no other errors. The compiler's own words differ between
//! releases: they are compared in full only where `SHMEM_UI=1` is set, which CI does for one release.

use serde_json::Value;
use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

#[test]
fn mistakes_are_reported_once_and_at_their_line() {
    let compiler = Compiler::find();
    check_all("ui", |file| {
        let source = fs::read_to_string(file).unwrap();
        let expected = expected(&source);
        assert!(!expected.is_empty(), "no `//~` comment");
        let mut errors = compiler.compile(file, "2024", "shmem_core");
        errors.retain(|error| error["level"] == "error");
        let mut report = String::new();
        for (line, sentence) in &expected {
            let matches = |error: &&Value| {
                says(error, sentence) && line.is_none_or(|line| points_at(error, file, line))
            };
            let found = errors.iter().filter(matches).count();
            if found != 1 {
                writeln!(report, "line {line:?}: {found} errors say `{sentence}`").unwrap();
            }
        }
        if errors.len() != expected.len() {
            let (errors, expected) = (errors.len(), expected.len());
            writeln!(report, "{errors} errors, {expected} expected").unwrap();
        }
        if !report.is_empty() {
            for error in &errors {
                report += error["rendered"].as_str().unwrap_or_default();
            }
        }
        report
    });
}

/// Files in `pass/` give neither errors nor warnings, in any edition. Their first line may be
/// `//@ extern: name`, which is then how shmem-core is called.
#[test]
fn the_derive_works_in_any_surroundings() {
    let compiler = Compiler::find();
    check_all("pass", |file| {
        let source = fs::read_to_string(file).unwrap();
        let name = source
            .lines()
            .find_map(|line| line.strip_prefix("//@ extern: "))
            .unwrap_or("shmem_core");
        let mut report = String::new();
        for edition in ["2018", "2021", "2024"] {
            for message in compiler.compile(file, edition, name) {
                let rendered = message["rendered"].as_str().unwrap_or_default();
                write!(report, "edition {edition}: {rendered}").unwrap();
            }
        }
        report
    });
}

#[test]
fn the_full_output_is_as_recorded() {
    if env::var_os("SHMEM_UI").is_none() {
        println!("not run: set SHMEM_UI=1");
        return;
    }
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}

/// Runs `check` on each file in a few threads, and fails with everything that it reports.
fn check_all(folder: &str, check: impl Fn(&Path) -> String + Sync) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    assert!(!files.is_empty());
    files.sort();
    let (files, reports) = (Mutex::new(files.into_iter()), Mutex::new(BTreeSet::new()));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = files.lock().unwrap().next();
                    let Some(file) = next else { break };
                    let report = check(&file);
                    if !report.is_empty() {
                        let report = format!("{}\n{report}", file.display());
                        reports.lock().unwrap().insert(report);
                    }
                }
            });
        }
    });
    let reports: Vec<_> = reports.into_inner().unwrap().into_iter().collect();
    assert!(reports.is_empty(), "\n{}", reports.join("\n"));
}

/// The lines and sentences of the `//~` comments; each `^` means one line up, and `?` any line.
fn expected(source: &str) -> Vec<(Option<usize>, String)> {
    let mut expected = Vec::new();
    for (i, line) in source.lines().enumerate() {
        if let Some((_, comment)) = line.split_once("//~") {
            let sentence = comment.trim_start_matches('^');
            let up = comment.len() - sentence.len();
            expected.push(match sentence.strip_prefix('?') {
                Some(sentence) => (None, sentence.trim().to_owned()),
                None => (Some(i + 1 - up), sentence.trim().to_owned()),
            });
        }
    }
    expected
}

/// Whether the sentence stands in the message or in a label. (A constant's panic moved from one to the other.)
fn says(error: &Value, sentence: &str) -> bool {
    let labels = error["spans"].as_array().into_iter().flatten();
    labels
        .map(|span| &span["label"])
        .chain([&error["message"]])
        .any(|text| text.as_str().is_some_and(|text| text.contains(sentence)))
}

/// Whether the error or one of its notes has a place on that line.
fn points_at(error: &Value, file: &Path, line: usize) -> bool {
    fn is_on_line(span: &Value, file: &Path, line: usize) -> bool {
        let file_name = span["file_name"].as_str().unwrap_or_default();
        let is_here = Path::new(file_name) == file && span["line_start"] == line;
        // What a macro of the library expands to is shown where it was called.
        let call = &span["expansion"]["span"];
        is_here || (call.is_object() && is_on_line(call, file, line))
    }
    let notes = error["children"].as_array().into_iter().flatten();
    notes
        .chain([error])
        .flat_map(|note| note["spans"].as_array().into_iter().flatten())
        .any(|span| is_on_line(span, file, line))
}

/// A rustc that finds the shmem-core that Cargo has just built.
struct Compiler {
    rustc: PathBuf,
    library: PathBuf,
    dependencies: PathBuf,
    out: PathBuf,
}

impl Compiler {
    fn find() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["build", "--offline", "--quiet", "--message-format=json"])
            .args(["--package", "shmem-core"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cargo build: {errors}");
        let library = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|message| message["target"]["name"] == "shmem_core")
            .filter_map(|message| message["filenames"].as_array().cloned())
            .flatten()
            .filter_map(|name| name.as_str().map(PathBuf::from))
            .find(|name| {
                name.extension()
                    .is_some_and(|extension| extension == "rmeta")
            })
            .expect("cargo builds shmem-core's .rmeta");
        Compiler {
            rustc: env::var_os("RUSTC")
                .unwrap_or_else(|| "rustc".into())
                .into(),
            dependencies: library.parent().unwrap().to_owned(),
            library,
            out: PathBuf::from(env!("CARGO_TARGET_TMPDIR")),
        }
    }

    /// The errors and warnings about `file`.
    fn compile(&self, file: &Path, edition: &str, name: &str) -> Vec<Value> {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        let metadata = self.out.join(format!("{stem}-{edition}.rmeta"));
        let output = Command::new(&self.rustc)
            .args([
                "--crate-type=lib",
                "--error-format=json",
                "--edition",
                edition,
            ])
            .arg("--emit=metadata")
            .arg("-o")
            .arg(&metadata)
            .arg("--extern")
            .arg(format!("{name}={}", self.library.display()))
            .arg("-L")
            .arg(format!("dependency={}", self.dependencies.display()))
            .arg(file)
            .output()
            .unwrap();
        // Nobody needs it; a file that is left over would do no harm.
        fs::remove_file(&metadata).ok();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let messages: Vec<_> = stderr
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("{stderr}")))
            .filter(|message| matches!(message["level"].as_str(), Some("error" | "warning")))
            // "aborting due to 2 previous errors"
            .filter(|message| {
                message["spans"]
                    .as_array()
                    .is_some_and(|spans| !spans.is_empty())
            })
            .collect();
        let failed = !output.status.success();
        assert!(!failed || !messages.is_empty(), "{stderr}");
        messages
    }
}
