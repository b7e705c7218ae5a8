use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
#[shared(buffers = 4, in_place)] //~ `in_place` is one buffer: leave `buffers` out, or `in_place`
pub struct Order {
    pub id: u64,
}

fn main() {}
