use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
#[shared(fingerprint = 0x1234)] //~ `fingerprint = 0x466dae9accf33239` now, 0x0000000000001234 pinned
pub struct Order {
    pub id: u64,
}

fn main() {}
