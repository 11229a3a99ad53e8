"""The shared cache of keys and values: which slot holds what, and how a prompt finds the longest part already read.

Used by the scheduler's thread alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from shammah_tui.engine.library import native
from shammah_tui.engine.model import NativeModel
from shammah_tui.engine.session import SessionStore
from shammah_tui.engine.slot import CacheKey, Slot, common_prefix

# Restoring from disk, or saving to it, pays off from about this many tokens.
_WORTH_TOKENS = 64
# In a pause a session is written again once it grew by this part of its length: all that is written is then about
# nine times as much as it is long, and a session that is killed loses little.
_SAVES_PER_LENGTH = 8


class SharedCache:
    """All slots over one unified cache; cells of a common prefix are shared between sequences, not copied."""

    def __init__(self, model: NativeModel, sessions: SessionStore | None) -> None:
        self.slots = [Slot(index) for index in range(model.info.slots)]
        self._context = model.context
        self._memory = model.memory
        self._capacity = model.info.context_tokens
        self._sessions = sessions

    def prepare(self, prompt: Sequence[int], key: CacheKey, session: str) -> Slot | None:
        """An idle slot whose tokens are a proper prefix of `prompt`, all in the cache, as long as can be had: from
        the slot that this conversation was in, from another one, or from disk. None where no slot is idle."""
        idle = [slot for slot in self.slots if slot.answer is None]
        if not idle:
            return None
        matches = {slot.index: self._match(slot, prompt, key) for slot in self.slots}
        best = max(self.slots, key=lambda slot: matches[slot.index])
        saved = self._sessions.tokens(session, key) if self._sessions and session else []
        on_disk = common_prefix(saved, prompt)
        own = [slot for slot in idle if self._continues(slot, matches[slot.index], len(prompt), session)]
        slot = max(own, key=lambda slot: matches[slot.index], default=None)
        if len(saved) < self._capacity and on_disk > matches[best.index] + _WORTH_TOKENS:
            slot = slot or self._least_used(idle)
            self._restore(slot, session, key, saved)
        elif slot is None:
            slot = self._least_used(idle)
            self._share(best, slot, prompt[: matches[best.index]])
        if slot.session and slot.session != session:
            self.save(slot)
        # The last token of a prompt is always computed: its logits are what the first draw needs.
        self._cut(slot, min(common_prefix(slot.tokens, prompt), len(prompt) - 1))
        slot.key = key
        self._name(slot, session)
        return slot

    def roll_back(self, slot: Slot) -> None:
        """Removes what a refused batch left of this slot beyond `slot.cached`."""
        native.llama_memory_seq_rm(self._memory, slot.index, slot.cached, -1)

    def clear(self, slot: Slot) -> None:
        native.llama_memory_seq_rm(self._memory, slot.index, -1, -1)
        slot.forget()

    def evict(self) -> bool:
        """Frees the idle slot that was used longest ago, saving its session; false where none holds anything."""
        idle = [slot for slot in self.slots if slot.answer is None and slot.cached]
        if not idle:
            return False
        slot = min(idle, key=lambda slot: slot.used_at)
        self.save(slot)
        self.clear(slot)
        return True

    def has_unsaved(self) -> bool:
        return self._next_unsaved() is not None

    def save_next(self) -> None:
        """Saves one session that grew by enough to be worth writing all of it again."""
        slot = self._next_unsaved()
        if slot is not None:
            self.save(slot)
            slot.offered = slot.cached

    def save(self, slot: Slot) -> None:
        """Keeps the slot's session on disk, where it has one and grew since it was last kept."""
        if self._sessions is None or not slot.session or slot.cached - slot.saved < _WORTH_TOKENS:
            return
        if self._sessions.save(self._context, slot.index, slot.session, slot.key, slot.tokens[: slot.cached]):
            slot.saved = slot.cached

    def _next_unsaved(self) -> Slot | None:
        if self._sessions is None:
            return None
        for slot in self.slots:
            grown = slot.cached - max(slot.saved, slot.offered)
            if slot.session and slot.answer is None and grown >= max(_WORTH_TOKENS, slot.cached // _SAVES_PER_LENGTH):
                return slot
        return None

    def _match(self, slot: Slot, prompt: Sequence[int], key: CacheKey) -> int:
        return min(slot.cached, common_prefix(slot.tokens, prompt)) if slot.key == key else 0

    def _name(self, slot: Slot, session: str) -> None:
        """Only the newest slot of a session may write its file; each adapter has its own."""
        for other in self.slots:
            if other is not slot and other.session == session and other.key == slot.key:
                other.session = ""
        slot.session = session

    @staticmethod
    def _continues(slot: Slot, match: int, prompt_tokens: int, session: str) -> bool:
        """Whether the slot's conversation goes on with this prompt, or is begun again, rather than only beginning
        alike. What nobody needs any more is not kept: attention passes over idle cells too, at every token."""
        same = not session or not slot.session or slot.session == session
        return same and match > 0 and match * 2 >= min(slot.cached, prompt_tokens)

    @staticmethod
    def _least_used(idle: Sequence[Slot]) -> Slot:
        return min(idle, key=lambda slot: (slot.cached > 0, slot.used_at))

    def _share(self, source: Slot, slot: Slot, prefix: Sequence[int]) -> None:
        """Makes `slot` begin with `prefix`, of which `source` holds the keys and values."""
        if source is slot and prefix:
            return
        self.save(slot)
        self.clear(slot)
        if prefix:
            native.llama_memory_seq_cp(self._memory, source.index, slot.index, 0, len(prefix))
            slot.tokens = list(prefix)
            slot.cached = len(prefix)

    def _restore(self, slot: Slot, session: str, key: CacheKey, tokens: Sequence[int]) -> None:
        assert self._sessions is not None
        self.save(slot)
        self.clear(slot)
        while sum(other.cached for other in self.slots) + len(tokens) > self._capacity and self.evict():
            pass
        if self._sessions.restore(self._context, slot.index, session, key, tokens):
            slot.tokens = list(tokens)
            slot.cached = slot.saved = len(tokens)
        else:
            self.clear(slot)

    def _cut(self, slot: Slot, length: int) -> None:
        """Keeps the first `length` tokens; an architecture whose cache cannot be cut forgets them all."""
        if native.llama_memory_seq_rm(self._memory, slot.index, length, -1):
            slot.truncate(length)
        else:
            self.clear(slot)
