"""What an engine holds until it ends is told from what comes with each request."""

from __future__ import annotations

from typing import Any

import pytest

from shammah_tui.config.held import hub_digest, settings_digest
from shammah_tui.config.settings import Settings


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        ({"offline": True}, True),
        ({"model": {"device": "cpu"}}, True),
        ({"engine": {"queue": 1}}, True),
        ({"lora": {"rank": 8}}, True),
        ({"model": {"size": "7b", "temperature": 0, "max_tokens": 5}}, False),
        ({"engine": {"keep_alive": "0"}}, False),
        ({"theme": "shammah-light", "api_key": "sk-ant-x"}, False),
    ],
)
def test_a_setting_counts_where_the_engine_keeps_it(given: dict[str, Any], counts: bool) -> None:
    assert (settings_digest(Settings.model_validate(given)) != settings_digest(Settings())) is counts


@pytest.mark.parametrize(
    ("name", "counts"),
    [("HF_TOKEN", True), ("https_proxy", True), ("SSL_CERT_FILE", True), ("TERM", False), ("MY_HF_TOKEN", False)],
)
def test_a_variable_counts_where_the_hub_is_reached_by_it(name: str, counts: bool) -> None:
    assert (hub_digest({name: "x", "PATH": "/bin"}) != hub_digest({"PATH": "/usr/bin"})) is counts
    assert hub_digest({name: ""}) == hub_digest({})
