//! Publish-subscribe with a history of one: a reader that comes later gets the newest sample.

use harness::{Failure, Outcome, Peer, Place, Value};
use iceoryx2::node::Node;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use iceoryx2::sample::Sample;

use crate::event::{self, Event, Service};

pub(crate) struct PubSub<const W: usize> {
    newest: Option<Sample<Service, Value<W>, ()>>,
    subscriber: Subscriber<Service, Value<W>, ()>,
    publisher: Option<Publisher<Service, Value<W>, ()>>,
    first: Box<Value<W>>,
    event: Event,
    place: Place,
    node: Node<Service>,
}

impl<const W: usize> PubSub<W> {
    fn new(place: &Place, creates: bool) -> Outcome<Self> {
        let node = event::node(place)?;
        let name = ServiceName::new(&place.0)?;
        let service = node
            .service_builder(&name)
            .publish_subscribe::<Value<W>>()
            .history_size(1)
            .subscriber_max_buffer_size(1)
            .enable_safe_overflow(true)
            .max_subscribers(80)
            .max_nodes(80);
        let service = if creates {
            service.create()?
        } else {
            service.open()?
        };
        let subscriber = service.subscriber_builder().create()?;
        // Each side may publish.
        let publisher = service.publisher_builder().create().ok();
        let mut new = PubSub {
            newest: None,
            first: vec![0; W].into_boxed_slice().try_into().expect("W words"),
            subscriber,
            publisher,
            event: Event::default(),
            place: place.clone(),
            node,
        };
        if creates {
            new.write_all(&[0; W])?;
        }
        Ok(new)
    }

    #[inline]
    fn newest(&mut self) -> Outcome<&Value<W>> {
        while let Some(sample) = self.subscriber.receive()? {
            self.newest = Some(sample);
        }
        // Until its publisher sends once more, a new subscriber has nothing; what was published first is zeros.
        let sample = self.newest.as_ref().map(|sample| sample.payload());
        Ok(sample.unwrap_or(&self.first))
    }
}

impl<const W: usize> Peer<W> for PubSub<W> {
    fn create(place: &Place) -> Outcome<Self> {
        PubSub::new(place, true)
    }

    fn open(place: &Place) -> Outcome<Self> {
        let mut new = PubSub::new(place, false)?;
        // What was published before is delivered when the publisher next looks.
        new.newest().map(drop).ok();
        Ok(new)
    }

    #[inline]
    fn view<R>(&mut self, f: impl FnOnce(&Value<W>) -> R) -> Outcome<R> {
        self.newest().map(f)
    }

    #[inline]
    fn write_field(&mut self, word: u64) -> Outcome<()> {
        // A sample is whole: the others words come from the one that is there.
        let publisher = self.publisher.as_ref().ok_or(Failure::NotOffered)?;
        let mut loan = publisher.loan_uninit()?;
        while let Some(sample) = self.subscriber.receive()? {
            self.newest = Some(sample);
        }
        let newest = self.newest.as_ref().map(|sample| sample.payload());
        let value = loan.payload_mut().write(*newest.unwrap_or(&self.first));
        value[0] = word;
        // SAFETY: written just now.
        unsafe { loan.assume_init() }.send()?;
        Ok(())
    }

    #[inline]
    fn write_all(&mut self, new: &Value<W>) -> Outcome<()> {
        let publisher = self.publisher.as_ref().ok_or(Failure::NotOffered)?;
        let mut loan = publisher.loan_uninit()?;
        loan.payload_mut().write(*new);
        // SAFETY: written just now.
        unsafe { loan.assume_init() }.send()?;
        Ok(())
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
