"""The pages of the learning screen as text: each a function of what is known and the width, line by line."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from textwrap import wrap

from textual.content import Content

from shammah_tui.config.settings import LoraSettings
from shammah_tui.feedback.language import LANGUAGES
from shammah_tui.runtime.adapter_memory import Choices
from shammah_tui.store.rating import Buffer, Color, Rating
from shammah_tui.store.rule import Rule, Scope
from shammah_tui.ui import wording
from shammah_tui.ui.learning.port import AdapterChoice
from shammah_tui.ui.learning.run_view import Example, GateRow, RunView, sparkline
from shammah_tui.ui.plain import first_line, visible
from shammah_tui.wire import AdapterSummary, RunState, figure

COLOURS: dict[Color, str] = {"red": "$error", "yellow": "$warning", "green": "$success"}
# The word as well: the colour alone would say nothing where there is none.
COLOUR_CELLS = max(map(len, COLOURS))
EXAMPLES_SHOWN = 4
SPARK_CELLS = 24
BAR_CELLS = 30


def buffer_line(buffer: Buffer, lora: LoraSettings) -> Content:
    """How many ratings there are, and what is missing to the next training."""
    parts = [Content.assemble((f"● {buffer.by_color.get(color, 0)} {color}", COLOURS[color])) for color in COLOURS]
    threshold = lora.auto_train_threshold
    if buffer.new >= threshold:
        then = "enough to train"
    elif lora.auto_train:
        then = f"trains by itself at {threshold}"
    else:
        then = "T trains"
    until = f"{buffer.new} new: {then}"
    return Content("   ").join([*parts, Content.styled(until, "$quiet")])


def waiting_lines(buffer: Buffer, width: int) -> list[Content]:
    """Why ratings wait or cannot be used."""
    return [
        line
        for reason, number in buffer.reasons.items()
        for line in _told(Content("  ◌ "), f"{wording.count(number, 'rating')}: {reason}", width, whole=True)
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
            Content.assemble((f"● {color} {run.loss_by_color[color]:.3f}", COLOURS[color]))
            for color in COLOURS
            if color in run.loss_by_color
        ]
        lines.append(Content.assemble((f"{'loss by colour':15}", "$quiet")) + Content("  ").join(parts))
    return lines


def gate_lines(run: RunView, width: int) -> list[Content]:
    """The gate's table: what was measured on the deployed file, before and after, and what was wanted."""
    if not run.gate:
        return []
    name_cells = max(16, min(70, width - 50))
    lines = [
        Content.styled(f"The gate, at scale {run.gate_scale:g}", "bold"),
        Content.styled(f"  {'':{name_cells}} {'before':>8} {'after':>8}  {'n':>4}  wanted", "$quiet"),
    ]
    for row in run.gate:
        first, *rest = Content(visible(row.name)).wrap(name_cells)
        lines.append(_cut(_gate_line(row, first.plain.ljust(name_cells)), width))
        lines.extend(Content("  ") + line for line in rest)
        if row.rule:
            lines.append(_cut(Content.styled(f"    {visible(row.rule)}", "$quiet"), width))
    return lines


def _gate_line(row: GateRow, name: str) -> Content:
    """`name`: what there is room for of the row's."""
    sign, style = ("✓", "$success") if row.passed else ("✕", "$error")
    before = "" if row.before is None else figure(row.before, is_share=row.is_share)
    after = figure(row.value, is_share=row.is_share)
    return Content.assemble((f"{sign} ", style), f"{name} {before:>8} {after:>8}  {row.n:>4}  ", (row.limit, "$quiet"))


def example_lines(examples: Sequence[Example], width: int) -> list[Content]:
    """Before and after, side by side where there is room."""
    lines: list[Content] = []
    for example in examples[:EXAMPLES_SHOWN]:
        lines.append(Content.assemble((f"{example.kind}  ", "$quiet"), (first_line(visible(example.prompt)), "bold")))
        before, after = visible(example.before).splitlines(), visible(example.after).splitlines()
        if width >= 100:
            half = (width - 3) // 2
            for row in range(max(len(before), len(after))):
                left = _cut(Content(before[row] if row < len(before) else ""), half)
                right = _cut(Content(after[row] if row < len(after) else ""), half)
                gap = " " * (half - left.cell_length)
                lines.append(left.stylize("$quiet") + Content.assemble(gap, (" │ ", "$faint")) + right)
        else:
            lines += [_cut(Content.assemble(("- ", "$error"), (line, "$quiet")), width) for line in before]
            lines += [_cut(Content.assemble(("+ ", "$success"), line), width) for line in after]
        lines.append(Content(""))
    return lines


def answers_line(choice: AdapterChoice, choices: Choices, adapters: Sequence[AdapterSummary]) -> str:
    """Who answers, and by whose choice where it is somebody's."""
    project = choices.projects.get(str(choice.root))
    wish, why = (choice.session, " (your choice)") if choice.session is not None else (project, " (this project's)")
    if wish is None:
        wish, why = next((adapter.name for adapter in adapters if adapter.current), ""), ""
    return f"answers come from {wish if wish not in ('', 'off') else 'the model as it came'}{why}"


def rule_entries(rules: Sequence[Rule], chosen: int, width: int) -> list[list[Content]]:
    """One rule in two lines: what it says; where it applies, whether it is learned, how it was kept lately."""
    if not rules:
        return [
            [
                Content.styled("There is no rule yet.", "bold"),
                Content("Rate an answer with F8 (red) or F7 (yellow) and say what was wrong:"),
                Content("that becomes a rule at once."),
            ]
        ]
    entries: list[list[Content]] = []
    for at, rule in enumerate(rules):
        mark = "▸" if at == chosen else " "
        head = Content.assemble((f"{mark} ", "$accent"), (f"● {rule.color:{COLOUR_CELLS}} ", COLOURS[rule.color]))
        state = {"prompt": "in the prompt", "learned": "learned", "off": "off"}[rule.state]
        kept = f"kept {rule.kept} of the last {rule.seen}" if rule.seen else "not seen since"
        by = f" · by {rule.adapter}" if rule.state == "learned" and rule.adapter else ""
        facts = f"{where_line(rule.scope)} · {state} · {kept} · {wording.count(rule.ratings, 'rating')}{by}"
        whole = at == chosen
        entries.append([*_told(head, rule.line, width, whole), *_told(Content("    "), facts, width, whole, "$quiet")])
    return entries


def where_line(scope: Scope) -> str:
    """Where a rule applies, in words."""
    languages = "/".join(LANGUAGES[name].shown if name in LANGUAGES else name for name in scope.languages)
    tests = "outside tests" if scope.outside_tests else "in tests" if scope.only_tests else ""
    return ", ".join(filter(None, (languages, tests, " ".join(scope.paths)))) or "everywhere"


def rating_entries(ratings: Sequence[Rating], chosen: int, width: int) -> list[list[Content]]:
    if not ratings:
        return [[Content("Nothing was rated yet. F6, F7 and F8 rate the answer under the cursor, or the last one.")]]
    entries: list[list[Content]] = []
    for at, rating in enumerate(ratings):
        mark = "▸" if at == chosen else " "
        note = " ".join(rating.note.split()) or "(no note)"
        color = f"● {rating.color:{COLOUR_CELLS}} "
        head = Content.assemble(
            (f"{mark} ", "$accent"), (color, COLOURS[rating.color]), (f"{rating.id:>4}  ", "$quiet")
        )
        how = rating.reason or (f"rewritten by {rating.rewrite_source}" if rating.rewrite else rating.state)
        tail = f"{how} · {' '.join(rating.snapshot.question.split())}"
        whole = at == chosen
        entries.append(
            [*_told(head, note, width, whole), *_told(Content(" " * head.cell_length), tail, width, whole, "$quiet")]
        )
    return entries


SIGNS = {
    "accepted": ("✓", "$success"),
    "refused": ("✕", "$error"),
    "failed": ("✕", "$error"),
    "cancelled": ("■", "$warning"),
    "running": ("▶", "$accent"),
}


def run_entries(runs: Sequence[RunState], chosen: int, width: int, shown: str) -> list[list[Content]]:
    """`shown` is the one on the training page. The chosen one says why it ended so."""
    if not runs:
        return [[Content("No run yet. T begins one, from the ratings that wait.")]]
    entries: list[list[Content]] = []
    for at, run in enumerate(runs):
        sign, style = SIGNS[run.status]
        ago = wording.ago(time.time() - run.started_at)
        mark = ("▸ " if at == chosen else "  ", "$accent")
        here = ("  ◂ shown", "$accent") if run.run == shown else ("", "")
        facts = f" {run.status:10} {ago:>11}  "
        lines = [Content.assemble(mark, (sign, style), facts, (run.run, "$quiet"), here)]
        if at == chosen and run.message:
            lines += [Content.styled(f"    {line}", "$quiet") for line in wrap(visible(run.message), width - 4)]
        entries.append([_cut(line, width) for line in lines])
    return entries


def adapter_entries(
    adapters: Sequence[AdapterSummary], chosen: int, width: int, choices: Choices
) -> list[list[Content]]:
    """What each has learned, and why one does not answer."""
    if not adapters:
        return [[Content("No adapter yet: the first accepted run makes one. T begins a run.")]]
    entries: list[list[Content]] = []
    for at, adapter in enumerate(adapters):
        active = ("  ● in use", "$success") if adapter.current else ("", "")
        made = adapter.created[:16].replace("T", " ")
        mark = ("▸ " if at == chosen else "  ", "$accent")
        head = Content.assemble(
            mark, (adapter.name, "bold"), (f"  {made}  {wording.size(adapter.size_bytes)}", "$quiet"), active
        )
        lines = [head]
        trouble = adapter.problem or ("" if adapter.fits else f"made for another model ({adapter.base})")
        if trouble:
            lines.append(Content.styled(f"    {visible(trouble)}", "$error"))
        if (back := choices.taken_back.get(adapter.name)) is not None:
            undo = "you took it again" if back.again else "Enter takes it again"
            said = f"Taken back: {back.worse}. {undo[:1].upper()}{undo[1:]}."
            lines += [Content.styled(f"    {line}", "$warning") for line in wrap(said, width - 4)]
        if adapter.rules:
            lines.append(Content.styled(f"    {visible('; '.join(adapter.rules))}", "$quiet"))
        entries.append([_cut(line, width) for line in lines])
    return entries


def _told(head: Content, text: str, width: int, whole: bool, style: str = "") -> list[Content]:
    """`text` after `head`: all of it in as many lines as it needs, or cut to one."""
    room = max(20, width - head.cell_length)
    lines = wrap(visible(text), room) if whole else [visible(text)]
    indent = Content(" " * head.cell_length)
    return [
        _cut((indent if at else head) + Content.styled(line, style), width) for at, line in enumerate(lines or [""])
    ]


def _cut(line: Content, width: int) -> Content:
    return line.truncate(max(20, width), ellipsis=True)


def plan_line(plan: Mapping[str, object]) -> Content:
    """What the run was about to do."""
    if not plan:
        return Content("")
    rows = f"{plan.get('rated_rows')} rated and {plan.get('replay_rows')} replayed rows"
    needed = int(str(plan.get("needed_bytes") or 0))
    return Content.styled(f"{rows} on {plan.get('device')}, about {wording.size(needed)} of memory", "$quiet")
