use shmem_core::{FixedVec, Shared};

#[derive(Shared)]
#[repr(C)]
struct Hashes {
    recent: FixedVec<u128, 3>, //~ `FixedVec` has 8 bytes of padding: use an item that is aligned to at most 8 bytes
}

fn main() {}
