"""Keys and passwords do not get into the store of ratings; ordinary code is left as it is."""

from __future__ import annotations

import pytest

from shammah_tui.conversation import Message, ToolCall
from shammah_tui.feedback.secret import without_secrets
from shammah_tui.journal.secret import masked
from shammah_tui.store.rating import Rating, Snapshot

SECRETS = {
    "Anthropic key": "sk-ant-api03-" + "a1B2" * 6,
    "OpenAI key": "sk-proj-" + "a1B2" * 6,
    "GitHub token": "ghp_" + "a1B2" * 9,
    "AWS key": "AKIA" + "A1B2" * 4,
    "Slack token": "xoxb-1234567890-abc",
    "Hugging Face token": "hf_" + "aBcD" * 8,
    "JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefghijkl",
    "private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----",
}


@pytest.mark.parametrize("kind", sorted(SECRETS))
def test_a_secret_is_masked_and_its_kind_told(kind: str) -> None:
    text, kinds = masked(f"export KEY={SECRETS[kind]} # mine")
    assert text == f"export KEY=[{kind}] # mine"
    assert kinds == (kind,)


def test_passwords_in_code_and_addresses_are_masked_and_the_code_stays_code() -> None:
    text, kinds = masked('connect("db://me:hunter2@host/x", password="correct horse", api_key: \'abcdefgh1234\')')
    assert text == 'connect("db://[password in a URL]@host/x", password="correct horse", api_key: \'[password]\')'
    assert kinds == ("password in a URL", "password")


@pytest.mark.parametrize(
    "harmless",
    [
        "password = input()",
        "token: str",
        'secret = os.environ["SECRET"]',
        "a task-list of the risk-model",
        "sk-learn",
        "ghp_",
    ],
)
def test_ordinary_code_is_left_alone(harmless: str) -> None:
    assert masked(harmless) == (harmless, ())


def test_every_text_of_a_rating_is_searched() -> None:
    key = SECRETS["GitHub token"]
    shot = Snapshot(
        (Message("user", key), Message("assistant", "", (ToolCall("1", "Bash", f'{{"command": "{key}"}}'),))), key, key
    )
    clean = without_secrets(Rating(0, "red", shot, f"no {key}", key))
    assert key not in repr(clean)
    assert clean.masked == ("GitHub token",)
