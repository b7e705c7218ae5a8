use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    pub id: u64,
    pub item: Option<u32>, //~ use `FixedOption<u32>`; or `Option<NonZeroU32>` and the like, where 0 is `None`
}

fn main() {}
