"""The completions, in the shells that are here."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from shammah_tui.cli.help import COMMANDS
from tests.cli.program import shammah


def completed(script: str, line: str) -> set[str]:
    """What bash would offer at the end of `line`."""
    words = line.split(" ")
    ask = (
        f"{script}\nCOMP_WORDS=({' '.join(word or chr(39) * 2 for word in words)})\n"
        f'COMP_CWORD={len(words) - 1}\n_shammah\nprintf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    answer = subprocess.run(["bash", "--norc", "-c", ask], capture_output=True, text=True, check=True)
    assert answer.stderr == ""
    return set(answer.stdout.split())


def test_bash_offers_commands_options_and_choices() -> None:
    script = shammah("completion", "bash").stdout
    assert set(COMMANDS) <= completed(script, "shammah ")
    assert completed(script, "shammah q") == {"query"}
    assert completed(script, "shammah query --out") == {"--output-format"}
    assert completed(script, "shammah daemon sta") == {"start", "status"}
    assert completed(script, "shammah permissions remove --a") == {"--all"}
    assert completed(script, "shammah permissions check Web") == {"WebFetch"}
    assert completed(script, "shammah -m demo config s") == {"show", "set"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_script_is_sound_and_names_every_command(shell: str) -> None:
    script = shammah("completion", shell).stdout
    assert all(command in script for command in COMMANDS)
    assert "==SUPPRESS==" not in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)
