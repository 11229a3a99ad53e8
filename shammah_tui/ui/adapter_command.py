"""What `/adapter` does, on the screen and line by line: which adapter answers, now or in this project."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shammah_tui.errors import ShammahError
from shammah_tui.ui.plain import visible

if TYPE_CHECKING:
    from shammah_tui.runtime.learning import Learning

OFF, AUTO, PROJECT = "off", "auto", "project"


class Listed(NamedTuple):
    """One that `/adapter` takes; `mark` says that it answers, or was chosen, and is empty for the others."""

    name: str
    mark: str
    about: str


async def obey(learning: Learning, argument: str) -> str:
    """NAME, off or auto; the same after "project". What is so from now on, in a sentence. Raises ShammahError."""
    word, _, rest = argument.partition(" ")
    return await (_for_project(learning, rest.strip()) if word == PROJECT else _take(learning, argument))


async def names(learning: Learning) -> list[str]:
    """What `/adapter` can be completed with; without adapters while no engine can tell."""
    try:
        adapters = [adapter.name for adapter in await learning.adapters() if adapter.fits]
    except ShammahError:
        adapters = []
    return [*adapters, OFF, AUTO, PROJECT]


async def listed(learning: Learning) -> list[Listed]:
    """The adapters there are, then off and auto. Raises ShammahError."""
    adapters = await learning.adapters()
    choices = await learning.choices()
    chooser = learning.adapter_choice
    project = choices.projects.get(str(chooser.root))
    answers = chooser.shown
    found: list[Listed] = []
    for adapter in adapters:
        notes = ["this project's"] if adapter.name == project else []
        back = choices.taken_back.get(adapter.name)
        if back is not None and not back.again:
            notes.append("taken back")
        if adapter.problem or not adapter.fits:
            notes.append(visible(adapter.problem) or "made for another model")
        about = "; ".join(visible(rule) for rule in adapter.rules)
        mark = "answers" if adapter.name == answers else ""
        found.append(Listed(adapter.name, mark, " · ".join([*notes, about])))
    found.append(Listed(OFF, "" if answers else "answers", "The model as it came, without any"))
    chosen = "chosen" if chooser.session is None else ""
    found.append(Listed(AUTO, chosen, "By project, path, language and rules of the question"))
    return found


async def _take(learning: Learning, name: str) -> str:
    await learning.choose(None if name == AUTO else name)
    if name == AUTO:
        return "The adapter is chosen by what you ask about; every answer tells which"
    who = "The model as it came answers" if name == OFF else f"{name} answers"
    return f"{who} from now on; /adapter auto leaves it to Shammah"


async def _for_project(learning: Learning, name: str) -> str:
    root = learning.adapter_choice.root
    if not name:
        chosen = (await learning.choices()).projects.get(str(root))
        said = f"{root.name} has {chosen}" if chosen else f"{root.name} has no adapter of its own"
        return f"{said}; /adapter project NAME, off or auto changes it"
    await learning.choose_for_project(None if name == AUTO else name)
    if name == AUTO:
        return f"{root.name} has no adapter of its own any more"
    who = "the model as it came answers" if name == OFF else f"{name} answers"
    return f"In {root.name} {who} from now on; /adapter project auto ends it"
