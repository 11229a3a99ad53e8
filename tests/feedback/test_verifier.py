"""A rewrite is trusted only where it is sound: whole, code that parses, the same functions with the same parameters."""

from __future__ import annotations

import pytest

from shammah_tui.feedback import code, verifier
from shammah_tui.feedback.code import Block

FLAGGED = {
    "python": "def load(path, *, deep=False):\n    print(path)",
    "javascript": "function load(path, deep = 1) {\n  console.log(path);\n}",
    "typescript": "const load = (path: string, deep: boolean): void => {\n  console.log(path);\n};",
    "rust": "fn load(path: &str, deep: bool) -> i64 {\n    read(path).unwrap()\n}",
    "go": "func load(path string, deep bool) int {\n\tpanic(path)\n}",
    "bash": "load() {\n  echo $1\n}",
}
BETTER = {
    "python": "import logging\n\n\ndef load(path: str, *, deep: bool = False) -> None:\n    logging.info(path)",
    "javascript": "function load(path, deep = 1) {\n  report(path);\n}",
    "typescript": "const load = (path: string, deep: boolean): void => {\n  report(path);\n};",
    "rust": "fn load(path: &str, deep: bool) -> Result<i64, E> {\n    Ok(read(path)?)\n}",
    "go": "func load(path string, deep bool) (int, error) {\n\treturn 0, nil\n}",
    "bash": 'load() {\n  echo "$1"\n}',
}


def fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


@pytest.mark.parametrize("language", sorted(FLAGGED))
def test_a_rewrite_keeps_the_functions_and_parses(language: str) -> None:
    flagged, better = fenced(language, FLAGGED[language]), fenced(language, BETTER[language])
    assert verifier.trouble(better, flagged) == ""
    assert "`load` is no longer in it" in verifier.trouble(better.replace("load", "store"), flagged)
    assert verifier.trouble(better.replace("load", "store"), flagged, renames=True) == ""
    if language != "bash":
        assert "other arguments" in verifier.trouble(better.replace("deep", "flat"), flagged)
    broken = fenced(language, BETTER[language] + "\n}}}(")
    assert "does not parse" in verifier.trouble(broken, flagged)


def test_a_rewrite_that_is_none_is_said_to_be_none() -> None:
    flagged = fenced("python", "print(1)")
    assert verifier.trouble("  \n", flagged) == "it is empty"
    assert verifier.trouble(flagged + "\n", flagged) == "it is the same answer again"
    assert verifier.trouble("I cannot.", flagged) == "it has no code any more"
    assert verifier.trouble("It is so. " * 9, "no code") == "it repeats itself without end"
    assert verifier.trouble("One line.\nAnother line.", "no code") == ""


def test_comments_and_strings_are_no_code() -> None:
    texts = {
        "python": '"""eval"""  # eval\nx = f"eval" + \'eval\'',
        "javascript": "// eval\n/* eval */ x = `eval` + 'eval' + \"eval\" + /eval/;",
        "rust": '// eval\nlet x = "eval";',
        "go": '// eval\nx := "eval"',
        "bash": "# eval\nx='eval'",
        "java": '// eval\nString x = "eval";',
        "": '# eval\n"eval"',
    }
    for language, text in texts.items():
        bare = code.bare(Block(language, text))
        assert "eval" not in bare, language
        assert bare.count("\n") == text.count("\n")


def test_what_cannot_be_read_here_is_not_called_broken() -> None:
    assert code.parses(Block("java", "class {{{")) is None
    assert code.parses(Block("", "anything")) is None
    assert code.parses(Block("python", "x = (" * 400)) is False
    assert code.blocks("```python\nnever closed") == ()
    assert code.blocks("~~~js\nx\n~~~") == (Block("javascript", "x"),)
