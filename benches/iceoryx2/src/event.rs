//! Waiting: iceoryx2 has an event service of its own for that, beside the service that has the value.

use harness::{Outcome, Place, failed};
use iceoryx2::node::Node;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::prelude::*;

pub(crate) type Service = ipc::Service;

/// A node whose files have a prefix and a folder of this run's, so that those of killed workers can be told and taken
/// away.
pub(crate) fn node(place: &Place) -> Outcome<Node<Service>> {
    let mut config = Config::default();
    let prefix = format!("bench_iox2_{}_", place.run());
    config.global.prefix = FileName::new(prefix.as_bytes())?;
    config
        .global
        .set_root_path(&Path::new(place.folder().as_bytes())?);
    Ok(NodeBuilder::new().config(&config).create::<Service>()?)
}

/// What both sides of an event service need. Made when it is first used.
#[derive(Default)]
pub(crate) struct Event {
    listener: Option<Listener<Service>>,
    notifier: Option<Notifier<Service>>,
}

impl Event {
    pub(crate) fn wait(&mut self, node: &Node<Service>, place: &Place) -> Outcome<()> {
        if self.listener.is_none() {
            let name = ServiceName::new(&format!("{}-event", place.0))?;
            let service = node.service_builder(&name).event().open_or_create()?;
            self.listener = Some(service.listener_builder().create()?);
            // Who did not listen yet may have missed one: look before the first sleep.
            return Ok(());
        }
        let listener = self
            .listener
            .as_ref()
            .ok_or_else(|| failed("no listener"))?;
        listener.blocking_wait(|_| ())?;
        Ok(())
    }

    pub(crate) fn notify(&mut self, node: &Node<Service>, place: &Place) -> Outcome<()> {
        if self.notifier.is_none() {
            let name = ServiceName::new(&format!("{}-event", place.0))?;
            let service = node.service_builder(&name).event().open_or_create()?;
            self.notifier = Some(service.notifier_builder().create()?);
        }
        let notifier = self
            .notifier
            .as_ref()
            .ok_or_else(|| failed("no notifier"))?;
        notifier.notify()?;
        Ok(())
    }
}
