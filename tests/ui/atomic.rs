use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub id: u64,
    pub open: std::sync::atomic::AtomicBool, //~ use `AtomicU8`, and 0 and 1
    _pad: [u8; 7],
}

fn main() {}
