use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub id: u64,
    pub item: std::sync::atomic::AtomicU64, //~ use a plain integer: a guard of the whole object lets one process change it
}

fn main() {}
