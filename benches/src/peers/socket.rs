//! A server that has the value, asked over a Unix socket, with `postcard` for what goes over it.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use harness::{Failure, Outcome, Peer, Place, Value, failed};
use serde::{Deserialize, Serialize};

use super::server::Server;

#[derive(Serialize, Deserialize)]
enum Request {
    GetField,
    Get,
    SetField(u64),
    Set(Vec<u64>),
    /// The first word, once it is another.
    WaitForOther(u64),
}

#[derive(Serialize, Deserialize)]
enum Answer {
    Done,
    Field(u64),
    Value(Vec<u64>),
}

/// A message behind its length.
fn send<T: Serialize>(stream: &mut UnixStream, buffer: &mut Vec<u8>, message: &T) -> Outcome<()> {
    buffer.clear();
    buffer.extend([0; 4]);
    let mut all = postcard::to_extend(message, std::mem::take(buffer))?;
    let len = u32::try_from(all.len() - 4)?;
    all[..4].copy_from_slice(&len.to_le_bytes());
    *buffer = all;
    Ok(stream.write_all(buffer)?)
}

fn receive<T: for<'de> Deserialize<'de>>(
    stream: &mut UnixStream,
    buffer: &mut Vec<u8>,
) -> Outcome<T> {
    let mut len = [0; 4];
    stream.read_exact(&mut len)?;
    buffer.resize(u32::from_le_bytes(len) as usize, 0);
    stream.read_exact(buffer)?;
    Ok(postcard::from_bytes(buffer)?)
}

#[derive(Default)]
struct State {
    value: Mutex<Vec<u64>>,
    changed: Condvar,
}

fn serve_one(mut stream: UnixStream, state: &State) -> Outcome<()> {
    let mut buffer = Vec::new();
    loop {
        let request = receive(&mut stream, &mut buffer)?;
        let mut value = state.value.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match request {
            Request::GetField => Answer::Field(value[0]),
            Request::Get => Answer::Value(value.clone()),
            Request::SetField(word) => {
                value[0] = word;
                Answer::Done
            }
            Request::Set(new) => {
                *value = new;
                Answer::Done
            }
            Request::WaitForOther(seen) => {
                let other = state.changed.wait_while(value, |value| value[0] == seen);
                value = other.unwrap_or_else(PoisonError::into_inner);
                Answer::Field(value[0])
            }
        };
        drop(value);
        if matches!(answer, Answer::Done) {
            state.changed.notify_all();
        }
        send(&mut stream, &mut buffer, &answer)?;
    }
}

/// The server's program: serves a value of so many words at `path`, one thread for each client.
pub(crate) fn serve(path: &str, words: &str) -> ExitCode {
    let state = Arc::new(State::default());
    let run = || -> io::Result<()> {
        let words = words.parse().map_err(io::Error::other)?;
        *state.value.lock().unwrap_or_else(PoisonError::into_inner) = vec![0; words];
        for stream in UnixListener::bind(path)?.incoming() {
            let (stream, state) = (stream?, Arc::clone(&state));
            // Ends when its client is gone.
            thread::spawn(move || drop(serve_one(stream, &state)));
        }
        Ok(())
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

pub(super) struct Socket<const W: usize> {
    stream: UnixStream,
    buffer: Vec<u8>,
    _server: Option<Server>,
}

impl<const W: usize> Socket<W> {
    fn ask(&mut self, request: &Request) -> Outcome<Answer> {
        send(&mut self.stream, &mut self.buffer, request)?;
        receive(&mut self.stream, &mut self.buffer)
    }

    fn field(&mut self, request: &Request) -> Outcome<u64> {
        match self.ask(request)? {
            Answer::Field(word) => Ok(word),
            _ => Err(failed("another answer")),
        }
    }

    fn connect(place: &Place, server: Option<Server>) -> Outcome<Self> {
        Ok(Socket {
            stream: UnixStream::connect(place.path())?,
            buffer: Vec::new(),
            _server: server,
        })
    }
}

impl<const W: usize> Peer<W> for Socket<W> {
    fn create(place: &Place) -> Outcome<Self> {
        let program = std::env::current_exe()?;
        let args = ["socket-server".to_owned(), place.path(), W.to_string()];
        let server = Server::start(&program, &args, &place.path())?;
        Socket::connect(place, Some(server))
    }

    fn open(place: &Place) -> Outcome<Self> {
        Socket::connect(place, None)
    }

    fn read_field(&mut self) -> Outcome<u64> {
        self.field(&Request::GetField)
    }

    fn copy(&mut self, out: &mut Value<W>) -> Outcome<()> {
        match self.ask(&Request::Get)? {
            Answer::Value(value) if value.len() == W => {
                out.copy_from_slice(&value);
                Ok(())
            }
            _ => Err(failed("another answer")),
        }
    }

    fn write_field(&mut self, word: u64) -> Outcome<()> {
        self.ask(&Request::SetField(word)).map(drop)
    }

    fn write_all(&mut self, new: &Value<W>) -> Outcome<()> {
        self.ask(&Request::Set(new.to_vec())).map(drop)
    }

    fn wait(&mut self, seen: u64) -> Outcome<u64> {
        self.field(&Request::WaitForOther(seen))
    }

    // A client has nothing that a kill could leave half-done, but for the server's part of it.
    fn stop_writing(&mut self, _: impl FnOnce()) -> Outcome<()> {
        Err(Failure::NotOffered)
    }
}
