"""What the operating system gives: a word to sleep on, a memory fence, locks that are looked at, the boot's number."""

import ctypes
import fcntl
import mmap
import platform
import struct
import time

from .sums import fnv1a

_FUTEX = {"x86_64": 202, "aarch64": 98, "riscv64": 98, "loongarch64": 98, "ppc64le": 221, "s390x": 238}
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_FAILED = ctypes.c_void_p(-1).value
_WAIT, _WAKE = 0, 1


class _Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanos", ctypes.c_long)]


def _futex(address, operation, value, timeout):
    number = _FUTEX.get(platform.machine())
    if number is not None:
        _libc.syscall(
            ctypes.c_long(number), ctypes.c_void_p(address), ctypes.c_long(operation), ctypes.c_long(value), timeout
        )
    elif operation == _WAIT:
        time.sleep(0.001)


class Word:
    """A word of 4 bytes in a file, to sleep on. It is mapped for reading, which is enough for that."""

    def __init__(self, descriptor, offset):
        base = offset // mmap.PAGESIZE * mmap.PAGESIZE
        length, self._length = offset + 4 - base, 0
        address = _libc.mmap(None, length, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, base)
        if address == _FAILED:
            raise OSError(ctypes.get_errno(), "mmap")
        self._base, self._length, self._address = address, length, address + offset - base

    def wait(self, seen, seconds):
        """Sleeps until somebody wakes this word, at most so long; not at all if it is not what was seen."""
        timeout = _Timespec(int(seconds), int(seconds % 1 * 1e9))
        _futex(self._address, _WAIT, seen, ctypes.byref(timeout))

    def close(self):
        if self._length:
            _libc.munmap(self._base, self._length)
            self._length = 0

    __del__ = close


_own = ctypes.c_uint32()
_in_order = platform.machine() in ("x86_64", "AMD64")


def fence():
    """Keeps loads before it before loads after it.

    An x86-64 processor does so anyway. Elsewhere nothing in Python does, but waking nobody: the kernel puts a full
    barrier before it looks whether anybody sleeps (`hb_waiters_pending` in kernel/futex).
    """
    if not _in_order:
        _futex(ctypes.addressof(_own), _WAKE, 1, None)


def boot():
    """The number of this boot, as in the control words."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return fnv1a(file.read())
    except OSError:
        return fnv1a()


def locked(descriptor, start, length):
    """Whether anybody holds a write lock in a range of a file. Looks, and takes none."""
    about = struct.pack("@hhqqi4x", fcntl.F_RDLCK, 0, start, length, 0)
    answer = fcntl.fcntl(descriptor, getattr(fcntl, "F_OFD_GETLK", 36), about)
    return struct.unpack("@hhqqi4x", answer)[0] != fcntl.F_UNLCK
