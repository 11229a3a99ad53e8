"""Rows for training from what the ratings became: exactly what inference sends, but for the rules in its prompt.

    built = await build(database)
    path.write_bytes(as_jsonl(built.rows))      # what `shammah train --rows` and the engine's trainer read

No model is asked here: rewrites and variants were made and verified before (`work`). Each row tells where it comes
from. The same prompt counts once for a rule; what a person praised and criticised alike is not a target.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shammah_tui.conversation import Message, ToolSpec
from shammah_tui.errors import HomeError
from shammah_tui.store.database import Database
from shammah_tui.store.rating import Color, Rating, RatingStore
from shammah_tui.store.rule import EVERYWHERE, Rule, RuleStore, Scope
from shammah_tui.store.variant import Kind, Variant, VariantStore, identity

# One row in so many is shown with the tools.
WITH_TOOLS_EVERY = 4
RULE_OFF = "Its rule is off."
CRITICISED = "The same answer was criticised as well."
BREAKS_RULE = "The answer breaks a rule that is in force: {line}"
REPEATED = "The same prompt is there already."
EMPTY = "The answer is empty."


@dataclass(frozen=True, slots=True)
class Provenance:
    rating: int
    rule: int | None
    source: str
    """Where prompt and answer come from: "rating", "correction", "local model (rule)" …"""
    date: str
    """When it was made, in UTC, ISO 8601."""


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """A row as `learning.rows` reads it, and its provenance beside."""

    messages: tuple[Message, ...]
    chosen: str
    """Empty for replay: the base's own answer counts."""
    color: Color
    kind: Kind
    provenance: Provenance
    rejected: str = ""
    rule: str = ""
    scope: Scope = EVERYWHERE


@dataclass(frozen=True, slots=True)
class Built:
    rows: tuple[TrainingRow, ...] = ()
    ratings: tuple[int, ...] = ()
    """Numbers of the ratings that are in them."""
    rules: tuple[int, ...] = ()
    """Numbers of the rules that they teach."""
    left_out: dict[int, str] = field(default_factory=dict)
    """Ratings that are not in them, with the reason."""
    masked: tuple[str, ...] = ()
    """Kinds of secrets that were found in them, and masked."""

    @property
    def teaches(self) -> bool:
        """Whether there is anything to learn from."""
        return any(row.kind == "in_scope" for row in self.rows)


async def build(database: Database) -> Built:
    """The rows of all ratings that are ready. Raises HomeError."""
    ratings = await RatingStore(database).list()
    rules = {rule.id: rule for rule in await RuleStore(database).list()}
    return rows_of(ratings, rules, await VariantStore(database).list())


def rows_of(ratings: Sequence[Rating], rules: dict[int, Rule], variants: Sequence[Variant]) -> Built:
    """Pure; `ratings` the newest first, which is the one that counts where a prompt was rated twice."""
    gathered = _Gathering(rules)
    criticised = {(identity(rating.snapshot.messages), rating.snapshot.answer) for rating in ratings if _is_bad(rating)}
    # Ratings come first, so that a held-out variant that somebody also rated is not kept from training.
    for rating in sorted(ratings, key=lambda rating: rating.color == "green"):
        reason = gathered.why_not(rating, criticised)
        if reason or not gathered.add(_of_rating(rating, rules)):
            gathered.left_out[rating.id] = reason or REPEATED
        else:
            gathered.ratings.append(rating)
    by_id = {rating.id: rating for rating in gathered.ratings}
    for variant in variants:
        if variant.rating in by_id and variant.rule in rules and rules[variant.rule].state != "off":
            gathered.add(_of_variant(variant, by_id[variant.rating], rules[variant.rule]))
    return gathered.built()


class _Gathering:
    def __init__(self, rules: dict[int, Rule]) -> None:
        self._rules = rules
        self._rows: dict[tuple[str, str], TrainingRow] = {}
        self.ratings: list[Rating] = []
        self.left_out: dict[int, str] = {}

    def add(self, row: TrainingRow) -> bool:
        """False where the same prompt has a row of that rule already, or, without a rule, any row at all."""
        prompt = identity(row.messages)
        known = {rule for own, rule in self._rows if own == prompt}
        if row.rule in known or (not row.rule and known):
            return False
        self._rows[prompt, row.rule] = row
        return True

    def why_not(self, rating: Rating, criticised: set[tuple[str, str]]) -> str:
        """Why a rating is no row; empty where it is one."""
        if rating.color != "green":
            rule = self._rules.get(rating.rule or 0)
            if rule is not None and rule.state == "off":
                return RULE_OFF
            return "" if rating.state == "ready" and rating.rewrite else rating.reason or "It waits for its rewrite."
        shot = rating.snapshot
        if not shot.answer.strip():
            return EMPTY
        if (identity(shot.messages), shot.answer) in criticised:
            return CRITICISED
        broken = self._broken(rating)
        return BREAKS_RULE.format(line=broken.line) if broken else ""

    def _broken(self, rating: Rating) -> Rule | None:
        from shammah_tui.feedback import verifier
        from shammah_tui.feedback.scope import applies, request

        asked = request(rating.snapshot.question, rating.snapshot.messages[:-1], folder=rating.snapshot.folder)
        for rule in self._rules.values():
            in_force = rule.state != "off" and rule.proof and applies(rule.scope, asked)
            if in_force and verifier.keeps(rule.verifier, rule.scope, rating.snapshot.answer) is False:
                return rule
        return None

    def built(self) -> Built:
        rows = tuple(self._rows.values())
        return Built(
            rows,
            tuple(rating.id for rating in self.ratings),
            tuple(dict.fromkeys(row.provenance.rule for row in rows if row.provenance.rule is not None)),
            self.left_out,
            tuple(dict.fromkeys(kind for rating in self.ratings for kind in rating.masked)),
        )


def as_jsonl(rows: Iterable[TrainingRow], tools: Sequence[ToolSpec] = ()) -> bytes:
    """One JSON object a line; `tools` are those that inference would offer with these prompts.

    They are longer than most prompts, and each step pays for them: some rows with them are enough for what is learned
    to hold with them as well as without.
    """
    offered = [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
        }
        for tool in tools
    ]
    objects = (_as_object(row, offered if at % WITH_TOOLS_EVERY == 0 else []) for at, row in enumerate(rows))
    return b"".join(json.dumps(found, ensure_ascii=False).encode() + b"\n" for found in objects)


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a file that `as_jsonl` wrote was made from."""

    ratings: frozenset[int]
    rules: frozenset[tuple[int, str]]
    """Their numbers, with the lines that they had then."""
    made_at: float


def provenance_in(file: Path) -> Frozen:
    """Raises HomeError."""
    try:
        lines = file.read_bytes().split(b"\n")
        made_at = file.stat().st_mtime
    except OSError as error:
        raise HomeError(f"The rows in {file} cannot be read: {error.strerror}.") from error
    rows = [json.loads(line) for line in lines if line]
    ruled = [row for row in rows if row["provenance"]["rule"] is not None]
    return Frozen(
        frozenset(row["provenance"]["rating"] for row in rows),
        frozenset((row["provenance"]["rule"], row.get("rule", "")) for row in ruled),
        made_at,
    )


def openai_message(message: Message) -> dict[str, Any]:
    """A message in OpenAI's form, as the trainer's chat template takes it."""
    found: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        found["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        found["tool_call_id"] = message.tool_call_id
    return found


def _as_object(row: TrainingRow, tools: list[dict[str, Any]]) -> dict[str, Any]:
    provenance = row.provenance
    found: dict[str, Any] = {
        "messages": [openai_message(message) for message in row.messages],
        "chosen": row.chosen or None,
        "rejected": row.rejected or None,
        "color": row.color,
        "kind": row.kind,
        "rule": row.rule or None,
        "scope": {name: held for name, held in asdict(row.scope).items() if held} or None,
        "tools": tools or None,
        "provenance": {
            "rating": provenance.rating,
            "rule": provenance.rule,
            "source": provenance.source,
            "date": provenance.date,
        },
    }
    return {key: value for key, value in found.items() if value is not None}


def _of_rating(rating: Rating, rules: dict[int, Rule]) -> TrainingRow:
    shot = rating.snapshot
    system = (Message("system", shot.system),) if shot.system else ()
    rule = rules.get(rating.rule or 0)
    green = rating.color == "green"
    source = "rating" if green else rating.rewrite_source
    return TrainingRow(
        (*system, *shot.messages),
        shot.answer if green else rating.rewrite,
        rating.color,
        "in_scope",
        Provenance(rating.id, rule.id if rule else None, source, _date(rating.updated_at)),
        "" if green else shot.answer,
        rule.line if rule else "",
        rule.scope if rule else EVERYWHERE,
    )


def _of_variant(variant: Variant, rating: Rating, rule: Rule) -> TrainingRow:
    messages = tuple(message for message in variant.messages if message.role != "system" or message.content)
    provenance = Provenance(rating.id, rule.id, variant.source, _date(variant.created_at))
    return TrainingRow(
        messages, variant.chosen, rating.color, variant.kind, provenance, rule=rule.line, scope=rule.scope
    )


def _is_bad(rating: Rating) -> bool:
    return rating.color != "green"


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
