"""Does an answer keep a rule? Runs a rule's checks on an answer, and looks whether a rewrite is a sound one.

Pure, and quick enough for every answer: about a millisecond.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from shammah_tui.feedback import code, construct, detection
from shammah_tui.feedback.code import Block
from shammah_tui.store.rule import Check, Scope, Verifier

# A piece of text that comes back this often in a row is a loop, no answer.
LOOP_REPEATS = 5


def found(check: Check, answer: str, scope: Scope) -> bool:
    """Whether what the check names is in the answer's code of the scope's languages, or in its text."""
    if check.kind == "text":
        return re.search(check.value, answer, _FLAGS) is not None
    if check.kind == "prose":
        return bool(code.prose(answer))
    return any(_in_block(check, block) for block in blocks_in(answer, scope))


_FLAGS = re.MULTILINE | re.IGNORECASE


def _in_block(check: Check, block: Block) -> bool:
    match check.kind:
        case "name":
            return detection.uses(check.value)(block)
        case "construct":
            known = construct.named(check.value)
            return known is not None and known.found_in(block)
        case _:
            return re.search(check.value, code.bare(block), re.MULTILINE) is not None


def blocks_in(answer: str, scope: Scope) -> tuple[Block, ...]:
    """The code that a rule speaks of: in its languages; a fence without a name counts as any."""
    return tuple(
        block if block.language else Block(scope.languages[0] if scope.languages else "", block.code)
        for block in code.blocks(answer)
        if not scope.languages or not block.language or block.language in scope.languages
    )


def can_check(verifier: Verifier) -> bool:
    return bool(verifier.forbid or verifier.require)


def keeps(verifier: Verifier, scope: Scope, answer: str) -> bool | None:
    """Whether the answer breaks the rule; None where it has nothing that the rule speaks of."""
    checks = verifier.forbid or verifier.require
    if not checks or not (_on_text(checks) or blocks_in(answer, scope)):
        return None
    if verifier.forbid:
        return not any(found(check, answer, scope) for check in verifier.forbid)
    return any(found(check, answer, scope) for check in verifier.require)


def passes(verifier: Verifier, scope: Scope, answer: str) -> bool:
    """Whether the answer is an example of the rule: nothing forbidden in it, and something of what is asked for."""
    if not can_check(verifier) or any(found(check, answer, scope) for check in verifier.forbid):
        return False
    return not verifier.require or any(found(check, answer, scope) for check in verifier.require)


def trouble(rewrite: str, flagged: str, *, renames: bool = False) -> str:
    """Why a rewrite is not sound, in a clause; empty where it is: not empty, no loop, code that parses, and the same
    functions with the same parameters (but for `renames`, where the note is about names)."""
    if not rewrite.strip():
        return "it is empty"
    if rewrite.strip() == flagged.strip():
        return "it is the same answer again"
    if is_loop(rewrite):
        return "it repeats itself without end"
    now, before = code.blocks(rewrite), code.blocks(flagged)
    if before and not now:
        return "it has no code any more"
    if any(code.parses(block) is False for block in now):
        return "its code does not parse"
    return "" if renames else _changed_signature(now, before)


def _changed_signature(now: Sequence[Block], before: Sequence[Block]) -> str:
    have = {name: given for block in now for name, given in code.signatures(block).items()}
    for block in before:
        for name, given in code.signatures(block).items():
            if name not in have:
                return f"`{name}` is no longer in it"
            if have[name] != given:
                return f"`{name}` takes other arguments"
    return ""


def is_loop(text: str) -> bool:
    """Whether the text ends in one piece of 4 to 200 characters that is said again and again."""
    text = text.rstrip()
    return any(text.endswith(text[-size:] * LOOP_REPEATS) and text[-size:].strip() for size in range(4, 201))


def _on_text(checks: Sequence[Check]) -> bool:
    return any(check.kind in ("text", "prose") for check in checks)
