"""Damages the bytes of a file, each time in another way."""
from __future__ import annotations

import struct

import numpy as np

NUMBERS = (0, 1, 2, 255, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2 ** 63 - 1, 2 ** 64 - 1)
WORDS = (b"-1", b"0", b"1e999", b"NaN", b"null", b"true", b"[]", b"{}", b'""', b"'", b'"', b"\\", b"\0", b"\n", b"\r",
         b",", b";", b"=", b"--", b"--flagfile=", b"../", b"/", b"$(", b"%s", b"\xe4", b"\xff\xfe", b"\xef\xbb\xbf",
         b"9" * 5000, b"[" * 3000)
HEADER = 512  # bytes at the beginning, where formats keep most of their numbers


def _place(content, random, within=None):
    return int(random.integers(max(1, min(len(content), within or len(content)))))


def flip(content, random, within=None):
    for _ in range(random.integers(1, 9)):
        content[_place(content, random, within)] ^= 1 << random.integers(8)
    return content


def flip_header(content, random):
    return flip(content, random, HEADER)


def truncate(content, random):
    return content[:_place(content, random)]


def cut_out(content, random):
    start = _place(content, random)
    return content[:start] + content[start + int(random.integers(1, 2 + len(content) // 4)):]


def splice(content, random):
    """A part once more, at another place: in place of what is there, or before it."""
    start, target = _place(content, random), _place(content, random)
    part = content[start:start + int(random.integers(1, 2 + len(content) // 4))]
    return content[:target] + part + content[target + (len(part) if random.random() < 0.5 else 0):]


def run(content, random):
    start = _place(content, random)
    length = min(len(content) - start, int(random.integers(1, 2 + len(content) // 8)))
    content[start:start + length] = bytes([random.choice([0, 255])]) * length
    return content


def number(content, random):
    """A whole number in the header, of 1 to 8 bytes, becomes one at the end of a range."""
    form = str(random.choice(list("<>"))) + str(random.choice(list("BHIQ")))
    value = int(NUMBERS[random.integers(len(NUMBERS))]) % 256 ** struct.calcsize(form)
    start = _place(content, random, HEADER)
    return content[:start] + struct.pack(form, value) + content[start + struct.calcsize(form):]


def words(content, random):
    """Into text, words that mean something to the programs that read it."""
    for _ in range(random.integers(1, 4)):
        start, word = _place(content, random), WORDS[random.integers(len(WORDS))]
        content = content[:start] + word + content[start + int(random.integers(4)):]
    return content


BINARY = (flip, flip_header, truncate, cut_out, splice, run, number)
TEXT = (*BINARY, words, words, words)


def mutate(content: bytes, random: np.random.Generator, is_text: bool) -> tuple[str, bytes]:
    """(name of the mutation, content)."""
    ways = TEXT if is_text else BINARY
    way = ways[random.integers(len(ways))]
    return way.__name__, bytes(way(bytearray(content), random))
