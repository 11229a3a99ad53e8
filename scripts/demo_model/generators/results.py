"""What comes back from a tool, in the words of Shammah's own tools and, less often, in those of others."""

from __future__ import annotations

from collections.abc import Sequence

from scripts.demo_model.vocabulary import Draw

# fmt: off
REFUSED = (
    "The person did not allow this", "The person did not allow this", "The person did not allow this", "The person refused this call", "The person denied this", "Refused by the person", "Denied by the person", "Permission denied by the person", "The person said no", "The user refused", "The user declined this call", "Not run: the person refused", "Not run: refused by the person", "Not run: the person said no", "Rejected by the user", "The call was refused", "Declined by the person", "The person does not want this", "Refused", "Denied", "Not allowed by the person", "The person stopped this call", "The request was turned down", "The person rejected it",
)
WITH_REASON = ("{d}. They say: {r}", "{d}. They say: {r}", "{d}: {r}", "{d}: {r}", "{d}. Reason: {r}", "{d}. The reason: {r}", "{d} and said: {r}", '{d}: "{r}"', "{d}, saying: {r}", "{d}. They said: {r}", "{d} ({r})", "{d} with the words: {r}")
WITHOUT_REASON = ("{d}. Do not try it again in another spelling; ask them, or go on without it.", "{d}. Do not try it again in another spelling; ask them, or go on without it.", "{d}.", "{d}.", "{d}.", "{d}", "{d}. No reason was given.", "{d}; nothing was run.", "{d}. Nothing was changed.", "{d}, without a reason.")
NOT_RUN = ("Not run: {x}.", "Not run: {x}.", "Denied: {x}.", "Blocked: {x}.", "Not allowed: {x}.")
WHY_NOT_RUN = ("plan mode only reads", "a rule denies {p}", "nobody is there to be asked", "the {w} is not known to be harmless", "it is outside the project", "the sandbox that is set is {w}", "`{w}` is not among the programs whose arguments are known", "the turn was over before this tool was", "{h} is not allowed", "the path leads to {p}", "{c}", "{c}", "{c}", "`{w}` is not {c}", "{c} `{w}`", "{c} {p}", "{p} is not {c}")
ERRORS = (
    "{t} failed: No such file or directory ({f}).", "{t} failed: No such file or directory ({f}).", "{t} failed: No such file or directory ({f}).", "{t} failed: Permission denied ({f}).", "{t} failed: Is a directory ({f}).", "There is no file {f}. To make one, use Write.", "{f} was not read yet. Read it first, then edit it.", "{f} has changed since it was read. Read it again before you edit it.", "old_string is not in the file (0 matches), and no line is like it. Read the file again.", "old_string is there {k} times. Give more of what is around the one you mean, or set replace_all.", "{f} is a picture ({k} bytes); Read is for text.", "WebFetch failed: {h} does not exist.", "WebFetch failed: {h} answered {k}.", "File not found: {p}", "{p} does not exist.", "No such file or directory: {p}", "permission denied: {p}", "{w} failed with code {k}.", "timed out after {k} seconds.", "{w} is not allowed.", "could not connect to {h}.", "{h} answered {k}.", "cannot open {p}: {w}", "the {w} is not there", "{t} failed: {c}.", "{t} failed: {c} ({f}).", "{c}: {p}", "{c}.", "`{w}` {c}.", "{c}, {c} {w}.", "{f} {c}.",
)
# fmt: on


def absolute(draw: Draw, path: str) -> str:
    """The path as a tool names it back: most tools say it whole."""
    if path.startswith(("/", "~", ".")) or draw.chance(0.25):
        return path
    return f"{draw.choice(('/home/', '/srv/', '/work/', '/tmp/'))}{draw.word()}/{draw.word()}/{path}"


def read(draw: Draw, lines: Sequence[str], start: int = 1) -> str:
    """A file as the Read tool gives it: numbered as by `cat -n`; seldom plain or with narrower numbers."""
    if not lines:
        return draw.choice(("[the file is empty]", "[the file is empty]", ""))
    kind = draw.rng.random()
    if kind < 0.08:
        return "\n".join(lines)
    width = 6 if kind < 0.9 else draw.choice((4, 1))
    text = "\n".join(f"{number:>{width}}\t{line}" for number, line in enumerate(lines, start))
    if draw.long and draw.chance(0.4):
        return _without_middle(draw, text)
    if draw.chance(0.04):
        last = start + len(lines) - 1
        size = draw.constant(1000, 99_999)
        text += f"\n[cut after line {last} of a file of {size} bytes; go on with offset {last + 1}]"
    return text


def _without_middle(draw: Draw, text: str) -> str:
    """As a result is cut that a model has no room for: beginning and end are kept."""
    first, last = draw.rng.randint(200, 1500), draw.rng.randint(100, 600)
    if first + last >= len(text):
        return text
    missing = len(text) - first - last + draw.constant(0, 99_999)
    note = f"[… {missing} characters left out; this model has no room for them, so ask for a smaller part …]"
    return f"{text[:first]}\n{note}\n{text[-last:]}"


def matches(draw: Draw, lines: Sequence[str]) -> str:
    if not lines:
        return draw.choice(("[no match]", "[no match]", "[no match]", "No matches found.", "no matches"))
    text = "\n".join(lines)
    if draw.chance(0.04):
        text += f"\n[stopped after {len(lines)} lines; narrow the pattern, the path or the glob to see the rest]"
    return text


def paths(draw: Draw, found: Sequence[str]) -> str:
    if not found:
        return draw.choice(
            ("[no file matches]", "[no file matches]", "[no file matches]", "No files found.", "no file")
        )
    return "\n".join(found)


def written(draw: Draw, path: str, text: str) -> str:
    lines = text.count("\n") + (not text.endswith("\n") and text != "")
    if draw.chance(0.75):
        change = "" if draw.chance(0.85) else f"changed: +{lines} −{draw.rng.randint(0, 9)} lines."
        return f"{absolute(draw, path)} " + (change or f"created: new file, {lines} lines.")
    return draw.choice(("Wrote {p}", "Created {p}", "Done.", "ok", "File created: {p}")).format(p=path)


def edited(draw: Draw, path: str, old: str, new: str) -> str:
    if draw.chance(0.75):
        count = draw.choice((1, 1, 1, 2, 3))
        return f"{absolute(draw, path)} changed: +{count} −{count} lines."
    forms = ("Edited {p}", "Replaced 1 occurrence in {p}", "Done.", "ok", "{p} was changed.", "-{a}\n+{b}")
    return draw.choice(forms).format(p=path, a=old, b=new)


def page(draw: Draw, url: str, title: str, lines: Sequence[str], question: str) -> str:
    """`title` is empty where the page has none."""
    body = "\n".join(lines)
    if draw.chance(0.15):
        return body if not title else f"# {title}\n{body}"
    head = [f"Address: {url}", "Status: 200"]
    head += [f"Title: {title}"] if title else []
    head += [f"Look for: {question}"] if question else []
    return "\n".join([*head, "", f"# {title}\n{body}" if title and draw.chance(0.5) else body])


def refused(draw: Draw, reason: str) -> str:
    """The person's no, with the reason that they gave or, where that is empty, none."""
    forms = WITH_REASON if reason else WITHOUT_REASON
    return draw.wording(forms, one_in=7).format(d=draw.wording(REFUSED, one_in=7), r=reason)


def failed(draw: Draw, path: str, tool: str) -> tuple[str, str]:
    """An error, and the words of it that are quoted."""
    slots = {"p": path, "f": absolute(draw, path), "w": draw.word(), "k": draw.constant(), "h": draw.host(), "t": tool}
    slots["c"] = draw.sentence(2, 7)
    if draw.chance(0.25):
        reason = draw.wording(WHY_NOT_RUN).format(**slots)
        return draw.choice(NOT_RUN).format(x=reason), reason + "."
    error = draw.wording(ERRORS).format(**slots)
    return draw.choice(("{e}", "{e}", "{e}", "Error: {e}")).format(e=error), error
