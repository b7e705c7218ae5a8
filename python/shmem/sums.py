"""The two hashes of the format: FNV-1a, and XXH3 with 64 bits and a seed.

The second is needed for one thing, whether a file that nobody has opened since the power went off is whole. It is
written from the specification at github.com/Cyan4973/xxHash, doc/xxhash_spec.md.
"""

import struct

_MASK = 2**64 - 1
_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
_MX = 0x9FB21C651E98DF25
_SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)


def fnv1a(*parts):
    """FNV-1a, 64 bits, of some bytes, one after the other."""
    hashed = 0xCBF29CE484222325
    for part in parts:
        for byte in part:
            hashed = (hashed ^ byte) * 0x100000001B3 & _MASK
    return hashed


def _u32(data, at):
    return int.from_bytes(data[at : at + 4], "little")


def _u64(data, at):
    return int.from_bytes(data[at : at + 8], "little")


def _swap(number, size):
    return int.from_bytes(number.to_bytes(size, "little"), "big")


def _fold(a, b):
    product = a * b
    return (product & _MASK) ^ (product >> 64)


def _avalanche(hashed):
    hashed = (hashed ^ hashed >> 37) * 0x165667919E3779F9 & _MASK
    return hashed ^ hashed >> 32


def _short(data, seed):
    size = len(data)
    if size > 8:
        low = _u64(data, 0) ^ ((_u64(_SECRET, 24) ^ _u64(_SECRET, 32)) + seed & _MASK)
        high = _u64(data, size - 8) ^ ((_u64(_SECRET, 40) ^ _u64(_SECRET, 48)) - seed & _MASK)
        return _avalanche(size + _swap(low, 8) + high + _fold(low, high) & _MASK)
    if size > 3:
        seed ^= _swap(seed & 0xFFFFFFFF, 4) << 32
        key = (_u64(_SECRET, 8) ^ _u64(_SECRET, 16)) - seed & _MASK
        key ^= _u32(data, size - 4) + (_u32(data, 0) << 32)
        key ^= (key << 49 | key >> 15) & _MASK ^ (key << 24 | key >> 40) & _MASK
        key = key * _MX & _MASK
        key = (key ^ (key >> 35) + size) * _MX & _MASK
        return key ^ key >> 28
    if size > 0:
        key = data[0] << 16 | data[size >> 1] << 24 | data[-1] | size << 8
        key ^= (_u32(_SECRET, 0) ^ _u32(_SECRET, 4)) + seed & _MASK
    else:
        key = seed ^ _u64(_SECRET, 56) ^ _u64(_SECRET, 64)
    key = (key ^ key >> 33) * _P2 & _MASK
    key = (key ^ key >> 29) * _P3 & _MASK
    return key ^ key >> 32


def xxh3(data, seed):
    """XXH3, 64 bits, of some bytes."""
    size = len(data)
    if size <= 16:
        return _short(data, seed)

    def mix(at, secret):
        low = _u64(data, at) ^ (_u64(_SECRET, secret) + seed & _MASK)
        return _fold(low, _u64(data, at + 8) ^ (_u64(_SECRET, secret + 8) - seed & _MASK))

    hashed = size * _P1
    if size <= 128:
        for i in range((size - 1) // 32 + 1):
            hashed += mix(16 * i, 32 * i) + mix(size - 16 * (i + 1), 32 * i + 16)
        return _avalanche(hashed & _MASK)
    if size <= 240:
        for i in range(8):
            hashed += mix(16 * i, 16 * i)
        hashed = _avalanche(hashed & _MASK)
        for i in range(8, size // 16):
            hashed += mix(16 * i, 16 * (i - 8) + 3)
        return _avalanche(hashed + mix(size - 16, 136 - 17) & _MASK)

    words = struct.unpack("<24Q", _SECRET)
    words = [word + (-seed if i % 2 else seed) & _MASK for i, word in enumerate(words)]
    secret = struct.pack("<24Q", *words)
    lanes = [0xC2B2AE3D, _P1, _P2, _P3, _P4, 0x85EBCA77, _P5, 0x9E3779B1]

    def stripe(at, key):
        values = struct.unpack_from("<8Q", data, at)
        for i, (value, word) in enumerate(zip(values, struct.unpack_from("<8Q", secret, key))):
            word ^= value
            lanes[i ^ 1] = lanes[i ^ 1] + value & _MASK
            lanes[i] = lanes[i] + (word & 0xFFFFFFFF) * (word >> 32) & _MASK

    for i in range((size - 1) // 64):
        stripe(64 * i, 8 * (i % 16))
        if i % 16 == 15:
            for j in range(8):
                lanes[j] = (lanes[j] ^ lanes[j] >> 47 ^ _u64(secret, 128 + 8 * j)) * 0x9E3779B1 & _MASK
    stripe(size - 64, 121)
    for i in range(4):
        low = lanes[2 * i] ^ _u64(secret, 11 + 16 * i)
        hashed += _fold(low, lanes[2 * i + 1] ^ _u64(secret, 19 + 16 * i))
    return _avalanche(hashed & _MASK)
