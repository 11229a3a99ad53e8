"""From one rating with a verified rewrite to prompts of its kind with verified answers, and to prompts to leave alone.

In scope are prompts made like the criticised one, and the person's own and bundled ones in whose answer the model
breaks the rule unasked: each is answered with the rule in the prompt, and kept where the verifier passes. Near scope is
what looks alike and the rule does not speak of: other languages, tests, answers that keep the rule anyway. There, and
out of scope, the model's own answer is the target, which training asks for by itself.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from shammah_tui.agent.loop import Backend
from shammah_tui.conversation import Message
from shammah_tui.feedback import code, mutation, verifier
from shammah_tui.feedback.asking import answer, with_rule
from shammah_tui.feedback.language import is_about_tests
from shammah_tui.feedback.rewrite import tokens_for
from shammah_tui.feedback.scope import applies, request
from shammah_tui.store.rating import Color, Rating
from shammah_tui.store.rule import Rule
from shammah_tui.store.variant import Kind, Variant, identity


@dataclass(frozen=True, slots=True)
class Share:
    """How many variants one rating brings, and how many of a kind a rule has at most."""

    in_scope: int
    heldout: int


OF_RATING: dict[Color, Share] = {"red": Share(8, 4), "yellow": Share(3, 0), "green": Share(0, 0)}
HELD_OUT_MAX, IN_SCOPE_MAX, LEFT_ALONE_MAX = 8, 48, 72
NEAR_MIN = 4
NEAR_LANGUAGES, NEAR_TESTS, NEAR_TASKS, OTHERS = 8, 16, 16, 20
SHORT_CHARACTERS = 400
DRAWS, DRAW_TEMPERATURE = 2, 1.0
# So many of the person's own questions are looked at for one rating.
HISTORY_MAX = 8


@dataclass(frozen=True, slots=True)
class Material:
    """What variants of a rating are made from."""

    rating: Rating
    rule: Rule
    counts: Counter[Kind]
    """What the rule has already."""
    known: frozenset[str]
    """Identities of prompts that the rule has already, and of those that were rated."""
    history: tuple[str, ...]
    """Questions that the person asked, the newest first."""


async def variants(material: Material, backend: Backend) -> AsyncGenerator[Variant | None, None]:
    """Each as it is made; None for a prompt that came to nothing, so that a reader sees that it goes on.

    `backend` is the base without any adapter: a training starts from that, and is compared with what it says.

    Raises ShammahError where the backend fails.
    """
    making = _Making(material, backend)
    for kind, prompt, source in making.replayed():
        yield await making.left_alone(kind, prompt, source)
    for kind, prompt in making.wanted():
        yield await making.in_scope(kind, prompt, "made like the rated prompt")
    for prompt, source in making.undecided():
        yield await making.decided(prompt, source)
    for variant in making.reserve():
        yield variant


class _Making:
    def __init__(self, material: Material, backend: Backend) -> None:
        self._material = material
        self._rating, self._rule = material.rating, material.rule
        self._backend = backend
        self._counts = Counter(material.counts)
        self._known = set(material.known)
        self._unsure: list[tuple[Message, ...]] = []
        self._seed = f"rating {material.rating.id}"
        self._language = (material.rule.scope.languages or (material.rating.snapshot.language,))[0]

    def replayed(self) -> list[tuple[Kind, str, str]]:
        """Near-scope and out-of-scope prompts, as far as the rule's own words tell, with where they come from."""
        near = [
            *mutation.in_other_languages(self._question, self._language, NEAR_LANGUAGES, self._seed),
            *(self._tests() if self._rule.scope.outside_tests else ()),
        ]
        other_language = "javascript" if self._language == "python" else "python"
        others = [
            *mutation.general(OTHERS, self._seed),
            *(mutation.tasks(other_language, OTHERS, self._seed) if self._rule.scope.languages else ()),
            *[prompt for prompt in self._material.history if not self._applies(prompt)][:HISTORY_MAX],
        ]
        chosen = random.Random(self._seed).sample(others, min(len(others), OTHERS))
        return [
            *(("near_scope", prompt, "looks like the rated prompt") for prompt in near),
            *(("out_of_scope", prompt, "of another kind") for prompt in chosen),
        ]

    def wanted(self) -> list[tuple[Kind, str]]:
        """Prompts like the rated one, the held-out ones first."""
        share = OF_RATING[self._rating.color]
        heldout = min(share.heldout, HELD_OUT_MAX - self._counts["heldout"])
        # Some will come to nothing.
        prompts = mutation.alike(self._question, 2 * (share.in_scope + share.heldout), self._seed)
        kinds: list[Kind] = ["heldout"] * max(0, heldout)
        return [*zip(kinds, prompts, strict=False), *(("in_scope", prompt) for prompt in prompts[len(kinds) :])]

    def undecided(self) -> list[tuple[str, str]]:
        """Prompts that may or may not lie in the rule's scope, with where they come from."""
        own = [prompt for prompt in self._material.history if self._applies(prompt)][:HISTORY_MAX]
        tasks = mutation.tasks(self._language, NEAR_TASKS, self._seed) if self._rule.scope.languages else ()
        return [*((prompt, "the person's own") for prompt in own), *((task, "bundled") for task in tasks)]

    async def in_scope(self, kind: Kind, prompt: str, source: str) -> Variant | None:
        """With an answer that keeps the rule, where the model gives one when it is told the rule."""
        share = OF_RATING[self._rating.color]
        most = {"in_scope": IN_SCOPE_MAX, "heldout": HELD_OUT_MAX}[kind]
        if self._made(kind) >= (share.in_scope if kind == "in_scope" else share.heldout) or self._counts[kind] >= most:
            return None
        messages = self._prompt(prompt)
        if identity(messages) in self._known or not self._applies(prompt):
            return None
        asked = with_rule(self._rating.snapshot.system, messages[1:], self._rule.line)
        said = await self._ask(asked)
        if not said or verifier.trouble(said, "") or not verifier.passes(self._rule.verifier, self._rule.scope, said):
            return None
        return self._variant(kind, messages, said, f"{source}; answered with the rule in the prompt")

    async def left_alone(self, kind: Kind, prompt: str, source: str) -> Variant | None:
        """A prompt whose answer shall stay as it is. Where the model itself does not know what to say, its answer is
        as good as chance, and changes with anything: such a prompt would measure noise."""
        messages = self._prompt(prompt)
        if identity(messages) in self._known or self._counts[kind] >= LEFT_ALONE_MAX:
            return None
        said = await self._ask(messages)
        breaks = verifier.keeps(self._rule.verifier, self._rule.scope, said) is False
        if breaks and not is_about_tests(prompt):
            return None
        if not await self._is_sure_of(messages, said):
            self._unsure += [messages] if kind == "near_scope" else []
            return None
        return self._variant(kind, messages, "", source)

    async def decided(self, prompt: str, source: str) -> Variant | None:
        """In scope where the model breaks the rule unasked, near scope where it does not."""
        messages = self._prompt(prompt)
        if identity(messages) in self._known:
            return None
        said = await self._ask(messages)
        if not said or verifier.trouble(said, ""):
            return None
        if verifier.keeps(self._rule.verifier, self._rule.scope, said) is False:
            return await self.in_scope("in_scope", prompt, source)
        if self._counts["near_scope"] >= LEFT_ALONE_MAX or not await self._is_sure_of(messages, said):
            return None
        return self._variant("near_scope", messages, "", f"{source}; keeps the rule anyway")

    def reserve(self) -> list[Variant]:
        """Of the prompts that the model was not sure of as many as it takes for the rule to have some at all."""
        lacking = max(0, NEAR_MIN - self._counts["near_scope"])
        return [
            self._variant("near_scope", messages, "", "looks like the rated prompt")
            for messages in self._unsure[:lacking]
            if identity(messages) not in self._known
        ]

    async def _is_sure_of(self, messages: tuple[Message, ...], said: str) -> bool:
        """Whether an answer is sound, and no chance hit: a short one is given again each time that it is drawn."""
        if not said or verifier.trouble(said, ""):
            return False
        for _ in range(DRAWS if len(said) <= SHORT_CHARACTERS else 0):
            if await self._ask(messages, temperature=DRAW_TEMPERATURE) != said:
                return False
        return True

    @property
    def _question(self) -> str:
        return self._rating.snapshot.question

    def _tests(self) -> tuple[str, ...]:
        signatures = [code.signatures(block) for block in code.blocks(self._rating.snapshot.answer)]
        name = next((name for found in signatures for name in found), "") or "do_it"
        return mutation.tests_of(self._question, name, self._language, NEAR_TESTS, self._seed)

    def _variant(self, kind: Kind, messages: Sequence[Message], chosen: str, source: str) -> Variant:
        self._counts[kind] += 1
        self._known.add(identity(messages))
        return Variant(self._rating.id, self._rule.id, kind, tuple(messages), chosen, source)

    def _made(self, kind: Kind) -> int:
        return self._counts[kind] - self._material.counts[kind]

    def _prompt(self, question: str) -> tuple[Message, ...]:
        """A question at the place where the rated one stood; what the conversation had before it stays."""
        shot = self._rating.snapshot
        last = max((at for at, message in enumerate(shot.messages) if message.role == "user"), default=0)
        return (Message("system", shot.system), *shot.messages[:last], Message("user", question))

    def _applies(self, prompt: str) -> bool:
        return applies(self._rule.scope, request(prompt, self._rating.snapshot.messages[:-1]))

    async def _ask(self, messages: Sequence[Message], *, temperature: float = 0.0) -> str:
        longest = tokens_for(self._rating.snapshot.answer)
        return await answer(self._backend, messages, temperature=temperature, max_tokens=longest)
