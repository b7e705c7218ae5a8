"""What tests/tests/other_languages.rs asks of python/; see reader.c."""

import os
import struct
import sys
import time

import shmem

FACTOR = 0x9E3779B97F4A7C15
MASK = 2**64 - 1


def probe(directory):
    for name in sorted(os.listdir(directory)):
        told = "Ok"
        try:
            with shmem.open_path(os.path.join(directory, name)) as value:
                try:
                    value.load()
                    value.snapshot()
                except shmem.Error as error:
                    told = type(error).__name__
                print(name, "Ok", told)
        except shmem.Error as error:
            print(name, type(error).__name__)


def is_whole(words):
    """Whether each word follows from the first, as in tests/src/value.rs."""
    word, step = words[0] * FACTOR & MASK, words[0] | 1
    for found in words[:1:-1]:
        if found != word:
            return False
        word = word + step & MASK
    return True


def read(name, count, wanted, items=False):
    value = shmem.open(name)
    reads = torn = changes = last = 0
    unpack = struct.Struct(f"={(value.header.item or value.header.size) // 8}Q").unpack
    while reads < count or changes < wanted:
        try:
            if items:
                item = value[reads % len(value)]
                words = [item.counter, item.writer, *item.words]
            else:
                words = unpack(value.load_bytes())
        except shmem.Busy:
            continue
        reads += 1
        torn += not is_whole(words)
        changes += words[0] != last
        last = words[0]
    print(f"{reads} reads, {torn} torn, {changes} changes")


def wait(name, count):
    value = shmem.open(name)
    value.load()
    print("waiting", flush=True)
    late = 0
    for _ in range(count):
        value.wait(10)
        now = time.time_ns()
        seen = value.load()
        late += now - seen.writer > 20_000_000
        print("saw", seen.counter, flush=True)
    print(f"{count} versions, {late} late", flush=True)
    for timeout in (0.01, 10):
        try:
            value.wait(timeout)
        except shmem.Error as error:
            print(type(error).__name__, flush=True)


def fields(name, paths):
    value = shmem.open(name)
    for path in paths:
        try:
            offset, part = value.schema.find(path)
            print(path, offset, part.size, part.count, part.kind, part.type)
        except KeyError:
            print(path, "NoSuchField")


def snapshot(name):
    print(shmem.open(name).snapshot())


def numpy(name):
    array = shmem.open(name).numpy()
    columns = array.dtype.names
    print({column: array[column].tolist() for column in columns} if columns else array.tolist(), array.dtype.itemsize)


def main(what, *args):
    if what == "fields":
        fields(args[0], args[1:])
    elif what in ("read", "items"):
        read(args[0], int(args[1]), int(args[2]), what == "items")
    elif what == "wait":
        wait(args[0], int(args[1]))
    else:
        {"probe": probe, "snapshot": snapshot, "numpy": numpy}[what](args[0])


try:
    main(*sys.argv[1:])
except shmem.Error as error:
    print(f"open: {type(error).__name__}")
    sys.exit(2)
