"""Stands between an agent and the tools: judges each call, remembers what a person granted, runs only what was allowed.

One for a session, without a screen and without waiting for anybody. How a loop uses it:

    decision = guard.judge(call)                        # a ToolCall as the model wrote it, its arguments JSON text
    if decision.verdict is Verdict.ASK:
        shown = await guard.preview(call, decision)     # the command, or the diff; shown.trouble: it would fail anyway
        answer = ...                                    # the person's, by the modal
        decision = guard.grant_once(decision)           # or grant_session, grant_always, or:
        result = refusal(decision, "use the other file")  # the person's no, for the model
    async with aclosing(guard.run(call, decision)) as pieces:
        async for piece in pieces: ...                  # Output as it comes, then one Result; a denial is one as well

Calls whose `guard.reads_only(call)` holds may run beside one another. `guard.mode` is the person's (Shift+Tab:
`guard.mode = guard.mode.following`). Close it at the end: commands in the background end with it.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2

from shammah_tui.conversation import ToolCall
from shammah_tui.errors import HomeError
from shammah_tui.tools import toolbox
from shammah_tui.tools.address import place_of
from shammah_tui.tools.bash import job_command
from shammah_tui.tools.environment import scrubbed
from shammah_tui.tools.permission import store
from shammah_tui.tools.permission.decide import decide
from shammah_tui.tools.permission.decision import Call, Context, Decision, Mode, Rule, Verdict, digest_of
from shammah_tui.tools.permission.need import NOTHING, Need, need_of, programs_of
from shammah_tui.tools.permission.place import is_within
from shammah_tui.tools.permission.search_path import outside, resolver, search_path_of
from shammah_tui.tools.preview import Preview, preview
from shammah_tui.tools.sandbox.sandbox import OFF, Sandbox
from shammah_tui.tools.tool import Context as Ground
from shammah_tui.tools.tool import Limits, Piece, Result


class Guard:
    """`notice` tells the person what went wrong with the saved rules, empty where nothing did."""

    def __init__(
        self,
        project: Path,
        home: Path,
        environment: Mapping[str, str],
        *,
        mode: Mode = Mode.ASK,
        attended: bool = True,
        sandbox: Sandbox = OFF,
        limits: Limits | None = None,
    ) -> None:
        """`project` is the working folder, `home` the Shammah home, `environment` that of this program.

        `attended` says that somebody is there to be asked; otherwise a question is a denial.
        """
        self.mode = mode
        self.sandbox = sandbox
        self.notice = ""
        self._attended = attended
        self._granted: list[Rule] = []
        self._saved: tuple[Rule, ...] = ()
        self._store = store.store_file(home)
        self._stored_as: tuple[int, ...] | None = ()
        search_path = search_path_of(environment.get("PATH", ""))
        self._real_project = os.path.realpath(project)
        self._resolve = resolver(search_path, self._real_project)
        self._usual = scrubbed(environment, search_path=search_path)
        # What nobody is asked about, with the project's own programs (a virtual environment) and without.
        self._inside = scrubbed(environment, search_path=search_path, quiet_git=True)
        self._quiet = self._inside | {"PATH": ":".join(outside(search_path, self._real_project))}
        self.ground = Ground(project, home, self._usual, limits=limits or Limits())

    def judge(self, call: ToolCall) -> Decision:
        """What is to be done with a call; never raises for what a model writes. Raises HomeError where the store of
        rules cannot be read."""
        arguments, trouble = self._read(call)
        context = self._context(self._inside if self._runs_inside(call.name, arguments) else self._quiet)
        asked = Call(call.name, arguments)
        if trouble:
            return Decision(Verdict.DENY, trouble, digest=digest_of(asked, context))
        if call.name == "Bash":
            if job_command(arguments["command"]) is not None:
                reason = "it asks a background command of this session; nothing new is run"
                return Decision(Verdict.ALLOW, reason, display=arguments["command"], digest=digest_of(asked, context))
            if self.sandbox.refuses:
                reason = f"the sandbox that is set is {self.sandbox.state}: {self.sandbox.reason}"
                return Decision(Verdict.DENY, reason, display=arguments["command"], digest=digest_of(asked, context))
        decision = decide(asked, (*self._rules(), *self._granted), context)
        if decision.verdict is Verdict.ALLOW:
            return decision
        # Whoever is asked decides on the command as it would run by hand, git's hooks included.
        return replace(decision, digest=digest_of(asked, self._context(self._usual)))

    async def preview(self, call: ToolCall, decision: Decision) -> Preview:
        """What an asked call would do. Nothing is changed."""
        arguments, _ = self._read(call)
        ground = replace(self.ground, place=decision.place)
        shown = await asyncio.to_thread(preview, call.name, arguments, ground)
        return replace(shown, reach=self.sandbox.reach(need_of(arguments["command"])) if call.name == "Bash" else "")

    def take_notice(self) -> str:
        """What the person is to be told, once."""
        notice, self.notice = self.notice, ""
        return notice

    def grant_once(self, decision: Decision) -> Decision:
        """The person's yes to a question, for this call alone."""
        return self._allowed(decision, "you allowed it once")

    def grant_session(self, decision: Decision) -> Decision:
        """The person's yes for this call and, until the session ends, for all that its grants cover."""
        self._granted += [rule for rule in decision.grants if rule not in self._granted]
        return self._allowed(decision, "you allowed it for this session")

    def grant_always(self, decision: Decision) -> Decision:
        """As `grant_session`, and kept for later sessions. Raises HomeError where it cannot be saved; the session then
        has no grant either, and the person may still say once."""
        if decision.grants:
            loaded = store.add(self._store, decision.grants)
            self._saved = loaded.rules
            self.notice = loaded.notice or self.notice
        return self._allowed(decision, "you allowed it from now on")

    def reads_only(self, call: ToolCall) -> bool:
        """Whether such calls may run beside one another."""
        tool = toolbox.TOOLS.get(call.name)
        return tool is not None and tool.reads_only

    async def run(self, call: ToolCall, decision: Decision) -> AsyncGenerator[Piece, None]:
        """Run an allowed call: any number of `Output`, then exactly one `Result`; a denial is a failed result. A
        decision made for other bytes, another folder or another environment runs nothing."""
        arguments, _ = self._read(call)
        if decision.verdict is not Verdict.ALLOW:
            yield refusal(decision)
            return
        ground = self._bound(Call(call.name, arguments), decision)
        if ground is None:
            yield toolbox.failed("Not run: it is not the call that was allowed. Ask again.")
            return
        async with aclosing(toolbox.run(call.name, arguments, ground)) as pieces:
            async for piece in pieces:
                yield piece

    async def close(self) -> None:
        await self.ground.jobs.close()

    def _bound(self, call: Call, decision: Decision) -> Ground | None:
        """The ground for exactly the call that `decision` was made for; None where it was made for another."""
        for environment in (self._quiet, self._inside, self._usual):
            if decision.digest == digest_of(call, self._context(environment)):
                return self._narrowed(call, decision, environment)
        return None

    def _runs_inside(self, tool: str, arguments: Mapping[str, Any]) -> bool:
        """Whether a command starts a program of the project itself."""
        command = arguments.get("command")
        if tool != "Bash" or not isinstance(command, str):
            return False
        found = map(self._resolve, programs_of(command))
        return any(path is not None and is_within(path, self._real_project) for path in found)

    def _narrowed(self, call: Call, decision: Decision, environment: Mapping[str, str]) -> Ground:
        """The session's ground with no more than this call was allowed."""
        hosts = frozenset({place_of(httpx2.URL(call.arguments["url"]))}) if call.tool == "WebFetch" else frozenset()
        need = self._need(call, decision)
        return replace(
            self.ground,
            environment=environment,
            place=decision.place,
            granted_hosts=hosts,
            wrap=lambda argv: self.sandbox.wrap(argv, need),
            bounds=self._bounds(need),
        )

    def _need(self, call: Call, decision: Decision) -> Need:
        """What the sandbox gives to an allowed call: to one that nobody but the mode allowed, nothing."""
        if call.tool != "Bash" or decision.by_mode:
            return NOTHING
        return need_of(call.arguments["command"])

    def _bounds(self, need: Need) -> str:
        if not self.sandbox.is_on:
            return ""
        network = "" if need.network else ", and there is no network"
        return f"it ran inside the sandbox: only the project can be written{network}"

    def _allowed(self, decision: Decision, reason: str) -> Decision:
        if decision.verdict is not Verdict.ASK:
            raise ValueError(f"a person cannot grant what is {decision.verdict}")
        return replace(decision, verdict=Verdict.ALLOW, reason=reason, grants=())

    def _read(self, call: ToolCall) -> tuple[Mapping[str, Any], str]:
        """The arguments of a call, and what is wrong with them in words for the model."""
        try:
            arguments = json.loads(call.arguments or "{}", object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            return {}, f"the arguments are not JSON ({error})"
        if not isinstance(arguments, dict):
            return {}, "the arguments are not a JSON object"
        return arguments, toolbox.mistakes_in(call.name, arguments)

    def _context(self, environment: Mapping[str, str]) -> Context:
        """A new one each time: links may lead elsewhere by now."""
        return Context(
            cwd=str(self.ground.cwd),
            home=self._usual.get("HOME") or str(Path.home()),
            shammah_home=str(self.ground.home),
            mode=self.mode,
            attended=self._attended,
            sandboxed=self.sandbox.is_on,
            environment=tuple(sorted(environment.items())),
            resolve=self._resolve,
        )

    def _rules(self) -> tuple[Rule, ...]:
        """Those of the store, read again where it changed: another terminal may have saved or removed one."""
        try:
            found = os.stat(self._store)  # noqa: PTH116  the fields that tell
            stored_as: tuple[int, ...] | None = (found.st_ino, found.st_mtime_ns, found.st_size)
        except FileNotFoundError:
            stored_as = None
        except OSError as error:
            raise HomeError(f"{self._store} cannot be read: {error.strerror}.", "Check its owner and mode.") from error
        if stored_as != self._stored_as:
            loaded = store.load(self._store)
            self._saved, self._stored_as = loaded.rules, stored_as
            self.notice = loaded.notice or self.notice
        return self._saved


def refusal(decision: Decision, said: str = "") -> Result:
    """A call that does not run, as the model is told of it; `said` is the reason that a person gave."""
    if said:
        text = f"The person did not allow this. They say: {said}"
    elif decision.verdict is Verdict.ASK:
        text = "The person did not allow this. Do not try it again in another spelling; ask them, or go on without it."
    else:
        text = f"Not run: {decision.reason}"
    return Result(text, "denied" if decision.verdict is Verdict.ASK or said else decision.reason, failed=True)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two equal keys, two readers may take a different one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found
