"""`shammah feedback prepare`: what the screen does in the background, now and to its end."""

from __future__ import annotations

import json
from argparse import Namespace
from contextlib import aclosing

from shammah_tui.agent.loop import Backend
from shammah_tui.cli.configured import configured, wanted_model
from shammah_tui.cli.feedback import write
from shammah_tui.cli.terminal import StatusLine, tell_warning
from shammah_tui.errors import ModelError
from shammah_tui.events import Phase
from shammah_tui.feedback import rows
from shammah_tui.feedback.service import Feedback
from shammah_tui.feedback.work import RatingSettled, RewriteBegun, RuleNamed, VariantMade
from shammah_tui.runtime.link import SETTLED, WAITING_FOR, EngineLink
from shammah_tui.store.database import Database
from shammah_tui.ui.plain import visible


async def prepare(database: Database, options: Namespace, *, as_json: bool) -> int:
    """Raises ShammahError where no model is there."""
    configuration = configured(options)
    link = EngineLink(configuration.settings, wanted_model(configuration), None)
    status = StatusLine()
    try:
        if (await Feedback(database).buffer()).waiting:
            backend = await _ready(link, status)
            await _work(Feedback(database, local=lambda: backend), status, as_json=as_json)
        built = await rows.build(database)
    finally:
        status.clear()
        await link.close()
    if "rows" in options:
        write(options.rows, rows.as_jsonl(built.rows))
    if as_json:
        kinds = {kind: sum(row.kind == kind for row in built.rows) for kind in ("in_scope", "heldout", *_REPLAY)}
        left_out = [{"rating": number, "reason": reason} for number, reason in built.left_out.items()]
        print(json.dumps({"rows": kinds, "ratings": built.ratings, "rules": built.rules, "left_out": left_out}))
        return 0
    for number, reason in built.left_out.items():
        print(f"  Rating {number} is left out: {visible(reason)}")
    print(f"{len(built.rows)} rows from {len(built.ratings)} ratings.")
    if built.masked:
        tell_warning(f"Found in them and masked: {', '.join(built.masked)}.")
    return 0


_REPLAY = ("near_scope", "out_of_scope")


async def _ready(link: EngineLink, status: StatusLine) -> Backend:
    async with aclosing(link.states()) as states:
        async for state in states:
            if state.phase in SETTLED:
                break
            status.show(state.reason or WAITING_FOR[state.phase])
    if link.backend is None or link.state.phase is not Phase.READY:
        raise ModelError(link.state.reason or "No model is ready.", link.state.hint)
    return link.backend


async def _work(feedback: Feedback, status: StatusLine, *, as_json: bool) -> None:
    async with aclosing(feedback.work()) as events:
        async for event in events:
            match event:
                case RewriteBegun(rating):
                    status.show(f"Rating {rating.id}: looking for a better answer …")
                case VariantMade(rating, made):
                    status.show(f"Rating {rating.id}: {made} rows …")
                case RuleNamed(rating, rule) if not as_json:
                    status.clear()
                    print(f"  Rating {rating.id} is about rule {rule.id}: {visible(rule.line)}")
                case RatingSettled(rating) if not as_json:
                    status.clear()
                    source = f"rewritten by {rating.rewrite_source}" if rating.rewrite_source else ""
                    print(f"  Rating {rating.id}: {visible(rating.reason) or source or rating.state}")
                case _:
                    pass
