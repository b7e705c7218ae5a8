"""The description of a type that an object stores: "The schema" of docs/format.md.

Nothing in the text is believed: a ``Part`` comes from ``parse`` alone, and lies within the part around it.
"""

import re
import struct
import sys

from .errors import Corrupt, InvalidValue

_INTEGERS = {1: "B", 2: "H", 4: "I", 8: "Q"}
_SIZES = dict.fromkeys(
    ["uint", "int", "nonzero-uint", "nonzero-int", "maybe-uint", "maybe-int"], (1, 2, 4, 8, 16)
)
_SIZES.update(dict.fromkeys(["atomic-uint", "atomic-int"], (1, 2, 4, 8)))
_SIZES.update({"float": (4, 8), "bool": (1,), "char": (4,)})
_REPR = {f"{sign}{8 * size}": size for sign in "ui" for size in (1, 2, 4, 8)}
_NUMBER = re.compile("0|[1-9][0-9]*")
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")
_MOST = 2**64 - 1


class Part:
    """One part of a type: a field, an item, or the whole value."""

    def __init__(self, kind, offset, size, name, type_name, version):
        self.kind, self.offset, self.size = kind, offset, size
        self.name, self.type, self.version = name, type_name, version
        #: Items of an array, capacity of a list (in items) or of a text (in bytes).
        self.count = 0
        #: The integer type of an enum.
        self.repr = ""
        #: Of an enum: names of the variants, by number.
        self.variants = {}
        #: Of a struct: its fields. Of an array, a list or an option: the item.
        self.parts = []
        #: Takes bytes and an offset, and makes the value that is there.
        self.decode = None

    def __repr__(self):
        return f"<{self.kind} {self.type or self.name}, {self.size} bytes>"

    def find(self, path):
        """The offset from the start of the value and the part to which names and numbers with dots lead."""
        offset, part = 0, self
        for step in path.split(".") if path else []:
            for field in part.parts if part.kind == "struct" else ():
                if field.name == step:
                    offset, part = offset + field.offset, field
                    break
            else:
                count = 1 if part.kind == "option" else part.count
                if part.kind not in ("array", "vec", "option") or not _NUMBER.fullmatch(step):
                    raise KeyError(path)
                if int(step) >= count:
                    raise KeyError(path)
                part, head = part.parts[0], part.parts[0].offset
                offset += head + int(step) * part.size
        return offset, part


class Value:
    """A struct as it was copied out: its fields are attributes, and may be indexed by name."""

    __slots__ = ("_fields", "_type")

    def __init__(self, type_name, fields):
        self._type, self._fields = type_name, fields

    def __getattr__(self, name):
        try:
            return self._fields[name]
        except KeyError:
            raise AttributeError(f"`{self._type}` has no field `{name}`") from None

    def __getitem__(self, name):
        return self._fields[name]

    def __iter__(self):
        return iter(self._fields)

    def __len__(self):
        return len(self._fields)

    def __dir__(self):
        return list(self._fields)

    def __eq__(self, other):
        return isinstance(other, Value) and self._fields == other._fields

    def __repr__(self):
        return f"{self._type}({', '.join(f'{name}={value!r}' for name, value in self._fields.items())})"


def plain(value):
    """The same in dicts and lists."""
    if isinstance(value, Value):
        return {name: plain(value[name]) for name in value}
    return [plain(item) for item in value] if isinstance(value, list) else value


def parse(data):
    """Reads a schema; ``Corrupt`` if it is none."""
    try:
        text = bytes(data).decode()
    except UnicodeDecodeError:
        raise Corrupt("the schema is not UTF-8") from None
    if not text.endswith("\n"):
        raise Corrupt("the last line of the schema has no end")
    if text.count("\n") > 65536:
        raise Corrupt("the schema has too many lines")
    lines = _Lines(text[:-1].split("\n"))
    root, depth = lines.part(0)
    if root.offset or root.name or depth is not None:
        lines.refuse("more or less than one outermost type")
    return root


class _Lines:
    def __init__(self, lines):
        self.lines, self.at, self.next = lines, 0, None
        self.advance()

    def refuse(self, why):
        raise Corrupt(f"line {self.at} of the schema: {why}")

    def number(self, text):
        if not _NUMBER.fullmatch(text) or len(text) > 20 or int(text) > _MOST:
            self.refuse("a column is not a number")
        return int(text)

    def advance(self):
        self.next = None
        if self.at < len(self.lines):
            columns = self.lines[self.at].split("\t")
            self.at += 1
            if len(columns) != 8:
                self.refuse("not 8 columns")
            if any(_CONTROL.search(column) for column in columns):
                self.refuse("a control character")
            for i in (0, 2, 3):
                columns[i] = self.number(columns[i])
            self.next = columns

    def part(self, depth):
        """The next line and those below it, and the depth of the one after that."""
        if self.next is None or self.next[0] != depth or depth >= 64:
            self.refuse("not at the depth that it should be")
        _, kind, offset, size, name, type_name, version, extra = self.next
        if version:
            if kind not in ("struct", "enum") or not 0 < self.number(version) < 2**32:
                self.refuse("a version where there is none")
        if (type_name == "") != (kind == "array"):
            self.refuse("a type has no name")
        if (extra != "") != (kind in ("enum", "array", "str", "vec")):
            self.refuse("the last column is wrong")
        part = Part(kind, offset, size, name, type_name, int(version or 0))
        if kind in ("array", "str", "vec"):
            part.count = self.number(extra)
        if kind == "enum":
            part.repr = extra
        self.advance()
        if kind == "struct":
            self.fields(part, depth)
        elif kind == "enum":
            self.enum(part, depth)
        elif kind in ("array", "vec", "option"):
            head, count = (0 if kind == "array" else 8), (1 if kind == "option" else part.count)
            item, _ = self.part(depth + 1)
            if item.name or item.offset != head or head + count * item.size != size:
                self.refuse("the items are not the whole")
            part.parts.append(item)
        elif kind == "str":
            if size != 4 + part.count:
                self.refuse("the size does not follow from the capacity")
        elif size not in _SIZES.get(kind, ()):
            self.refuse("a kind and size that do not exist")
        part.decode = _decoder(part)
        return part, self.next[0] if self.next else None

    def fields(self, part, depth):
        end, names = 0, set()
        while self.next is not None and self.next[0] > depth:
            field, _ = self.part(depth + 1)
            if not field.name or field.name in names:
                self.refuse("a field has no name of its own")
            if field.offset + field.size > part.size or (field.size and field.offset < end):
                self.refuse("a field is where no room is for it")
            if field.size:
                end = field.offset + field.size
            names.add(field.name)
            part.parts.append(field)

    def enum(self, part, depth):
        size = _REPR.get(part.repr)
        if size is None or size != part.size:
            self.refuse("an enum of another size")
        low, names = -(2 ** (8 * size - 1)) if part.repr[0] == "i" else 0, set()
        while self.next is not None and self.next[0] > depth:
            at, kind, offset, of, name, type_name, version, extra = self.next
            if (at, kind, offset, of, type_name, version) != (depth + 1, "variant", 0, size, "", ""):
                self.refuse("not a variant")
            if not re.fullmatch("0|-?[1-9][0-9]*", extra) or len(extra) > 20:
                self.refuse("a variant has no number")
            if not low <= int(extra) < low + 2 ** (8 * size):
                self.refuse("a variant's number does not fit")
            if not name or name in names or int(extra) in part.variants:
                self.refuse("two variants of one name or number")
            part.variants[int(extra)] = name
            names.add(name)
            self.advance()
        if not part.variants:
            self.refuse("an enum without variants")


def _decoder(part):
    """The function that makes a value of bytes and refuses what is none."""
    kind, size, name = part.kind, part.size, part.name or part.type
    item = part.parts[0] if part.parts else None

    def refuse(found):
        raise InvalidValue(f"`{name}` ({kind}) is {found}")

    if kind == "struct":
        fields = [(field.name, field.offset, field.decode) for field in part.parts]
        return lambda data, at: Value(
            part.type, {name: decode(data, at + offset) for name, offset, decode in fields}
        )
    if kind == "array":
        return _items(item, part.count)
    if kind == "float":
        unpack = struct.Struct("=f" if size == 4 else "=d").unpack_from
        return lambda data, at: unpack(data, at)[0]
    if kind == "str":

        def text(data, at):
            length = int.from_bytes(data[at : at + 4], sys.byteorder)
            if length > part.count:
                refuse(f"{length} bytes long, of {part.count}")
            try:
                return bytes(data[at + 4 : at + 4 + length]).decode()
            except UnicodeDecodeError:
                return refuse("not UTF-8")

        return text
    if kind == "vec":

        def items(data, at):
            length = int.from_bytes(data[at : at + 8], sys.byteorder)
            if length > part.count:
                refuse(f"{length} items long, of {part.count}")
            return _items(item, length)(data, at + 8)

        return items
    if kind == "option":

        def option(data, at):
            tag = int.from_bytes(data[at : at + 8], sys.byteorder)
            if tag > 1:
                refuse(f"neither nothing nor something but {tag}")
            return item.decode(data, at + 8) if tag else None

        return option
    return _scalar(part, refuse)


def _scalar(part, refuse):
    kind, size = part.kind, part.size
    signed = kind.endswith("-int") or kind == "int" or part.repr.startswith("i")
    if size == 16:

        def number(data, at):
            return int.from_bytes(data[at : at + 16], sys.byteorder, signed=signed)

    else:
        letter = _INTEGERS[size].lower() if signed else _INTEGERS[size]
        unpack = struct.Struct("=" + letter).unpack_from

        def number(data, at):
            return unpack(data, at)[0]

    if kind in ("uint", "int", "atomic-uint", "atomic-int"):
        return number

    def checked(data, at):
        found = number(data, at)
        if kind == "bool" and found < 2:
            return bool(found)
        if kind == "char" and (found < 0xD800 or 0xE000 <= found < 0x110000):
            return chr(found)
        if kind == "enum" and found in part.variants:
            return part.variants[found]
        if kind.startswith("maybe"):
            return found or None
        if kind.startswith("nonzero") and found:
            return found
        return refuse(found)

    return checked


def _items(item, count):
    decode, size = item.decode, item.size
    letter = {"uint": "BHIQ", "int": "bhiq", "float": "  fd"}.get(item.kind)
    if letter and size in (1, 2, 4, 8):
        code = letter[size.bit_length() - 1]
        return lambda data, at: list(struct.unpack_from(f"={count}{code}", data, at))
    if size == 0 and count > 65536:

        def refuse(_data, _at):
            raise InvalidValue(f"{count} items of no size")

        return refuse
    return lambda data, at: [decode(data, at + i * size) for i in range(count)]


def dtype(part):
    """The numpy type of a part. Bytes are taken as they are: a `bool` or an enum is its number."""
    import numpy

    kind, size = part.kind, part.size
    if kind == "struct":
        return numpy.dtype(
            {
                "names": [field.name for field in part.parts],
                "formats": [dtype(field) for field in part.parts],
                "offsets": [field.offset for field in part.parts],
                "itemsize": size,
            }
        )
    if kind == "array":
        return numpy.dtype((dtype(part.parts[0]), (part.count,)))
    if kind == "str":
        return numpy.dtype([("length", "=u4"), ("text", "u1", (part.count,))])
    if kind == "vec":
        return numpy.dtype([("length", "=u8"), ("items", dtype(part.parts[0]), (part.count,))])
    if kind == "option":
        return numpy.dtype([("some", "=u8"), ("item", dtype(part.parts[0]))])
    if size == 16:
        return numpy.dtype("V16")
    if kind == "float":
        return numpy.dtype(f"=f{size}")
    signed = kind.endswith("-int") or kind == "int" or part.repr.startswith("i")
    return numpy.dtype(f"={'i' if signed else 'u'}{size}")
