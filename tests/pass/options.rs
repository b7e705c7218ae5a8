//! Every option that changes no layout.

use shmem_core::Shared;

#[derive(Shared)]
#[repr(C)]
#[shared(in_place)]
pub struct Frame {
    pub pixels: [u8; 1024],
}

/// A type with parameters takes it, too.
#[derive(Shared)]
#[repr(C)]
#[shared(in_place, name = "Frames", version = 2)]
pub struct Many<T, const N: usize> {
    pub frames: [T; N],
}

#[derive(Shared)]
#[repr(u8)]
#[shared(buffers = 8)]
pub enum Gear {
    Neutral = 0,
}

pub fn use_them() -> shmem_core::Result<()> {
    drop(Frame::open("frame")?);
    drop(Many::<Frame, 2>::open("frames")?);
    drop(Gear::open("gear")?);
    Ok(())
}
