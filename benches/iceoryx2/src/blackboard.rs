//! The blackboard: one writer, many readers, each of which copies the value out.

use harness::{Failure, Outcome, Peer, Place, Value};
use iceoryx2::node::Node;
use iceoryx2::port::reader::{EntryHandle, Reader};
use iceoryx2::port::writer::{EntryHandleMut, Writer};
use iceoryx2::prelude::*;

use crate::event::{self, Event, Service};

const KEY: u64 = 1;

pub(crate) struct Blackboard<const W: usize, const LOAN: bool> {
    entry: EntryHandle<Service, u64, Value<W>>,
    entry_mut: Option<EntryHandleMut<Service, u64, Value<W>>>,
    /// What is there, for changes of one field.
    value: Box<Value<W>>,
    event: Event,
    place: Place,
    _reader: Reader<Service, u64>,
    _writer: Option<Writer<Service, u64>>,
    node: Node<Service>,
}

pub(crate) type Copying<const W: usize> = Blackboard<W, false>;
pub(crate) type Loaning<const W: usize> = Blackboard<W, true>;

impl<const W: usize, const LOAN: bool> Blackboard<W, LOAN> {
    #[inline]
    fn write(&mut self, new: &Value<W>) -> Outcome<()> {
        let entry = self.entry_mut.take().ok_or(Failure::NotOffered)?;
        self.entry_mut = Some(if LOAN {
            let mut loan = entry.loan_uninit();
            loan.value_mut().write(*new);
            // SAFETY: written just now.
            unsafe { loan.assume_init_and_update() }
        } else {
            entry.update_with_copy(*new);
            entry
        });
        Ok(())
    }
}

impl<const W: usize, const LOAN: bool> Peer<W> for Blackboard<W, LOAN> {
    fn create(place: &Place) -> Outcome<Self> {
        let node = event::node(place)?;
        let service = node
            .service_builder(&ServiceName::new(&place.0)?)
            .blackboard_creator::<u64>()
            .max_readers(80)
            .max_nodes(80)
            .add::<Value<W>>(KEY, [0; W])
            .create()?;
        let writer = service.writer_builder().create()?;
        let reader = service.reader_builder().create()?;
        Ok(Blackboard {
            entry: reader.entry(&KEY)?,
            entry_mut: Some(writer.entry(&KEY)?),
            value: vec![0; W].into_boxed_slice().try_into().expect("W words"),
            event: Event::default(),
            place: place.clone(),
            _reader: reader,
            _writer: Some(writer),
            node,
        })
    }

    fn open(place: &Place) -> Outcome<Self> {
        let node = event::node(place)?;
        let service = node
            .service_builder(&ServiceName::new(&place.0)?)
            .blackboard_opener::<u64>()
            .open()?;
        let reader = service.reader_builder().create()?;
        // There is one writer at a time; who is killed, or still there, has the place.
        let writer = service.writer_builder().create().ok();
        let entry_mut = writer.as_ref().map(|writer| writer.entry(&KEY));
        Ok(Blackboard {
            entry: reader.entry(&KEY)?,
            entry_mut: entry_mut.transpose()?,
            value: vec![0; W].into_boxed_slice().try_into().expect("W words"),
            event: Event::default(),
            place: place.clone(),
            _reader: reader,
            _writer: writer,
            node,
        })
    }

    #[inline]
    fn read_field(&mut self) -> Outcome<u64> {
        Ok(self.entry.get()[0])
    }

    #[inline]
    fn copy(&mut self, out: &mut Value<W>) -> Outcome<()> {
        *out = *self.entry.get();
        Ok(())
    }

    #[inline]
    fn write_field(&mut self, word: u64) -> Outcome<()> {
        self.value[0] = word;
        let value = std::mem::replace(&mut self.value, Box::new([0; W]));
        let written = self.write(&value);
        self.value = value;
        written
    }

    #[inline]
    fn write_all(&mut self, new: &Value<W>) -> Outcome<()> {
        self.write(new)
    }

    fn wait(&mut self, seen: u64) -> Outcome<u64> {
        loop {
            let word = self.read_field()?;
            if word != seen {
                return Ok(word);
            }
            self.event.wait(&self.node, &self.place)?;
        }
    }

    fn announce(&mut self, word: u64) -> Outcome<()> {
        self.write_field(word)?;
        self.event.notify(&self.node, &self.place)
    }
}
