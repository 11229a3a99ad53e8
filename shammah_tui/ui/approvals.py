"""The questions about tools that wait for the person: one after the other, each answered exactly once.

Whatever takes a question away without an answer (its turn was cancelled, the program was suspended or is left) means
deny.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from textual.app import App

from shammah_tui.events import Approval, PermissionAsked
from shammah_tui.ui.screens.approval import ApprovalScreen

DENIED = Approval("deny")


class Approvals:
    """`answered` hears each question that is settled; `interrupt` is called when the person ends the whole turn."""

    def __init__(
        self,
        app: App[None],
        folder: Path,
        *,
        answered: Callable[[PermissionAsked], None],
        interrupt: Callable[[], None],
    ) -> None:
        self._app = app
        self._folder = folder
        self._answered = answered
        self._interrupt = interrupt
        self._waiting: list[PermissionAsked] = []
        self._screen: ApprovalScreen | None = None
        self._settled = 0

    @property
    def is_open(self) -> bool:
        return bool(self._waiting)

    def ask(self, asked: PermissionAsked) -> None:
        self._waiting.append(asked)
        asked.answer.add_done_callback(lambda _: self._settle(asked))
        self._show()

    def deny_all(self) -> None:
        for asked in tuple(self._waiting):
            self._answer(asked, DENIED)

    def _show(self) -> None:
        """The first that waits; how many there are, where one is shown already."""
        if not self._waiting:
            self._settled = 0
            return
        total = self._settled + len(self._waiting)
        if self._screen is None:
            asked = self._waiting[0]
            screen = self._screen = ApprovalScreen(asked, self._folder, gone=lambda: self._answer(asked, DENIED))
            self._app.push_screen(screen, lambda result: self._chosen(asked, result))
        self._screen.count(self._settled + 1, total)

    def _chosen(self, asked: PermissionAsked, result: Approval | Literal["interrupt"] | None) -> None:
        if isinstance(result, Approval):
            self._answer(asked, result)
        elif result == "interrupt":
            self.deny_all()
            self._interrupt()

    def _answer(self, asked: PermissionAsked, approval: Approval) -> None:
        if not asked.answer.done():
            asked.answer.set_result(approval)
        self._settle(asked)

    def _settle(self, asked: PermissionAsked) -> None:
        """It has its answer, or its turn is gone; once for each."""
        if asked not in self._waiting:
            return
        self._waiting.remove(asked)
        self._settled += 1
        screen = self._screen
        if screen is not None and screen.asked is asked:
            self._screen = None
            screen.leave()
        self._answered(asked)
        # The screen of this one is taken down first.
        self._app.call_later(self._show)
