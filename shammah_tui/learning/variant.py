"""Prompts made from the file's own by giving things other names: the sentence stays, its rare words and numbers change.

A variant of a replayed prompt is one more place where the base must not change. For a variant of a rated prompt the
wanted answer is the base's answer to it, edited as its answer to the rated prompt was: the same pieces of text, found
at the same places. Where one of them is not found there is no such answer, and the variant is left out.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from shammah_tui.learning.rows import Row

_PIECE = re.compile(r"\w+|\s|[^\w\s]")
_WORD = re.compile(r"[^\W\d_]+|\d+")
# A word in more than this share of the prompts belongs to the sentence, not to the thing that is spoken of.
COMMON_SHARE = 0.15
SHORTEST_WORD = 3
MOST_CHANGES = 3

Change = Mapping[str, str]
"""Old word → new word, lower case; numbers as they are."""


@dataclass(frozen=True, slots=True)
class Variant:
    """`row` is the source row with the change in its prompt; its answers are those of the source, changed alike."""

    source: Row
    row: Row
    change: Change


def variants(rows: Sequence[Row], count: int, seed: int) -> list[Variant]:
    """About `count` variants of the rows' last messages, taking the rows in turn; fewer where nothing can be changed
    or where the same prompt comes up again. The same rows and seed give the same variants."""
    shuffle = random.Random(seed)
    asked = {_prompt(row) for row in rows}
    lexicon = _rare_words(sorted(asked))
    found: list[Variant] = []
    for turn in range(3 * count):
        if len(found) == count or not rows:
            break
        source = rows[turn % len(rows)]
        change = _drawn(_prompt(source), lexicon, shuffle)
        prompt = changed(_prompt(source), change)
        if change and prompt not in asked:
            asked.add(prompt)
            found.append(Variant(source, _changed_row(source, prompt, change), change))
    return found


def at_the_border(rows: Sequence[Row], count: int, seed: int) -> list[Row]:
    """Up to `count` replayed prompts moved next to a rule: a word that its rated prompts never have gives way to the
    one that they have in that place. Of "a Python function that adds", where the rule is about "a Rust function …",
    becomes "a Rust function that adds". Whether the rule applies to it is for the base's answer to tell."""
    found: dict[str, Row] = {}
    asked = {_prompt(row) for row in rows}
    replayed = [row for row in rows if not row.rated]
    for rule in dict.fromkeys(row.rule for row in rows if row.kind == "in_scope"):
        rated = [_WORD.findall(_prompt(row)) for row in rows if row.kind == "in_scope" and row.rule == rule]
        places = _places(rated)
        known = {word.lower() for words in rated for word in words}
        for row in replayed:
            for moved in _moved(_prompt(row), places, known):
                if moved not in asked:
                    found.setdefault(moved, _changed_row(row, moved, {}))
    return random.Random(f"border {seed}").sample(list(found.values()), min(count, len(found)))


def _places(rated: Sequence[Sequence[str]]) -> dict[tuple[str, str], str]:
    """Words of at least half of the rated prompts, by the words before and after them, in lower case; also by the word
    after alone, for a prompt that begins there."""
    counts = Counter(word for words in rated for word in set(words))
    found: dict[tuple[str, str], str] = {}
    for words in rated:
        lower = [word.lower() for word in words]
        for before, word, after in zip(["", *lower], words, lower[1:], strict=False):
            if 2 * counts[word] >= len(rated):
                found.setdefault((before, after), word)
                found.setdefault(("", after), word)
    return found


def _moved(prompt: str, places: Mapping[tuple[str, str], str], known: Container[str]) -> list[str]:
    """The prompt with one such word replaced, for each of them."""
    matches = list(_WORD.finditer(prompt))
    words = [match[0].lower() for match in matches]
    found: list[str] = []
    for match, before, word, after in zip(matches, ["", *words], words, words[1:], strict=False):
        wanted = places.get((before, after), "")
        if wanted and word not in known:
            wanted = wanted if match.start() else wanted[0].upper() + wanted[1:]
            found.append(prompt[: match.start()] + wanted + prompt[match.end() :])
    return found


def changed(text: str, change: Change) -> str:
    """The text with each word of the change replaced, in the plural and with a capital too."""

    def put(match: re.Match[str]) -> str:
        word = match[0]
        for old, ending in ((word.lower(), ""), (word.lower().removesuffix("s"), "s")):
            if old in change:
                new = change[old] + (ending if word.lower() != old else "")
                return new.upper() if word.isupper() and len(word) > 1 else new.title() if word[0].isupper() else new
        return word

    return _WORD.sub(put, text)


def edited(text: str, before: str, after: str, change: Change) -> str:
    """`text` edited as `before` was edited into `after`, under a change of words; empty where that cannot be done."""
    found, at = "", 0
    for old, new in _edits(before, after):
        old, new = changed(old, change), changed(new, change)
        place = text.find(old, at)
        if place < 0:
            return ""
        found += text[at:place] + new
        at = place + len(old)
    return found + text[at:]


def _edits(before: str, after: str) -> list[tuple[str, str]]:
    """The pieces that differ, in their order, each with what stands round it: enough to be found from the end of the
    piece before on."""
    old, new = _PIECE.findall(before), _PIECE.findall(after)
    found: list[tuple[str, str]] = []
    done = 0  # pieces of `old` that the edits so far have used up
    for kind, i1, i2, j1, j2 in _hunks(old, new):
        if kind == "equal":
            continue
        left, right = max(done, i1 - 1), min(len(old), i2 + 1)
        while "".join(old[left:right]) in "".join(old[done : right - 1]) and left > done:
            left -= 1
        found.append(("".join(old[left:right]), "".join(old[left:i1] + new[j1:j2] + old[i2:right])))
        done = right
    return found


def _hunks(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """Those of difflib, with changes that stand next to each other but for a piece or two made one."""
    found: list[tuple[str, int, int, int, int]] = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if (found and (found[-1][0] != "equal") == (kind != "equal")) or (found and kind == "equal" and i2 - i1 <= 2):
            last = found.pop()
            found.append((last[0] if last[0] != "equal" else kind, last[1], i2, last[3], j2))
        else:
            found.append((kind, i1, i2, j1, j2))
    return found


def _prompt(row: Row) -> str:
    content = row.messages[-1].get("content")
    return content if isinstance(content, str) else ""


def _changed_row(source: Row, prompt: str, change: Change) -> Row:
    last = {**source.messages[-1], "content": prompt}
    return replace(
        source,
        number=0,
        messages=(*source.messages[:-1], last),
        chosen=changed(source.chosen, change),
        rejected=changed(source.rejected, change),
        held_out=False,
    )


def _rare_words(prompts: Sequence[str]) -> list[str]:
    """Words of letters that stand in few of the prompts."""
    counts = Counter(word for prompt in prompts for word in {match.lower() for match in _WORD.findall(prompt)})
    limit = max(1, int(COMMON_SHARE * len(prompts)))
    return sorted(
        word for word, count in counts.items() if count <= limit and len(word) >= SHORTEST_WORD and word.isalpha()
    )


def _drawn(prompt: str, lexicon: Sequence[str], shuffle: random.Random) -> dict[str, str]:
    words = dict.fromkeys(match.lower() for match in _WORD.findall(prompt))
    known = set(lexicon)
    open_words = [word for word in words if word in known or word.isdecimal()]
    change: dict[str, str] = {}
    for word in shuffle.sample(open_words, min(len(open_words), shuffle.randint(1, MOST_CHANGES))):
        if word.isdecimal():
            change[word] = str(shuffle.randint(10 ** (len(word) - 1), 10 ** len(word) - 1))
        elif others := [other for other in lexicon if other not in words and other not in change.values()]:
            change[word] = shuffle.choice(others)
    return {old: new for old, new in change.items() if old != new}
