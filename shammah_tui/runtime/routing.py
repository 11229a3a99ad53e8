"""Who takes a question, and until when it waits: the router's pure decision, fed with what is known at the moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from shammah_tui.backends.router import Choice, Reason, Request, State, Wait, choose
from shammah_tui.backends.router import Claude as ToClaude
from shammah_tui.config.settings import Settings
from shammah_tui.errors import CloudError, CloudTrouble, ShammahError
from shammah_tui.events import Phase, TurnWaiting
from shammah_tui.journal.ledger import Ledger
from shammah_tui.runtime.link import SETTLED, WAITING_FOR, EngineLink

if TYPE_CHECKING:
    from shammah_tui.agent.loop import Backend
    from shammah_tui.backends.claude.backend import Claude

Asked = Literal["", "local", "cloud"]

# How long an engine that is only just being reached is waited for before Claude takes its place.
WARM_SECONDS = 1.5
# After a failure Claude is left alone for this long, unless the person asks for it.
TROUBLE_SECONDS = 60.0


class Routing:
    """`asked`: whom the person wants from now on, by `/local`, `/cloud` or a flag; empty leaves it to the router."""

    def __init__(self, settings: Settings, link: EngineLink, ledger: Ledger, *, asked: Asked = "") -> None:
        self.asked = asked
        self._settings = settings
        self._link = link
        self._ledger = ledger
        self._agreed = False
        self._wants_cloud_now = False
        self._trouble: CloudTrouble | None = None
        self._troubled_at = 0.0
        self._claude: Claude | None = None
        self._has_key: bool | None = None

    def agree(self) -> None:
        """The person sends what waits to Claude, and lets questions go there by themselves until the program ends."""
        self._agreed = self._wants_cloud_now = True
        self._link.announce()

    async def decide(self, request: Request) -> AsyncGenerator[TurnWaiting | Choice, None]:
        """What is waited for, whenever that changes, and last the choice. A last `Wait` needs the person.

        An engine that had failed before tries again, once, where nobody else takes the question. Raises EngineError.
        """
        self._link.revive()
        self._wants_cloud_now = False
        said: tuple[str, bool] | None = None
        tried = False
        soon = time.monotonic() + WARM_SECONDS
        while True:
            changed = self._link.changed
            choice = await self.choice(request)
            # A state of before the engine was heard is the link's own.
            tried = tried or (self._link.backend is not None and self._link.state.phase not in SETTLED)
            if not tried and self._link.engine is not None and await self._is_for_want_of_a_model(choice, request):
                tried = True
                await self._link.retry()
                continue
            left = soon - time.monotonic()
            too_soon = left > 0 and self._link.state.phase is Phase.INITIALIZING
            if too_soon and isinstance(choice, ToClaude) and choice.reason is Reason.MODEL_NOT_READY:
                # An engine that is warm says so in a moment: nothing needs to be sent then.
                with suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await changed.wait()
                continue
            if not isinstance(choice, Wait) or choice.until == "person":
                yield choice
                return
            reason = self._link.state.reason or WAITING_FOR.get(self._link.state.phase, choice.text)
            if said != (reason, choice.offers_claude):
                said = (reason, choice.offers_claude)
                yield TurnWaiting(reason, choice.offers_claude)
            await changed.wait()
            self._link.check()

    async def choice(self, request: Request) -> Choice:
        """The decision as things are now."""
        return choose(self._wished(request), await self.state())

    async def _is_for_want_of_a_model(self, choice: Choice, request: Request) -> bool:
        """Whether nobody takes the question as the local model failed: were it on its way, the question would wait."""
        if not isinstance(choice, Wait) or choice.until != "person":
            return False
        hoped = choose(self._wished(request), replace(await self.state(), phase=Phase.INITIALIZING))
        return isinstance(hoped, Wait) and hoped.until == "model"

    async def state(self) -> State:
        local = self._link.state
        claude = await self._reachable()
        return State(
            phase=local.phase,
            local_model=local.model.name if local.model else "",
            local_context_tokens=local.model.context_tokens if local.model else 0,
            cloud_model=claude.model.name if claude else self._settings.claude.model,
            cloud_context_tokens=claude.model.context_tokens if claude else 0,
            has_key=bool(self._has_key),
            offline=self._settings.offline,
            cloud=self._settings.router.cloud,
            agreed=self._agreed,
            escalate=self._settings.router.escalate,
            cloud_trouble=self._trouble if time.monotonic() < self._troubled_at + TROUBLE_SECONDS else None,
        )

    async def claude(self) -> Claude:
        """The connection to Claude. Raises CloudError where the settings forbid it, or there is no key."""
        from shammah_tui.backends.claude.backend import Claude

        if self._claude is None:
            self._claude = Claude(self._settings, self._ledger)
        return self._claude

    def background(self) -> Backend | None:
        """Claude for work that the person does not wait for: only where the settings let everything go there. A person
        who agreed while a model was loading spoke of questions."""
        if self._claude is None or not self._has_key:
            return None
        return self._claude.backend("Rewrite") if self._settings.router.cloud == "allow" else None

    def failed(self, error: CloudError) -> None:
        """A question that Claude declined says nothing of the next one."""
        if error.trouble is CloudTrouble.REFUSED:
            return
        self._trouble, self._troubled_at = error.trouble, time.monotonic()

    def answered(self) -> None:
        self._trouble = None

    async def close(self) -> None:
        if self._claude is not None:
            await self._claude.close()

    def _wished(self, request: Request) -> Request:
        if request.crisis:
            return request
        return replace(request, asked="cloud" if self._wants_cloud_now else request.asked or self.asked)

    async def _reachable(self) -> Claude | None:
        """Claude, where it may be asked at all; whether there is a key is found out once."""
        if self._settings.offline or self._settings.router.cloud == "never":
            return None
        try:
            claude = await self.claude()
            if self._has_key is None:
                self._has_key = await claude.has_key()
        except ShammahError:
            # What stands in its way is said to whoever asks for Claude.
            self._has_key = False
            return None
        return claude
