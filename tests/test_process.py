"""How a process of ours gives way to what the person does."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from shammah_tui.process import AUTOGROUP

GIVES_WAY = """
import os
from shammah_tui.process import AUTOGROUP, give_way
give_way(10)
print(os.nice(0), AUTOGROUP.read_text().split()[-1] if AUTOGROUP.exists() else "")
"""


@pytest.mark.parametrize("own_session", [True, False])
def test_a_training_gives_way_and_its_session_too_where_it_has_one(own_session: bool) -> None:
    before = AUTOGROUP.read_text().split()[-1] if AUTOGROUP.exists() else ""
    said = subprocess.run(
        [sys.executable, "-c", GIVES_WAY], start_new_session=own_session, capture_output=True, text=True, check=True
    ).stdout.split()
    assert int(said[0]) == min(19, os.nice(0) + 10)
    if before:
        assert said[1] == ("10" if own_session else before)
