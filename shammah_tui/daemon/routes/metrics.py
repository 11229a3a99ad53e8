"""GET /metrics in Prometheus' text form (version 0.0.4). Counters of tokens begin anew with each model."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from starlette.requests import Request
from starlette.responses import Response

from shammah_tui import __version__
from shammah_tui.daemon.requests import RequestCounts
from shammah_tui.daemon.service import Service
from shammah_tui.engine.request import EngineCounts
from shammah_tui.events import Phase


class Metrics:
    def __init__(self, service: Service, requests: RequestCounts) -> None:
        self._service = service
        self._requests = requests

    async def page(self, request: Request) -> Response:
        text = "\n".join(self._lines()) + "\n"
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    def _lines(self) -> Iterator[str]:
        service = self._service
        counts = service.loaded.engine.counts() if service.loaded else EngineCounts()
        yield from _metric("shammah_info", "gauge", "Version and model.", {
            f'version="{__version__}",model="{_escaped(service.model_id or "")}"': 1,
        })  # fmt: skip
        states = {f'phase="{phase.value}"': int(phase is service.state.phase) for phase in Phase}
        yield from _metric("shammah_bootstrap_phase", "gauge", "1 for the present phase of the bootstrap.", states)
        progress = service.state.progress
        done, total = (progress.done_bytes, progress.total_bytes) if progress else (0, 0)
        yield from _metric("shammah_download_done_bytes", "gauge", "Of the download under way.", {"": done})
        yield from _metric("shammah_download_total_bytes", "gauge", "Of the download under way.", {"": total})
        uptime = round(time.monotonic() - service.started_at, 3)
        yield from _metric("shammah_uptime_seconds", "gauge", "Since the engine's process began.", {"": uptime})
        yield from _metric("shammah_clients", "gauge", "Requests and event streams that are open.", {
            "": service.presence.count,
        })  # fmt: skip
        answered = {f'route="{route}",status="{status}"': n for (route, status), n in self._requests.items()}
        yield from _metric("shammah_http_requests_total", "counter", "Requests by route and status.", answered)
        yield from _metric("shammah_refused_total", "counter", "Chat requests refused, the queue being full.", {
            "": service.admission.refused_total,
        })  # fmt: skip
        for name, kind, words, value in (
            ("requests_total", "counter", "Answers begun.", counts.requests_total),
            ("prompt_tokens_total", "counter", "Tokens of prompts.", counts.prompt_tokens_total),
            ("cached_tokens_total", "counter", "Of these, not computed again.", counts.cached_tokens_total),
            ("generated_tokens_total", "counter", "Tokens generated.", counts.generated_tokens_total),
            ("requests_active", "gauge", "Answers being written.", counts.active),
            ("requests_queued", "gauge", "Requests waiting for a slot.", counts.queued),
        ):
            yield from _metric(f"shammah_{name}", kind, words, {"": value})


def _metric(name: str, kind: str, words: str, values: Mapping[str, float]) -> Iterator[str]:
    yield f"# HELP {name} {words}"
    yield f"# TYPE {name} {kind}"
    for labels, value in values.items():
        yield f"{name}{{{labels}}} {value}" if labels else f"{name} {value}"


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
