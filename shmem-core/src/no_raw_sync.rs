//! In place of `raw_sync.rs` in programs that cannot take such a lock, and so open no object that has one.

use std::io;

use crate::deadline::Deadline;
use crate::lifecycle::Attachment;
use crate::mapping::Mapping;
use crate::view::{Refusal, View};

/// No lock.
#[derive(Debug)]
pub(crate) struct Gate;

impl Gate {
    pub(crate) fn word() -> Option<u64> {
        None
    }

    pub(crate) fn make(_: &Mapping) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn of(_: &View) -> Self {
        Gate
    }

    #[inline]
    pub(crate) fn enter_shared(&self, _: &Attachment, _: Deadline) -> Result<(), Refusal> {
        Ok(())
    }

    #[inline]
    pub(crate) fn leave_shared(&self) {}

    #[inline]
    pub(crate) fn enter_alone(&self, _: &Attachment, _: Deadline) -> Result<(), Refusal> {
        Ok(())
    }

    #[inline]
    pub(crate) fn leave_alone(&self) {}

    pub(crate) fn leave_all(&self, _: u32) {}
}
