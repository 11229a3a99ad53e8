"""The next token: llama.cpp's sampler chain a request, and a grammar that sleeps until its trigger.

A grammar over the whole vocabulary is slow, so the chain samples first, the grammar checks that one token, and only
where it refuses is the whole vocabulary filtered and sampled again (the order of llama.cpp's own `common_sampler`).
"""

from __future__ import annotations

import ctypes
import math
import random
import weakref
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from shammah_tui.engine.library import native
from shammah_tui.engine.request import Grammar, Sampling
from shammah_tui.engine.vocabulary import Vocabulary
from shammah_tui.errors import RequestError

NO_TOKEN = -1
"""Drawn where the grammar allows nothing more: the answer ends."""

_REFUSALS_MAX = 64
_REPEAT_WINDOW = 64  # llama.cpp's default `repeat_last_n`
_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])

_sample = native.llama_sampler_sample
_apply = native.llama_sampler_apply
_accept = native.llama_sampler_accept
logits_at = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32)(("llama_get_logits_ith", native._lib))
"""The address of the logits of a row of the batch."""


def check_sampling(sampling: Sampling) -> None:
    """Raises `RequestError` for values that llama.cpp would assert on, or that mean nothing."""
    ranges = {
        "temperature": (sampling.temperature, 0.0, 100.0),
        "top_p": (sampling.top_p, 0.0, 1.0),
        "min_p": (sampling.min_p, 0.0, 1.0),
        "repeat_penalty": (sampling.repeat_penalty, 0.01, 100.0),
        "presence_penalty": (sampling.presence_penalty, -100.0, 100.0),
        "frequency_penalty": (sampling.frequency_penalty, -100.0, 100.0),
        "top_k": (sampling.top_k, 0, 2**31 - 1),
    }
    for name, (value, least, most) in ranges.items():
        if not least <= value <= most:  # NaN is in no range
            raise RequestError(f"{name} must be between {least:g} and {most:g}.", param=name)


def build_chain(sampling: Sampling, vocabulary: Vocabulary, prompt: Sequence[int], window: int) -> Chain:
    """The chain in llama.cpp's order: penalties, top-k, top-p, min-p, temperature, draw; greedy at temperature 0.

    The repeat penalty looks at the prompt too (as llama.cpp does); presence and frequency only at what was
    generated, within `window` tokens (as OpenAI describes them).
    """
    parameters = native.llama_sampler_chain_default_params()
    parameters.no_perf = True
    chain = native.llama_sampler_chain_init(parameters)
    add, size = native.llama_sampler_chain_add, vocabulary.size
    if sampling.repeat_penalty != 1.0:
        repeat = native.llama_sampler_init_penalties(size, _REPEAT_WINDOW, sampling.repeat_penalty, 0.0, 0.0)
        for token in prompt[-_REPEAT_WINDOW:]:
            _accept(repeat, token)
        add(chain, repeat)
    if sampling.presence_penalty or sampling.frequency_penalty:
        frequency, presence = sampling.frequency_penalty, sampling.presence_penalty
        add(chain, native.llama_sampler_init_penalties(size, window, 1.0, frequency, presence))
    if sampling.temperature <= 0:
        add(chain, native.llama_sampler_init_greedy())
        return Chain(chain)
    if sampling.top_k > 0:
        add(chain, native.llama_sampler_init_top_k(sampling.top_k))
    if sampling.top_p < 1.0:
        add(chain, native.llama_sampler_init_top_p(sampling.top_p, 1))
    if sampling.min_p > 0.0:
        add(chain, native.llama_sampler_init_min_p(sampling.min_p, 1))
    add(chain, native.llama_sampler_init_temp(sampling.temperature))
    seed = random.getrandbits(32) if sampling.seed is None else sampling.seed % 2**32
    add(chain, native.llama_sampler_init_dist(seed))
    return Chain(chain)


class Chain:
    """Owns a native sampler."""

    def __init__(self, pointer: object) -> None:
        self.pointer = pointer

    def close(self) -> None:
        if self.pointer is not None:
            native.llama_sampler_free(self.pointer)
            self.pointer = None


class Candidates:
    """One array of all tokens, for the slow path; made once an engine."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._ids = np.arange(vocabulary.size, dtype=np.int32)
        self._hidden = np.array([token for token in vocabulary.hidden if token not in vocabulary.ends], np.int32)
        self._items: npt.NDArray[np.void] = np.zeros(vocabulary.size, _CANDIDATE)
        self._array = native.llama_token_data_array()
        self._pointer = ctypes.pointer(self._array)
        self._data = self._items.ctypes.data_as(native.llama_token_data_p)
        self._one = np.zeros(1, _CANDIDATE)
        self._one_data = self._one.ctypes.data_as(native.llama_token_data_p)

    def draw(self, chain: Chain, context: int, index: int, grammar: Chain | None, banned: Sequence[int]) -> int:
        """Samples from what `grammar` (None for any) and `banned` leave of the logits of output `index`."""
        size = len(self._ids)
        logits = (ctypes.c_float * size).from_address(logits_at(context, index))
        self._items["id"] = self._ids
        self._items["logit"] = np.ctypeslib.as_array(logits)
        self._items["logit"][self._hidden] = -math.inf
        self._items["logit"][list(banned)] = -math.inf
        self._fill(self._data, size)
        if grammar is not None:
            _apply(grammar.pointer, self._pointer)
            if not np.isfinite(self._items["logit"]).any():
                return NO_TOKEN
        _apply(chain.pointer, self._pointer)
        return int(self._array.data[self._array.selected].id)

    def allows(self, grammar: Chain, token: int) -> bool:
        """Whether `token` may come next; changes nothing."""
        self._one[0] = (token, 0.0, 0.0)
        self._fill(self._one_data, 1)
        _apply(grammar.pointer, self._pointer)
        return math.isfinite(float(self._one["logit"][0]))

    def _fill(self, data: object, size: int) -> None:
        self._array.data = data
        self._array.size = size
        self._array.selected = -1
        self._array.sorted = False


class CompiledGrammar:
    """A grammar as llama.cpp holds it, at its beginning. Raises `RequestError` where it cannot be read."""

    def __init__(self, grammar: Grammar, vocabulary: Vocabulary) -> None:
        self.triggers = tuple(trigger.encode() for trigger in grammar.triggers if trigger)
        text, root = grammar.gbnf.encode(), grammar.root.encode()
        # llama.cpp takes an empty text for "no grammar at all".
        pointer = native.llama_sampler_init_grammar(vocabulary.pointer, text, root) if text.strip() else None
        if not pointer:
            raise RequestError("The grammar cannot be read.", "Check its GBNF and its root rule.", param="grammar")
        self.pointer = pointer
        weakref.finalize(self, native.llama_sampler_free, pointer).atexit = False

    def clone(self) -> Chain:
        """A copy that reads on from the beginning, apart from this one."""
        return Chain(native.llama_sampler_clone(self.pointer))


def plain_draw(chain: Chain, context: int) -> Callable[[int], int]:
    """Draws (and accepts) from the logits of a batch index; the fast path."""
    pointer, sample = chain.pointer, _sample
    return lambda index: int(sample(pointer, context, index))


def is_greedy(sampling: Sampling) -> bool:
    """Whether the next token is the likeliest, whatever was generated before."""
    plain = sampling.repeat_penalty == 1.0 and not sampling.presence_penalty and not sampling.frequency_penalty
    return sampling.temperature <= 0 and plain


class GreedyDraw:
    """The likeliest token (the first of equals, as llama.cpp's greedy sampler has it), without the array of all
    candidates that a sampler fills first: 13 us in place of 160 over Qwen's vocabulary of 151,936."""

    def __init__(self, context: int, vocabulary_size: int) -> None:
        self._context = context
        self._row = ctypes.c_float * vocabulary_size
        self._views: dict[int, npt.NDArray[np.float32]] = {}

    def __call__(self, index: int) -> int:
        address = logits_at(self._context, index)
        view = self._views.get(address)
        if view is None:
            view = self._views[address] = np.ctypeslib.as_array(self._row.from_address(address))
        return int(view.argmax())


class GrammarDraw:
    """Draws as the chain does until a trigger has been generated, and from there as the grammar allows.

    llama.cpp's own lazy grammar searches all that was generated at every token; here only the last few bytes are
    compared, and the grammar starts when they contain a trigger.
    """

    def __init__(
        self, grammar: CompiledGrammar, chain: Chain, context: int, vocabulary: Vocabulary, candidates: Candidates
    ) -> None:
        self._compiled = grammar
        self._chain = chain
        self._context = context
        self._vocabulary = vocabulary
        self._candidates = candidates
        self._hidden = frozenset(vocabulary.hidden)
        self._tail = b""
        self._tail_bytes = max((len(trigger) for trigger in grammar.triggers), default=1) - 1
        self._grammar: Chain | None = None if grammar.triggers else grammar.clone()
        """None while asleep."""

    def close(self) -> None:
        if self._grammar is not None:
            self._grammar.close()

    def __call__(self, index: int) -> int:
        if self._grammar is not None:
            return self._draw_awake(index, self._grammar)
        token = int(_sample(self._chain.pointer, self._context, index))
        banned: list[int] = []
        while not self._passes(token):
            banned.append(token)
            if len(banned) > _REFUSALS_MAX:
                return NO_TOKEN
            token = self._candidates.draw(self._chain, self._context, index, None, banned)
        if banned:
            _accept(self._chain.pointer, token)
        return token

    def _draw_awake(self, index: int, grammar: Chain) -> int:
        token = self._candidates.draw(self._chain, self._context, index, None, ())
        if not self._allows(grammar, token):
            token = self._candidates.draw(self._chain, self._context, index, grammar, ())
            if token == NO_TOKEN:
                return NO_TOKEN
        _accept(self._chain.pointer, token)
        if token not in self._vocabulary.ends:
            _accept(grammar.pointer, token)
        return token

    def _allows(self, grammar: Chain, token: int) -> bool:
        if token in self._hidden and token not in self._vocabulary.ends:
            return False
        return self._candidates.allows(grammar, token)

    def _passes(self, token: int) -> bool:
        """Whether a token may follow while asleep: any, but one that completes a trigger must suit the grammar, which
        then is awake and has read the trigger and what follows it in the same token."""
        text = self._tail + self._vocabulary.pieces[token]
        starts = [at for trigger in self._compiled.triggers if (at := text.find(trigger)) >= 0]
        if not starts:
            self._tail = text[-self._tail_bytes :] if self._tail_bytes else b""
            return True
        grammar = self._compiled.clone()
        for part in self._vocabulary.tokenize(text[min(starts) :].decode("utf-8", "replace")):
            if not self._candidates.allows(grammar, part):
                grammar.close()
                return False
            _accept(grammar.pointer, part)
        self._grammar = grammar
        return True
