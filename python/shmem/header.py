"""The bytes that never change: "Header" of docs/format.md."""

import os
import struct

from .errors import Corrupt, NotAnObject, UnsupportedFormat
from .schema import parse
from .sums import fnv1a

_MARK = 0x0102030405060708
_MOST = 2**63 - 1


def up(number, unit):
    """Rounded up to a multiple."""
    return -(-number // unit) * unit


class Header:
    """A header that was checked, and the schema and name behind it."""

    def __init__(self, descriptor, size, wanted):
        if size < 256:
            raise NotAnObject(f"a file of {size} bytes")
        raw = _read(descriptor, 256, 0)
        if raw[:8] != b"shmem\x1a\n\xa9":
            raise NotAnObject(f"its first bytes are {raw[:8]!r}")
        words = struct.unpack("=32Q", raw)
        if words[1] == int.from_bytes(_MARK.to_bytes(8, "little"), "big"):
            raise UnsupportedFormat("numbers of the other byte order")
        if words[1] != _MARK:
            raise Corrupt(f"byte order mark {words[1]:#x}")
        if words[2] != 1:
            raise UnsupportedFormat(f"format version {words[2]}, this program reads version 1")
        (_, _, _, self.total, fingerprint, _, self.flags, _, self.handles, self.buffers, self.size, align,
         schema_at, schema_length, name_at, name_length, self.waiters, self.control, self.rows, self.buffer_0,
         self.stride, self.lock_mode, self.lock_inode, self.lock_base, self.additions, self.additions_length,
         self.item, self.gate, gate_at, _, _, checksum) = words  # fmt: skip
        self._check_ranges(align, schema_length, name_length)

        unit, end = max(align, 128), 256 + schema_length + name_length
        additions = up(end, 8) if self.additions_length else 0
        waiters = up(additions + self.additions_length if additions else end, 4096)
        rows = waiters + 4096 + 512
        self.elements = rows + 128 * self.handles
        gate = self.elements + (640 + up(self.item, 128) if self.item else 0)
        buffer_0 = up(gate + 128 if self.gate else gate, unit)
        stride = up(max(self.size, 1), unit)
        if self.size >= 4096 and unit < 4096:
            stride = up(stride, 4096) + up(512, unit)
        total = buffer_0 + stride * self.buffers
        parts = (total, 256, 256 + schema_length, waiters, waiters + 4096, rows, buffer_0, stride, additions)
        if gate_at != (gate if self.gate else 0):
            raise Corrupt("the lock before the value is not where it should be")
        if parts != (words[3], schema_at, name_at, *words[16:21], self.additions) or total > _MOST:
            raise Corrupt("a part of the object is not where it should be")
        if size != total:
            raise Corrupt(f"{size} bytes, its header asks for {total}")

        schema, name = _read(descriptor, schema_length, schema_at), _read(descriptor, name_length, name_at)
        if checksum != fnv1a(raw[:248], schema, name):
            raise Corrupt("the checksum of the header")
        if fingerprint != fnv1a(schema):
            raise Corrupt("the fingerprint")
        self.fingerprint = fingerprint
        try:
            self.name = name.decode()
        except UnicodeDecodeError:
            raise Corrupt("the name is not UTF-8") from None
        if wanted is not None and wanted != self.name:
            raise NotAnObject(f"it is called `{self.name}`")
        self.schema = parse(schema)
        if self.additions_length:
            fits = self.schema.size <= self.size and self.schema.kind == "struct"
        else:
            fits = self.schema.size == self.size
        if self.item:
            fits = fits and self.schema.kind == "array" and self.schema.count == self.size // self.item
        if not fits:
            raise Corrupt(f"a value of {self.size} bytes, its schema describes {self.schema.size}")
        if self.gate:
            raise UnsupportedFormat("a value that programs change under a pthread lock")

    def _check_ranges(self, align, schema_length, name_length):
        grows = self.additions_length != 0
        good = (
            self.flags in (0, 1, 2, 3, 5, 7)
            and 1 <= self.handles <= 1024
            and 1 <= self.buffers <= 8
            and not (self.buffers == 2 and self.flags & 4)
            and align in [2**i for i in range(13)]
            and schema_length <= 16 << 20
            and name_length <= 4096
            and self.additions_length <= 16 << 20
            and not (grows and (align > 128 or self.item))
            and (self.gate == 0 or self.buffers == 1)
            and (self.item == 0 or (self.size % self.item == 0 and self.buffers == 1))
            and self.lock_mode & ~0o666 == 0
            and (self.lock_mode == 0) == (self.lock_inode == 0)
            and self.lock_base <= _MOST - 1025
        )
        if not good:
            raise Corrupt("a number in the header is out of its range")

    def add(self, records):
        """Adds the fields that programs have brought since the object was created, from the list of them."""
        known = {field.name for field in self.schema.parts}
        while len(records) >= 16:
            length, hashed = struct.unpack_from("=QQ", records)
            text = records[16 : 16 + length]
            if length == 0 or len(text) < length or fnv1a(text) != hashed:
                return
            fields = parse(text).parts
            if any(field.offset + field.size > self.size for field in fields):
                raise Corrupt("an added field is beyond the end of the value")
            self.schema.parts += [field for field in fields if field.name not in known]
            records = records[16 + up(length, 8) :]


def _read(descriptor, length, offset):
    data = b""
    while len(data) < length:
        more = os.pread(descriptor, length - len(data), offset + len(data))
        if not more:
            raise Corrupt("the file was cut short")
        data += more
    return data
