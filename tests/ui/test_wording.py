"""Sizes, times and numbers, as a person reads them."""

from __future__ import annotations

import pytest

from shammah_tui.ui import wording


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-3, "just now"),
        (59, "just now"),
        (61, "1 min ago"),
        (7_199, "1 h ago"),
        (86_400, "1 day ago"),
        (40 * 86_400, "40 days ago"),
    ],
)
def test_how_long_since(seconds: float, told: str) -> None:
    assert wording.ago(seconds) == told
