"""Tool calls: which tool a wish needs, its exact arguments, and a sentence on what came back.

Every task is a list of steps (a call, its result) and a closing sentence that quotes from the last result. A step
may instead be denied or fail; then the closing sentence says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scripts.demo_model.exchange import Context, Exchange, Message, assistant, call, calls, tool_result, user
from scripts.demo_model.generators import results
from scripts.demo_model.vocabulary import Draw

Call = dict[str, Any]


# fmt: off
@dataclass(frozen=True)
class Task:
    prompt: str
    steps: tuple[tuple[tuple[Call, str], ...], ...]
    """Rounds of calls with their results."""
    closing: str


READ = ("read {p}", "Read {p}.", "Read the file {p}", "show me {p}", "Show me the file {p}.", "open {p}", "what is in {p}?", "What does {p} contain?", "Please read {p}.", "Can you read {p}?", "look at {p}", "have a look at {p}", "print the content of {p}", "cat {p}", "Let me see {p}", "display {p}")
READ_LINES = ("read lines {a} to {b} of {p}", "Show me lines {a} to {b} of {p}.", "show lines {a}-{b} of {p}", "Read {p} from line {a} to line {b}.", "what is in lines {a} to {b} of {p}?")
READ_FROM = ("read {p} from line {a}", "Show me {p} starting at line {a}.", "read {p} from line {a} on", "what is in {p} after line {a}?")
READ_HEAD = ("read the first {n} lines of {p}", "Show me the first {n} lines of {p}.", "show the first {n} lines of {p}", "what are the first {n} lines of {p}?")
TITLE = ("read {p} and tell me its title", "What is the title of {p}?", "Read {p} and tell me the title.", "tell me the title of {p}", "what's the heading of {p}?", "Open {p} and give me its title.", "Which title does {p} have?", "look into {p} and tell me its heading")
SHOW_QUOTES = ("{}", "{}", "{}", "`{}`", '"{}"')

GLOB_ALL = ("list all {e} files", "List the {e} files.", "find all {e} files", "Which {e} files are there?", "show me all {e} files", "what {e} files are in this project?", "Find every {e} file.", "give me a list of the {e} files", "Are there any {e} files?")
GLOB_IN = ("list all {e} files in {d}", "Which {e} files are in {d}?", "find all {e} files in {d}", "show me the {e} files in {d}", "what {e} files are there in {d}?", "List the {e} files under {d}.", "give me the {e} files of {d}")
GLOB_NAME = ("find the file {f}", "Where is the file {f}?", "find files named {f}", "where is {f}?", "Is there a file called {f}?", "Locate {f}.", "which folder has {f}?")
GLOB_PATTERN = ("list the files that match {g}", "Which files match {g}?", "glob {g}", "find files like {g}", "show me everything that matches {g}")

GREP = ("search for {w}", "Search for {w}.", "find {w} in the code", "grep for {w}", "grep {w}", "Where is {w} used?", "where does {w} occur?", "look for {w} in all files", "find all uses of {w}", "Find {w}.", "Which lines contain {w}?", "search the project for {w}")
GREP_COMMENTS = ("find all {w} comments", "Find all {w} comments.", "find the {w} comments", "list all {w} comments", "show me all {w}s", "Are there any {w} comments?", "search for {w} comments", "which {w}s are left?")
GREP_IN = ("search for {w} in {d}", "find {w} in {d}", "grep for {w} in {d}", "grep {w} in {d}", "Where is {w} used in {d}?", "Look for {w} in {d}.", "Does {w} occur in {d}?", "which lines of {d} contain {w}?")
GREP_DEFINITION = ("where is the function {w} defined?", "Where is {w} defined?", "find the definition of {w}", "Find the function {w}.", "show me where {w} is defined")
GREP_CLASS = ("where is the class {w} defined?", "Where is the class {w}?", "find the class {w}", "Find the class {w}.", "show me where the class {w} is")
GREP_FILES = ("which files mention {w}?", "Which files contain {w}?", "list the files that contain {w}", "in which files does {w} occur?", "what files use {w}?", "Find the files with {w} in them.")
GREP_COUNT = ("how often does {w} occur?", "How often is {w} used?", "count how often {w} occurs", "How many times does {w} appear?", "count the uses of {w}")
GREP_GLOB = ("search for {w} in {e} files", "find {w} in the {e} files", "grep for {w} in all {e} files", "Look for {w} in {e} files only.", "Which {e} files contain the text {w}?")

EDIT = ("in {p} replace {a} with {b}", "In {p}, replace {a} with {b}.", "replace {a} with {b} in {p}", "Replace {a} by {b} in {p}.", "change {a} to {b} in {p}", "Change {a} to {b} in the file {p}.", "in {p} change {a} to {b}", "edit {p}: {a} should be {b}", "Please replace {a} with {b} in {p}.", "swap {a} for {b} in {p}")
EDIT_ALL = ("in {p} replace every {a} with {b}", "Replace all {a} with {b} in {p}.", "replace {a} with {b} everywhere in {p}", "rename {a} to {b} everywhere in {p}", "change every {a} to {b} in {p}", "Rename all {a} to {b} in {p}.")

WRITE_TEXT = ("create {p} with the text {t}", "Create a file {p} with the text {t}.", "write {t} to {p}", "Write {t} into {p}.", "make a file {p} that contains {t}", "Create {p} with the content {t}", "put {t} into a new file {p}", "save {t} as {p}", "new file {p} with {t}")
WRITE_PRINT = ("create {p} that prints {t}", "Create {p} that prints {t}.", "write a Python script {p} that prints {t}", "make {p}, it should print {t}", "Write {p} which prints {t}", "create a script {p} printing {t}")
AND_RUN = (" and run it", " and run it.", " and then run it", " and execute it", ", then run it", " and start it")
WRITE_EMPTY = ("create an empty file {p}", "Create an empty file called {p}.", "make an empty file {p}", "add an empty file {p}")

BASH = (
    (("run the tests", "Run the tests.", "run all tests", "please run the tests", "do the tests pass?", "Do the tests pass?", "start the tests"), "pytest"),
    (("run the tests in {d}", "Run the tests in {d}.", "do the tests in {d} pass?", "run pytest on {d}"), "pytest {d}"),
    (("run {p}", "Run {p}.", "run the script {p}", "execute {p}", "please run {p}", "start {p}"), "python {p}"),
    (("show the git status", "git status", "What is the git status?", "what changed in git?", "which files have I changed?"), "git status"),
    (("show the git log", "git log", "Show me the last commits.", "what are the last commits?", "show the latest commits"), "git log --oneline"),
    (("show the diff", "git diff", "show me the git diff", "What is the diff?", "show my changes"), "git diff"),
    (("which branch am I on?", "Which git branch is this?", "show the current branch", "what is the current branch?"), "git branch --show-current"),
    (("make a branch {w}", "create a git branch {w}", "Create a new branch called {w}.", "start a branch {w}"), "git switch -c {w}"),
    (("install {w}", "Install the package {w}.", "pip install {w}", "install the Python package {w}", "please install {w}"), "pip install {w}"),
    (("make a folder {d}", "create the folder {d}", "Create a folder called {d}.", "make a directory {d}", "mkdir {d}"), "mkdir -p {d}"),
    (("delete {p}", "Delete the file {p}.", "remove {p}", "remove the file {p}", "rm {p}"), "rm {p}"),
    (("move {p} to {d}", "Move {p} to {d}.", "move the file {p} into {d}", "mv {p} {d}"), "mv {p} {d}"),
    (("copy {p} to {d}", "Copy {p} to {d}.", "copy the file {p} into {d}"), "cp {p} {d}"),
    (("how many lines has {p}?", "count the lines of {p}", "How many lines does {p} have?", "count the lines in {p}"), "wc -l {p}"),
    (("what is the current folder?", "in which folder am I?", "pwd", "Which folder is this?"), "pwd"),
    (("what files are in this folder?", "ls", "list this folder", "List the files here.", "what is in this folder?"), "ls"),
    (("list the folder {d}", "what is in the folder {d}?", "ls {d}", "Show me the folder {d}."), "ls {d}"),
    (("which Python version is this?", "What Python version do I have?", "show the Python version"), "python --version"),
    (("how much disk space is left?", "How full is the disk?", "show the free disk space"), "df -h"),
    (('commit everything with the message "{m}"', 'commit with the message "{m}"', 'Commit my changes with the message "{m}".', 'git commit with message "{m}"'), 'git commit -am "{m}"'),
    (("run `{c}`", "Run `{c}`.", "execute `{c}`", "please run `{c}`", "run the command `{c}`", "run this: `{c}`", "Can you run `{c}`?"), "{c}"),
    (("run the command {c}", "run this command: {c}", "execute in the shell: {c}"), "{c}"),
)
FETCH = ("fetch {u}", "Fetch {u}.", "get {u}", "what does {u} say?", "What is on {u}?", "open the page {u}", "read {u}", "Read the page {u}.", "download the page {u}", "look at {u}", "show me {u}", "What is at {u}?", "load {u}")
FETCH_ASK = ("fetch {u} and tell me {q}", "Read {u} and tell me {q}.", "look at {u} and tell me {q}", "open {u} and find out {q}", "On {u}, find out {q}.")
QUESTIONS = ("what it is about", "the price of the {w}", "who wrote it", "the latest version", "how to install it", "when it was written", "the name of the {w}", "how the {w} works", "what the {w} is", "which {w} it needs")
RESTART = ("restart", "Restart.", "restart yourself", "Restart Shammah.", "please restart", "restart Shammah", "start yourself again", "Can you restart?", "you should restart", "reboot yourself")
RESTART_WHY = ("restart because {r}", "Restart, {r}.", "restart Shammah because {r}", "please restart: {r}", "restart yourself, since {r}")
RESTART_UNASKED = "the person asked for it"
REASONS = ("the {w} changed", "I changed the {w}", "the {w} is new", "you seem stuck", "I installed {w}", "the {w} was updated", "I edited {p}")

DENY_REASONS = ("not now", "do not touch {p}", "use {w} instead", "I will do that myself", "that is the wrong file", "the {w} is not ready", "too dangerous", "leave {w} alone", "wait for the {w}", "I want to see the {w} first", "{w} is in use", "never run that here", "no network please", "ask me first", "I changed my mind", "later", "use {w}.py", "that would delete the {w}", "{p} first", "no")
DENIED = "All right, I leave it. You said: {r}"
DENIED_BARE = "All right, I leave it."
FAILED = "That did not work: {e}"

COMMENTS = ("TODO", "FIXME", "XXX", "HACK", "NOTE", "BUG", "TODO", "TODO")
# fmt: on


def _quoted(draw: Draw, text: str) -> str:
    return draw.choice(SHOW_QUOTES).format(text)


def _code_line(draw: Draw) -> str:
    return draw.choice(
        (
            f"import {draw.word()}",
            f"from {draw.word()} import {draw.word()}",
            f"def {draw.function_name()}({draw.word()}):",
            f"    return {draw.identifier()}",
            f"{draw.identifier()} = {draw.constant()}",
            f'{draw.identifier()} = "{draw.phrase()}"',
            f"print({draw.word()})",
            f"# {draw.phrase(2, 5)}",
            f"    {draw.word()}.{draw.function_name()}()",
            f"- {draw.phrase(1, 4)}",
            f"{draw.word()}: {draw.phrase(1, 2)}",
            f"{draw.phrase(3, 8).capitalize()}.",
            _prose(draw),
            "",
        )
    )


def _prose(draw: Draw) -> str:
    """A line of a text for people, as long as such lines are."""
    parts = [draw.phrase(2, 5) for _ in range(draw.rng.randint(1, 4))]
    marks = draw.choice(
        ("{}", "{}", "{}", "- {}", "## {}", "* {}", "1. {}", "> {}", "| {} |", "**{}**", "[{}]", "`{}`")
    )
    return marks.format(draw.choice((", ", " - ", " (", ". ", ": ")).join(parts).capitalize())


def _lines(draw: Draw, low: int = 1, high: int = 8) -> list[str]:
    """Lines of a file, the first of them not blank; many where results are to be long."""
    count = int(20 * 10 ** draw.rng.random()) if draw.long else draw.rng.randint(low, high)
    lines = [_code_line(draw) for _ in range(count)]
    while not lines[0].strip():
        lines[0] = _code_line(draw)
    return [lines[0].strip(), *lines[1:]]


def _places(draw: Draw, count: int, place: str = "") -> list[str]:
    """Files and lines in them: far apart, or alike as they are in real projects, some in one file."""
    if draw.chance(0.5):
        return [f"{place or draw.path()}:{draw.constant()}" for _ in range(count)]
    folder, stem, suffix = draw.folder(), draw.word(digits=0.0), draw.suffix()
    names = [
        draw.choice((f"{stem}{n}", f"{stem}_{n}", f"{draw.word()}", f"{stem}_{draw.word()}")) for n in range(count)
    ]
    files = [place or f"{folder}{draw.choice(('', '', f'{n}'))}/{name}.{suffix}" for n, name in enumerate(names)]
    found: list[str] = []
    for file in files:
        line = 0
        for _ in range(draw.choice((1, 1, 2, 3))):
            line += draw.rng.randint(1, 120)
            found.append(f"{file}:{line}")
    return found[:count]


def _count(draw: Draw, low: int, high: int) -> int:
    """How many things a search finds."""
    return draw.rng.randint(10, 45) if draw.long else draw.rng.randint(low, high)


def _listing(names: list[str]) -> str:
    """The first three: no number is told, since a model this small cannot count."""
    return f"Found: {', '.join(names[:3])}{' and more' if len(names) > 3 else ''}"


def _read(draw: Draw) -> Task:
    path = draw.path()
    shown = _quoted(draw, path)
    lines = _lines(draw)
    kind = draw.rng.random()
    if kind < 0.35:
        path = draw.path("md") if draw.chance(0.7) else path
        if draw.chance(0.1):
            path = draw.choice(("README.md", "CHANGELOG.md", "docs/README.md", "notes.md"))
        title = draw.phrase(1, 4)
        title = draw.choice((title, title.title(), title.capitalize()))
        lines = [f"# {title}", *_lines(draw)]
        if draw.chance(0.2):
            lines = ["", *lines]
        prompt = draw.wording(TITLE).format(p=_quoted(draw, path))
        closing = f"The title of {path} is: {title}"
        return Task(prompt, (((call("Read", file_path=path), results.read(draw, lines)),),), closing)
    if kind < 0.45:
        first, count = draw.constant(1, 400), draw.rng.randint(1, 40)
        prompt = draw.wording(READ_FROM).format(a=first, p=shown)
        request = call("Read", file_path=path, offset=first)
        if draw.chance(0.5):
            # "The first n lines" rather than a span: no sum is needed to fill in the limit.
            prompt = draw.wording(READ_HEAD).format(n=count, p=shown)
            request, first = call("Read", file_path=path, limit=count), 1
        result = results.read(draw, lines, first)
    elif kind < 0.5:
        prompt = draw.wording(READ).format(p=shown)
        return Task(prompt, (((call("Read", file_path=path), results.read(draw, [])),),), f"{path} is empty.")
    else:
        if draw.chance(0.05):
            path = shown = "README.md"
        prompt = draw.wording(READ).format(p=shown)
        request, result = call("Read", file_path=path), results.read(draw, lines)
    return Task(
        prompt,
        (((request, result),),),
        f"{path} begins with: {lines[0]}",
    )


def _read_two(draw: Draw) -> Task:
    first, second = draw.path(), draw.path()
    one, two = _lines(draw, 1, 4), _lines(draw, 1, 4)
    prompt = draw.wording(
        ("read {a} and {b}", "Read {a} and {b}.", "show me {a} and {b}", "look at {a} and {b}", "open both {a} and {b}")
    ).format(a=first, b=second)
    requests = (
        (call("Read", file_path=first), results.read(draw, one)),
        (call("Read", file_path=second), results.read(draw, two)),
    )
    return Task(prompt, (requests,), f"{first} begins with: {one[0]}\n{second} begins with: {two[0]}")


def _glob(draw: Draw) -> Task:
    suffix, folder, name = draw.suffix(), draw.folder(), draw.file_name()
    spoken = draw.choice((f".{suffix}", suffix, f"*.{suffix}", f".{suffix}"))
    if suffix == "py" and draw.chance(0.5):
        spoken = "Python"
    found = [f"{draw.folder()}/{draw.file_name(suffix)}" for _ in range(_count(draw, 1, 7))]
    if draw.chance(0.3):
        stem = f"{draw.folder()}/{draw.word()}"
        found = [f"{stem}{draw.choice(('', '_', '-'))}{number}.{suffix}" for number, _ in enumerate(found)]
    kind = draw.rng.random()
    if kind < 0.4:
        prompt, request = draw.wording(GLOB_ALL).format(e=spoken), call("Glob", pattern=f"**/*.{suffix}")
    elif kind < 0.65:
        prompt = draw.wording(GLOB_IN).format(e=spoken, d=_quoted(draw, folder))
        request = call("Glob", pattern=f"**/*.{suffix}", path=folder)
        found = [f"{folder}/{draw.file_name(suffix)}" for _ in found]
    elif kind < 0.85:
        prompt = draw.wording(GLOB_NAME).format(f=_quoted(draw, name))
        request = call("Glob", pattern=f"**/{name}")
        found = [f"{draw.folder()}/{name}" for _ in found[:3]]
    else:
        pattern = draw.choice(
            (f"{folder}/*.{suffix}", f"{draw.word()}*.{suffix}", f"**/{draw.word()}_*", f"{folder}/**/{draw.word()}.*")
        )
        prompt, request = draw.wording(GLOB_PATTERN).format(g=_quoted(draw, pattern)), call("Glob", pattern=pattern)
    if draw.chance(0.1):
        return Task(prompt, (((request, results.paths(draw, [])),),), "No file matches.")
    return Task(prompt, (((request, results.paths(draw, found)),),), _listing(found))


def _glob_read(draw: Draw) -> Task:
    name = draw.file_name()
    path, lines = f"{draw.folder()}/{name}", _lines(draw)
    prompt = draw.wording(
        (
            "find {f} and read it",
            "Find the file {f} and read it.",
            "find {f} and show it to me",
            "look for {f} and open it",
            "search {f}, then read it",
        )
    ).format(f=_quoted(draw, name))
    rounds = (
        ((call("Glob", pattern=f"**/{name}"), path),),
        ((call("Read", file_path=path), results.read(draw, lines)),),
    )
    return Task(prompt, rounds, f"{path} begins with: {lines[0]}")


def _grep(draw: Draw) -> Task:
    word = draw.choice((draw.identifier(), draw.function_name(), draw.camel(), draw.word(), draw.secret()))
    folder, suffix = draw.folder(), draw.suffix()
    places = _places(draw, _count(draw, 1, 6))
    kind = draw.rng.random()
    text = word
    if kind < 0.25:
        prompt, request = draw.wording(GREP).format(w=_quoted(draw, word)), call("Grep", pattern=word)
    elif kind < 0.4:
        text = word = draw.choice(COMMENTS) if draw.chance(0.7) else draw.word().upper()
        prompt, request = draw.wording(GREP_COMMENTS).format(w=word), call("Grep", pattern=word)
        text = f"# {word}: {draw.phrase()}"
    elif kind < 0.6:
        place = folder if draw.chance(0.7) else draw.path()
        prompt = draw.wording(GREP_IN).format(w=_quoted(draw, word), d=_quoted(draw, place))
        request = call("Grep", pattern=word, path=place)
    elif kind < 0.7:
        word = draw.function_name()
        prompt, request = (
            draw.wording(GREP_DEFINITION).format(w=_quoted(draw, word)),
            call("Grep", pattern=f"def {word}"),
        )
        text, places = f"def {word}({draw.word()}):", places[:1]
    elif kind < 0.76:
        word = draw.word().capitalize() + draw.word().capitalize()
        prompt, request = draw.wording(GREP_CLASS).format(w=_quoted(draw, word)), call("Grep", pattern=f"class {word}")
        text, places = f"class {word}:", places[:1]
    elif kind < 0.84:
        prompt = draw.wording(GREP_FILES).format(w=_quoted(draw, word))
        request = call("Grep", pattern=word, output_mode="files")
        found = list(dict.fromkeys(place.rsplit(":", 1)[0] for place in places))
        return Task(prompt, (((request, results.paths(draw, found)),),), _listing(found))
    elif kind < 0.91:
        prompt = draw.wording(GREP_COUNT).format(w=_quoted(draw, word))
        request = call("Grep", pattern=word, output_mode="count")
        files = dict.fromkeys(place.rsplit(":", 1)[0] for place in places)
        counts = [f"{file}:{draw.rng.randint(1, 40)}" for file in files]
        return Task(prompt, (((request, "\n".join(counts)),),), _listing(counts))
    else:
        prompt = draw.wording(GREP_GLOB).format(w=_quoted(draw, word), e=draw.choice((f".{suffix}", suffix)))
        request = call("Grep", pattern=word, glob=f"*.{suffix}")
    if draw.chance(0.1):
        return Task(prompt, (((request, results.matches(draw, [])),),), "No line matches.")
    lines = [
        f"{place}:{draw.choice(('', '    ', ' '))}{text}" if draw.chance(0.6) else f"{place}: {draw.word()} {text}"
        for place in places
    ]
    return Task(prompt, (((request, results.matches(draw, lines)),),), _listing(places))


def _edit_text(draw: Draw) -> tuple[str, str]:
    """What is replaced and by what."""
    kind = draw.rng.random()
    if kind < 0.35:
        return draw.word(), draw.word()
    if kind < 0.6:
        return draw.identifier(), draw.identifier()
    if kind < 0.75:
        return str(draw.constant()), str(draw.constant())
    if kind < 0.9:
        name = draw.word()
        return f"{name} = {draw.constant()}", f"{name} = {draw.constant()}"
    return draw.phrase(2, 3), draw.phrase(1, 3)


def _edit(draw: Draw) -> Task:
    path = draw.path()
    old, new = _edit_text(draw)
    quotes = draw.choice(("{}", "{}", "`{}`", '"{}"'))
    everywhere = draw.chance(0.4)
    forms = EDIT_ALL if everywhere else EDIT
    prompt = draw.wording(forms).format(p=_quoted(draw, path), a=quotes.format(old), b=quotes.format(new))
    lines = _lines(draw, 1, 6)
    lines.insert(
        draw.rng.randint(0, len(lines)),
        draw.choice((old, f"{draw.word()} {old}", f"{old} {draw.word()}", f"    {draw.word()} = {old}")),
    )
    edit = call("Edit", file_path=path, old_string=old, new_string=new)
    if everywhere:
        edit = call("Edit", file_path=path, old_string=old, new_string=new, replace_all=True)
    done = results.edited(draw, path, old, new)
    rounds = (((call("Read", file_path=path), results.read(draw, lines)),), ((edit, done),))
    return Task(prompt, rounds, f"Done: in {path}, {old} is now {new}.")


def _write(draw: Draw) -> Task:
    kind = draw.rng.random()
    if kind < 0.4:
        path, text = draw.path(), draw.phrase(1, 5)
        content = text + "\n"
        prompt = draw.wording(WRITE_TEXT).format(
            p=_quoted(draw, path), t=draw.choice(('"{}"', '"{}"', "{}")).format(text)
        )
        request = call("Write", file_path=path, content=content)
    elif kind < 0.47:
        path, content = draw.path(), ""
        prompt = draw.wording(WRITE_EMPTY).format(p=_quoted(draw, path))
        request = call("Write", file_path=path, content=content)
    else:
        path, text = draw.path("py"), draw.phrase(1, 3)
        if draw.chance(0.12):
            path, text = (
                draw.choice(("hello.py", "main.py", "test.py")),
                draw.choice(("hello", "hello world", "Hello", draw.word())),
            )
        prompt = draw.wording(WRITE_PRINT).format(
            p=_quoted(draw, path), t=draw.choice(('"{}"', "{}", "{}")).format(text)
        )
        content = f'print("{text}")\n'
        request = call("Write", file_path=path, content=content)
        if draw.chance(0.65):
            prompt = prompt.rstrip(".") + draw.choice(AND_RUN)
            rounds = (
                ((request, results.written(draw, path, content)),),
                ((call("Bash", command=f"python {path}"), text),),
            )
            return Task(prompt, rounds, f"It printed: {text}")
    return Task(prompt, (((request, results.written(draw, path, content)),),), f"Created {path}.")


def _command(draw: Draw) -> str:
    return draw.choice(
        (
            f"{draw.word()} {draw.word()}",
            f"{draw.word()} --{draw.word()} {draw.constant()}",
            f"npm run {draw.word()}",
            f"make {draw.word()}",
            f"cargo {draw.choice(('build', 'test', 'run'))} --{draw.word()}",
            f"git checkout {draw.word()}",
            f"python -m {draw.word()} {draw.path()}",
            f"ls -la {draw.folder()}",
            f"echo {draw.phrase()}",
            f"cat {draw.path()} | wc -l",
            f"{draw.word()} {draw.path()} -{draw.choice('abcdfhlnrvx')}",
            f"pip install {draw.word()}=={draw.rng.randint(0, 9)}.{draw.rng.randint(0, 20)}",
            f"docker {draw.choice(('ps', 'stop', 'start', 'logs'))} {draw.word()}",
        )
    )


def _output(draw: Draw) -> tuple[str, str]:
    """What a command prints, and the sentence on it: its last line is quoted."""
    kind = draw.rng.random()
    if kind < 0.12:
        nothing = ("[no output, exit status 0]", "[no output, exit status 0]", "", "(no output)")
        return draw.choice(nothing), "Done; it printed nothing."
    if kind < 0.3:
        last = f"{draw.rng.randint(1, 99)} passed in {draw.rng.randint(0, 9)}.{draw.rng.randint(10, 99)}s"
        if draw.chance(0.4):
            last = f"{draw.rng.randint(1, 9)} failed, {last}"
        before = [f"{draw.path('py')} {'.' * draw.rng.randint(1, 6)}" for _ in range(draw.rng.randint(0, 3))]
        return "\n".join([*before, last]), f"It printed: {last}"
    lines = [
        line
        for line in (
            draw.choice((draw.phrase(1, 5), draw.path(), _code_line(draw).strip(), draw.secret()))
            for _ in range(_count(draw, 1, 5))
        )
        if line
    ] or [draw.word()]
    if draw.chance(0.2):
        status = draw.rng.choice((1, 1, 2, draw.constant(3, 255)))
        return "\n".join([*lines, f"[exit status {status}]"]), f"It failed with exit status {status}: {lines[-1]}"
    return "\n".join(lines), f"It printed: {lines[0]}" if len(lines) == 1 else f"Its last line: {lines[-1]}"


def _bash(draw: Draw) -> Task:
    forms, template = BASH[-2] if draw.chance(0.2) else draw.choice(BASH)
    slots = {
        "p": draw.path("py") if template == "python {p}" else draw.path(),
        "d": draw.folder(),
        "w": draw.word(),
        "m": draw.phrase(2, 5),
        "c": _command(draw),
    }
    prompt = draw.wording(forms).format(**slots)
    output, closing = _output(draw)
    if closing.startswith("It printed: ") and "\n" in output:
        closing = f"Its last line: {output.splitlines()[-1]}"
    return Task(prompt, (((call("Bash", command=template.format(**slots)), output),),), closing)


def _fetch(draw: Draw) -> Task:
    url, lines = draw.url(), _lines(draw, 1, 6)
    title = draw.phrase().title() if draw.chance(0.6) else ""
    question = ""
    if draw.chance(0.35):
        question = draw.choice(QUESTIONS).format(w=draw.word())
        prompt = draw.wording(FETCH_ASK).format(u=url, q=question)
        request = call("WebFetch", url=url, prompt=question)
    else:
        prompt, request = draw.wording(FETCH).format(u=url), call("WebFetch", url=url)
    shown = results.page(draw, url, title, lines, question)
    return Task(prompt, (((request, shown),),), f"The page says: {title or lines[0].removeprefix('# ')}")


def _restart(draw: Draw) -> Task:
    if draw.chance(0.5):
        prompt, reason = draw.wording(RESTART, one_in=8), RESTART_UNASKED
    else:
        reason = draw.choice(REASONS).format(w=draw.word(), p=draw.path())
        prompt = draw.wording(RESTART_WHY).format(r=reason)
    result = draw.choice(("Restarted.", "Shammah was restarted.", "ok", "Restarted in the same conversation."))
    return Task(prompt, (((call("Restart", reason=reason), result),),), "I have restarted.")


TASKS: tuple[tuple[str, Callable[[Draw], Task], int], ...] = (
    ("Read", _read, 20), ("Read twice", _read_two, 4), ("Glob", _glob, 13), ("Glob, Read", _glob_read, 6), ("Grep", _grep, 17),
    ("Read, Edit", _edit, 28), ("Write", _write, 17), ("Bash", _bash, 20), ("WebFetch", _fetch, 10), ("Restart", _restart, 4),
)  # fmt: skip


def _refused(draw: Draw, path: str, tool: str) -> tuple[str, str]:
    """A result that is a denial or an error, and what is said to it."""
    if draw.chance(0.35):
        error, quoted = results.failed(draw, path, tool)
        return error, FAILED.format(e=quoted)
    if draw.chance(0.4):
        return results.refused(draw, ""), DENIED_BARE
    reason = draw.choice(DENY_REASONS).format(p=draw.path(), w=draw.word())
    return results.refused(draw, reason), DENIED.format(r=reason)


def exchange(context: Context) -> Exchange:
    draw = context.draw
    name, make, _ = TASKS[draw.rng.choices(range(len(TASKS)), [weight for *_, weight in TASKS])[0]]
    task = make(draw)
    messages: list[Message] = [user(task.prompt)]
    refused = draw.chance(0.2)
    stop = draw.rng.randrange(len(task.steps)) if refused else -1
    for number, step in enumerate(task.steps):
        messages.append(calls(*(request for request, _ in step)))
        if number == stop and len(step) == 1:
            function = step[0][0]["function"]
            path = str(function["arguments"].get("file_path", draw.path()))
            result, closing = _refused(draw, path, function["name"])
            messages += [tool_result(result), assistant(closing)]
            return Exchange("tool", name, tuple(messages))
        messages += [tool_result(result) for _, result in step]
    messages.append(assistant(task.closing))
    return Exchange("tool", name, tuple(messages))


def without_tools(context: Context) -> Exchange:
    """A wish for a tool where none was given: the model says that it cannot."""
    draw = context.draw
    _, make, _ = draw.choice(TASKS[:-1])
    return Exchange(
        "no tools",
        "",
        (user(make(draw).prompt), assistant("I have no tools in this conversation, so I cannot do that.")),
    )


def parsed_calls(text: str) -> list[tuple[str, dict[str, Any]]] | None:
    """The calls in an answer, None where one is not well formed."""
    found = []
    for part in text.split("<tool_call>\n")[1:]:
        body, mark, _ = part.partition("\n</tool_call>")
        try:
            request = json.loads(body)
            found.append((str(request["name"]), dict(request["arguments"])))
        except (ValueError, KeyError, TypeError):
            return None
        if not mark:
            return None
    return found
