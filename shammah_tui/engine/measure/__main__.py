"""The loop over requests: see the package's docstring for the protocol."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from shammah_tui.engine.measure.decoder import Decoder
from shammah_tui.engine.measure.ruler import Row, answers, divergence, scores
from shammah_tui.errors import ShammahError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m shammah_tui.engine.measure", description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--context", type=int, default=0)
    given = parser.parse_args()
    try:
        decoder = Decoder(given.model, threads=given.threads, context_tokens=given.context)
    except ShammahError as error:
        _say({"error": str(error)})
        return 1
    _say(_ready(decoder))
    for line in sys.stdin:
        try:
            _say(reply(decoder, json.loads(line)))
        except ShammahError as error:
            _say({"error": str(error)})
    decoder.close()
    return 0


def reply(decoder: Decoder, request: dict[str, Any]) -> dict[str, Any]:
    match request["op"]:
        case "tokenize":
            return {"tokens": [decoder.vocabulary.tokenize(text) for text in request["texts"]]}
        case "adapter":
            path = request.get("path")
            decoder.set_adapter(Path(path) if path else None, request.get("scale", 1.0))
            return {"set": path}
        case "answer":
            return {"answers": _answers(decoder, request)}
        case "score":
            return {"scores": scores(decoder, _rows(request))}
        case "divergence":
            return divergence(decoder, _rows(request), Path(request["path"]), request["scales"])
        case other:
            return {"error": f"there is no operation {other!r}"}


def _ready(decoder: Decoder) -> dict[str, Any]:
    info = decoder.info
    tokens = {
        name: decoder.vocabulary.tokenize(text) for name, text in (("eos", info.eos_text), ("bos", info.bos_text))
    }
    return {
        "ready": info.name,
        "chat_template": info.chat_template,
        "eos": tokens["eos"],
        "bos": info.bos_text,
        "vocabulary": info.vocabulary,
        "context": min(info.context_tokens, info.training_context_tokens),
        "parameters": info.parameters,
        "architecture": info.architecture,
    }


def _answers(decoder: Decoder, request: dict[str, Any]) -> list[dict[str, Any]]:
    drafts = answers(
        decoder,
        request["prompts"],
        max_tokens=request["max_tokens"],
        temperature=request.get("temperature", 0.0),
        seed=request.get("seed", 0),
    )
    pieces = decoder.vocabulary.pieces
    return [
        {
            "tokens": draft.tokens,
            "text": b"".join(pieces[token] for token in draft.tokens).decode("utf-8", "replace"),
            "ended": draft.ended,
        }
        for draft in drafts
    ]


def _rows(request: dict[str, Any]) -> list[Row]:
    return [Row(row["prompt"], row["answer"]) for row in request["rows"]]


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
