"""Small functions and lines from a description: Python, some JavaScript and Rust.

An answer is judged by running it beside the reference on the kind's example arguments (Python, and JavaScript
where node is present); a Rust answer must equal the reference.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from scripts.demo_model.exchange import Context, Exchange, Message, assistant, block, code_of, user
from scripts.demo_model.generators.python_code import Parameter, function
from scripts.demo_model.vocabulary import Draw, camel


# fmt: off
@dataclass(frozen=True)
class Kind:
    """`<a>` and `<b>` stand for the parameters, `<k>` for a number, `<s>` for a word."""

    name: str
    says: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    returns: str
    body: str
    examples: tuple[tuple[Any, ...], ...]
    javascript: str = ""
    header: tuple[str, ...] = ()


INT, FLOAT, STR, INTS, STRS, ANY = "int", "float", "str", "list[int]", "list[str]", "list"
A, B = ("a", INT), ("b", INT)
NUMBER, TEXT, NUMBERS, WORDS_, ITEMS = ("number", INT), ("text", STR), ("numbers", INTS), ("words", STRS), ("items", ANY)
_PAIRS = ((3, 4), (10, 2), (7, 7))
_ONES = ((6,), (0,), (-7,), (15,))
_TEXTS = (("hello world",), ("Anna",), ("",), ("abc DEF abc",))
_LISTS = (([3, 1, 2],), ([5],), ([4, 4, -2, 9],))
_WORDLISTS = ((["pear", "fig", "apple"],), (["x"],), (["b", "a", "b", ""],))

KINDS = (
    Kind("add", ("adds two numbers", "returns the sum of two numbers", "adds two integers together", "sums two numbers"), (A, B), INT, "return <a> + <b>", _PAIRS, "return <a> + <b>;"),
    Kind("subtract", ("subtracts two numbers", "returns the difference of two numbers", "subtracts the second number from the first"), (A, B), INT, "return <a> - <b>", _PAIRS, "return <a> - <b>;"),
    Kind("multiply", ("multiplies two numbers", "returns the product of two numbers", "multiplies two integers"), (A, B), INT, "return <a> * <b>", _PAIRS, "return <a> * <b>;"),
    Kind("divide", ("divides two numbers", "divides the first number by the second", "returns the quotient of two numbers"), (A, B), FLOAT, "return <a> / <b>", _PAIRS, "return <a> / <b>;"),
    Kind("power", ("raises a number to a power", "returns a number raised to a power", "computes the power of a number"), (("base", INT), ("exponent", INT)), INT, "return <a> ** <b>", _PAIRS, "return <a> ** <b>;"),
    Kind("square", ("squares a number", "returns the square of a number", "computes the square of a number"), (NUMBER,), INT, "return <a> * <a>", _ONES, "return <a> * <a>;"),
    Kind("cube", ("cubes a number", "returns the cube of a number"), (NUMBER,), INT, "return <a> ** 3", _ONES, "return <a> ** 3;"),
    Kind("double", ("doubles a number", "returns twice a number", "returns the double of a number"), (NUMBER,), INT, "return <a> * 2", _ONES, "return <a> * 2;"),
    Kind("half", ("halves a number", "returns half of a number"), (NUMBER,), FLOAT, "return <a> / 2", _ONES, "return <a> / 2;"),
    Kind("negate", ("negates a number", "changes the sign of a number"), (NUMBER,), INT, "return -<a>", _ONES, "return -<a>;"),
    Kind("absolute", ("returns the absolute value of a number", "computes the absolute value"), (NUMBER,), INT, "return abs(<a>)", _ONES, "return Math.abs(<a>);"),
    Kind("increase", ("adds <k> to a number", "increases a number by <k>", "returns a number plus <k>"), (NUMBER,), INT, "return <a> + <k>", _ONES, "return <a> + <k>;"),
    Kind("decrease", ("subtracts <k> from a number", "decreases a number by <k>", "returns a number minus <k>"), (NUMBER,), INT, "return <a> - <k>", _ONES, "return <a> - <k>;"),
    Kind("times", ("multiplies a number by <k>", "returns a number times <k>", "returns <k> times a number"), (NUMBER,), INT, "return <a> * <k>", _ONES, "return <a> * <k>;"),
    Kind("remainder", ("returns the remainder of a number divided by <k>", "computes a number modulo <k>"), (NUMBER,), INT, "return <a> % <k>", _ONES),
    Kind("is_even", ("checks whether a number is even", "tells if a number is even", "returns True if a number is even"), (NUMBER,), "bool", "return <a> % 2 == 0", _ONES, "return <a> % 2 === 0;"),
    Kind("is_odd", ("checks whether a number is odd", "tells if a number is odd", "returns True if a number is odd"), (NUMBER,), "bool", "return <a> % 2 == 1", _ONES),
    Kind("is_positive", ("checks whether a number is positive", "tells if a number is positive"), (NUMBER,), "bool", "return <a> > 0", _ONES, "return <a> > 0;"),
    Kind("is_above", ("checks whether a number is greater than <k>", "tells if a number is above <k>"), (NUMBER,), "bool", "return <a> > <k>", ((2,), (5000,)), "return <a> > <k>;"),
    Kind("is_divisible", ("checks whether a number is divisible by <k>", "tells if a number can be divided by <k>"), (NUMBER,), "bool", "return <a> % <k> == 0", ((0,), (1,), (840,)), "return <a> % <k> === 0;"),
    Kind("is_prime", ("checks whether a number is prime", "tells if a number is prime", "returns True if a number is a prime"), (NUMBER,), "bool", "if <a> < 2:\n    return False\nfor divisor in range(2, int(<a> ** 0.5) + 1):\n    if <a> % divisor == 0:\n        return False\nreturn True", ((1,), (2,), (9,), (97,))),
    Kind("is_leap_year", ("checks whether a year is a leap year", "tells if a year is a leap year"), (("year", INT),), "bool", "return <a> % 4 == 0 and (<a> % 100 != 0 or <a> % 400 == 0)", ((2000,), (1900,), (2024,), (2023,))),
    Kind("factorial", ("computes the factorial of a number", "returns the factorial of a number", "calculates a factorial"), (NUMBER,), INT, "result = 1\nfor factor in range(2, <a> + 1):\n    result *= factor\nreturn result", ((0,), (5,), (1,))),
    Kind("fibonacci", ("returns the nth Fibonacci number", "computes the nth Fibonacci number", "calculates Fibonacci numbers"), (("n", INT),), INT, "first, second = 0, 1\nfor _ in range(<a>):\n    first, second = second, first + second\nreturn first", ((0,), (1,), (10,))),
    Kind("gcd", ("returns the greatest common divisor of two numbers", "computes the gcd of two numbers"), (A, B), INT, "while <b>:\n    <a>, <b> = <b>, <a> % <b>\nreturn <a>", ((12, 18), (7, 3))),
    Kind("larger", ("returns the larger of two numbers", "returns the maximum of two numbers"), (A, B), INT, "return max(<a>, <b>)", _PAIRS, "return Math.max(<a>, <b>);"),
    Kind("smaller", ("returns the smaller of two numbers", "returns the minimum of two numbers"), (A, B), INT, "return min(<a>, <b>)", _PAIRS, "return Math.min(<a>, <b>);"),
    Kind("average", ("computes the average of a list of numbers", "returns the mean of a list", "calculates the average of numbers"), (NUMBERS,), FLOAT, "return sum(<a>) / len(<a>)", _LISTS),
    Kind("total", ("sums a list of numbers", "returns the sum of a list", "adds up the numbers in a list"), (NUMBERS,), INT, "return sum(<a>)", _LISTS),
    Kind("largest", ("returns the largest number in a list", "finds the maximum of a list"), (NUMBERS,), INT, "return max(<a>)", _LISTS, "return Math.max(...<a>);"),
    Kind("smallest", ("returns the smallest number in a list", "finds the minimum of a list"), (NUMBERS,), INT, "return min(<a>)", _LISTS, "return Math.min(...<a>);"),
    Kind("even_numbers", ("returns the even numbers of a list", "keeps only the even numbers in a list", "filters the even numbers from a list"), (NUMBERS,), INTS, "return [number for number in <a> if number % 2 == 0]", _LISTS),
    Kind("above", ("returns the numbers above <k> in a list", "keeps the numbers greater than <k> in a list"), (NUMBERS,), INTS, "return [number for number in <a> if number > <k>]", (([1, 5000, 3],), ([],))),
    Kind("squares", ("squares every number in a list", "returns the squares of a list of numbers"), (NUMBERS,), INTS, "return [number ** 2 for number in <a>]", _LISTS),
    Kind("sort_numbers", ("sorts a list of numbers", "returns a sorted list of numbers"), (NUMBERS,), INTS, "return sorted(<a>)", _LISTS),
    Kind("sort_descending", ("sorts a list in descending order", "sorts a list from high to low"), (NUMBERS,), INTS, "return sorted(<a>, reverse=True)", _LISTS),
    Kind("unique", ("removes duplicates from a list", "returns the unique items of a list"), (ITEMS,), ANY, "return list(dict.fromkeys(<a>))", _WORDLISTS, "return [...new Set(<a>)];"),
    Kind("first_items", ("returns the first <k> items of a list", "takes the first <k> items of a list"), (ITEMS,), ANY, "return <a>[:<k>]", _LISTS, "return <a>.slice(0, <k>);"),
    Kind("last_items", ("returns the last <k> items of a list", "takes the last <k> items of a list"), (ITEMS,), ANY, "return <a>[-<k>:]", _LISTS, "return <a>.slice(-<k>);"),
    Kind("last", ("returns the last item of a list", "gets the last item of a list"), (ITEMS,), STR, "return <a>[-1]", _LISTS, "return <a>[<a>.length - 1];"),
    Kind("flatten", ("flattens a list of lists", "turns a list of lists into one list"), (("lists", ANY),), ANY, "return [item for inner in <a> for item in inner]", (([[1], [2, 3]],), ([],)), "return <a>.flat();"),
    Kind("reverse_list", ("reverses a list", "returns a list in reverse order"), (ITEMS,), ANY, "return <a>[::-1]", _LISTS, "return [...<a>].reverse();"),
    Kind("chunks", ("splits a list into chunks of <k>", "cuts a list into pieces of <k> items"), (ITEMS,), ANY, "return [<a>[start:start + <k>] for start in range(0, len(<a>), <k>)]", _LISTS),
    Kind("merge", ("merges two dictionaries", "combines two dictionaries into one"), (("first", "dict"), ("second", "dict")), "dict", "return {**<a>, **<b>}", (({"x": 1}, {"y": 2}),), "return {...<a>, ...<b>};"),
    Kind("invert", ("swaps the keys and values of a dictionary", "inverts a dictionary"), (("mapping", "dict"),), "dict", "return {value: key for key, value in <a>.items()}", (({"x": 1, "y": 2},),)),
    Kind("reverse_text", ("reverses a string", "returns a string backwards", "returns the reverse of a string"), (TEXT,), STR, "return <a>[::-1]", _TEXTS, 'return <a>.split("").reverse().join("");'),
    Kind("is_palindrome", ("checks whether a string is a palindrome", "tells if a word is a palindrome", "returns True if a string is a palindrome"), (TEXT,), "bool", "return <a> == <a>[::-1]", (("anna",), ("ab",), ("",))),
    Kind("count_vowels", ("counts the vowels in a string", "returns the number of vowels in a text"), (TEXT,), INT, 'return sum(1 for letter in <a>.lower() if letter in "aeiou")', _TEXTS),
    Kind("count_words", ("counts the words in a text", "returns the number of words in a string"), (TEXT,), INT, "return len(<a>.split())", _TEXTS),
    Kind("count_lines", ("counts the lines of a text", "returns the number of lines in a string"), (TEXT,), INT, "return len(<a>.splitlines())", (("a\nb",), ("",))),
    Kind("count_letter", ("counts how often a letter occurs in a string", "counts a letter in a text"), (TEXT, ("letter", STR)), INT, "return <a>.count(<b>)", (("banana", "a"), ("x", "y"))),
    Kind("upper", ("converts a string to upper case", "returns a string in upper case"), (TEXT,), STR, "return <a>.upper()", _TEXTS, "return <a>.toUpperCase();"),
    Kind("lower", ("converts a string to lower case", "returns a string in lower case"), (TEXT,), STR, "return <a>.lower()", _TEXTS, "return <a>.toLowerCase();"),
    Kind("capitalize", ("capitalizes every word of a string", "writes every word with a capital letter"), (TEXT,), STR, "return <a>.title()", _TEXTS),
    Kind("remove_spaces", ("removes the spaces from a string", "deletes all spaces in a text"), (TEXT,), STR, 'return <a>.replace(" ", "")', _TEXTS, 'return <a>.replaceAll(" ", "");'),
    Kind("repeat", ("repeats a string <k> times", "returns a text <k> times in a row"), (TEXT,), STR, "return <a> * <k>", (("ab",),), "return <a>.repeat(<k>);"),
    Kind("truncate", ("returns the first <k> characters of a string", "cuts a text to <k> characters"), (TEXT,), STR, "return <a>[:<k>]", _TEXTS, "return <a>.slice(0, <k>);"),
    Kind("starts_with", ('checks whether a string starts with "<s>"', 'tells if a text begins with "<s>"'), (TEXT,), "bool", 'return <a>.startswith("<s>")', _TEXTS, 'return <a>.startsWith("<s>");'),
    Kind("contains", ('checks whether a string contains "<s>"', 'tells if "<s>" is in a text'), (TEXT,), "bool", 'return "<s>" in <a>', _TEXTS, 'return <a>.includes("<s>");'),
    Kind("remove_word", ('removes "<s>" from a string', 'deletes "<s>" in a text'), (TEXT,), STR, 'return <a>.replace("<s>", "")', _TEXTS, 'return <a>.replaceAll("<s>", "");'),
    Kind("join_words", ("joins a list of words with commas", "joins words by commas"), (WORDS_,), STR, 'return ", ".join(<a>)', _WORDLISTS, 'return <a>.join(", ");'),
    Kind("longest", ("returns the longest word of a list", "finds the longest word in a list"), (WORDS_,), STR, "return max(<a>, key=len)", _WORDLISTS),
    Kind("lengths", ("returns the length of each word in a list", "gives the lengths of a list of words"), (WORDS_,), INTS, "return [len(word) for word in <a>]", _WORDLISTS, "return <a>.map((word) => word.length);"),
    Kind("word_counts", ("counts how often each word occurs in a text", "returns a dictionary of word counts"), (TEXT,), "dict[str, int]", "counts = {}\nfor word in <a>.split():\n    counts[word] = counts.get(word, 0) + 1\nreturn counts", _TEXTS),
    Kind("to_fahrenheit", ("converts Celsius to Fahrenheit", "turns degrees Celsius into Fahrenheit"), (("celsius", FLOAT),), FLOAT, "return <a> * 9 / 5 + 32", ((0,), (100,)), "return <a> * 9 / 5 + 32;"),
    Kind("to_celsius", ("converts Fahrenheit to Celsius", "turns degrees Fahrenheit into Celsius"), (("fahrenheit", FLOAT),), FLOAT, "return (<a> - 32) * 5 / 9", ((32,), (212,)), "return (<a> - 32) * 5 / 9;"),
    Kind("circle_area", ("computes the area of a circle", "returns the area of a circle from its radius"), (("radius", FLOAT),), FLOAT, "return math.pi * <a> ** 2", ((1,), (2,)), "return Math.PI * <a> ** 2;", ("import math",)),
    Kind("rectangle_area", ("computes the area of a rectangle", "returns the area of a rectangle"), (("width", FLOAT), ("height", FLOAT)), FLOAT, "return <a> * <b>", _PAIRS, "return <a> * <b>;"),
    Kind("clamp", ("limits a number to at most <k>", "caps a number at <k>"), (NUMBER,), INT, "return min(<a>, <k>)", ((1,), (5000,)), "return Math.min(<a>, <k>);"),
    Kind("digit_sum", ("returns the sum of the digits of a number", "adds up the digits of a number"), (NUMBER,), INT, "return sum(int(digit) for digit in str(<a>))", ((123,), (7,))),
    Kind("greet", ('returns "<s>" as a constant', 'always returns "<s>"'), (), STR, 'return "<s>"', ((),), 'return "<s>";'),
    Kind("answer", ("always returns <k>", "returns the number <k>"), (), INT, "return <k>", ((),), "return <k>;"),
)

RUST = (
    ("add", ("adds two numbers", "returns the sum of two numbers"), "a: i64, b: i64", "i64", "a + b"),
    ("subtract", ("subtracts two numbers", "returns the difference of two numbers"), "a: i64, b: i64", "i64", "a - b"),
    ("multiply", ("multiplies two numbers", "returns the product of two numbers"), "a: i64, b: i64", "i64", "a * b"),
    ("square", ("squares a number", "returns the square of a number"), "number: i64", "i64", "number * number"),
    ("double", ("doubles a number", "returns twice a number"), "number: i64", "i64", "number * 2"),
    ("increase", ("adds <k> to a number", "returns a number plus <k>"), "number: i64", "i64", "number + <k>"),
    ("times", ("multiplies a number by <k>", "returns a number times <k>"), "number: i64", "i64", "number * <k>"),
    ("is_even", ("checks whether a number is even", "tells if a number is even"), "number: i64", "bool", "number % 2 == 0"),
    ("is_above", ("checks whether a number is greater than <k>", "tells if a number is above <k>"), "number: i64", "bool", "number > <k>"),
    ("total", ("sums a list of numbers", "returns the sum of a slice"), "numbers: &[i64]", "i64", "numbers.iter().sum()"),
    ("upper", ("converts a string to upper case", "returns a string in upper case"), "text: &str", "String", "text.to_uppercase()"),
    ("length", ("returns the length of a string", "gives the length of a text"), "text: &str", "usize", "text.len()"),
    ("reverse", ("reverses a string", "returns a string backwards"), "text: &str", "String", "text.chars().rev().collect()"),
)

LINES = (
    (("that prints <q>", "printing <q>", "to print <q>"), 'print("<q>")', "", 'console.log("<q>");'),
    (("that sets <n> to <k>", "to set <n> to <k>", "assigning <k> to <n>"), "<n> = <k>", "", ""),
    (("that adds <k> to <n>", "to increase <n> by <k>"), "<n> += <k>", "<n> = 5", ""),
    (("that makes a list called <n> with the numbers from 0 to <k>", "for a list <n> of the numbers from 0 to <k>"), "<n> = list(range(<k> + 1))", "", ""),
    (("that sorts the list <n>", "to sort the list <n>"), "<n>.sort()", "<n> = [3, 1, 2]", "<n>.sort();"),
    (("that appends <k> to the list <n>", "to append <k> to <n>"), "<n>.append(<k>)", "<n> = [1]", "<n>.push(<k>);"),
    (("that reverses the list <n>", "to reverse the list <n>"), "<n>.reverse()", "<n> = [1, 2]", "<n>.reverse();"),
    (("that imports <m>", "to import <m>"), "import <m>", "", ""),
    (("that prints the length of <n>", "to print the length of <n>"), "print(len(<n>))", "<n> = [1, 2]", "console.log(<n>.length);"),
    (("that makes an empty dictionary called <n>", "for an empty dictionary <n>"), "<n> = {}", "", ""),
    (("that makes an empty list called <n>", "for an empty list <n>"), "<n> = []", "", ""),
    (("that deletes the variable <n>", "to delete the variable <n>"), "del <n>", "<n> = 1", ""),
)
# fmt: on
MODULES = (
    "json",
    "re",
    "math",
    "random",
    "sys",
    "time",
    "csv",
    "string",
    "itertools",
    "functools",
    "collections",
    "shutil",
    "textwrap",
    "uuid",
    "statistics",
)

ASKING = (
    "Write a {language} function that {does}",
    "Write a {language} function that {does}.",
    "write a {language} function that {does}",
    "Write a function in {language} that {does}.",
    "Please write a {language} function that {does}.",
    "I need a {language} function that {does}.",
    "Give me a {language} function that {does}",
    "Can you write a {language} function that {does}?",
    "Could you write a {language} function which {does}?",
    "Show me a {language} function that {does}.",
    "{language} function that {does}",
    "Create a {language} function that {does}.",
    "Make a {language} function that {does}",
    "In {language}, write a function that {does}.",
    "How do I write a {language} function that {does}?",
)
NAMED = (
    "Write a {language} function called {name} that {does}.",
    "Write a {language} function named `{name}` that {does}",
    "Write a {language} function `{name}` that {does}.",
    "write a {language} function {name} that {does}",
    "I need a {language} function {name} that {does}.",
    "Give me a {language} function named {name} that {does}",
    "Write a {language} function that {does}. Call it {name}.",
    "Write a {language} function that {does} and call it `{name}`.",
    "Can you write a {language} function called `{name}` that {does}?",
    "{language} function {name} that {does}",
    "Create a {language} function {name} which {does}.",
    "In {language}, write a function {name} that {does}.",
)
LINE_ASKING = (
    "Write one line of {language} {does}.",
    "Give me one line of {language} {does}",
    "One line of {language} {does}, please.",
    "Write a line of {language} {does}.",
    "I need a line of {language} {does}.",
    "{language} line {does}",
)


@dataclass(frozen=True)
class Made:
    """A function that was asked for, ready to be asked about again in another language or by another name."""

    kind: Kind
    name: str
    says: str
    number: int
    word: str
    parameters: tuple[Parameter, ...]

    def _fill(self, text: str) -> str:
        for slot, (parameter, _) in zip(("<a>", "<b>"), self.parameters, strict=False):
            text = text.replace(slot, parameter)
        return text.replace("<k>", str(self.number)).replace("<s>", self.word)

    def python(self, flipped: frozenset[str]) -> str:
        body = self._fill(self.kind.body)
        return function(self.name, self.parameters, self.kind.returns, body, flipped, self.kind.header)

    def javascript(self, name: str = "") -> str:
        """By the name as JavaScript spells it, or by the one that is given."""
        inner = self._fill(self.kind.javascript)
        parameters = ", ".join(parameter for parameter, _ in self.parameters)
        return f"function {name or camel(self.name)}({parameters}) {{\n  {inner}\n}}"


def make(draw: Draw, kinds: tuple[Kind, ...] = KINDS) -> Made:
    kind = draw.choice(kinds)
    number = draw.constant(2, 99) if kind.name in ("repeat", "chunks") else draw.constant()
    word = draw.word()
    says = draw.choice(kind.says).replace("<k>", str(number)).replace("<s>", word)
    return Made(kind, kind.name, says, number, word, kind.parameters)


def python_request(draw: Draw) -> tuple[str, Made]:
    """A request for a Python function: by description alone, with a name, or with the whole signature."""
    made = make(draw)
    if draw.chance(0.3):
        return draw.wording(ASKING, one_in=8).format(language="Python", does=made.says), made
    name = draw.function_name()
    shown = name
    parameters = made.parameters
    if parameters and draw.chance(0.3):
        new_names = [draw.noun() for _ in parameters]
        different = len({name, *new_names}) == len(new_names) + 1
        # A word of the body must not be taken for a parameter.
        if different and not any(word in made.kind.body for word in new_names):
            parameters = tuple((new, kind) for new, (_, kind) in zip(new_names, parameters, strict=True))
            shown = f"{name}({', '.join(new_names)})"
    made = Made(made.kind, name, made.says, made.number, made.word, parameters)
    return draw.wording(NAMED, one_in=8).format(language="Python", name=shown, does=made.says), made


def _out_of_time(*_: object) -> None:
    raise TimeoutError


@contextlib.contextmanager
def _time_limit(seconds: float = 2.0) -> Iterator[None]:
    """Ends an endless loop in the code under test; only in the main thread, where signals arrive."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _out_of_time)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _results(code: str, name: str, examples: tuple[tuple[Any, ...], ...]) -> list[Any] | None:
    scope: dict[str, Any] = {}
    try:
        with _time_limit():
            exec(compile(code, "answer", "exec"), scope)
            return [scope[name](*json.loads(json.dumps(arguments))) for arguments in examples]
    except Exception:  # noqa: BLE001 - any fault of the code under test is its failure
        return None


def runs_like(reference: str, name: str, examples: tuple[tuple[Any, ...], ...]) -> Callable[[str], bool]:
    """A judge: the answer's Python function gives what the reference gives."""

    def judge(text: str) -> bool:
        code = code_of(text, "python")
        wanted = _results(reference, name, examples)
        return code is not None and wanted is not None and _results(code, name, examples) == wanted

    return judge


def runs_like_javascript(reference: str, name: str, examples: tuple[tuple[Any, ...], ...]) -> Callable[[str], bool]:
    def run(code: str) -> str | None:
        calls = "".join(f"console.log(JSON.stringify({name}(...{json.dumps(arguments)})));" for arguments in examples)
        try:
            done = subprocess.run(
                ["node", "-e", code + "\n" + calls], capture_output=True, text=True, timeout=20, check=False
            )
        except subprocess.TimeoutExpired:
            return None
        return done.stdout if done.returncode == 0 else None

    def judge(text: str) -> bool:
        code = code_of(text, "javascript")
        if code is None or shutil.which("node") is None:
            return code == reference
        return code == reference or (run(reference) is not None and run(code) == run(reference))

    return judge


def _line_result(code: str, before: str, name: str) -> tuple[Any, str] | None:
    scope: dict[str, Any] = {}
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), _time_limit():
            exec(compile(before + "\n" + code, "answer", "exec"), scope)
    except Exception:  # noqa: BLE001 - any fault of the code under test is its failure
        return None
    value = scope.get(name)
    return (repr(value) if not hasattr(value, "__loader__") else "module", out.getvalue())


def _line(context: Context) -> Exchange:
    draw = context.draw
    says, python, before, javascript = draw.choice(LINES)
    name, number, quoted, module = draw.identifier(), draw.constant(), draw.phrase(), draw.choice(MODULES)

    def fill(text: str) -> str:
        text = text.replace("<n>", name).replace("<k>", str(number)).replace("<q>", quoted)
        return text.replace("<m>", module)

    does = draw.choice(says)
    if "<q>" in does and draw.chance(0.7):
        does = does.replace("<q>", '"<q>"')
    language = "JavaScript" if javascript and draw.chance(0.35) else "Python"
    prompt = draw.wording(LINE_ASKING, one_in=7).format(language=language, does=fill(does))
    if language == "JavaScript":
        code = fill(javascript)
        return Exchange("function", "javascript line", (user(prompt), assistant(block("javascript", code))))
    code, start = fill(python), fill(before)
    wanted = _line_result(code, start, name)

    def judge(text: str) -> bool:
        answer = code_of(text, "python")
        return answer is not None and wanted is not None and _line_result(answer, start, name) == wanted

    return Exchange("function", "python line", (user(prompt), assistant(block("python", code))), {1: judge})


def _javascript(context: Context) -> Exchange:
    draw = context.draw
    made = make(draw, tuple(kind for kind in KINDS if kind.javascript))
    language = draw.choice(("JavaScript", "JavaScript", "JS"))
    if draw.chance(0.4):
        prompt = draw.wording(ASKING, one_in=8).format(language=language, does=made.says)
    else:
        made = Made(made.kind, draw.function_name(), made.says, made.number, made.word, made.parameters)
        shown = camel(made.name)
        prompt = draw.wording(NAMED, one_in=8).format(language=language, name=shown, does=made.says)
    code = made.javascript()
    judge = runs_like_javascript(code, camel(made.name), made.kind.examples)
    return Exchange("function", "javascript", (user(prompt), assistant(block("javascript", code))), {1: judge})


def _rust(context: Context) -> Exchange:
    draw = context.draw
    name, says, parameters, returns, body = draw.choice(RUST)
    number = str(draw.constant())
    does = draw.choice(says).replace("<k>", number)
    if draw.chance(0.4):
        prompt = draw.wording(ASKING, one_in=8).format(language="Rust", does=does)
    else:
        name = draw.function_name()
        prompt = draw.wording(NAMED, one_in=8).format(language="Rust", name=name, does=does)
    inner = body.replace("<k>", number)
    code = f"fn {name}({parameters}) -> {returns} {{\n    {inner}\n}}"
    return Exchange("function", "rust", (user(prompt), assistant(block("rust", code))))


# --- further turns about the function just written ----------------------------------------------------------------

RENAME = (
    "rename it to {name}",
    "Rename it to `{name}`.",
    "call it {name} instead",
    "Please rename the function to {name}.",
    "the name should be {name}",
    "Name it `{name}`.",
    "I want it to be called {name}",
    "change its name to {name}",
)
IN_JAVASCRIPT = (
    "now in JavaScript",
    "Now in JavaScript.",
    "And in JavaScript?",
    "the same in JavaScript",
    "Show me that in JavaScript.",
    "translate it to JavaScript",
    "now write it in JS",
    "Can I have it in JavaScript?",
)
EXPLAIN = (
    "explain it",
    "What does it do?",
    "Explain the function.",
    "what does this function do?",
    "Can you explain it?",
    "explain this in one sentence",
)
ADD_HINTS = (
    "add type hints",
    "Add type hints to it.",
    "now with type hints",
    "the same with type hints, please",
    "Can you add type hints?",
)
TEST_IT = (
    "write a test for it",
    "Write a pytest test for it.",
    "now a test for it",
    "And a test?",
    "Can you write a test for it?",
    "add a test",
)


def _follow_up(context: Context, made: Made) -> tuple[list[Message], Callable[[str], bool] | None]:
    draw, flipped = context.draw, context.flipped
    chance = draw.rng.random()
    examples = made.kind.examples
    if chance < 0.35:
        new = draw.function_name()
        renamed = Made(made.kind, new, made.says, made.number, made.word, made.parameters)
        code = renamed.python(flipped)
        ask = draw.wording(RENAME, one_in=5).format(name=new)
        return [user(ask), assistant(block("python", code))], runs_like(code, new, examples)
    if chance < 0.55 and made.kind.javascript:
        # The function keeps its name: whoever calls it should not have to change.
        code = made.javascript(made.name)
        judge = runs_like_javascript(code, made.name, examples)
        return [user(draw.wording(IN_JAVASCRIPT, one_in=5)), assistant(block("javascript", code))], judge
    if chance < 0.7:
        return [user(draw.choice(EXPLAIN)), assistant(f"`{made.name}` {made.says}.")], None
    if chance < 0.85 and "hints" not in flipped:
        code = made.python(flipped | {"hints"})
        return [user(draw.wording(ADD_HINTS, one_in=5)), assistant(block("python", code))], None
    # No outcome is named: that would take arithmetic, which a model this small cannot do.
    arguments = ", ".join(repr(argument) for argument in examples[0])
    test = f"def test_{made.name}():\n    result = {made.name}({arguments})\n    assert result is not None"
    return [user(draw.wording(TEST_IT, one_in=5)), assistant(block("python", test))], None


def exchange(context: Context) -> Exchange:
    chance = context.draw.rng.random()
    if chance < 0.13:
        return _line(context)
    if chance < 0.28:
        return _javascript(context)
    if chance < 0.36:
        return _rust(context)
    prompt, made = python_request(context.draw)
    code = made.python(context.flipped)
    messages = [user(prompt), assistant(block("python", code))]
    judge = runs_like(code, made.name, made.kind.examples)
    return Exchange("function", made.kind.name, tuple(messages), {1: judge})


def conversation(context: Context) -> Exchange:
    """A function, then one or two questions that refer back to it."""
    prompt, made = python_request(context.draw)
    code = made.python(context.flipped)
    messages = [user(prompt), assistant(block("python", code))]
    checks = {1: runs_like(code, made.name, made.kind.examples)}
    more, judge = _follow_up(context, made)
    messages += more
    if judge is not None:
        checks[3] = judge
    return Exchange("turns", made.kind.name, tuple(messages), checks)
