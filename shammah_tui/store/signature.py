"""Which texts may hold a word, told by a few bits of each instead of by reading them all.

A signature file: Faloutsos and Christodoulakis, "Signature files", ACM Transactions on Office Information Systems 2(4),
1984.

Every run of one to three bytes of a text sets a bit. A word can stand only in a text that has the bits of all its runs;
whether it does stand there, the text tells. Capital letters count as small ones, as `LIKE` has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

# Of a word that stands nowhere in it, about one run in nine has its bit by chance.
BITS_A_RUN = 8
BITS_MIN, BITS_MAX = 1 << 10, 1 << 20
# Fibonacci hashing: Knuth, The Art of Computer Programming, volume 3, 6.4.
_GOLDEN, _WORD_BITS = 0x9E3779B1, 32


def signature(texts: Iterable[str]) -> bytes:
    """The bits of all `texts`; its size, a power of two, goes with how many different runs they have."""
    triples: set[int] = set()
    for text in texts:
        # Filled up, so that the shorter runs are the beginnings of these.
        triples |= _runs(_folded(text) + b"\0\0", 3)
    pairs = {triple >> 8 for triple in triples}
    runs = [*triples, *pairs, *{pair >> 8 for pair in pairs}]
    size = BITS_MIN
    while size < BITS_A_RUN * len(runs) and size < BITS_MAX:
        size *= 2
    bits = bytearray(size // 8)
    shift = _WORD_BITS - (size.bit_length() - 1)
    for run in runs:
        place = (run * _GOLDEN & 0xFFFFFFFF) >> shift
        bits[place >> 3] |= 1 << (place & 7)
    return bytes(bits)


def runs_of(word: str) -> frozenset[int]:
    """What `may_hold` asks for: the longest runs of `word`, which is not empty."""
    data = _folded(word)
    return frozenset(_runs(data, min(3, len(data))))


def may_hold(bits: bytes, runs: Iterable[int]) -> bool:
    """Whether a word with these runs may stand in what `bits` is the signature of; False is certain."""
    shift = _WORD_BITS - (8 * len(bits)).bit_length() + 1
    for run in runs:
        place = (run * _GOLDEN & 0xFFFFFFFF) >> shift
        if not bits[place >> 3] >> (place & 7) & 1:
            return False
    return True


def _folded(text: str) -> bytes:
    # Letter by letter, so that a part of a text is a part of what is folded.
    return text.casefold().encode("utf-8", "replace")


def _runs(data: bytes, length: int) -> set[int]:
    """All runs of one to three bytes, each as a number: a 1, and then the bytes."""
    match length:
        case 1:
            return {0x100 | one for one in data}
        case 2:
            return {0x10000 | one << 8 | two for one, two in pairwise(data)}
        case _:
            return {
                0x1000000 | one << 16 | two << 8 | three
                for one, two, three in set(zip(data, data[1:], data[2:], strict=False))
            }
