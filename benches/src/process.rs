//! A worker process, and what it is asked.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How long a worker may take for what cannot hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What a worker answers.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Done(Vec<f64>),
    NotOffered,
    Failed(String),
    /// Nothing in time, or it is gone.
    Silent,
}

/// The role of a worker, and how it is pinned.
#[derive(Clone, Copy)]
pub(crate) struct Post<'a> {
    pub(crate) role: &'a str,
    pub(crate) size: usize,
    pub(crate) place: &'a str,
    /// A processor, counted from the last one.
    pub(crate) core: Option<usize>,
}

pub(crate) struct Worker {
    child: Child,
    orders: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Worker {
    /// Starts a worker and waits until it is ready.
    pub(crate) fn start(program: &Path, name: &str, post: Post<'_>) -> Result<Self, Reply> {
        Worker::begin(program, name, post)?.ready(PATIENCE)
    }

    /// Starts it.
    pub(crate) fn begin(program: &Path, name: &str, post: Post<'_>) -> Result<Self, Reply> {
        let mut command = Command::new(program);
        let core = post.core.map_or("-".to_owned(), |core| core.to_string());
        let size = post.size.to_string();
        harness::with_parent(&mut command)
            .args(["worker", name, &size, post.place, post.role, &core])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let failed = |error: std::io::Error| Reply::Failed(error.to_string());
        let mut child = command.spawn().map_err(failed)?;
        let orders = child.stdin.take();
        let out = child.stdout.take().ok_or(Reply::Silent)?;
        let (sender, answers) = channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Worker {
            child,
            orders,
            answers,
        })
    }

    /// Waits until it has created or opened what it was started for.
    pub(crate) fn ready(self, patience: Duration) -> Result<Self, Reply> {
        match self.answers.recv_timeout(patience) {
            Ok(line) if line == "ready" => Ok(self),
            Ok(line) => Err(parse(&line)),
            Err(_) => Err(Reply::Silent),
        }
    }

    pub(crate) fn send(&mut self, order: &str) {
        if let Some(orders) = &mut self.orders {
            // A worker that is gone does not answer, which is what is looked at.
            drop(writeln!(orders, "{order}").and_then(|()| orders.flush()));
        }
    }

    pub(crate) fn receive(&mut self, patience: Duration) -> Reply {
        match self.answers.recv_timeout(patience) {
            Ok(line) => parse(&line),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Reply::Silent,
        }
    }

    pub(crate) fn ask(&mut self, order: &str) -> Reply {
        self.send(order);
        self.receive(PATIENCE)
    }

    /// SIGKILL, and gone when this returns.
    pub(crate) fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn parse(line: &str) -> Reply {
    if let Some(why) = line.strip_prefix("no ") {
        return if why == "not offered" {
            Reply::NotOffered
        } else {
            Reply::Failed(why.to_owned())
        };
    }
    let numbers = line.split(' ').skip(1).map(str::parse);
    numbers
        .collect::<Result<_, _>>()
        .map_or_else(|_| Reply::Failed(line.to_owned()), Reply::Done)
}

impl Drop for Worker {
    fn drop(&mut self) {
        // The end of its orders has it take away what it created.
        self.orders = None;
        for _ in 0..200 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
        self.kill();
    }
}
