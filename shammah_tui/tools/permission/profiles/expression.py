"""Programs whose arguments are a small language: find, sed, awk, jq, printf, test, date, ps. Each accepts a sliver."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shammah_tui.tools.permission.profiles.shape import Kind, Profile, Refused, Use, kinds_of, words_of
from shammah_tui.tools.permission.syntax import Word

_FIND_TESTS = words_of(
    "-empty -print -print0 -not ! -o -a -or -and ( ) -prune -daystart -xdev -mount -executable -readable -writable "
    "-ls -true -false -depth -nouser -nogroup -quit"
)
_FIND_VALUES = words_of(
    "-name -iname -path -ipath -wholename -iwholename -type -maxdepth -mindepth -size -mtime -mmin -atime -amin -ctime "
    "-cmin -perm -regex -iregex -regextype -user -group -links -inum -printf"
)


def find(words: Sequence[Word]) -> Use:
    """Read `find FOLDERS… TESTS…`: no action but printing, no symlinks followed. Raises Refused."""
    use = Use()
    at = 1
    while at < len(words) and not words[at].text.startswith(("-", "(", "!")):
        use.paths.append(words[at])
        at += 1
    use.reads_folder = not use.paths
    remaining = iter(words[at:])
    for word in remaining:
        if word.is_glob:
            raise Refused(f"`{word.text}` would be matched against file names; quote it")
        if word.text in ("-newer", "-anewer", "-cnewer", "-samefile"):
            use.paths.append(next(remaining, Word(".")))
        elif word.text in _FIND_VALUES:
            value = next(remaining, None)
            if value is None or value.is_glob:
                raise Refused(f"the value of `{word.text}` must be quoted")
        elif word.text not in _FIND_TESTS:
            raise Refused(f"`{word.text}` is not known to be harmless")
    return use


# Between slashes, with nothing that another sed could end elsewhere: a bracket may hold a slash for some.
_SLASHED = r"/(?:[^/\\\n\[]|\\[^\n])+/"
_SED_LINES = rf"(?:[0-9]+|\$|{_SLASHED})(?:,(?:\+?[0-9]+|\$|{_SLASHED}))?p"
_SED_SCRIPT = re.compile(rf"{_SED_LINES}(?:;[ ]?{_SED_LINES})*;?\Z")


def sed(words: Sequence[Word]) -> Use:
    """Read `sed -n 'N,Mp' FILES…`, lines by number or by /expression/, and nothing else of sed. Raises Refused."""
    texts = [word.text for word in words]
    at, is_quiet = 1, False
    while at < len(texts) and texts[at] in ("-n", "--quiet", "--silent", "-E", "-r", "-nE", "-nr", "-En"):
        is_quiet = is_quiet or "n" in texts[at] or texts[at] in ("--quiet", "--silent")
        at += 1
    if at < len(texts) and texts[at] in ("-e", "-ne"):
        is_quiet = is_quiet or texts[at] == "-ne"
        at += 1
    if not is_quiet or at >= len(texts) or words[at].is_glob or not _SED_SCRIPT.match(texts[at]):
        raise Refused("of sed only `sed -n 'N,Mp'` is known to be harmless")
    return Profile(is_glob_safe=False).read(words[at + 1 :], Use())


# The expression below takes quadratic time on long runs of blanks.
_AWK_CHARACTERS_MAX = 300
_AWK_ITEM = r"(?:\$(?:[0-9]+|NF|NR)|NR|NF|FILENAME|\"[^\"\\|>]*\")"
_AWK_TEST = r"(?:length(?:\(\$[0-9]+\))?|NR|NF|\$[0-9]+)\s*(?:==|!=|<=|>=|<|>)\s*(?:[0-9]+|\"[^\"\\]*\")"
_AWK_TESTS = rf"(?:{_SLASHED}|{_AWK_TEST}(?:\s*(?:&&|\|\|)\s*{_AWK_TEST}){{0,3}})"
_AWK_PRINT = rf"\{{\s*print(?:\s+{_AWK_ITEM}(?:\s*,?\s*{_AWK_ITEM})*|\s*{_AWK_ITEM})?\s*;?\s*\}}"
_AWK_SUM = r"\{\s*(?P<sum>[a-z]{1,9})\s*\+=\s*\$[0-9]+\s*;?\s*\}\s*END\s*\{\s*print\s+(?P=sum)\s*;?\s*\}"
_AWK_PROGRAM = re.compile(
    rf"\s*(?:{_AWK_TESTS}|{_AWK_PRINT}|{_AWK_TESTS}\s*{_AWK_PRINT}|END\s*{_AWK_PRINT}|{_AWK_SUM})\s*\Z"
)


def awk(words: Sequence[Word]) -> Use:
    """Read `awk [-F sep] '[TEST] {print …}' FILES…`, or one that prints the sum of a column. Raises Refused."""
    at = 1
    if at < len(words) and words[at].text == "-F":
        at += 2
    elif at < len(words) and re.match(r"-F.{1,3}\Z", words[at].text):
        at += 1
    if (
        at >= len(words)
        or words[at].is_glob
        or len(words[at].text) > _AWK_CHARACTERS_MAX
        or not _AWK_PROGRAM.match(words[at].text)
    ):
        raise Refused("of awk only a plain `{print …}` is known to be harmless")
    if any("=" in word.text or word.text.startswith("-") or word.is_glob for word in words[at + 1 :]):
        raise Refused("an operand of awk with `=` sets a variable")
    return Profile().read(words[at + 1 :], Use())


_JQ_REFUSED = re.compile(r"(?:\A|[^.\w]|\.\.)(?:env|import|include|modulemeta|get_search_list)\b|\$ENV|\$__")
_JQ_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_JQ = Profile(
    words_of(
        "-r -c -M -C -S -s -e -n -a -j -R --raw-output --compact-output --monochrome-output --color-output "
        "--sort-keys --slurp --exit-status --null-input --ascii-output --join-output --raw-input --tab"
    ),
    kinds_of(number="--indent"),
    first=Kind.TEXT,
)


def jq(words: Sequence[Word]) -> Use:
    """Read `jq FLAGS FILTER FILES…`; one that reads the environment or modules is refused. Raises Refused."""
    if any(_JQ_REFUSED.search(word.text) for word in words[1:]):
        raise Refused("the filter reads the environment or a module")
    kept: list[Word] = []
    remaining = iter(words[1:])
    for word in remaining:
        if word.text in ("--arg", "--argjson"):
            name, value = next(remaining, Word("")), next(remaining, None)
            if value is None or name.is_glob or value.is_glob or not _JQ_NAME.match(name.text):
                raise Refused(f"`{word.text}` takes a name and a value")
        else:
            kept.append(word)
    return _JQ.read(kept, Use())


# `%n` assigns, and its argument may hold a substitution; `%(…)T` is bash's own and harmless, but not needed.
_PRINTF_FORMAT = re.compile(r"(?:[^%]|%%|%[-+ 0#]*[0-9]*(?:\.[0-9]+)?[sdiuoxXcbqeEfgG])*\Z", re.DOTALL)


def printf(words: Sequence[Word]) -> Use:
    rest = words[2:] if len(words) > 1 and words[1].text == "--" else words[1:]
    if not rest or rest[0].text.startswith("-") or not _PRINTF_FORMAT.match(rest[0].text):
        raise Refused("the format is not plain")
    if any(word.is_glob for word in rest):
        raise Refused("an argument would be matched against file names")
    return Use()


def echo(words: Sequence[Word]) -> Use:
    for word in words[1:]:
        if word.is_glob:
            raise Refused(f"`{word.text}` would be matched against file names")
    return Use()


_FILE_TESTS = words_of("-b -c -d -e -f -g -h -k -L -p -r -s -S -u -w -x -O -G -N")


def test(words: Sequence[Word]) -> Use:
    """Read `test -f FILE`, `test -n TEXT`, `test A = B`: `-v` would evaluate a subscript. Raises Refused."""
    rest = list(words[1:])
    if rest and rest[0].text == "!":
        rest = rest[1:]
    if any(word.is_glob for word in rest):
        raise Refused("an argument would be matched against file names")
    if len(rest) == 2 and rest[0].text in _FILE_TESTS:
        return Use(paths=[rest[1]])
    if (len(rest) == 2 and rest[0].text in ("-n", "-z")) or (len(rest) == 3 and rest[1].text in ("=", "==", "!=")):
        return Use()
    raise Refused("this form of `test` is not known to be harmless")


def date(words: Sequence[Word]) -> Use:
    """Read `date [-u] [-I] [+FORMAT]`: any other operand sets the clock. Raises Refused."""
    for word in words[1:]:
        is_plain = word.text in ("-u", "--utc", "-I", "-Iseconds", "--iso-8601", "-R") or word.text.startswith("+")
        if word.is_glob or not is_plain:
            raise Refused(f"`{word.text}` is not known to be harmless")
    return Use()


def command(words: Sequence[Word]) -> Use:
    """Read `command -v NAME`: without it, it runs what it is given. Raises Refused."""
    if len(words) != 3 or words[1].text not in ("-v", "-V") or words[2].is_glob:
        raise Refused("it runs another command")
    return Use(literal_words=2, grant=2)


def ps(words: Sequence[Word]) -> Use:
    """Read `ps`, `ps aux`, `ps -ef`: a BSD `e` would print environments. Raises Refused."""
    if [word.text for word in words[1:]] not in ([], ["aux"], ["-ef"], ["-e"], ["-A"], ["-f"], ["ax"]):
        raise Refused("this form of `ps` is not known to be harmless")
    return Use()
