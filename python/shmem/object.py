"""An object, opened for reading: "Reading" and "Waiting for a version" of docs/format.md."""

import contextlib
import errno
import mmap
import os
import stat
import sys
import time

from . import system
from .errors import (
    Busy,
    Corrupt,
    InvalidValue,
    Io,
    NotAnObject,
    NotFound,
    PermissionDenied,
    Poisoned,
    Removed,
    TimedOut,
    Unrecovered,
)
from .header import Header
from .names import directory, file_name
from .schema import dtype, plain
from .sums import xxh3

_REMOVED = 8
_MOST = 2**64 - 1
_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open(name, owner=None):
    """Opens the object of that name: of this user, or of the user with the number ``owner``."""
    file = file_name(name)
    return Object(f"{directory(os.geteuid() if owner is None else owner)}/{file}", name)


def open_path(path):
    """Opens the object at a path."""
    return Object(os.path.abspath(os.fspath(path)), None)


class Object:
    """One handle. Attributes that are none of its own are fields of the newest version."""

    def __init__(self, path, name):
        self.path = path
        self._word = self._waiters = self._map = None
        with contextlib.ExitStack() as stack:
            with _typed(path):
                descriptor = os.open(path, os.O_RDONLY | _FLAGS)
                stack.callback(os.close, descriptor)
                about = os.fstat(descriptor)
                if not stat.S_ISREG(about.st_mode):
                    raise NotAnObject(f"{path} is no file")
                header = self.header = Header(descriptor, about.st_size, name)
                self._file = (about.st_dev, about.st_ino)
                if not header.flags & 1 and self._is_leftover(descriptor, about):
                    raise NotFound(f"{path}: nobody has it open any more")
                if header.additions_length:
                    header.add(os.pread(descriptor, header.additions_length, header.additions))
                self._map = mmap.mmap(descriptor, header.total, mmap.MAP_SHARED, mmap.PROT_READ)
                self._bytes = memoryview(self._map)
                # Loads of 8 bytes, each at once.
                self._words = self._bytes.cast("Q")
                self._control = header.control // 8
                if self._words[self._control] & _REMOVED:
                    raise NotFound(f"{path} was removed")
                self._check_survived()
                half = header.control + (0 if sys.byteorder == "little" else 4)
                self._word = system.Word(descriptor, half)
                self._ask_to_be_woken(about)
        self._seen = 0

    def _is_leftover(self, descriptor, about):
        header, locks = self.header, descriptor
        if header.lock_mode:
            group = f"-{about.st_gid}" if header.lock_mode & 0o020 else ""
            beside = f"{os.path.dirname(self.path)}/.lock-{header.lock_mode:o}{group}"
            try:
                locks = os.open(beside, os.O_RDWR | _FLAGS)
            except OSError:
                return False  # who may not ask cannot tell
        try:
            if header.lock_mode and os.fstat(locks).st_ino != header.lock_inode:
                return False
            return not system.locked(locks, header.lock_base + 1, header.handles)
        finally:
            if locks != descriptor:
                os.close(locks)

    def _check_survived(self):
        """After a power cut only what is whole is read, until the library has put things right."""
        header, words, at = self.header, self._words, self._control
        boot = system.boot()
        if not header.flags & 4 or words[at + 33] == boot:
            return
        if header.buffers == 1:
            if words[at + 3] >> 8 != words[at] >> 8:
                raise Poisoned(f"{self.path} was being changed when the power went off")
            return
        with contextlib.suppress(Busy):
            version, copy = self._copy(0, header.size)
            found = xxh3(copy, version)
            for buffer in range(header.buffers):
                if words[at + 8 + buffer] == version and words[at + 48 + buffer] == found:
                    return
        if words[at + 33] != boot:
            raise Unrecovered(f"{self.path} has not been opened by the library since the power went off")

    def _ask_to_be_woken(self, about):
        """Maps the one page that a waiter writes. Who may not looks every 50 ms."""
        if self.header.flags & 2 or about.st_uid != os.geteuid() or mmap.PAGESIZE > 4096:
            return
        with contextlib.suppress(OSError):
            descriptor = os.open(self.path, os.O_RDWR | _FLAGS)
            try:
                again = os.fstat(descriptor)
                if (again.st_dev, again.st_ino) == self._file:
                    self._waiters = mmap.mmap(descriptor, 4096, offset=self.header.waiters)
            finally:
                os.close(descriptor)

    def close(self):
        """Lets go of the object. Copies stay as they are."""
        if self._word is not None:
            self._word.close()
            self._words.release()
            self._bytes.release()
            self._map.close()
            if self._waiters is not None:
                self._waiters.close()
            self._word = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __repr__(self):
        return f"<shmem.Object {self.header.name or self.path!r}: {self.header.schema.type or 'array'}>"

    # --- What there is

    @property
    def schema(self):
        """The layout, as a ``Part``."""
        return self.header.schema

    @property
    def dtype(self):
        """The numpy type of the value, or of an item of an array."""
        return dtype(self.schema.parts[0] if self.schema.kind == "array" else self.schema)

    @property
    def version(self):
        """The version that is current: 1 in a fresh object, one more with each publication."""
        return self._words[self._control] >> 8

    @property
    def is_current(self):
        """Whether the name still leads to this object."""
        return not self._words[self._control] & _REMOVED and self._is_linked()

    def _is_linked(self):
        try:
            found = os.lstat(self.path)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return (found.st_dev, found.st_ino) == self._file

    # --- Values

    def load(self):
        """A copy of the value: one version, whole. A struct comes as a ``Value``."""
        self._seen, copy = self._copy(0, self.header.size)
        return self.schema.decode(copy, 0)

    def load_bytes(self):
        """The bytes of one version, as they are."""
        self._seen, copy = self._copy(0, self.header.size)
        return copy

    def snapshot(self):
        """A copy of the value in dicts and lists."""
        return plain(self.load())

    def __getattr__(self, name):
        if name.startswith("_") and "header" not in self.__dict__:
            raise AttributeError(name)
        for field in self.schema.parts if self.schema.kind == "struct" else ():
            if field.name == name:
                _, copy = self._copy(field.offset, field.size)
                return field.decode(copy, 0)
        raise AttributeError(f"`{self.schema.type}` has no field `{name}`")

    def __dir__(self):
        fields = self.schema.parts if self.schema.kind == "struct" else ()
        return [*super().__dir__(), *(field.name for field in fields)]

    def numpy(self, start=0, stop=None):
        """A copy of the value for numpy: of an array, its items from ``start`` on to before ``stop``."""
        import numpy

        if self.schema.kind != "array":
            _, copy = self._copy(0, self.header.size)
            return numpy.frombuffer(bytearray(copy), self.dtype, 1)[0]
        item = self.schema.parts[0]
        start, stop, _ = slice(start, stop).indices(self.schema.count)
        _, copy = self._copy(start * item.size, max(stop - start, 0) * item.size)
        return numpy.frombuffer(bytearray(copy), dtype(item), max(stop - start, 0))

    def __len__(self):
        if self.schema.kind != "array":
            raise TypeError("only an array has a length")
        return self.schema.count

    def __bool__(self):
        return True

    def __getitem__(self, index):
        if isinstance(index, str):
            return self.load()[index]
        length = len(self)
        if not -length <= index < length:
            raise IndexError(index)
        item, index = self.schema.parts[0], index % length
        if self.header.item:
            copy = self._copy_item(index, item.size)
        else:
            _, copy = self._copy(index * item.size, item.size)
        return item.decode(copy, 0)

    # --- Torn-free

    def _copy(self, start, length):
        """Bytes of one version, and which it is."""
        header, words, at = self.header, self._words, self._control
        for _ in _tries(self.path):
            current = words[at]
            buffer, version = current & 7, current >> 8
            if buffer >= header.buffers:
                raise Corrupt(f"buffer {buffer} of {header.buffers} is current")
            system.fence()
            begin = header.buffer_0 + buffer * header.stride + start
            copy = self._bytes[begin : begin + length].tobytes()
            system.fence()
            if words[at + 8 + buffer] == version:
                return version, copy
        raise AssertionError

    def _copy_item(self, index, length):
        """One item, while others change other items."""
        header, words = self.header, self._words
        whole, stripe = self._control + 9, header.elements // 8 + index % 64
        for _ in _tries(self.path):
            before = words[whole], words[stripe]
            if before[0] == 0 or before[0] > words[self._control] >> 8 or before[1] == _MOST:
                continue
            system.fence()
            begin = header.buffer_0 + index * header.item
            copy = self._bytes[begin : begin + length].tobytes()
            system.fence()
            if (words[whole], words[stripe]) == before:
                return copy
        raise AssertionError

    def wait(self, timeout=None, after=None):
        """Sleeps until there is a version newer than ``after``, and returns it.

        ``timeout`` is in seconds; ``None`` waits for ever. Without ``after`` it is the version that ``load`` or
        ``wait`` of this handle saw last. Raises ``TimedOut`` and ``Removed``.
        """
        after = self._seen if after is None else after
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            seen = self._words[self._control]
            if seen & _REMOVED:
                raise Removed(f"{self.path} was removed")
            if seen >> 8 > after:
                self._seen = seen >> 8
                return self._seen
            left = 0.05 if end is None else min(end - time.monotonic(), 0.05)
            if left <= 0:
                raise TimedOut(f"no version after {after} within {timeout} s")
            if self._waiters is not None:
                # The kernel compares the word with `seen` behind a full barrier, which this store needs.
                memoryview(self._waiters).cast("I")[0] = 1
            self._word.wait(seen & 0xFFFFFFFF, left)
            if self._words[self._control] == seen and not self._is_linked():
                raise Removed(f"{self.path} leads to another object, or to none")


def _tries(path):
    """Goes round for a second at most, and lets writers work meanwhile."""
    for _ in range(64):
        yield
    end = time.monotonic() + 1
    while time.monotonic() < end:
        time.sleep(0)
        yield
    raise Busy(f"{path}: each copy was overtaken for a second")


@contextlib.contextmanager
def _typed(path):
    """What a system call says, in this library's words."""
    try:
        yield
    except (NotFound, PermissionDenied, InvalidValue, Io, TimedOut):
        raise
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise NotFound(f"{path} does not exist") from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise PermissionDenied(f"{path} may not be read") from error
        if error.errno in (errno.ELOOP, errno.ENXIO):
            raise NotAnObject(f"{path} is no file") from error
        raise Io(f"{path}: {error}") from error
    except ValueError as error:
        # What `mmap` says of a file that was cut short since it was looked at.
        raise Corrupt(f"{path}: {error}") from error
