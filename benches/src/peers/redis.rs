//! Redis over a Unix socket: the value is a string of its bytes, and a field a range of it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use harness::{Failure, Outcome, Peer, Place, Value, failed};

use super::server::Server;

pub(super) struct Redis<const W: usize> {
    stream: BufReader<UnixStream>,
    out: Vec<u8>,
    reply: Vec<u8>,
    _server: Option<Server>,
}

impl<const W: usize> Redis<W> {
    fn connect(place: &Place, server: Option<Server>) -> Outcome<Self> {
        let stream = UnixStream::connect(place.path())?;
        Ok(Redis {
            stream: BufReader::with_capacity(1 << 16, stream),
            out: Vec::new(),
            reply: Vec::new(),
            _server: server,
        })
    }

    /// Sends a command and leaves a bulk reply in `self.reply`.
    fn ask(&mut self, words: &[&[u8]]) -> Outcome<()> {
        self.out.clear();
        write!(self.out, "*{}\r\n", words.len())?;
        for word in words {
            write!(self.out, "${}\r\n", word.len())?;
            self.out.extend_from_slice(word);
            self.out.extend_from_slice(b"\r\n");
        }
        self.stream.get_mut().write_all(&self.out)?;
        self.reply.clear();
        self.stream.read_until(b'\n', &mut self.reply)?;
        let head = std::str::from_utf8(&self.reply)?.trim_end().to_owned();
        match head.split_at_checked(1) {
            Some(("+" | ":", _)) => Ok(()),
            Some(("$", len)) => {
                self.reply.resize(len.parse::<usize>()? + 2, 0);
                Ok(self.stream.read_exact(&mut self.reply)?)
            }
            _ => Err(failed(head)),
        }
    }

    fn word(&self, at: usize) -> Outcome<u64> {
        let bytes = self
            .reply
            .get(8 * at..)
            .and_then(|bytes| bytes.first_chunk());
        let bytes = bytes.ok_or_else(|| failed("too short"))?;
        Ok(u64::from_le_bytes(*bytes))
    }
}

impl<const W: usize> Peer<W> for Redis<W> {
    fn create(place: &Place) -> Outcome<Self> {
        let path = place.path();
        let args = [
            "--port",
            "0",
            "--save",
            "",
            "--appendonly",
            "no",
            "--unixsocket",
            &path,
        ];
        let server = Server::start(Path::new("redis-server"), &args, &path);
        let server = server.map_err(|error| failed(format!("redis-server: {error}")))?;
        let mut new = Redis::connect(place, Some(server))?;
        new.write_all(&[0; W])?;
        Ok(new)
    }

    fn open(place: &Place) -> Outcome<Self> {
        Redis::connect(place, None)
    }

    fn read_field(&mut self) -> Outcome<u64> {
        self.ask(&[b"GETRANGE", b"v", b"0", b"7"])?;
        self.word(0)
    }

    fn copy(&mut self, out: &mut Value<W>) -> Outcome<()> {
        self.ask(&[b"GET", b"v"])?;
        for (at, out) in out.iter_mut().enumerate() {
            *out = self.word(at)?;
        }
        Ok(())
    }

    fn write_field(&mut self, word: u64) -> Outcome<()> {
        self.ask(&[b"SETRANGE", b"v", b"0", &word.to_le_bytes()])
    }

    fn write_all(&mut self, new: &Value<W>) -> Outcome<()> {
        let bytes = new.iter().flat_map(|word| word.to_le_bytes());
        let bytes = bytes.collect::<Vec<_>>();
        self.ask(&[b"SET", b"v", &bytes])
    }

    fn stop_writing(&mut self, _: impl FnOnce()) -> Outcome<()> {
        Err(Failure::NotOffered)
    }
}
