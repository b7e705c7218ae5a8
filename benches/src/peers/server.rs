//! A server that a contestant needs, started and ended with it.

use std::ffi::OsStr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use harness::{Outcome, failed};

/// A child process that serves at a socket.
pub(super) struct Server {
    child: Child,
    socket: String,
}

impl Server {
    /// Starts it, and waits until its socket can be connected to.
    pub(super) fn start(program: &Path, args: &[impl AsRef<OsStr>], socket: &str) -> Outcome<Self> {
        let child = harness::with_parent(&mut Command::new(program))
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let mut server = Server {
            child,
            socket: socket.to_owned(),
        };
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end {
            if UnixStream::connect(socket).is_ok() {
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                return Err(failed(format!("the server ended: {status}")));
            }
            thread::sleep(Duration::from_millis(2));
        }
        Err(failed("the server does not listen"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_file(&self.socket));
    }
}
