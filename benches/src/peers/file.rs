//! A file of `postcard` bytes in shared memory, replaced whole by `rename`.

use std::fs;

use harness::{Outcome, Peer, Place, Value, failed};

pub(super) struct File<const W: usize> {
    path: String,
    created: bool,
}

impl<const W: usize> File<W> {
    fn load(&self) -> Outcome<Vec<u64>> {
        let value: Vec<u64> = postcard::from_bytes(&fs::read(&self.path)?)?;
        if value.len() == W {
            Ok(value)
        } else {
            Err(failed("another length"))
        }
    }

    fn save(&self, value: &[u64]) -> Outcome<()> {
        let new = format!("{}.new", self.path);
        fs::write(&new, postcard::to_stdvec(value)?)?;
        Ok(fs::rename(&new, &self.path)?)
    }
}

impl<const W: usize> Peer<W> for File<W> {
    fn create(place: &Place) -> Outcome<Self> {
        let file = File::<W> {
            path: place.path(),
            created: true,
        };
        file.save(&vec![0; W])?;
        Ok(file)
    }

    fn open(place: &Place) -> Outcome<Self> {
        let file = File::<W> {
            path: place.path(),
            created: false,
        };
        file.load()?;
        Ok(file)
    }

    fn read_field(&mut self) -> Outcome<u64> {
        Ok(self.load()?[0])
    }

    fn copy(&mut self, out: &mut Value<W>) -> Outcome<()> {
        out.copy_from_slice(&self.load()?);
        Ok(())
    }

    fn write_field(&mut self, word: u64) -> Outcome<()> {
        let mut value = self.load()?;
        value[0] = word;
        self.save(&value)
    }

    fn write_all(&mut self, new: &Value<W>) -> Outcome<()> {
        self.save(new)
    }
}

impl<const W: usize> Drop for File<W> {
    fn drop(&mut self) {
        if self.created {
            drop(fs::remove_file(&self.path));
            // A writer that was killed leaves this.
            drop(fs::remove_file(format!("{}.new", self.path)));
        }
    }
}
