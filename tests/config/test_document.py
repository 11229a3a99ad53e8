"""Changing one value leaves the rest of the file as it was, byte for byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shammah_tui import paths
from shammah_tui.config.document import default_text, set_value, write_defaults
from shammah_tui.config.keys import keys
from shammah_tui.config.load import load
from shammah_tui.errors import ConfigError, HomeError

CHOICES = {
    "offline": ["true", "false"],
    "theme": ["plain", 'a "quoted" one', "ünïcode — ☃", "# no comment"],
    "api_key": ["sk-1", ""],
    "model.size": ["auto", "7b", "owner/name:Q4_K_M", "/a path/with 'quotes'.gguf"],
    "model.device": ["auto", "metal", "cuda", "cpu"],
    "model.temperature": ["0", "0.25", "2"],
    "engine.keep_alive": ["always", "0", "1h"],
    "lora.rank": ["1", "256"],
    "lora.learning_rate": ["0", "1e-4"],
}
sets = st.lists(
    st.sampled_from(list(CHOICES)).flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(CHOICES[name]))),
    max_size=6,
)
# What a person may have written around our keys.
foreign = st.lists(
    st.sampled_from(
        [
            "# a remark",
            "",
            "   ",
            "unknown = 1  # mine",
            "\tindented = [1,\n  2, # two\n]",
            "other = '''\n[model]\nsize = \"no\"\n'''",
            "[a.b]",
            "[[list]]",
            "[empty]",
            '[quoted."a b"]',
            "inline = { x = 1, y = 'z' }",
            "when = 1979-05-27T07:32:00Z",
        ]
    ),
    max_size=6,
    unique=True,
)


def lines_without(text: str, names: set[str]) -> list[str]:
    """The lines of a file of ours, without those that hold the keys `names`."""
    kept, section = [], ""
    for line in text.split("\n"):
        if line.startswith("["):
            section = line.strip("[]") + "."
        if section + line.split(" = ")[0] not in names:
            kept.append(line)
    return kept


@given(changes=sets)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_sequence_of_changes_keeps_all_other_lines(changes: list[tuple[str, str]]) -> None:
    paths.config_file().unlink(missing_ok=True)
    write_defaults()
    for name, text in changes:
        set_value(name, text)
    changed = {name for name, _ in changes}
    found = paths.config_file().read_text()
    assert lines_without(found, changed) == lines_without(default_text(), changed)
    values = load(environment={}).values
    for name, text in dict(changes).items():
        assert values[name].value == keys()[name].check(text, strict=False)


@given(top=foreign, changes=sets, crlf=st.booleans())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_a_person_wrote_is_kept_or_the_change_is_refused(
    top: list[str], changes: list[tuple[str, str]], crlf: bool
) -> None:
    text = "\n".join([*top, ""])
    text = text.replace("\n", "\r\n") if crlf else text
    paths.home().mkdir(exist_ok=True)
    paths.config_file().write_bytes(text.encode())
    for name, value in changes:
        before = paths.config_file().read_bytes()
        try:
            set_value(name, value)
        except ConfigError:
            assert paths.config_file().read_bytes() == before
        else:
            found = iter(paths.config_file().read_bytes().decode().split("\n"))
            assert all(line in found for line in text.split("\n") if line.strip()), "a line is gone, or out of order"


def test_comments_beside_and_above_a_changed_value_stay() -> None:
    paths.home().mkdir()
    paths.config_file().write_text("# above\n[model]  # a table\nsize = 'auto'   # beside\n\n# below\n[x]\ny = 1\n")
    set_value("model.size", "7b")
    assert paths.config_file().read_text() == (
        '# above\n[model]  # a table\nsize = "7b"   # beside\n\n# below\n[x]\ny = 1\n'
    )


def test_a_missing_section_is_added_and_the_first_start_is_included() -> None:
    paths.home().mkdir()
    paths.config_file().write_text("theme = 'x'\n")
    set_value("lora.rank", "8")
    assert paths.config_file().read_text() == "theme = 'x'\n\n[lora]\nrank = 8\n"
    paths.config_file().unlink()
    set_value("lora.rank", "8")
    assert paths.config_file().read_text() == default_text().replace("rank = 16", "rank = 8")


def test_a_changed_file_stays_private() -> None:
    write_defaults()
    old = os.umask(0)
    try:
        set_value("api_key", "sk-1")
    finally:
        os.umask(old)
    assert paths.config_file().stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in paths.home().iterdir()] == ["config.toml"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("model.sise", "7b", 'Did you mean "model.size"?'),
        ("size", "7b", 'Did you mean "model.size"?'),
        ("xyzzy", "7b", "lists them all"),
        ("model.temperature", "warm", "expected a number, at least 0, at most 2"),
        ("model.temperature", "nan", "expected a number, at least 0, at most 2"),
        ("offline", "maybe", "expected true or false"),
        ("model.device", "gpu", "expected one of"),
        ("model", "7b", "There is no setting"),
    ],
)
def test_what_cannot_be_set_is_told_and_the_file_is_untouched(name: str, value: str, words: str) -> None:
    write_defaults()
    with pytest.raises(ConfigError) as caught:
        set_value(name, value)
    assert words in str(caught.value)
    assert paths.config_file().read_text() == default_text()


def test_a_torn_file_is_not_written_over() -> None:
    paths.home().mkdir()
    paths.config_file().write_text("[mod")
    with pytest.raises(ConfigError, match="no valid TOML"):
        set_value("offline", "true")
    assert paths.config_file().read_text() == "[mod"


def test_a_link_is_left_to_its_owner(tmp_path: Path) -> None:
    paths.home().mkdir()
    target = tmp_path / "dotfiles.toml"
    target.write_text("offline = true\n")
    paths.config_file().symlink_to(target)
    with pytest.raises(ConfigError, match="is a link to"):
        set_value("offline", "false")
    assert target.read_text() == "offline = true\n"


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_home_without_permission_keeps_the_file() -> None:
    write_defaults()
    paths.home().chmod(0o500)
    try:
        with pytest.raises(HomeError):
            set_value("offline", "true")
    finally:
        paths.home().chmod(0o700)
    assert paths.config_file().read_text() == default_text()
