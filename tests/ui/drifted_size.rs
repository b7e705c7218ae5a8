use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
#[shared(size = 16)] //~ the layout of `Order` has drifted from its pin: `size = 8` now, 16 pinned
pub struct Order {
    pub id: u64,
}

fn main() {}
