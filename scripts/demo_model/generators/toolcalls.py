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
from scripts.demo_model.vocabulary import COMMON_WORDS, FOREIGN_WORDS, SMALL_WORDS, Draw

Call = dict[str, Any]


# fmt: off
@dataclass(frozen=True)
class Task:
    prompt: str
    steps: tuple[tuple[tuple[Call, str], ...], ...]
    """Rounds of calls with their results."""
    closing: str


READ = ("read {p}", "Read {p}.", "Read the file {p}", "show me {p}", "Show me the file {p}.", "open {p}", "what is in {p}?", "What does {p} contain?", "Please read {p}.", "Can you read {p}?", "look at {p}", "have a look at {p}", "print the content of {p}", "cat {p}", "Let me see {p}", "display {p}", "view {p}", "view the file {p}", "I want to see {p}", "I would like to read {p}", "get me {p}", "open the file {p}", "Open the file {p} please", "tell me what is in {p}", "what's in {p}", "show {p}", "go through {p}", "can you show me {p}?", "check {p}", "read through {p}", "give me the contents of {p}", "what does the file {p} say?", "take a look at {p}")
READ_LINES = ("read lines {a} to {b} of {p}", "Show me lines {a} to {b} of {p}.", "show lines {a}-{b} of {p}", "Read {p} from line {a} to line {b}.", "what is in lines {a} to {b} of {p}?", "lines {a} to {b} of {p} please", "give me lines {a} to {b} of {p}", "print lines {a} to {b} of {p}", "display lines {a}-{b} of {p}", "look at lines {a} to {b} in {p}", "I want to see lines {a} to {b} of {p}")
READ_FROM = ("read {p} from line {a}", "Show me {p} starting at line {a}.", "read {p} from line {a} on", "what is in {p} after line {a}?", "show {p} from line {a} on", "print {p} from line {a}", "what does {p} say from line {a} on?", "look at {p} from line {a} onwards", "go on reading {p} at line {a}")
READ_HEAD = ("read the first {n} lines of {p}", "Show me the first {n} lines of {p}.", "show the first {n} lines of {p}", "what are the first {n} lines of {p}?", "print the first {n} lines of {p}", "give me the first {n} lines of {p}", "I want to see the first {n} lines of {p}", "look at the first {n} lines of {p}", "the first {n} lines of {p} please")
TITLE = ("read {p} and tell me its title", "What is the title of {p}?", "Read {p} and tell me the title.", "tell me the title of {p}", "what's the heading of {p}?", "Open {p} and give me its title.", "Which title does {p} have?", "look into {p} and tell me its heading", "what is {p} called at the top?", "read {p} and say its title", "read {p} and give me the title", "please read {p} and tell me its title", "Tell me the title of {p}.", "what title does {p} have?", "find out the title of {p}", "open {p} and tell me the title", "What is the heading of {p}?", "can you read {p} and tell me its title?", "show me the title of {p}", "look at {p}: what is its title?")
SHOW_QUOTES = ("{}", "{}", "{}", "`{}`", '"{}"')

GLOB_ALL = ("list all {e} files", "List the {e} files.", "find all {e} files", "Which {e} files are there?", "show me all {e} files", "what {e} files are in this project?", "Find every {e} file.", "give me a list of the {e} files", "Are there any {e} files?", "search all {e} files of this project", "which {e} files do we have?", "Show every {e} file.", "list every {e} file here", "I need a list of all {e} files", "are there {e} files here?", "where are the {e} files?", "get all {e} files", "look for {e} files", "find {e} files")
GLOB_IN = ("list all {e} files in {d}", "Which {e} files are in {d}?", "find all {e} files in {d}", "show me the {e} files in {d}", "what {e} files are there in {d}?", "List the {e} files under {d}.", "give me the {e} files of {d}", "look for {e} files in {d}", "find {e} files in {d}", "show every {e} file in {d}", "are there {e} files in {d}?", "list {e} files below {d}", "which {e} files does {d} have?", "get all {e} files from {d}", "search {d} for {e} files")
GLOB_NAME = ("find the file {f}", "Where is the file {f}?", "find files named {f}", "where is {f}?", "Is there a file called {f}?", "Locate {f}.", "which folder has {f}?", "look for the file {f}", "search for the file {f}", "where can I find {f}?", "in which folder is {f}?", "find {f} for me", "find a file named {f}", "does {f} exist?", "do we have a file {f}?", "find out where {f} is")
GLOB_PATTERN = ("list the files that match {g}", "Which files match {g}?", "glob {g}", "find files like {g}", "show me everything that matches {g}", "list everything like {g}", "find {g}", "show the files matching {g}", "find all files that match {g}", "look for files matching {g}", "which files are like {g}?", "are there files that match {g}?")

GREP = ("search for {w}", "Search for {w}.", "find {w} in the code", "grep for {w}", "grep {w}", "Where is {w} used?", "where does {w} occur?", "look for {w} in all files", "find all uses of {w}", "Find {w}.", "Which lines contain {w}?", "search the project for {w}", "search all files for {w}", "search the code for {w}", "search for the text {w}", "where do we use {w}?", "Where does {w} appear?", "which lines have {w}?", "show me all lines with {w}", "find every place with {w}", "look for {w}", "look for {w} everywhere", "find where {w} is used", "show me where {w} is used", "who uses {w}?", "find the text {w}")
GREP_COMMENTS = ("find all {w} comments", "Find all {w} comments.", "find the {w} comments", "list all {w} comments", "show me all {w}s", "Are there any {w} comments?", "search for {w} comments", "which {w}s are left?", "show the {w} comments", "are any {w}s left?", "which {w} comments are there?", "where are the {w} comments?", "look for {w} comments", "list every {w} comment", "what {w}s are left in the code?", "find every {w}", "give me all {w} comments", "get the {w} comments", "find all {w}s", "are there {w}s in the code?")
GREP_IN = ("search for {w} in {d}", "find {w} in {d}", "grep for {w} in {d}", "grep {w} in {d}", "Where is {w} used in {d}?", "Look for {w} in {d}.", "Does {w} occur in {d}?", "which lines of {d} contain {w}?", "search {d} for {w}", "look in {d} for {w}", "search for the text {w} in {d}", "find every {w} in {d}", "show me the lines of {d} with {w}", "Where does {w} occur in {d}?", "is {w} used in {d}?", "does {d} contain {w}?", "find all uses of {w} in {d}", "look through {d} for {w}")
GREP_DEFINITION = ("where is the function {w} defined?", "Where is {w} defined?", "find the definition of {w}", "Find the function {w}.", "show me where {w} is defined", "where do we define {w}?", "in which file is the function {w}?", "find out where {w} is defined", "show me the definition of {w}", "look for the definition of {w}", "where is the definition of {w}?", "where is the function {w}?", "locate the function {w}", "search for the function {w}")
GREP_CLASS = ("where is the class {w} defined?", "Where is the class {w}?", "find the class {w}", "Find the class {w}.", "show me where the class {w} is", "find the definition of the class {w}", "in which file is the class {w}?", "where do we define the class {w}?", "look for the class {w}", "show me the class {w}", "locate the class {w}", "search for the class {w}", "find where the class {w} is defined", "Where is the class {w} defined?")
GREP_FILES = ("which files mention {w}?", "Which files contain {w}?", "list the files that contain {w}", "in which files does {w} occur?", "what files use {w}?", "Find the files with {w} in them.", "which files have {w} in them?", "which files use {w}?", "show me the files that use {w}", "In which files is {w} used?", "list all files with {w}", "name the files that contain {w}", "find all files that mention {w}", "which of the files contain {w}?", "give me the files with {w} in them")
GREP_COUNT = ("how often does {w} occur?", "How often is {w} used?", "count how often {w} occurs", "How many times does {w} appear?", "count the uses of {w}", "how many times is {w} used?", "How often does {w} appear?", "count {w}", "how many uses of {w} are there?", "count all uses of {w}", "how many times does {w} occur in each file?", "tell me how often {w} is used")
GREP_GLOB = ("search for {w} in {e} files", "find {w} in the {e} files", "grep for {w} in all {e} files", "Look for {w} in {e} files only.", "Which {e} files contain the text {w}?", "search all {e} files for {w}", "look for {w} in the {e} files", "where is {w} used in {e} files?", "find {w}, but only in {e} files", "grep {w} in {e} files", "does {w} occur in the {e} files?", "search the {e} files for {w}")

EDIT = ("in {p} replace {a} with {b}", "In {p}, replace {a} with {b}.", "replace {a} with {b} in {p}", "Replace {a} by {b} in {p}.", "change {a} to {b} in {p}", "Change {a} to {b} in the file {p}.", "in {p} change {a} to {b}", "edit {p}: {a} should be {b}", "Please replace {a} with {b} in {p}.", "swap {a} for {b} in {p}", "{p}: replace {a} with {b}", "{p}: change {a} to {b}", "in the file {p} replace {a} with {b}", "in the file {p}, change {a} to {b}", "make {a} to {b} in {p}", "turn {a} into {b} in {p}", "in {p} turn {a} into {b}", "substitute {a} by {b} in {p}", "in {p}, {a} should be {b}", "edit {p} and replace {a} with {b}", "open {p} and change {a} to {b}", "fix {p}: {a} must be {b}", "please change {a} to {b} in {p}", "update {p}: {a} becomes {b}", "read {p} and replace {a} with {b}")
EDIT_ALL = ("in {p} replace every {a} with {b}", "Replace all {a} with {b} in {p}.", "replace {a} with {b} everywhere in {p}", "rename {a} to {b} everywhere in {p}", "change every {a} to {b} in {p}", "Rename all {a} to {b} in {p}.", "replace every {a} in {p} with {b}", "replace every {a} by {b} in {p}", "replace all {a} by {b} in {p}", "change all {a} to {b} in {p}", "change {a} to {b} everywhere in {p}", "in {p}, rename {a} to {b} everywhere", "in {p} replace all {a} with {b}", "rename every {a} to {b} in {p}", "{p}: replace every {a} with {b}", "in {p}, replace {a} with {b} everywhere", "everywhere in {p} change {a} to {b}", "turn every {a} into {b} in {p}", "Please replace all {a} with {b} in {p}.", "rename {a} to {b} in {p}", "Rename {a} to {b} in {p}.", "rename {a} in {p} to {b}", "in {p} rename {a} to {b}", "{p}: rename {a} to {b}")

WRITE_TEXT = ("create {p} with the text {t}", "Create a file {p} with the text {t}.", "write {t} to {p}", "Write {t} into {p}.", "make a file {p} that contains {t}", "Create {p} with the content {t}", "put {t} into a new file {p}", "save {t} as {p}", "new file {p} with {t}", "create a new file {p} with {t} in it", "create the file {p} with the text {t}", "make {p} with the text {t}", "make a new file {p} with the content {t}", "write the text {t} to {p}", "write the line {t} into {p}", "store {t} in {p}", "store the text {t} in the file {p}", "save {t} in {p}", "save the text {t} to {p}", "put the text {t} into {p}", "put {t} in {p}", "add a file {p} that says {t}", "I need a file {p} with the text {t}", "create {p}, it should contain {t}", "{p} should contain {t}: create it", "make a file {p} that says {t}", "please create {p} with {t}")
WRITE_PRINT = ("create {p} that prints {t}", "Create {p} that prints {t}.", "write a Python script {p} that prints {t}", "make {p}, it should print {t}", "Write {p} which prints {t}", "create a script {p} printing {t}", "create a Python file {p} that prints {t}", "create a file {p} that prints {t}", "make a script {p} that prints {t}", "make {p} that prints {t}", "write {p} that prints {t}", "write a script {p} that prints {t}", "write a program {p} which prints {t}", "write me {p}, it should print {t}", "create {p}, which prints {t}", "create {p}: it should print {t}", "I need a script {p} that prints {t}", "add a script {p} that prints {t}", "new file {p} that prints {t}", "please create {p} that prints {t}", "a script {p} that should print {t}, please write it", "save a script that prints {t} as {p}")
AND_RUN = (" and run it", " and run it.", " and then run it", " and execute it", ", then run it", " and start it", " and after that run it", ", and run it", " and start it.", " and let it run", ", run it then", " then run it", " and run the file", " and run that script")
WRITE_EMPTY = ("create an empty file {p}", "Create an empty file called {p}.", "make an empty file {p}", "add an empty file {p}", "create {p}, empty", "I need an empty file {p}", "write an empty file {p}", "new empty file {p}", "create the empty file {p}", "make {p} as an empty file")

BASH = (
    (("run the tests", "Run the tests.", "run all tests", "please run the tests", "do the tests pass?", "Do the tests pass?", "start the tests", "run pytest", "run the test suite", "are the tests green?", "test it", "run every test", "execute the tests", "let the tests run", "check that the tests pass", "Please run all tests."), "pytest"),
    (("run the tests in {d}", "Run the tests in {d}.", "do the tests in {d} pass?", "run pytest on {d}", "run the tests of {d}", "test {d}", "start the tests in {d}", "run only the tests in {d}", "please run the tests in {d}", "execute the tests in {d}"), "pytest {d}"),
    (("run {p}", "Run {p}.", "run the script {p}", "execute {p}", "please run {p}", "start {p}", "Execute {p}.", "run the program {p}", "run the file {p}", "start the script {p}", "Start {p}.", "can you run {p}?", "let {p} run", "run {p} with Python", "I want to run {p}"), "python {p}"),
    (("show the git status", "git status", "What is the git status?", "what changed in git?", "which files have I changed?", "what have I changed?", "which files are changed?", "is everything committed?", "git status please", "Show the status of git.", "what is the status of the repository?", "run git status", "is there anything to commit?"), "git status"),
    (("show the git log", "git log", "Show me the last commits.", "what are the last commits?", "show the latest commits", "what was committed last?", "list the commits", "show the commit history", "show me the log", "show the history of git", "which commits are there?", "run git log"), "git log --oneline"),
    (("show the diff", "git diff", "show me the git diff", "What is the diff?", "show my changes", "show me my changes", "what are my changes?", "what did I change?", "run git diff", "show the changes", "show me what changed"), "git diff"),
    (("which branch am I on?", "Which git branch is this?", "show the current branch", "what is the current branch?", "which branch is checked out?", "on which branch am I?", "what branch am I on?", "tell me the current branch", "name the current branch", "what is my branch called?"), "git branch --show-current"),
    (("make a branch {w}", "create a git branch {w}", "Create a new branch called {w}.", "start a branch {w}", "make a new branch {w}", "create the branch {w}", "new branch {w}", "I need a branch {w}", "start a new branch called {w}", "create a branch named {w}"), "git switch -c {w}"),
    (("install {w}", "Install the package {w}.", "pip install {w}", "install the Python package {w}", "please install {w}", "add the package {w}", "I need the package {w}", "install {w} with pip", "can you install {w}?", "get the package {w}", "install the library {w}"), "pip install {w}"),
    (("make a folder {d}", "create the folder {d}", "Create a folder called {d}.", "make a directory {d}", "mkdir {d}", "make a new folder {d}", "create a directory {d}", "I need a folder {d}", "new folder {d}", "add a folder {d}", "create a new directory {d}", "make the directory {d}", "please create the folder {d}"), "mkdir -p {d}"),
    (("delete {p}", "Delete the file {p}.", "remove {p}", "remove the file {p}", "rm {p}", "remove {p} from the disk", "delete the file at {p}", "please delete {p}", "get rid of {p}", "throw {p} away", "I do not need {p} any more, delete it", "erase {p}"), "rm {p}"),
    (("move {p} to {d}", "Move {p} to {d}.", "move the file {p} into {d}", "mv {p} {d}", "move {p} into {d}", "move {p} into the folder {d}", "please move {p} to {d}", "put {p} into the folder {d}", "move the file {p} to {d}"), "mv {p} {d}"),
    (("copy {p} to {d}", "Copy {p} to {d}.", "copy the file {p} into {d}", "copy {p} into {d}", "cp {p} {d}", "make a copy of {p} in {d}", "copy {p} into the folder {d}", "please copy {p} to {d}", "copy the file {p} to {d}"), "cp {p} {d}"),
    (("how many lines has {p}?", "count the lines of {p}", "How many lines does {p} have?", "count the lines in {p}", "how many lines are in {p}?", "how long is {p}?", "tell me how many lines {p} has", "number of lines in {p}", "how many lines are there in {p}?", "How many lines has the file {p}?"), "wc -l {p}"),
    (("what is the current folder?", "in which folder am I?", "pwd", "Which folder is this?", "what folder are we in?", "where am I?", "print the working folder", "what is my working directory?", "show the current folder", "tell me the current folder", "which directory is this?"), "pwd"),
    (("what files are in this folder?", "ls", "list this folder", "List the files here.", "what is in this folder?", "what is here?", "list the current folder", "what files are here?", "show the files here", "Which files are in this folder?", "show me what is in this folder", "list everything here", "what do we have in this folder?"), "ls"),
    (("list the folder {d}", "what is in the folder {d}?", "ls {d}", "Show me the folder {d}.", "list {d}", "what is in {d}/?", "list the directory {d}", "show the folder {d}", "what does the folder {d} contain?", "which files are in the folder {d}?", "list what is in {d}", "list everything in {d}"), "ls {d}"),
    (("which Python version is this?", "What Python version do I have?", "show the Python version", "what is the Python version?", "which version of Python is installed?", "which Python is this?", "tell me the Python version", "print the version of Python", "python --version"), "python --version"),
    (("how much disk space is left?", "How full is the disk?", "show the free disk space", "how much space is free?", "is the disk full?", "how much space do I have left?", "check the disk space", "what is the free space on the disk?", "df"), "df -h"),
    (('commit everything with the message "{m}"', 'commit with the message "{m}"', 'Commit my changes with the message "{m}".', 'git commit with message "{m}"', 'commit this as "{m}"', 'commit it with the message "{m}"', 'make a commit with the message "{m}"', 'please commit: "{m}"', 'commit all changes with the message "{m}"', 'commit: "{m}"'), 'git commit -am "{m}"'),
    (("run `{c}`", "Run `{c}`.", "execute `{c}`", "please run `{c}`", "run the command `{c}`", "run this: `{c}`", "Can you run `{c}`?", "run the following: `{c}`", "start `{c}`", "what does `{c}` print?", "what does `{c}` say?", "I want to run `{c}`", "try `{c}`", "run `{c}` for me", "in the shell run `{c}`", "use the shell: `{c}`"), "{c}"),
    (("run the command {c}", "run this command: {c}", "execute in the shell: {c}", "in the shell: {c}", "run in the shell: {c}", "run this: {c}", "execute: {c}", "execute the command {c}", "please run the command {c}", "run the shell command {c}", "shell: {c}", "$ {c}"), "{c}"),
)
FETCH = ("fetch {u}", "Fetch {u}.", "get {u}", "what does {u} say?", "What is on {u}?", "open the page {u}", "read {u}", "Read the page {u}.", "download the page {u}", "look at {u}", "show me {u}", "What is at {u}?", "load {u}", "go to {u}", "visit {u}", "load the page {u}", "read the website {u}", "fetch the page {u}", "get the page {u}", "what is the page {u} about?", "tell me what {u} says", "what does the page at {u} say?", "please fetch {u}", "can you fetch {u}?", "get {u} for me", "can you read {u}?")
FETCH_ASK = ("fetch {u} and tell me {q}", "Read {u} and tell me {q}.", "look at {u} and tell me {q}", "open {u} and find out {q}", "On {u}, find out {q}.", "read {u} and find out {q}", "get {u} and tell me {q}", "from {u}, tell me {q}", "visit {u} and tell me {q}", "go to {u} and find out {q}", "look on {u}: {q}?", "fetch {u}, I want to know {q}", "please read {u} and tell me {q}")
QUESTIONS = ("what it is about", "the price of the {w}", "who wrote it", "the latest version", "how to install it", "when it was written", "the name of the {w}", "how the {w} works", "what the {w} is", "which {w} it needs")
RESTART = ("restart", "Restart.", "restart yourself", "Restart Shammah.", "please restart", "restart Shammah", "start yourself again", "Can you restart?", "you should restart", "reboot yourself", "start again", "please start again", "restart now", "restart please", "could you restart?", "can you restart yourself?", "restart the program", "do a restart", "I want you to restart")
RESTART_WHY = ("restart because {r}", "Restart, {r}.", "restart Shammah because {r}", "please restart: {r}", "restart yourself, since {r}", "please restart, {r}", "you must restart because {r}", "do a restart, {r}", "can you restart? {r}", "restart now: {r}", "restart: {r}")
RESTART_UNASKED = "the person asked for it"
REASONS = ("the {w} changed", "I changed the {w}", "the {w} is new", "you seem stuck", "I installed {w}", "the {w} was updated", "I edited {p}")

DENY_REASONS = ("not now", "do not touch {p}", "use {w} instead", "I will do that myself", "that is the wrong file", "the {w} is not ready", "too dangerous", "leave {w} alone", "wait for the {w}", "I want to see the {w} first", "{w} is in use", "never run that here", "no network please", "ask me first", "I changed my mind", "later", "use {w}.py", "that would delete the {w}", "{p} first", "no", "{c}", "{c}", "{c}", "{c}", "{c}", "{c}", "{c}.", "{c}!", "please {c}", "{c}, {c2}")
DENIED = "All right, I leave it. You said: {r}"
DENIED_BARE = "All right, I leave it."
FAILED = "That did not work: {e}"

ORDINARY = frozenset((*COMMON_WORDS, *SMALL_WORDS, *FOREIGN_WORDS))
COMMENTS = ("TODO", "FIXME", "XXX", "HACK", "NOTE", "BUG", "TODO", "TODO")
# fmt: on


def _quoted(draw: Draw, text: str) -> str:
    return draw.choice(SHOW_QUOTES).format(text)


def _spoken(draw: Draw, text: str) -> str:
    """How a person writes a text within a wish: in quotes where its own words could be taken for the wish's."""
    if set(text.split()) & ORDINARY or (" " in text and draw.chance(0.9)):
        return draw.choice(('"{}"', '"{}"', "`{}`", "'{}'")).format(text)
    return draw.choice(('"{}"', "{}", "{}", "`{}`")).format(text)


def _code_line(draw: Draw) -> str:
    return draw.choice(
        (
            f"import {draw.word()}",
            f"from {draw.word()} import {draw.word()}",
            f"def {draw.function_name()}({draw.word()}):",
            f"    return {draw.identifier()}",
            f"{draw.identifier()} = {draw.constant()}",
            f'{draw.identifier()} = "{draw.text()}"',
            f"print({draw.word()})",
            f"# {draw.text(2, 5)}",
            f"    {draw.word()}.{draw.function_name()}()",
            f"- {draw.text(1, 4)}",
            f"{draw.word()}: {draw.phrase(1, 2)}",
            f"{_sentence_case(draw.text(3, 8))}.",
            _prose(draw),
            "",
        )
    )


def _prose(draw: Draw) -> str:
    """A line of a text for people, as long as such lines are."""
    parts = [draw.text(2, 6) for _ in range(draw.rng.randint(1, 4))]
    marks = draw.choice(
        ("{}", "{}", "{}", "- {}", "## {}", "* {}", "1. {}", "> {}", "| {} |", "**{}**", "[{}]", "`{}`", "### {}")
    )
    return marks.format(_sentence_case(draw.choice((", ", " - ", " (", ". ", ": ", " | ", "; ")).join(parts)))


def _sentence_case(text: str) -> str:
    return text[0].upper() + text[1:]


def _title(draw: Draw) -> str:
    """Of a file or a page: names, words of the language, or both."""
    kind = draw.rng.random()
    if kind < 0.2:
        return _sentence_case(draw.choice(COMMON_WORDS))
    title = draw.text(1, 4)
    return draw.choice((title, title.title(), _sentence_case(title)))


def _before_title(draw: Draw) -> list[str]:
    """What stands above the title of some files, a blank line more often than not."""
    if draw.chance(0.6):
        return [""]
    picture = f"![{draw.text(1, 2)}]({draw.url() if draw.chance(0.5) else draw.path()})"
    return draw.choice(([picture, ""], ['<p align="center">', "</p>", ""], [f"<!-- {draw.text(2, 5)} -->"]))


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
        title = _title(draw)
        lines = [f"# {title}", *_lines(draw)]
        if draw.chance(0.5):
            lines.insert(1, "")
        if draw.chance(0.25):
            lines = [*_before_title(draw), *lines]
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
        text = f"# {word}: {draw.text()}"
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
    if kind < 0.2:
        return draw.word(), draw.word()
    if kind < 0.4:
        return draw.identifier(), draw.identifier()
    if kind < 0.5:
        return str(draw.constant()), str(draw.constant())
    if kind < 0.65:
        name = draw.identifier()
        return f"{name} = {draw.constant()}", f"{name} = {draw.constant()}"
    if kind < 0.72:
        return f"{draw.word()}({draw.word()})", f"{draw.word()}({draw.word()})"
    return draw.text(2, 4), draw.text(1, 4)


def _edit(draw: Draw) -> Task:
    path = draw.path()
    old, new = _edit_text(draw)
    a, b = _spoken(draw, old), _spoken(draw, new)
    if draw.chance(0.8) and a[0] in "`\"'":
        b = f"{a[0]}{new}{a[0]}"
    everywhere = draw.chance(0.5)
    forms = EDIT_ALL if everywhere else EDIT
    prompt = draw.wording(forms).format(p=_quoted(draw, path), a=a, b=b)
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
        path, text = draw.path(), draw.text(1, 5)
        content = text + "\n"
        prompt = draw.wording(WRITE_TEXT).format(p=_quoted(draw, path), t=_spoken(draw, text))
        request = call("Write", file_path=path, content=content)
    elif kind < 0.47:
        path, content = draw.path(), ""
        prompt = draw.wording(WRITE_EMPTY).format(p=_quoted(draw, path))
        request = call("Write", file_path=path, content=content)
    else:
        path, text = draw.path("py"), draw.text(1, 3)
        if draw.chance(0.12):
            path, text = (
                draw.choice(("hello.py", "main.py", "test.py")),
                draw.choice(("hello", "hello world", "Hello", "Hello, world!", draw.word())),
            )
        prompt = draw.wording(WRITE_PRINT).format(p=_quoted(draw, path), t=_spoken(draw, text))
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
            f"echo {draw.text()}",
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
            draw.choice((draw.text(1, 5), draw.path(), _code_line(draw).strip(), draw.secret()))
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
        "m": draw.text(2, 5),
        "c": _command(draw),
    }
    prompt = draw.wording(forms).format(**slots)
    output, closing = _output(draw)
    if closing.startswith("It printed: ") and "\n" in output:
        closing = f"Its last line: {output.splitlines()[-1]}"
    return Task(prompt, (((call("Bash", command=template.format(**slots)), output),),), closing)


def _fetch(draw: Draw) -> Task:
    url, lines = draw.url(), _lines(draw, 1, 6)
    title = _title(draw) if draw.chance(0.6) else ""
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
    ("Read, Edit", _edit, 48), ("Write", _write, 17), ("Bash", _bash, 20), ("WebFetch", _fetch, 10), ("Restart", _restart, 4),
)  # fmt: skip


def _refused(draw: Draw, path: str, tool: str) -> tuple[str, str]:
    """A result that is a denial or an error, and what is said to it."""
    if draw.chance(0.35):
        error, quoted = results.failed(draw, path, tool)
        return error, FAILED.format(e=quoted)
    if draw.chance(0.4):
        return results.refused(draw, ""), DENIED_BARE
    reason = draw.choice(DENY_REASONS).format(p=draw.path(), w=draw.word(), c=draw.sentence(1, 6), c2=draw.text(1, 5))
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
