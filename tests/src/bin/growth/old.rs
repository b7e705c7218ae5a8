//! The older of two versions of one program: see `work.rs`.

use shmem_core::Shared;

mod work;
use work::{Checked, FACTOR};

#[derive(Shared, Clone, Copy, Debug)]
#[repr(C)]
#[shared(reserve = 256)]
struct Service {
    ticks: u64,
    product: u64,
    mode: u8,
    _pad: [u8; 7],
    copies: [u64; 4],
}

impl Checked for Service {
    const WRITES_WHOLE_VALUES: bool = true;

    /// With nonsense in its padding, as a program may have that was made when it was padding to all.
    fn of(ticks: u64) -> Self {
        Service {
            ticks,
            product: ticks.wrapping_mul(FACTOR),
            mode: ticks.to_ne_bytes()[0],
            _pad: [0xEE; 7],
            copies: [ticks; 4],
        }
    }

    fn is_whole(&self) -> bool {
        let Service { mode, copies, .. } = Service::of(self.ticks);
        (self.product, self.mode, self.copies) == (self.ticks.wrapping_mul(FACTOR), mode, copies)
    }

    fn next(&self) -> Self {
        Service::of(self.ticks.wrapping_add(1))
    }

    fn spoil(&mut self, wrong: u64) {
        *self = Service::of(wrong);
        self.product = !self.product;
    }

    fn number(&self) -> u64 {
        self.ticks
    }
}

fn main() {
    work::main::<Service>();
}
