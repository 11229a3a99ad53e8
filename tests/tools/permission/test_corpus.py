"""The corpus: nothing wrongly allowed, nothing benign refused, through the door that others measure by."""

from __future__ import annotations

import pytest

from shammah_tui.tools.permission.check import check_line
from shammah_tui.tools.permission.search_path import resolver
from tests.tools.permission.corpus import Case, cases

RESOLVE = resolver()
GROUPS: dict[tuple[str, str, str], list[Case]] = {}
for _case in cases():
    GROUPS.setdefault((_case.tool, _case.expect, _case.title), []).append(_case)


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: "-".join(group))
def test_every_case_comes_out_as_it_must(group: tuple[str, str, str]) -> None:
    wrong = [
        f"{case}: {answer}"
        for case in GROUPS[group]
        if not case.accepts((answer := check_line(case.line, RESOLVE))["decision"])
    ]

    assert not wrong


def test_no_command_without_its_rules_is_allowed() -> None:
    """An empty allow-list allows nothing."""
    for case in cases():
        if case.tool in ("Bash", "WebFetch", "Edit", "Write"):
            line = case.line.replace('"saved_patterns"', '"saved_before"')

            assert check_line(line, RESOLVE)["decision"] != "allow", case
