"""Why not: one class for each cause, named as in the Rust library."""


class Error(Exception):
    """What went wrong with an object."""


class InvalidName(Error, ValueError):
    """A name has 1 to 1,024 bytes of UTF-8, and no NUL."""


class NotFound(Error, FileNotFoundError):
    """No such object, or one that nobody has open any more."""


class NotAnObject(Error):
    """Another kind of file, or an object of another name."""


class UnsupportedFormat(Error):
    """Another version of the format or byte order, or a value behind a pthread lock."""


class Corrupt(Error):
    """The header, the schema or a control word contradicts itself."""


class Poisoned(Error):
    """The value was being changed in place when the power went off."""


class Unrecovered(Error):
    """No whole value since the power went off: the library has to open it first."""


class PermissionDenied(Error, PermissionError):
    """This user may not read the object."""


class Busy(Error):
    """For a second, each copy was overtaken by writers."""


class TimedOut(Error, TimeoutError):
    """No newer version within the time."""


class Removed(Error):
    """The name is gone, or leads to another object."""


class InvalidValue(Error, ValueError):
    """The bytes are no value of the type: another program wrote them."""


class Io(Error, OSError):
    """The system call failed; the cause is its ``__cause__``."""
