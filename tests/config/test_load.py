"""Settings from four sources, what is said when they cannot be used, and that the file survives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shammah_tui import paths
from shammah_tui.config.document import default_text, write_defaults
from shammah_tui.config.duration import parse_duration
from shammah_tui.config.keys import keys
from shammah_tui.config.load import Origin, load
from shammah_tui.config.settings import Settings
from shammah_tui.errors import ConfigError, HomeError


def written(text: str | bytes) -> Path:
    path = paths.config_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusal(environment: dict[str, str] | None = None, flags: dict[str, object] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(flags, environment or {})
    return str(caught.value)


def test_without_a_file_the_defaults_hold_and_nothing_is_written() -> None:
    configuration = load(environment={})
    assert configuration.settings == Settings()
    assert {value.origin for value in configuration.values.values()} == {Origin.DEFAULT}
    assert not paths.config_file().exists()


def test_each_source_stands_above_the_one_before_it_and_is_named() -> None:
    written('offline = true\n[model]\nsize = "3b"\ndevice = "cpu"\nslots = 2\n')
    environment = {"SHAMMAH_MODEL_SIZE": "7b", "SHAMMAH_MODEL_DEVICE": "cuda"}
    configuration = load({"model.size": "demo"}, environment)
    found = {name: (value.value, value.origin) for name, value in configuration.values.items()}
    assert found["model.size"] == ("demo", Origin.FLAG)
    assert found["model.device"] == ("cuda", Origin.ENVIRONMENT)
    assert found["model.slots"] == (2, Origin.FILE)
    assert found["offline"] == (True, Origin.FILE)
    assert found["engine.queue"] == (64, Origin.DEFAULT)
    assert configuration.settings.model.size == "demo"
    assert configuration.values["model.device"].where == "SHAMMAH_MODEL_DEVICE"


@pytest.mark.parametrize("name", list(keys()))
def test_every_key_has_a_variable_by_the_rule(name: str) -> None:
    key = keys()[name]
    given = key.default.get_secret_value() or "secret" if key.is_secret else str(key.default) or "somewhere"
    configuration = load(environment={"SHAMMAH_" + name.replace(".", "_").upper(): given})
    assert configuration.values[name].origin is Origin.ENVIRONMENT


def test_short_variables_give_way_to_the_full_ones() -> None:
    environment = {"SHAMMAH_MODEL": "3b", "SHAMMAH_DEVICE": "cpu", "SHAMMAH_MODEL_SIZE": "7b"}
    settings = load(environment=environment).settings
    assert (settings.model.size, settings.model.device) == ("7b", "cpu")


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load(environment={"SHAMMAH_OFFLINE": ""}).values["offline"].origin is Origin.DEFAULT


def test_a_variable_with_a_slip_is_told_and_others_are_left_in_peace() -> None:
    environment = {"SHAMMAH_OFLINE": "1", "SHAMMAH_HOME": "/x", "SHAMMAH_SOMETHING_ELSE": "1"}
    assert load(environment=environment).warnings == (
        "There is no setting for SHAMMAH_OFLINE. Did you mean SHAMMAH_OFFLINE?",
    )


def test_all_errors_of_all_sources_are_told_at_once_with_line_key_and_what_was_expected() -> None:
    path = written(
        '# mine\nstreaming_enabled = "yes"\n\n[model]\nsize = """\nauto"""\ndevice = "gpu"\ntemperature = 3.5\n\n'
        "[lora]\nrank = 0\nauto_train = 1\n"
    )
    told = refusal({"SHAMMAH_ENGINE_QUEUE": "many"}, {"model.max_tokens": "0"})
    assert f"{path}, line 2: streaming_enabled = 'yes'; expected true or false" in told
    assert f'{path}, line 7: model.device = \'gpu\'; expected one of "auto", "metal", "cuda", "cpu"' in told
    assert f"{path}, line 8: model.temperature = 3.5; expected a number, at least 0, at most 2" in told
    assert f"{path}, line 11: lora.rank = 0; expected a whole number, at least 1, at most 256" in told
    assert f"{path}, line 12: lora.auto_train = 1; expected true or false" in told
    assert "SHAMMAH_ENGINE_QUEUE: 'many'; expected a whole number, at least 0" in told
    assert "--max-tokens: '0'; expected a whole number, at least 1" in told
    assert "shammah config edit" in told


@pytest.mark.parametrize("value", ["soon", "10 weeks", "-2", ""])
def test_a_keep_alive_that_is_no_length_of_time_is_refused(value: str) -> None:
    written(f'[engine]\nkeep_alive = "{value}"\n')
    assert 'expected a length of time such as "30s", "10m", "1h 30m", or "0", or "always"' in refusal()


def test_an_api_key_of_the_wrong_type_is_not_repeated() -> None:
    written("api_key = 123456789\n")
    assert "123456789" not in refusal()


def test_unknown_keys_are_told_with_the_closest_one_and_are_no_error() -> None:
    path = written("[model]\nsise = 3\n[other]\nthing = 1\n")
    configuration = load(environment={})
    assert configuration.settings == Settings()
    assert configuration.warnings == (
        f'{path}, line 2: there is no setting "model.sise". Did you mean "model.size"?',
        f'{path}, line 4: there is no setting "other.thing". It is kept.',
    )


def test_a_value_where_a_table_belongs_is_told() -> None:
    path = written('model = "7b"\n')
    assert f"{path}, line 1: model = '7b'; expected a table, written as [model]" in refusal()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'[model]\nsize = "au', "line 2: Unterminated string"),
        (b"[mod", "line 1: "),
        (b"\0\0\0\0\0\0\0\0", "line 1"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "not UTF-8 text"),
        (b"size = 1\nsize = 2\n", "line 2, column 9: Cannot overwrite a value: 'size = 2'"),
        (b"# " + b"x" * 300_000, "larger than 256 KB"),
        (b"config_version = 2\n", "was written for a later Shammah (config_version = 2; this one knows 1)"),
        (b'config_version = "x"\n', "config_version is 'x'; expected 1"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_kept(content: bytes, words: str) -> None:
    path = written(content)
    told = refusal()
    assert str(path) in told
    assert words in told
    assert not write_defaults()
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", [b"", b"\n\n", b"# only a comment"])
def test_an_empty_file_means_the_defaults(content: bytes) -> None:
    written(content)
    assert load(environment={}).settings == Settings()


def test_what_is_no_file_is_told() -> None:
    paths.config_file().mkdir(parents=True)
    assert "is no file (a folder)" in refusal()


def test_a_fifo_is_told_and_not_waited_for() -> None:
    paths.home().mkdir()
    os.mkfifo(paths.config_file())
    assert "is no file (a FIFO)" in refusal()


def test_a_link_is_read_and_one_to_nowhere_is_told(tmp_path: Path) -> None:
    paths.home().mkdir()
    target = tmp_path / "dotfiles.toml"
    paths.config_file().symlink_to(target)
    assert f"is a link to {target}, which does not exist" in refusal()
    target.write_text("offline = true\n")
    assert load(environment={}).settings.offline


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_told() -> None:
    written("offline = true\n").chmod(0)
    assert "cannot be read: Permission denied" in refusal()


def test_the_defaults_are_written_once_for_this_person_alone() -> None:
    old = os.umask(0)
    try:
        assert write_defaults()
    finally:
        os.umask(old)
    assert not write_defaults()
    assert paths.config_file().stat().st_mode & 0o777 == 0o600
    assert paths.home().stat().st_mode & 0o777 == 0o700
    assert paths.config_file().read_text() == default_text()


def test_the_written_defaults_are_the_defaults_and_explain_every_key() -> None:
    write_defaults()
    configuration = load(environment={})
    assert configuration.settings == Settings()
    assert configuration.warnings == ()
    text = paths.config_file().read_text()
    assert all(f"{key.name} = " in text and key.description in text for key in keys().values())


def test_a_home_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SHAMMAH_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(HomeError, match="cannot be made"):
        write_defaults()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10m", 600), ("1h 30m", 5400), ("1h30m", 5400), ("90", 90), ("0", 0), ("0.5 s", 0.5), ("1D", 86400)],
)
def test_a_length_of_time_is_read_as_people_write_it(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_always_has_no_end() -> None:
    assert parse_duration(" Always ") is None
