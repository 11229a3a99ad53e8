"""GET /v1/models and /v1/models/{id}: the one model that is loaded, as OpenAI lists models."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from shammah_tui.daemon.failure import UnknownModel
from shammah_tui.daemon.loaded import LoadedModel
from shammah_tui.daemon.routes.chat import check_model
from shammah_tui.daemon.service import Service


class Models:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def all(self, request: Request) -> Response:
        loaded = self._service.loaded
        return JSONResponse({"object": "list", "data": [_describe(loaded)] if loaded else []})

    async def one(self, request: Request) -> Response:
        name = request.path_params["id"]
        check_model(name, self._service)
        loaded = self._service.loaded
        if loaded is None:
            raise UnknownModel(name, self._service.model_id or "no model yet")
        return JSONResponse(_describe(loaded))


def _describe(loaded: LoadedModel) -> dict[str, Any]:
    info, summary = loaded.engine.model, loaded.summary
    return {
        "id": loaded.id,
        "object": "model",
        "created": loaded.loaded_at,
        "owned_by": "shammah",
        "meta": {
            "name": summary.name,
            "n_ctx": info.context_tokens,
            "n_ctx_train": info.training_context_tokens,
            "n_vocab": info.vocabulary,
            "n_params": info.parameters,
            "size": info.size_bytes,
            "quantization": summary.quantization,
            "architecture": info.architecture,
            "device": info.device,
            "is_demo": summary.is_demo,
            "adapter": summary.adapter,
        },
    }
