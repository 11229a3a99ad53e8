"""A verified answer in the place of a criticised one: by the person's correction, Claude, or the local model.

A model's answer counts only where the rule's verifier, which the criticised answer fails, passes on it, its code parses
and keeps its functions, and it is neither empty nor a loop. The person's own correction counts as it is.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from shammah_tui.agent.loop import Backend
from shammah_tui.errors import ShammahError
from shammah_tui.feedback import verifier
from shammah_tui.feedback.asking import ANSWER_AGAIN, answer, with_note, with_rule
from shammah_tui.store.rating import Rating
from shammah_tui.store.rule import Rule

SAMPLES = 6
TEMPERATURE = 0.8
# A character of code is about a third of a token; the rewrite may be longer than what it replaces.
TOKENS_MIN, TOKENS_MAX = 256, 4096

NO_CHECK = "Nothing here can check whether an answer keeps this rule, so no rewrite of it could be trusted."
NO_RULE = "Neither a note nor a correction: the mark alone does not say what would have been right."
_ABOUT_NAMES = re.compile(
    r"\b(?:call|name|rename|named|called|naming|argument|parameter|signature|case)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Rewrite:
    """`text` is empty where none was good enough; `reason` then says why."""

    text: str = ""
    source: str = ""
    reason: str = ""


async def rewrite(rating: Rating, rule: Rule | None, local: Backend | None, claude: Backend | None) -> Rewrite:
    """The first that is good enough, in the order of sources. Raises ShammahError where a backend fails."""
    if rating.correction:
        return Rewrite(rating.correction, "correction")
    if rule is None:
        return Rewrite(reason=NO_RULE)
    if not rule.proof or not verifier.can_check(rule.verifier):
        return Rewrite(reason=NO_CHECK)
    failures: list[str] = []
    async with aclosing(_candidates(rating, rule, local, claude)) as candidates:
        async for source, text in candidates:
            trouble = judge(text, rating, rule)
            if not trouble:
                return Rewrite(text, source)
            failures.append(trouble)
    if not failures:
        return Rewrite(reason="")
    common = max(set(failures), key=failures.count)
    return Rewrite(reason=f"None of {len(failures)} new answers was good enough; most often {common}.")


def judge(text: str, rating: Rating, rule: Rule) -> str:
    """Why `text` cannot take the criticised answer's place, in a clause; empty where it can."""
    renames = bool(_ABOUT_NAMES.search(rating.note))
    found = verifier.trouble(text, rating.snapshot.answer, renames=renames)
    return found or ("" if verifier.passes(rule.verifier, rule.scope, text) else "it still breaks the rule")


def tokens_for(text: str) -> int:
    return max(TOKENS_MIN, min(TOKENS_MAX, len(text)))


async def _candidates(
    rating: Rating, rule: Rule, local: Backend | None, claude: Backend | None
) -> AsyncGenerator[tuple[str, str], None]:
    shot = rating.snapshot
    again = with_note(shot.system, shot.messages, shot.answer, rating.note or rule.line, ANSWER_AGAIN)
    ruled = with_rule(shot.system, shot.messages, rule.line)
    longest = tokens_for(shot.answer)
    if claude is not None:
        try:
            yield "claude", await answer(claude, again, temperature=0.0, max_tokens=longest)
        except ShammahError:
            if local is None:
                raise
    if local is None:
        return
    for sample in range(SAMPLES):
        prompt, form = (ruled, "rule") if sample % 2 else (again, "note")
        temperature = 0.0 if sample < 2 else TEMPERATURE
        yield f"local model ({form})", await answer(local, prompt, temperature=temperature, max_tokens=longest)
