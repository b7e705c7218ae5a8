//! The newer of two versions of one program, with fields where the older has padding, and behind its end.

use shmem_core::{FixedOption, Shared};

mod work;
use work::{Checked, FACTOR};

#[derive(Shared, Clone, Copy, Debug)]
#[repr(C)]
#[shared(reserve = 256)]
struct Service {
    ticks: u64,
    product: u64,
    mode: u8,
    odd: bool,
    _pad: [u8; 2],
    low: u32,
    copies: [u64; 4],
    /// How many changes programs of this version have published: none of the older touches it.
    own_ticks: u64,
    own_product: u64,
    last: FixedOption<u64>,
    own_copies: [u64; 9],
}

impl Checked for Service {
    /// It would take back what others of its version have counted meanwhile.
    const WRITES_WHOLE_VALUES: bool = false;

    fn of(ticks: u64) -> Self {
        Service {
            ticks,
            product: ticks.wrapping_mul(FACTOR),
            mode: ticks.to_ne_bytes()[0],
            odd: false,
            _pad: [0xDD; 2],
            low: 0,
            copies: [ticks; 4],
            own_ticks: 0,
            own_product: 0,
            last: FixedOption::none(),
            own_copies: [0; 9],
        }
    }

    fn is_whole(&self) -> bool {
        let Service { mode, copies, .. } = Service::of(self.ticks);
        let own = self.own_ticks;
        let last = (own > 0).then_some(own);
        (self.product, self.mode, self.copies) == (self.ticks.wrapping_mul(FACTOR), mode, copies)
            && self.odd == (own % 2 == 1)
            && u64::from(self.low) == own & 0xFFFF_FFFF
            && self.own_product == own.wrapping_mul(FACTOR)
            && self.last.as_ref() == last.as_ref()
            && self.own_copies == [own; 9]
    }

    fn next(&self) -> Self {
        let own_ticks = self.own_ticks + 1;
        Service {
            odd: own_ticks % 2 == 1,
            low: u32::try_from(own_ticks & 0xFFFF_FFFF).unwrap_or(0),
            own_ticks,
            own_product: own_ticks.wrapping_mul(FACTOR),
            last: FixedOption::some(own_ticks),
            own_copies: [own_ticks; 9],
            ..Service::of(self.ticks.wrapping_add(1))
        }
    }

    fn spoil(&mut self, wrong: u64) {
        *self = Service::of(wrong);
        self.product = !self.product;
    }

    fn number(&self) -> u64 {
        self.own_ticks
    }
}

fn main() {
    work::main::<Service>();
}
