"""Makes a conversation fit the model: older tool results are left out first, new ones are cut, and that is said.

What the person and the model said is never dropped in silence: where results alone do not make room, the request is
refused with what the person can do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from shammah_tui.agent import own_output
from shammah_tui.conversation import Message
from shammah_tui.errors import ContextOverflow
from shammah_tui.tools.bounded import HeadAndTail

Count = Callable[[Sequence[Message]], Awaitable[tuple[int, int]]]
"""Tokens of a conversation with its tools, and of what the model can read: by the model's own tokenizer."""

# A result shorter than this costs less than the sentence that would stand in its place.
SHORTENED_FROM_CHARACTERS = 400
# The newest results are what the model works with just now.
KEPT_RESULTS = 2
# Room is made for several steps at once: each time the beginning changes, all of it is read anew.
FILLED_AFTERWARDS = 0.7
# No tokenizer makes more tokens than bytes: below this share of the context nobody needs to count.
ANSWER_SHARE_MAX = 0.25

# The newest results are cut to a power of two until they fit, this at least. Steps so far apart leave room for what
# follows, and cut a result alike in the next request, so that its beginning need not be read anew.
CUT_TO_CHARACTERS_MIN = 1024

PLACEHOLDER = "[{count} characters of this result were left out to make room; run the tool again to see them.]"


@dataclass(frozen=True, slots=True)
class Fitted:
    messages: tuple[Message, ...]
    notice: str = ""


async def fit(messages: Sequence[Message], count: Count, *, answer_tokens: int) -> Fitted:
    """The conversation so that it and an answer of up to `answer_tokens` (at most a quarter of the context) fit.

    Raises ContextOverflow where leaving results out is not enough.
    """
    tokens, context = await count(messages)
    room = context - min(answer_tokens, int(context * ANSWER_SHARE_MAX))
    if tokens <= room:
        return Fitted(tuple(messages))
    found, left_out = _Shortened(messages), 0
    for result in found.results[:-KEPT_RESULTS]:
        if tokens <= room * FILLED_AFTERWARDS:
            break
        length = len(found.text(result))
        if length < SHORTENED_FROM_CHARACTERS:
            continue
        found.put(result, PLACEHOLDER.format(count=f"{length:,}"))
        left_out += 1
        tokens, _ = await count(found.messages)
    newest = {result: found.text(result) for result in found.results[-KEPT_RESULTS:]}
    characters = max(map(len, newest.values()), default=0)
    while tokens > room and characters > CUT_TO_CHARACTERS_MIN:
        characters = max(CUT_TO_CHARACTERS_MIN, 1 << (characters - 1).bit_length() - 1)
        for result, text in newest.items():
            found.put(result, _cut(text, characters))
        tokens, _ = await count(found.messages)
    if tokens > room:
        raise ContextOverflow(
            f"The conversation has {tokens:,} tokens; this model reads {context:,}, its answer included.",
            "/new begins a new conversation; a model with a longer context (/model) can go on with this one.",
            prompt_tokens=tokens,
            context_tokens=context,
        )
    cut = sum(found.text(result) != text for result, text in newest.items())
    parts = [_said(left_out, "older tool result", "left out of what the model reads")] if left_out else []
    parts += [_said(cut, "tool result", f"cut to {characters:,} characters for the model")] if cut else []
    return Fitted(found.messages, f"{' and '.join(parts)}, to make room.")


class _Shortened:
    """Messages whose results can be replaced: those of tools, and what the person's own commands printed. A result is
    the number of its message and of its piece in that."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = list(messages)
        self._pieces: dict[int, list[str]] = {}
        self.results: list[tuple[int, int]] = []
        for at, message in enumerate(messages):
            if message.role == "tool":
                self._pieces[at] = [message.content]
                self.results.append((at, 0))
            elif message.role == "user" and len(pieces := own_output.parts(message.content)) > 1:
                self._pieces[at] = pieces
                self.results += [(at, piece) for piece in range(2, len(pieces), 4)]

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(self._messages)

    def text(self, result: tuple[int, int]) -> str:
        at, piece = result
        return self._pieces[at][piece]

    def put(self, result: tuple[int, int], text: str) -> None:
        at, piece = result
        self._pieces[at][piece] = text
        self._messages[at] = replace(self._messages[at], content="".join(self._pieces[at]))


def _cut(text: str, characters: int) -> str:
    """The beginning and the end of a result, with a line between them that says what is missing."""
    kept = HeadAndTail(characters)
    kept.add(text)
    return kept.text("this model has no room for them, so ask for a smaller part")


def _said(count: int, what: str, done: str) -> str:
    return f"1 {what} was {done}" if count == 1 else f"{count} {what}s were {done}"
