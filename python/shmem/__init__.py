"""Reads the shared objects of the Rust library ``shmem``, live and torn-free. See README.md."""

from .errors import *  # noqa: F403
from .errors import Error
from .object import Object, open, open_path
from .schema import Part, Value

__all__ = ["Error", "Object", "Part", "Value", "open", "open_path"]
__version__ = "0.1.0"
