"""Where objects are: "Where objects are" of docs/format.md."""

import os
import stat

from .errors import InvalidName, NotFound

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def directory(owner):
    """The directory of a user's named objects."""
    parent = os.environ.get("SHMEM_DIR", "")
    if os.getuid() != os.geteuid() or os.getgid() != os.getegid() or not parent:
        parent = "/dev/shm"
    for suffix in ["", *(f"-{k}" for k in range(1, 10))]:
        path = f"{parent}/shmem-{owner}{suffix}"
        try:
            found = os.lstat(path)
        except OSError:
            continue
        if stat.S_ISDIR(found.st_mode) and found.st_uid == owner and not found.st_mode & 0o022:
            return path
    raise NotFound(f"user {owner} has no named objects in {parent}")


def file_name(name):
    """The name of the file of a named object."""
    try:
        text = name.encode()
    except UnicodeEncodeError as error:
        raise InvalidName(f"{name!r} is not Unicode") from error
    if not 1 <= len(text) <= 1024 or 0 in text:
        raise InvalidName(f"{name!r} is not 1 to 1,024 bytes without NUL")
    encoded = "".join(
        chr(byte) if byte in _PLAIN or (byte == 0x2E and i > 0) else f"%{byte:02X}"
        for i, byte in enumerate(text)
    )
    if len(encoded) > 200:
        hashed = 0x6C62272E07BB014262B821756295C58D
        for byte in text:
            hashed = (hashed ^ byte) * 0x1000000000000000000013B % 2**128
        encoded = f"{encoded[:167]}~{hashed:032x}"
    return encoded
