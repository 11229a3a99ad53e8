"""The pages of the learning screen as text: each a function of what is known and the width, line by line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.content import Content

from shammah_tui.store.rating import Buffer, Color, Rating
from shammah_tui.store.rule import Rule
from shammah_tui.ui import wording
from shammah_tui.ui.learning.run_view import Example, GateRow, RunView, sparkline
from shammah_tui.ui.plain import first_line, visible

COLOURS: dict[Color, str] = {"red": "$error", "yellow": "$warning", "green": "$success"}
EXAMPLES_SHOWN = 4
SPARK_CELLS = 24
BAR_CELLS = 30


def buffer_line(buffer: Buffer, threshold: int) -> Content:
    """How many ratings there are, and how far it is to the next training."""
    parts = [Content.assemble((f"● {buffer.by_color.get(color, 0)} {color}", COLOURS[color])) for color in COLOURS]
    missing = max(0, threshold - buffer.new)
    then = f"training begins by itself at {threshold}" if missing else "enough to train"
    until = f"{buffer.new} new: {then}"
    return Content("   ").join([*parts, Content.styled(until, "$quiet")])


def waiting_lines(buffer: Buffer) -> list[Content]:
    """Why ratings wait or cannot be used."""
    return [
        Content.assemble(("  ◌ ", "$quiet"), f"{wording.count(number, 'rating')}: {visible(reason)}")
        for reason, number in buffer.reasons.items()
    ]


def progress_line(run: RunView, width: int) -> Content:
    if not run.steps or not run.is_running:
        return Content("")
    share = run.step / run.steps
    cells = max(8, min(BAR_CELLS, width - 40))
    done = round(share * cells)
    left = f"  {wording.duration(int(run.seconds_left))} left" if run.seconds_left else ""
    return Content.assemble(("█" * done, "$accent"), ("░" * (cells - done), "$faint"), f" {share:.0%}{left}")


def numbers_lines(run: RunView, width: int, *, losses: bool) -> list[Content]:
    """Learning rate, gradient norm and speed as sparklines, and the loss of each colour. `losses`: also what the charts
    show, where there is no room for charts."""
    cells = max(8, min(SPARK_CELLS, width - 34))
    lines: list[Content] = []
    curves = (("loss", run.loss), ("held out", run.held_out), ("KL to the base", run.kl)) if losses else ()
    for name, points in curves:
        if points:
            bars = sparkline([value for _, value in points], cells).ljust(cells)
            lines.append(Content.assemble((f"{name:15}", "$quiet"), (bars, "$accent"), f" {points[-1][1]:.3f}"))
    for name, values, form in (
        ("learning rate", run.learning_rate, "{:.1e}"),
        ("gradient norm", run.grad_norm, "{:.2f}"),
        ("tokens/s", run.tokens_per_second, "{:.0f}"),
    ):
        if values:
            bars = sparkline(values, cells).ljust(cells)
            lines.append(Content.assemble((f"{name:15}", "$quiet"), (bars, "$accent"), f" {form.format(values[-1])}"))
    if run.loss_by_color:
        parts = [
            Content.assemble((f"● {run.loss_by_color[color]:.3f}", COLOURS[color]))
            for color in COLOURS
            if color in run.loss_by_color
        ]
        lines.append(Content.assemble((f"{'loss by colour':15}", "$quiet")) + Content("  ").join(parts))
    return lines


def gate_lines(run: RunView, width: int) -> list[Content]:
    """The gate's table: what was measured on the deployed file, before and after, and what was wanted."""
    if not run.gate:
        return []
    name_cells = max(16, min(34, width - 44))
    lines = [
        Content.styled(f"The gate, at scale {run.gate_scale:g}", "bold"),
        Content.styled(f"  {'':{name_cells}} {'before':>8} {'after':>8}  {'n':>4}  wanted", "$quiet"),
    ]
    lines += [_gate_line(row, name_cells) for row in run.gate]
    return lines


def _gate_line(row: GateRow, name_cells: int) -> Content:
    sign, style = ("✓", "$success") if row.passed else ("✕", "$error")
    name = visible(f"{row.name}: {row.rule}" if row.rule else row.name)
    name = name if len(name) <= name_cells else f"{name[: name_cells - 1]}…"
    before = "" if row.before is None else f"{row.before:.3g}"
    return Content.assemble(
        (f"{sign} ", style), f"{name:{name_cells}} {before:>8} {row.value:>8.3g}  {row.n:>4}  ", (row.limit, "$quiet")
    )


def example_lines(examples: Sequence[Example], width: int) -> list[Content]:
    """Before and after, side by side where there is room."""
    lines: list[Content] = []
    for example in examples[:EXAMPLES_SHOWN]:
        lines.append(Content.assemble((f"{example.kind}  ", "$quiet"), (first_line(visible(example.prompt)), "bold")))
        before, after = visible(example.before).splitlines(), visible(example.after).splitlines()
        if width >= 100:
            half = (width - 3) // 2
            for row in range(max(len(before), len(after))):
                left = before[row][:half] if row < len(before) else ""
                right = after[row][:half] if row < len(after) else ""
                lines.append(Content.assemble((f"{left:{half}}", "$quiet"), (" │ ", "$faint"), right))
        else:
            lines += [Content.assemble(("- ", "$error"), (line[: width - 2], "$quiet")) for line in before]
            lines += [Content.assemble(("+ ", "$success"), line[: width - 2]) for line in after]
        lines.append(Content(""))
    return lines


def rule_lines(rules: Sequence[Rule], chosen: int, width: int) -> list[Content]:
    """One rule in two lines: what it says; where it applies, how it holds."""
    if not rules:
        return [
            Content.styled("There is no rule yet.", "bold"),
            Content("Rate an answer with F8 (red) or F7 (yellow) and say what was wrong: that becomes a rule at once."),
        ]
    lines: list[Content] = []
    for at, rule in enumerate(rules):
        mark = "▸" if at == chosen else " "
        head = Content.assemble((f"{mark} ", "$accent"), ("● ", COLOURS[rule.color]), visible(rule.line))
        state = {"prompt": "in the prompt", "learned": f"learned by {rule.adapter}"}.get(rule.state, rule.state)
        kept = f"kept {rule.kept} of the last {rule.seen}" if rule.seen else "not seen since"
        tail = f"    {state} · {kept} · {wording.count(rule.ratings, 'rating')}"
        lines += [head.truncate(max(20, width), ellipsis=True), Content.styled(tail, "$quiet")]
    return lines


def rating_lines(ratings: Sequence[Rating], chosen: int, width: int) -> list[Content]:
    if not ratings:
        return [Content("Nothing was rated yet. F6, F7 and F8 rate the answer under the cursor, or the last one.")]
    lines: list[Content] = []
    for at, rating in enumerate(ratings):
        mark = "▸" if at == chosen else " "
        note = visible(rating.note) or "(no note)"
        head = Content.assemble(
            (f"{mark} ", "$accent"), ("● ", COLOURS[rating.color]), (f"{rating.id:>4}  ", "$quiet"), first_line(note)
        )
        how = rating.reason or (f"rewritten by {rating.rewrite_source}" if rating.rewrite else rating.state)
        tail = f"          {first_line(visible(rating.snapshot.question))} · {visible(how)}"
        lines += [head.truncate(width, ellipsis=True), Content.styled(tail, "$quiet").truncate(width, ellipsis=True)]
    return lines


def plan_line(plan: Mapping[str, object]) -> Content:
    """What the run was about to do."""
    if not plan:
        return Content("")
    rows = f"{plan.get('rated_rows')} rated and {plan.get('replay_rows')} replayed rows"
    needed = int(str(plan.get("needed_bytes") or 0))
    return Content.styled(f"{rows} on {plan.get('device')}, about {wording.size(needed)} of memory", "$quiet")
