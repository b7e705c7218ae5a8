use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
pub struct Order {
    #[shared(rename = "number")] //~ unknown option: `#[shared(..)]` on a field takes `name = ".."`
    pub id: u64,
}

fn main() {}
