"""What has the form of a secret is masked, and code that only looks like it is not."""

from __future__ import annotations

import pytest

from shammah_tui.journal.secret import mask

# Put together here, so that no scanner takes them for real ones.
SECRETS = (
    "sk-ant-" + "api03-" + "a1B2" * 10,
    "sk-" + "proj-" + "a1B2" * 10,
    "ghp" + "_" + "a1B2" * 9,
    "github" + "_pat_" + "a1B2" * 9,
    "AKIA" + "ABCDEFGH12345678",
    "xoxb-" + "123456789012-abcdefghijkl",
    "hf" + "_" + "a1B2" * 8,
    "AIza" + "a1B2" * 9,
    "glpat-" + "a1B2c3D4e5F6g7H8",
    "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0." + "c2lnbmF0dXJlX29mX2l0",
    "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nb3BlbnNz\nYWJj\n-----END OPENSSH " + "PRIVATE KEY-----",
)


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret[:12])
@pytest.mark.parametrize("around", ["{}", "use {} now", "KEY='{}'", "x={};", '{{"a": "{}"}}', "line\n{}\nline"])
def test_a_secret_is_masked_wherever_it_stands(secret: str, around: str) -> None:
    masked = mask(around.format(secret))
    assert secret not in masked
    assert "[" in masked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DB_PASSWORD=hunter2hunter2", "DB_PASSWORD=[password]"),
        ('api_key: "abcdef123456"', 'api_key: "[password]"'),
        ("Authorization: Bearer abcdef.ghijkl", "Authorization: Bearer [bearer token]"),
        ("postgres://me:s3cr3tword@db/x", "postgres://[password in a URL]@db/x"),
        ("client_secret = 'abcdefgh'", "client_secret = '[password]'"),
    ],
)
def test_the_words_around_a_secret_stay(text: str, expected: str) -> None:
    assert mask(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "What is the password policy here?",
        "def check_password(password: str) -> bool:",
        "password = getpass()",
        "token = tokens[0]",
        "if api_key is None: raise KeyError(api_key)",
        "https://example.com:8080/path",
        "sk-learn and sk-image",
        "the commit 9f82e018aa8b88c1c5b0 and the id 550e8400-e29b-41d4-a716-446655440000",
    ],
)
def test_plain_text_and_code_stay(text: str) -> None:
    assert mask(text) == text


def test_a_known_secret_is_masked_whatever_its_form() -> None:
    assert mask("it is blue42!", "blue42") == "it is [secret]!"
