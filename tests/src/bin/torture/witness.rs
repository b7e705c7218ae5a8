//! What can be seen from outside when nobody gets on.

use std::fs::{self, DirEntry};
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;

use tests::raw::{ROW, Raw, control, word};

use crate::board::Place;
use crate::conductor::Round;
use crate::report::Violation;

/// The entries of a directory, none if it has gone.
fn entries(path: &Path) -> impl Iterator<Item = DirEntry> {
    fs::read_dir(path).into_iter().flatten().flatten()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

impl Round<'_> {
    /// Notes a violation, and who does what.
    pub(crate) fn hung(&mut self, what: &str) {
        let mut told = vec![what.to_owned()];
        told.push(format!("load {}", text("/proc/loadavg".as_ref()).trim()));
        for (slot, member) in self.members.iter().enumerate() {
            let Some(process) = member.process else {
                continue;
            };
            let process = process.as_raw_nonzero();
            let wants = self.board.at(slot, Place::Wants).load(SeqCst);
            let tasks = format!("/proc/{process}/task");
            let tasks: Vec<_> = entries(tasks.as_ref())
                .map(|task| state(&task.path()))
                .collect();
            let role = member.role.name();
            let tasks = tasks.join(", ");
            told.push(format!(
                "{role} {slot} (process {process}, wants {wants}: {tasks})"
            ));
        }
        for user in entries(&self.dir.join("shm")) {
            for file in entries(&user.path()) {
                if file.file_name().as_encoded_bytes().starts_with(b"torture") {
                    told.extend(object(&file.path()));
                }
            }
        }
        let text = told.join("; ");
        self.outcome.violations.push(Violation::new("hung", text));
    }
}

/// A task's state, and the system call that it is in, by number.
fn state(task: &Path) -> String {
    let (stat, call) = (text(&task.join("stat")), text(&task.join("syscall")));
    let state = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let state = state.split(' ').next().unwrap_or("");
    format!("{state} {}", call.split_whitespace().next().unwrap_or(""))
}

/// The words of an object that say who is in the way, and who has its file open and holds locks in it.
fn object(path: &Path) -> Vec<String> {
    let raw = Raw::read(path);
    let at = |offset: usize| raw.at(raw.offset(word::CONTROL) + offset);
    let [current, lock, writing] = [control::CURRENT, control::WRITER, control::WRITING].map(at);
    let mut told = vec![format!(
        "current {current:#x}, lock {lock:#x}, writing {writing}"
    )];
    for row in 0..raw.offset(word::HANDLES) {
        let start = raw.offset(word::ROWS) + row * ROW;
        let (generation, pins) = (raw.at(start), &raw.0[start + 8..start + 40]);
        if generation != 0 {
            let pins: Vec<_> = pins.chunks(4).map(|pins| pins[0]).collect();
            let (in_use, process) = (raw.at(start + 40) & 1, raw.at(start + 40) >> 32);
            told.push(format!(
                "row {row}, process {process}: generation {generation}, in use {in_use}, pins {pins:?}"
            ));
        }
    }
    for process in entries("/proc".as_ref()) {
        for file in entries(&process.path().join("fd")) {
            if !fs::read_link(file.path()).is_ok_and(|to| to == path) {
                continue;
            }
            let info = text(&process.path().join("fdinfo").join(file.file_name()));
            let locks = info.lines().filter(|line| line.starts_with("lock:"));
            let locks: Vec<_> = locks.filter_map(|line| line.rsplit(' ').next()).collect();
            told.push(format!(
                "{} locks {locks:?}",
                process.file_name().to_string_lossy()
            ));
        }
    }
    told
}
