"""Which GGUF of a repository is meant, by the names of its files alone."""

from __future__ import annotations

import re
from collections import defaultdict

from shammah_tui.bootstrap.wish import GGUF

PART = re.compile(r"-\d{5}-of-(\d{5})(?=\.gguf$)", re.IGNORECASE)
# Projectors of models that see; no language model by itself.
PROJECTOR = re.compile(r"(^|/)mmproj", re.IGNORECASE)

# What is taken where a repository is named without a quantisation.
USUAL = ("q8_0", "q4_k_m")
USUAL_SIZE_MAX_BYTES = (4 * 10**9, 10**15)


def select(names: tuple[str, ...], sizes: dict[str, int], selector: str) -> tuple[str, ...]:
    """The parts of the one GGUF among `names` that `selector` means: a file name, a quantisation, or empty for the
    usual one. Empty where there is none; a set of parts counts only if it is whole."""
    whole = groups(names)
    if selector.lower().endswith(GGUF):
        return next((parts for parts in whole.values() if selector in parts), ())
    if selector:
        return next((parts for key, parts in whole.items() if _is_quantized(key, selector)), ())
    for quantization, limit in zip(USUAL, USUAL_SIZE_MAX_BYTES, strict=True):
        for key, parts in whole.items():
            if _is_quantized(key, quantization) and sum(sizes[part] for part in parts) <= limit:
                return parts
    return next(iter(whole.values())) if len(whole) == 1 else ()


def groups(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The whole GGUFs among `names` by their name without the part.

    {"model-q4.gguf": ("model-q4-00001-of-00002.gguf", "model-q4-00002-of-00002.gguf")}
    """
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names):
        if name.lower().endswith(GGUF) and not PROJECTOR.search(name):
            found[PART.sub("", name)].append(name)
    return {key: tuple(parts) for key, parts in found.items() if _is_whole(parts)}


def _is_whole(parts: list[str]) -> bool:
    match = PART.search(parts[0])
    return len(parts) == (int(match.group(1)) if match else 1)


def _is_quantized(name: str, quantization: str) -> bool:
    return re.search(rf"(^|[-._/]){re.escape(quantization)}([-.]|$)", name, re.IGNORECASE) is not None
