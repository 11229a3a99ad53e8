"""Text to tokens and tokens to bytes, by llama.cpp's own vocabulary of a loaded model."""

from __future__ import annotations

import ctypes
from functools import partial

from shammah_tui.engine.library import native

# Control tokens are not text, except these: the parsers above look for them, and some conversions mark them control.
_VISIBLE_CONTROL = frozenset({b"<tool_call>", b"</tool_call>", b"<think>", b"</think>"})


class Vocabulary:
    """Tables over all tokens, made once at loading so that decoding needs no call a token."""

    def __init__(self, model: int) -> None:
        self.pointer: int = native.llama_model_get_vocab(model)
        self.size: int = native.llama_vocab_n_tokens(self.pointer)
        self.pieces: list[bytes] = []
        """Every token's bytes as they appear in an answer; empty for control tokens."""
        self.hidden: list[int] = []
        """Control tokens: no text of an answer, so never part of a grammar."""
        self.control_texts: list[str] = []
        """How the control tokens are written (`<|im_end|>`, `</s>`, `[/INST]`)."""
        self.ends: frozenset[int] = frozenset(
            token for token in range(self.size) if native.llama_vocab_is_eog(self.pointer, token)
        )
        self._fill()

    def _fill(self) -> None:
        buffer = ctypes.create_string_buffer(1 << 16)
        piece = partial(self._piece, buffer)
        is_control = native.llama_vocab_is_control
        for token in range(self.size):
            text = piece(token)
            if token in self.ends or (is_control(self.pointer, token) and text not in _VISIBLE_CONTROL):
                self.hidden.append(token)
                self.control_texts.append(text.decode("utf-8", "replace"))
                text = b""
            self.pieces.append(text)

    def _piece(self, buffer: ctypes.Array[ctypes.c_char], token: int) -> bytes:
        size = native.llama_token_to_piece(self.pointer, token, buffer, len(buffer), 0, True)
        return ctypes.string_at(buffer, size) if size > 0 else b""

    def tokenize(self, text: str, *, special: bool = True, begin: bool = False) -> list[int]:
        """Tokens of `text`. `special` reads `<|im_start|>` and its like as the tokens they name; `begin` adds the
        model's own begin token where it has one. Lone surrogates become U+FFFD."""
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        tokens = (native.llama_token * room)()
        count = native.llama_tokenize(self.pointer, data, len(data), tokens, room, begin, special)
        if count < 0:
            tokens = (native.llama_token * -count)()
            count = native.llama_tokenize(self.pointer, data, len(data), tokens, -count, begin, special)
        return list(tokens[:count])

    def text(self, token: int) -> str:
        """The token as the vocabulary writes it (`<|im_end|>`); empty for none (a negative id)."""
        if token < 0:
            return ""
        buffer = ctypes.create_string_buffer(1 << 10)
        return self._piece(buffer, token).decode("utf-8", "replace")
