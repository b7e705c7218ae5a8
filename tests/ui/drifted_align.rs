use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
#[shared(align = 8)] //~ the layout of `Order` has drifted from its pin: `align = 4` now, 8 pinned
pub struct Order {
    pub id: u32,
}

fn main() {}
