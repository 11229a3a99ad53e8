"""The environment of a command: the person's own, less what makes a program run something else than was judged."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from shammah_tui.tools.permission.search_path import SEARCH_PATH

# Variables that load code, rewrite options, start other programs, or hold our own secrets; and PWD, for a shell takes
# the folder's name from it, and `..` from that name: a way by links that was not judged.
_DROPPED = re.compile(
    r"BASH_.*|ENV|SHELLOPTS|BASHOPTS|PS[0-9]|PROMPT_COMMAND|IFS|CDPATH|PWD|OLDPWD|GLOBIGNORE|LD_.*|DYLD_.*|GIT_.*|PYTHON.*|PERL.*|"
    r"RUBY(?:LIB|OPT)|NODE_.*|NPM_CONFIG_.*|npm_config_.*|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|"
    r"GREP_.*|RIPGREP_CONFIG_PATH|LESS.*|MORE|PAGER|MANPAGER|EDITOR|VISUAL|BROWSER|MAKEFLAGS|MFLAGS|PYTEST_.*|"
    r"TAR_OPTIONS|GZIP|XZ_.*|RSYNC_.*|SSH_ASKPASS|SUDO_.*|GCONV_PATH|MALLOC_.*|CARGO_.*|RUSTC.*|RUSTFLAGS|"
    r"ANTHROPIC_.*|SHAMMAH_.*|HF_TOKEN|HUGGING_FACE_HUB_TOKEN|OPENAI_API_KEY|"
    r".*(?:SECRET|PASSWORD|PASSWD|CREDENTIALS?|API_KEY|ACCESS_KEY|PRIVATE_KEY|_TOKEN)(?:_.*)?|VIRTUAL_ENV"
)
_SHELL_FUNCTION = re.compile(r"\(\)")
_FIXED = {
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "TERM": "dumb",
    "NO_COLOR": "1",
}
# git reads these as configuration: nothing that a repository names is started.
_QUIET_GIT = (
    ("core.fsmonitor", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.pager", "cat"),
    ("diff.external", ""),
    ("core.sshCommand", "ssh"),
    ("interactive.diffFilter", "cat"),
)


def scrubbed(
    environment: Mapping[str, str], *, search_path: Sequence[str] = SEARCH_PATH, quiet_git: bool = False
) -> dict[str, str]:
    """What a command gets of `environment`, with `search_path` for its PATH. `quiet_git` is for a command that nobody
    was asked about: git then starts no hook, no monitor and no pager, whatever the repository says."""
    kept = {
        name: value
        for name, value in environment.items()
        if not _DROPPED.fullmatch(name) and not _SHELL_FUNCTION.search(value[:4]) and "%" not in name
    }
    kept |= _FIXED | {"PATH": ":".join(search_path)}
    if quiet_git:
        kept["GIT_OPTIONAL_LOCKS"] = "0"
        kept["GIT_CONFIG_COUNT"] = str(len(_QUIET_GIT))
        for number, (key, value) in enumerate(_QUIET_GIT):
            kept[f"GIT_CONFIG_KEY_{number}"] = key
            kept[f"GIT_CONFIG_VALUE_{number}"] = value
    return kept
