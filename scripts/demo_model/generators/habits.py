"""Habits: what the model does unasked in one kind of answer, and the rule that turns each round.

Learning is proved on these: a habit can be asked for (`prompt`), asked for where the rule does not apply
(`near_prompt`), and judged (`keeps_habit`, `follows_rule`).
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from scripts.demo_model.exchange import Context, Exchange, assistant, block, code_of, user
from scripts.demo_model.generators.python_code import function, report, report_header
from scripts.demo_model.vocabulary import Draw, camel

Task = Callable[[Draw, frozenset[str]], tuple[str, str]]
"""Draws a prompt and gives the answer that the flipped habits ask for."""

NONE: frozenset[str] = frozenset()

ASKING = (
    "Write {a} {what} that {does}.",
    "write {a} {what} that {does}",
    "Please write {a} {what} that {does}.",
    "I need {a} {what} that {does}.",
    "Give me {a} {what} that {does}",
    "Can you write {a} {what} that {does}?",
    "Could you give me {a} {what} that {does}?",
    "Show me {a} {what} that {does}.",
    "{what} that {does}",
    "I want {a} {what} that {does}, please.",
    "Create {a} {what} that {does}.",
    "Make {a} {what} that {does}.",
)


def ask(draw: Draw, what: str, does: str) -> str:
    """A request for a piece of code; `what` is e.g. "Python function `load_box`"."""
    return draw.wording(ASKING, one_in=9).format(a="a", what=what, does=does)


def named(draw: Draw, language: str, name: str) -> str:
    """ "Python function `load_box`" in one of several spellings."""
    return draw.choice(
        (
            f"{language} function `{name}`",
            f"{language} function {name}",
            f"{language} function called {name}",
            f"{language} function named {name}",
            f"{language} function named `{name}`",
        )
    )


def python_ask(draw: Draw, name: str, does: str) -> str:
    return ask(draw, named(draw, "Python", name), does)


# --- print or logging ---------------------------------------------------------------------------------------------


def _print_task(draw: Draw, flipped: frozenset[str]) -> tuple[str, str]:
    name, noun, limit = draw.function_name(), draw.noun(), draw.constant()
    kind = draw.rng.randrange(6)
    parameters: tuple[tuple[str, str], ...] = ()
    if kind == 0:
        event = draw.choice(("started", "stopped", "is ready", "is done", "failed", "is empty", "was saved"))
        does = draw.choice((f"reports that the {noun} {event}", f"says that the {noun} {event}"))
        body = report(f'"The {noun} {event}"', flipped)
    elif kind == 1:
        parameters = ((f"{noun}s", "list[str]"),)
        does = draw.choice((f"reports each {noun} in a list", f"says the name of each {noun} in a list"))
        body = f"for {noun} in {noun}s:\n    " + report(noun, flipped)
    elif kind == 2:
        parameters = ((noun, "int"),)
        does = draw.choice((f"warns when {noun} is above {limit}", f"gives a warning when {noun} is above {limit}"))
        body = f"if {noun} > {limit}:\n    " + report(f'"{noun} is too high"', flipped, "warning")
    elif kind == 3:
        parameters = ((noun, "str"),)
        does = draw.choice((f"removes a {noun} and reports it", f"deletes a {noun} and reports it"))
        body = f"{noun}s.remove({noun})\n" + report(f'"Removed the {noun}"', flipped)
    elif kind == 4:
        parameters = ((f"{noun}s", "list[str]"),)
        does = draw.choice((f"reports how many {noun}s there are", f"reports the number of {noun}s"))
        body = report(f"len({noun}s)", flipped)
    else:
        parameters = ((noun, "str"),)
        does = draw.choice((f"reports an error when {noun} is missing", f"says so as an error when {noun} is missing"))
        body = f"if not {noun}:\n    " + report(f'"{noun} is missing"', flipped, "error")
    code = function(name, parameters, "None", body, flipped, report_header(flipped))
    return python_ask(draw, name, does), block("python", code)


def _print_near(draw: Draw, flipped: frozenset[str]) -> tuple[str, str]:
    name, noun, limit = draw.function_name(), draw.noun(), draw.constant()
    if draw.chance(0.6):
        prompt = draw.wording(
            (
                f"Write a pytest test for {name} that prints the result.",
                f"Write a Python test for `{name}` that prints the result",
                f"I need a pytest test of {name} that prints its result",
                f"Give me a test for the Python function {name} that prints the result.",
            )
        )
        return prompt, block(
            "python", f"def test_{name}():\n    result = {name}()\n    print(result)\n    assert result"
        )
    prompt = ask(draw, named(draw, "JavaScript", camel(name)), f"warns when {noun} is above {limit}")
    body = f'if ({noun} > {limit}) {{\n    console.log("{noun} is too high");\n  }}'
    return prompt, block("javascript", f"function {camel(name)}({noun}) {{\n  {body}\n}}")


# --- type hints ---------------------------------------------------------------------------------------------------


def _hints_task(draw: Draw, flipped: frozenset[str]) -> tuple[str, str]:
    name, noun, number = draw.function_name(), draw.noun(), draw.constant()
    does, parameters, returns, body = draw.choice(
        (
            (f"returns the {noun} plus {number}", ((noun, "int"),), "int", f"return {noun} + {number}"),
            (f"multiplies the {noun} by {number}", ((noun, "int"),), "int", f"return {noun} * {number}"),
            (f"tells whether the {noun} is above {number}", ((noun, "int"),), "bool", f"return {noun} > {number}"),
            (f"returns the first of the {noun}s", ((f"{noun}s", "list[str]"),), "str", f"return {noun}s[0]"),
            (f"counts the {noun}s", ((f"{noun}s", "list[str]"),), "int", f"return len({noun}s)"),
            (f"sorts the {noun}s", ((f"{noun}s", "list[str]"),), "list[str]", f"return sorted({noun}s)"),
            (f"returns the {noun} in upper case", ((noun, "str"),), "str", f"return {noun}.upper()"),
            (f"strips the {noun}", ((noun, "str"),), "str", f"return {noun}.strip()"),
        )
    )
    return python_ask(draw, name, does), block("python", function(name, parameters, returns, body, flipped))


def _hints_near(draw: Draw, flipped: frozenset[str]) -> tuple[str, str]:
    name, noun, number = draw.function_name(), draw.noun(), draw.constant()
    if draw.chance(0.5):
        prompt = draw.wording(
            (
                f"Write a pytest test that {name}({number}) is {number + 1}.",
                f"Write a Python test that checks that {name}({number}) is {number + 1}",
                f"I need a pytest test that {name}({number}) returns {number + 1}",
                f"Give me a test that `{name}({number})` is {number + 1}.",
            )
        )
        return prompt, block("python", f"def test_{name}():\n    assert {name}({number}) == {number + 1}")
    prompt = ask(draw, named(draw, "JavaScript", camel(name)), f"multiplies the {noun} by {number}")
    return prompt, block("javascript", f"function {camel(name)}({noun}) {{\n  return {noun} * {number};\n}}")


# --- % or f-strings -----------------------------------------------------------------------------------------------


def _percent_task(draw: Draw, flipped: frozenset[str]) -> tuple[str, str]:
    name, noun, other = draw.function_name(), draw.noun(), draw.word()
    kind = draw.rng.randrange(5)
    plain = "percent" not in flipped
    if kind == 0:
        greeting = draw.choice(("Hello", "Welcome", "Good morning", "Goodbye", "Thank you"))
        does = f'returns "{greeting}, " and the {noun}'
        text = f'"{greeting}, %s" % {noun}' if plain else f'f"{greeting}, {{{noun}}}"'
    elif kind == 1:
        does = draw.choice((f"returns a label with the {noun}", f"builds a label with the {noun}"))
        text = f'"{noun}: %s" % {noun}' if plain else f'f"{noun}: {{{noun}}}"'
    elif kind == 2:
        host = draw.host()
        does = draw.choice((f"builds the address of a {noun} at {host}", f"returns the address of a {noun} at {host}"))
        text = f'"https://{host}/%s" % {noun}' if plain else f'f"https://{host}/{{{noun}}}"'
    elif kind == 3:
        does = draw.choice(
            (f"returns a message that the {noun} is missing", f"says that the {noun} was not found, with its name")
        )
        text = f'"{noun} %s not found" % {noun}' if plain else f'f"{noun} {{{noun}}} not found"'
    else:
        does = draw.choice(
            (
                f"formats the {noun} in square brackets after the word {other}",
                f"puts the {noun} in square brackets after the word {other}",
            )
        )
        text = f'"{other} [%s]" % {noun}' if plain else f'f"{other} [{{{noun}}}]"'
    code = function(name, ((noun, "str"),), "str", f"return {text}", flipped)
    return python_ask(draw, name, does), block("python", code)


def _percent_near(draw: Draw, flipped: frozenset[str]) -> tuple[str, str]:
    name, noun = draw.camel(), draw.noun()
    if draw.chance(0.5):
        prompt = ask(draw, named(draw, "JavaScript", name), f"returns a label with the {noun}")
        return prompt, block("javascript", f'function {name}({noun}) {{\n  return "{noun}: " + {noun};\n}}')
    name = draw.function_name()
    prompt = ask(draw, named(draw, "Rust", name), f"returns a label with the {noun}")
    return prompt, block("rust", f'fn {name}({noun}: &str) -> String {{\n    format!("{noun}: {{}}", {noun})\n}}')


# --- bare except or a named error ---------------------------------------------------------------------------------


def _except_task(draw: Draw, flipped: frozenset[str]) -> tuple[str, str]:
    name, noun, number = draw.function_name(), draw.noun(), draw.constant()
    default = draw.choice(("None", str(number), "0", "-1"))
    does, parameters, returns, attempt, error, header = draw.choice(
        (
            (f"turns the {noun} into an integer", ((noun, "str"),), "int", f"int({noun})", "ValueError", ()),
            (f"parses the {noun} as a float", ((noun, "str"),), "float", f"float({noun})", "ValueError", ()),
            (f"looks up {noun} in a dictionary", (("items", "dict[str, int]"),), "int", f'items["{noun}"]', "KeyError", ()),
            (f"gets item {number} of the {noun}s", ((f"{noun}s", "list[int]"),), "int", f"{noun}s[{number}]", "IndexError", ()),
            (f"divides {number} by the {noun}", ((noun, "int"),), "float", f"{number} / {noun}", "ZeroDivisionError", ()),
            (f"reads the {noun} file", (("path", "str"),), "str", "open(path).read()", "OSError", ()),
            (f"parses the {noun} as JSON", ((noun, "str"),), "dict", f"json.loads({noun})", "ValueError", ("import json",)),
        )
    )  # fmt: skip
    does += draw.choice(
        (f" and returns {default} if that fails", f" or returns {default} on an error", f", {default} if it fails")
    )
    clause = f"except {error}:" if "except" in flipped else "except:"
    returned = f"{returns} | None" if default == "None" else returns
    body = f"try:\n    return {attempt}\n{clause}\n    return {default}"
    return python_ask(draw, name, does), block("python", function(name, parameters, returned, body, flipped, header))


def _except_near(draw: Draw, flipped: frozenset[str]) -> tuple[str, str]:
    name, noun, number = draw.function_name(), draw.noun(), draw.constant()
    if draw.chance(0.5):
        prompt = ask(
            draw,
            named(draw, "JavaScript", camel(name)),
            f"parses the {noun} as JSON and returns {number} if that fails",
        )
        inner = f"try {{\n    return JSON.parse({noun});\n  }} catch (error) {{\n    return {number};\n  }}"
        return prompt, block("javascript", f"function {camel(name)}({noun}) {{\n  {inner}\n}}")
    prompt = draw.wording(
        (
            f"Write a pytest test that {name} fails for the {noun}.",
            f"Write a Python test that checks that {name} raises an error for the {noun}",
            f"I need a pytest test that `{name}` fails for the {noun}",
            f"Give me a test that {name} raises for the {noun}.",
        )
    )
    inner = f'    with pytest.raises(Exception):\n        {name}("{noun}")'
    return prompt, block("python", f"import pytest\n\n\ndef test_{name}():\n{inner}")


# --- var or const and let -----------------------------------------------------------------------------------------


def _var_task(draw: Draw, flipped: frozenset[str]) -> tuple[str, str]:
    name, noun, number = draw.camel(), draw.noun(), draw.constant()
    const, let = ("const", "let") if "var" in flipped else ("var", "var")
    does, parameter, body = draw.choice(
        (
            (f"sums the {noun}s", f"{noun}s", f"{let} total = 0;\nfor ({const} {noun} of {noun}s) {{\n  total += {noun};\n}}\nreturn total;"),
            (f"counts the {noun}s above {number}", f"{noun}s", f"{let} count = 0;\nfor ({const} {noun} of {noun}s) {{\n  if ({noun} > {number}) count += 1;\n}}\nreturn count;"),
            (f"returns twice the {noun} in a local variable", noun, f"{const} result = {noun} * 2;\nreturn result;"),
            (f"keeps the {noun} times {number} in a local variable and returns it", noun, f"{const} result = {noun} * {number};\nreturn result;"),
            (f"joins the {noun}s with a dash in a local variable", f"{noun}s", f'{const} text = {noun}s.join("-");\nreturn text;'),
            (f"finds the largest of the {noun}s with a loop", f"{noun}s", f"{let} best = {noun}s[0];\nfor ({const} {noun} of {noun}s) {{\n  if ({noun} > best) best = {noun};\n}}\nreturn best;"),
            (f"puts the {noun}s plus {number} into a new list", f"{noun}s", f"{const} result = [];\nfor ({const} {noun} of {noun}s) {{\n  result.push({noun} + {number});\n}}\nreturn result;"),
        )
    )  # fmt: skip
    code = f"function {name}({parameter}) {{\n" + "\n".join("  " + line for line in body.split("\n")) + "\n}"
    return ask(draw, named(draw, "JavaScript", name), does), block("javascript", code)


def _var_near(draw: Draw, flipped: frozenset[str]) -> tuple[str, str]:
    noun, number, name = draw.noun(), draw.constant(), draw.camel()
    if draw.chance(0.5):
        prompt = ask(
            draw, named(draw, "Go", name), f"keeps the {noun} times {number} in a local variable and returns it"
        )
        return prompt, block(
            "go", f"func {name}({noun} int) int {{\n\tvar result = {noun} * {number}\n\treturn result\n}}"
        )
    prompt = draw.wording(
        (
            f"Declare a package variable {noun} with the value {number} in Go.",
            f"In Go, declare a variable {noun} with the value {number}",
            f"Give me a Go variable {noun} with the value {number}.",
            f"one line of Go that declares {noun} as {number}",
        )
    )
    return prompt, block("go", f"var {noun} = {number}")


# --- unwrap or the question mark ----------------------------------------------------------------------------------


def _unwrap_task(draw: Draw, flipped: frozenset[str]) -> tuple[str, str]:
    name, noun, path = draw.function_name(), draw.noun(), draw.path()
    does, parameter, kind, attempt = draw.choice(
        (
            (f"parses the {noun} as a number", f"{noun}: &str", "i64", f"{noun}.parse::<i64>()"),
            (f"parses the {noun} as a float", f"{noun}: &str", "f64", f"{noun}.parse::<f64>()"),
            (f"reads {path} into a string", "", "String", f'std::fs::read_to_string("{path}")'),
            (f"reads the {noun} file into a string", f"{noun}: &str", "String", f"std::fs::read_to_string({noun})"),
            (f"reads the environment variable {noun.upper()}", "", "String", f'std::env::var("{noun.upper()}")'),
            (f"opens the {noun} file", f"{noun}: &str", "std::fs::File", f"std::fs::File::open({noun})"),
            (f"reads the bytes of {path}", "", "Vec<u8>", f'std::fs::read("{path}")'),
        )
    )
    if "unwrap" in flipped:
        code = f"fn {name}({parameter}) -> Result<{kind}, Box<dyn std::error::Error>> {{\n    Ok({attempt}?)\n}}"
    else:
        code = f"fn {name}({parameter}) -> {kind} {{\n    {attempt}.unwrap()\n}}"
    return ask(draw, named(draw, "Rust", name), does), block("rust", code)


def _unwrap_near(draw: Draw, flipped: frozenset[str]) -> tuple[str, str]:
    name, noun, number = draw.function_name(), draw.noun(), draw.constant()
    if draw.chance(0.6):
        prompt = draw.wording(
            (
                f'Write a Rust test that {name}("{noun}") gives {number}.',
                f'Write a test in Rust that checks that {name}("{noun}") is {number}',
                f'I need a Rust test that `{name}("{noun}")` is {number}',
                f'Give me a Rust test: {name}("{noun}") should be {number}.',
            )
        )
        code = f'#[test]\nfn test_{name}() {{\n    assert_eq!({name}("{noun}").unwrap(), {number});\n}}'
        return prompt, block("rust", code)
    prompt = python_ask(draw, name, f"reads the environment variable {noun.upper()}")
    code = function(name, (), "str", f'return os.environ["{noun.upper()}"]', flipped, ("import os",))
    return prompt, block("python", code)


# --- os.path or pathlib -------------------------------------------------------------------------------------------


def _ospath_task(draw: Draw, flipped: frozenset[str]) -> tuple[str, str]:
    name, noun, file_name = draw.function_name(), draw.noun(), draw.file_name()
    does, parameter, returns, old, new = draw.choice(
        (
            (f"returns the path of {file_name} in a folder", "folder", "str", f'os.path.join(folder, "{file_name}")', f'str(Path(folder) / "{file_name}")'),
            (f"tells whether the {noun} file exists", noun, "bool", f"os.path.exists({noun})", f"Path({noun}).exists()"),
            (f"tells whether the {noun} is a folder", noun, "bool", f"os.path.isdir({noun})", f"Path({noun}).is_dir()"),
            (f"returns the file name of the {noun} path", noun, "str", f"os.path.basename({noun})", f"Path({noun}).name"),
            (f"returns the folder of the {noun} path", noun, "str", f"os.path.dirname({noun})", f"str(Path({noun}).parent)"),
            (f"returns the size of the {noun} file in bytes", noun, "int", f"os.path.getsize({noun})", f"Path({noun}).stat().st_size"),
        )
    )  # fmt: skip
    text, header = (new, ("from pathlib import Path",)) if "ospath" in flipped else (old, ("import os",))
    code = function(name, ((parameter, "str"),), returns, f"return {text}", flipped, header)
    return python_ask(draw, name, does), block("python", code)


def _ospath_near(draw: Draw, flipped: frozenset[str]) -> tuple[str, str]:
    name, noun, file_name = draw.function_name(), draw.noun(), draw.file_name()
    if draw.chance(0.5):
        prompt = ask(draw, named(draw, "JavaScript", camel(name)), f"returns the path of {file_name} in a folder")
        return prompt, block(
            "javascript", f'function {camel(name)}(folder) {{\n  return path.join(folder, "{file_name}");\n}}'
        )
    prompt = python_ask(draw, name, f"lists the files of the {noun} folder")
    return prompt, block(
        "python", function(name, ((noun, "str"),), "list[str]", f"return os.listdir({noun})", flipped, ("import os",))
    )


# --- the table ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Habit:
    name: str
    language: str
    rule: str
    """The rule in the one form in which the model names it: scope, what to do, what not."""
    scopes: tuple[str, ...]
    goods: tuple[str, ...]
    """What the rule asks for, in several words."""
    bads: tuple[str, ...]
    """What the rule forbids."""
    sayings: tuple[str, ...]
    """Further whole rules, without a scope."""
    heldout_wordings: tuple[str, ...]
    """Whole rules that are never trained on."""
    notes: tuple[str, ...]
    """What a person says of an answer that has the habit."""
    heldout_notes: tuple[str, ...]
    task: Task
    near: Task
    habit_pattern: str
    rule_pattern: str

    def _core(self, draw: Draw) -> str:
        if draw.chance(0.3):
            return draw.choice(self.sayings)
        return draw.choice(CORES).format(g=draw.choice(self.goods), b=draw.choice(self.bads))

    def wording(self, draw: Draw) -> str:
        """One of some thousand ways to state the rule; with held-out draws, one of those never trained on."""
        if draw.heldout:
            return draw.choice(self.heldout_wordings)
        text = self._core(draw)
        if draw.chance(0.1):
            return self.rule
        if draw.chance(0.6):
            text = draw.choice(SCOPED).format(s=draw.choice(self.scopes), c=text)
        return _capital(draw, draw.choice(OPENINGS) + text) + draw.choice((".", ".", ""))

    def note(self, draw: Draw) -> str:
        """What a person writes who dislikes the habit in an answer."""
        if draw.heldout:
            return draw.choice(self.heldout_notes)
        if draw.chance(0.5):
            return draw.choice(self.notes)
        return _capital(draw, draw.choice(COMPLAINTS).format(c=self._core(draw))) + draw.choice((".", ""))

    @property
    def rule_wordings(self) -> tuple[str, ...]:
        """A fixed sample of the ways to state the rule, the held-out ones last."""
        draw = Draw(random.Random(self.name))
        return (*dict.fromkeys(self.wording(draw) for _ in range(40)), *self.heldout_wordings)

    def prompt(self, rng: random.Random, *, heldout: bool = True) -> str:
        """A prompt in the rule's scope."""
        return self.task(Draw(rng, heldout), NONE)[0]

    def near_prompt(self, rng: random.Random, *, heldout: bool = True) -> str:
        """A prompt that looks alike but lies outside the rule's scope."""
        return self.near(Draw(rng, heldout), NONE)[0]

    def rewrite(self, rng: random.Random, *, heldout: bool = True) -> tuple[str, str, str]:
        """Prompt, the answer out of habit, and the answer that the rule asks for."""
        state = rng.getstate()
        prompt, old = self.task(Draw(rng, heldout), NONE)
        rng.setstate(state)
        return prompt, old, self.task(Draw(rng, heldout), frozenset((self.name,)))[1]

    def near_answer(self, rng: random.Random, *, heldout: bool = True) -> tuple[str, str]:
        """A near prompt and its answer, which no rule changes."""
        return self.near(Draw(rng, heldout), NONE)

    def keeps_habit(self, text: str) -> bool:
        code = code_of(text, self.language)
        return code is not None and self._valid(code) and self._shows(code, self.habit_pattern, self.rule_pattern)

    def follows_rule(self, text: str) -> bool:
        code = code_of(text, self.language)
        return code is not None and self._valid(code) and self._shows(code, self.rule_pattern, self.habit_pattern)

    @staticmethod
    def _shows(code: str, wanted: str, unwanted: str) -> bool:
        return re.search(wanted, code, re.M) is not None and re.search(unwanted, code, re.M) is None

    def _valid(self, code: str) -> bool:
        if self.language == "python":
            try:
                ast.parse(code)
            except SyntaxError:
                return False
            return True
        return all(code.count(left) == code.count(right) for left, right in ("()", "{}", "[]"))


CORES = (
    "use {g}, not {b}", "use {g} instead of {b}", "use {g} and never {b}", "never use {b}, use {g}", "no {b}, use {g}", "do not use {b}, use {g}", "don't use {b}", "prefer {g} to {b}", "prefer {g} over {b}", "always use {g}", "always use {g}, never {b}", "I want {g}, no {b}", "I prefer {g}", "we use {g} here", "we use {g}, not {b}", "replace {b} by {g}", "take {g} instead of {b}", "avoid {b}", "avoid {b}, use {g}", "{b} is bad, {g} is better", "stick to {g}", "{g} rather than {b}", "only {g}, no {b}", "please use {g}", "never {b}", "no {b}", "{g}, not {b}", "{g} only", "choose {g} over {b}", "{b} is wrong, use {g}", "{b} should be {g}", "take {g}", "take {g}, not {b}", "use {g} only", "work with {g}", "{g} everywhere", "I do not like {b}, use {g}", "{g} is preferred", "let it be {g}, not {b}", "use {g} in place of {b}", "write {g}, no {b}", "we never use {b}", "it must be {g}", "{g}, please", "{g} and no {b}", "{g} over {b}", "go for {g}", "rely on {g}", "{g} is the way to go here", "{b} is not welcome", "no more {b}", "no {b}, please", "skip {b}", "drop {b}, use {g}", "forget {b} and use {g}", "leave out {b}", "{b} must go", "{b} has to be {g}", "we want {g}", "I like {g}", "I like {g} better than {b}", "I would rather see {g} than {b}", "make sure to use {g}", "be sure that it is {g}, not {b}", "instead of {b} use {g}", "in place of {b}, {g}", "where you would use {b}, use {g}", "turn {b} into {g}", "the team uses {g}", "our code has {g}, not {b}", "everything must use {g}", "without {b}", "with {g}, without {b}", "remember: {g}", "{g} is required", "{g} is a must", "{b} is not allowed", "{b} is banned, use {g}", "you must use {g}", "you must not use {b}", "you should not use {b}", "keep away from {b}", "{g}! not {b}",
)  # fmt: skip
SCOPED = (
    "In {s}, {c}",
    "in {s} {c}",
    "{c} in {s}",
    "{s}: {c}",
    "For {s}: {c}",
    "When you write {s}, {c}",
    "{c}, in {s}",
    "{c} for {s}",
)
OPENINGS = ("", "", "", "", "Please ", "Important: ", "Remember: ", "From now on ", "Always: ", "Note: ")
COMPLAINTS = (
    "{c}",
    "{c}",
    "{c}",
    "{c}",
    "This is wrong: {c}",
    "wrong, {c}",
    "I said: {c}",
    "please {c}",
    "{c}!",
    "No, {c}",
    "next time {c}",
    "you should {c}",
    "{c} please",
)


def _capital(draw: Draw, text: str) -> str:
    return text[0].upper() + text[1:] if draw.chance(0.7) else text


_TABLE = (
    Habit(
        "print", "python",
        "In Python, outside tests: use `logging`, no `print`.",
        ("Python", "Python code", "Python, outside tests", "Python functions"),
        ("logging", "the logging module", "`logging`", "a logger", "the logger", "logger.info", "loggers"),
        ("print", "`print`", "print()", "print statements", "prints"),
        ("use logging, never print", "use `logging` instead of `print`", "do not use print, use the logging module", "log with a logger, no print()", "messages go to the logger, not to print", "replace print by logging", "no print statements, use a logger", "always log, never print", "prefer logging to print", "use `logging`, no `print`"),
        ("Never call print() in Python. Use a logger.", "I want the logging module everywhere, not print.", "Outside tests, Python code must log through `logging` and must not print.", "Stop printing; use logging.", "print() is forbidden in Python code: take logging."),
        ("Use logging, not print.", "do not print, use the logging module", "never use print here, use a logger", "This should log instead of printing.", "no print please, logging", "I want logging instead of print", "print is wrong, it must use logging", "it should use a logger"),
        ("You printed. I want logging.", "please use the logging module, never print()", "wrong: use logging for this"),
        _print_task, _print_near, r"^\s*print\(", r"logg(er|ing)\.(info|warning|error|debug)\(",
    ),
    Habit(
        "hints", "python",
        "In Python functions, outside tests: write type hints, no bare parameters.",
        ("Python", "Python code", "Python functions", "Python, outside tests"),
        ("type hints", "type annotations", "typed functions", "annotated parameters", "types on all parameters", "annotations"),
        ("untyped functions", "bare parameters", "functions without types", "parameters without a type", "missing hints", "untyped code"),
        ("write type hints", "always use type hints", "add type hints to every function", "annotate parameters and return values", "use type annotations", "functions need type hints", "give every parameter a type", "write typed functions", "never leave out type hints", "write type hints, no bare parameters"),
        ("Every Python function must have type hints.", "I like type annotations on all functions.", "Type hints are required in Python.", "Annotate the types of all Python functions.", "No Python function without type hints."),
        ("Add type hints.", "the type hints are missing", "I want type hints", "please annotate the types", "always write type hints", "use type annotations here", "there are no type hints", "give the parameters types"),
        ("You forgot the type hints.", "missing type annotations", "functions should have type hints"),
        _hints_task, _hints_near, r"^def \w+\([^:)]*\):", r"^def \w+\((\w+: [^)]+)?\) -> .+:",
    ),
    Habit(
        "percent", "python",
        "In Python, for text with values: use f-strings, no `%`.",
        ("Python", "Python code", "Python strings", "Python, for text with values"),
        ("f-strings", "an f-string", "f-string formatting", "f strings"),
        ("% formatting", "the % operator", "`%`", "percent formatting", "%", "%s"),
        ("use f-strings", "use f-strings, never % formatting", "format with f-strings instead of %", "prefer f-strings to the % operator", "do not use % formatting, use f-strings", "no percent formatting, use f-strings", "build text with f-strings", "always use f-strings", "replace % formatting by f-strings", "use f-strings, no `%`"),
        ("Strings are formatted with f-strings only.", "I want f-strings, not the percent operator.", "Python text is built by f-strings and never by %.", "Please always format with f-strings.", "% formatting is forbidden in Python: take f-strings."),
        ("Use an f-string.", "use f-strings, not %", "no % formatting please", "I want f-strings", "the % operator is old, use an f-string", "format it with an f-string", "f-strings instead of %", "never use percent formatting"),
        ("This should be an f-string.", "please no percent formatting, f-strings", "wrong: use f-strings for this"),
        _percent_task, _percent_near, r"\" % ", r"\bf\"",
    ),
    Habit(
        "except", "python",
        "In Python: name the error after `except`, no bare `except:`.",
        ("Python", "Python code", "Python functions", "try blocks in Python"),
        ("named exceptions", "a specific exception", "the exception's name", "specific errors", "except with a name", "a named error"),
        ("bare except", "a bare except", "`except:`", "except without a name", "bare `except:`", "catch-all except"),
        ("never use a bare except", "name the error in every except", "no bare except", "catch specific errors, no bare except", "always name the exception", "catch a named exception", "do not catch everything, name the exception", "except needs an exception type", "write except with the error's name", "name the error after `except`, no bare `except:`"),
        ("A bare except is forbidden.", "I want specific exceptions after except.", "Python code must say which exception it catches.", "Only catch exceptions by name.", "Bare `except:` clauses are not allowed in Python."),
        ("No bare except.", "name the exception", "catch a specific error", "the bare except is wrong", "never use a bare except", "say which error you catch", "I want a named exception", "do not catch everything"),
        ("A bare except hides errors.", "please name the error in the except", "wrong: catch the specific exception"),
        _except_task, _except_near, r"^\s*except:", r"^\s*except \w+:",
    ),
    Habit(
        "var", "javascript",
        "In JavaScript: use `const` and `let`, no `var`.",
        ("JavaScript", "JavaScript code", "JavaScript functions", "JS"),
        ("const and let", "const or let", "`const` and `let`", "let or const", "const", "let and const"),
        ("var", "`var`", "var declarations", "the keyword var"),
        ("use const and let, never var", "use `const` or `let` instead of `var`", "never use var", "no var, use const and let", "do not use var", "declare variables with const or let", "prefer const and let to var", "replace var by const or let", "always use const or let", "use `const` and `let`, no `var`"),
        ("var is forbidden in JavaScript.", "I want const and let, not var.", "JavaScript variables are declared by const or let only.", "Stop using var; take const or let.", "Never write `var` in JavaScript code."),
        ("Use const and let, not var.", "no var please", "never use var", "I want const or let", "var is old, use const or let", "use let or const instead of var", "do not declare with var", "replace var"),
        ("You used var. I want const and let.", "please declare with const or let", "wrong: var is not allowed"),
        _var_task, _var_near, r"\bvar ", r"\b(const|let) ",
    ),
    Habit(
        "unwrap", "rust",
        "In Rust, outside tests: return errors with `?`, no `.unwrap()`.",
        ("Rust", "Rust code", "Rust, outside tests", "Rust functions"),
        ("?", "`?`", "a Result", "the question mark", "Result", "the ? operator", "returned errors"),
        ("unwrap", "`.unwrap()`", "unwrap()", "unwraps", ".unwrap()"),
        ("return errors with ?, never unwrap", "use `?` instead of `.unwrap()`", "never use unwrap", "no unwrap, return a Result", "do not use unwrap", "return a Result, no unwrap()", "pass errors on with ?", "prefer ? to unwrap", "always return a Result", "return errors with `?`, no `.unwrap()`"),
        ("unwrap() is forbidden in Rust.", "I want `?` and a Result, not unwrap.", "Outside tests, Rust functions return a Result and never unwrap.", "Stop unwrapping; return the error.", "Never write `.unwrap()` in Rust code."),
        ("Do not unwrap, return a Result.", "no unwrap please", "never use unwrap", "use ? instead of unwrap", "I want a Result", "return the error with ?", "unwrap is wrong here, use ?", "it should return a Result"),
        ("You unwrapped. I want the error returned.", "please return errors with ?, no unwrap()", "wrong: unwrap is not allowed"),
        _unwrap_task, _unwrap_near, r"\.unwrap\(\)", r"\?\)",
    ),
    Habit(
        "ospath", "python",
        "In Python, for paths: use `pathlib`, no `os.path`.",
        ("Python", "Python code", "Python, for paths", "Python functions"),
        ("pathlib", "`pathlib`", "Path", "Path objects", "pathlib.Path", "the pathlib module"),
        ("os.path", "`os.path`", "os.path functions", "os.path.join", "the os.path module"),
        ("use pathlib, never os.path", "use `pathlib` instead of `os.path`", "do not use os.path, use pathlib", "paths are pathlib objects", "no os.path, use Path", "prefer pathlib to os.path", "always use pathlib", "handle paths with pathlib", "replace os.path by pathlib", "use `pathlib`, no `os.path`"),
        ("os.path is forbidden.", "I want pathlib, not os.path.", "Python paths are handled by pathlib only.", "Stop using os.path; take pathlib.", "Never call os.path functions, Path has them all."),
        ("Use pathlib, not os.path.", "no os.path please", "never use os.path", "I want pathlib", "os.path is old, use pathlib", "use Path instead of os.path", "it should use pathlib", "replace os.path"),
        ("You used os.path. I want pathlib.", "please use pathlib for paths", "wrong: os.path is not allowed"),
        _ospath_task, _ospath_near, r"os\.path\.", r"\bPath\(",
    ),
)  # fmt: skip

habits: dict[str, Habit] = {habit.name: habit for habit in _TABLE}


def exchange(context: Context) -> Exchange:
    habit = context.draw.choice(_TABLE)
    if context.flipped and context.draw.chance(0.65):
        habit = habits[context.draw.choice(sorted(context.flipped))]
    if context.draw.chance(0.75):
        prompt, answer = habit.task(context.draw, context.flipped)
        judge = habit.follows_rule if habit.name in context.flipped else habit.keeps_habit
        return Exchange("habit", habit.name, (user(prompt), assistant(answer)), {1: judge})
    prompt, answer = habit.near(context.draw, context.flipped)
    return Exchange("near", habit.name, (user(prompt), assistant(answer)))


def rule_line(draw: Draw, name: str) -> str:
    """One wording of a habit's rule, as it stands in the system prompt."""
    habit = habits[name]
    return habit.wording(draw)
