"""How well the certainty of a local answer tells whether it is right: scripts/bench/certainty [SCALE].

The demo model answers the cases of its own evaluation, which judges check. Half of the answers fit the curve, as a
person's ratings would; the other half measure it. AUC is the chance that a right answer is held for likelier than a
wrong one; the calibration error is how far the chances are from what came true. Few answers of this model are wrong, so
the figures are coarse, and of other models they say nothing: the curve is fitted to each person's ratings for that.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Sequence

from scripts.demo_model.evaluate import all_cases
from shammah_tui import paths
from shammah_tui.backends.certainty import FIRST_TOKENS, PRIOR, THRESHOLD, Curve, Rated, fit
from shammah_tui.engine.llama import LlamaEngine
from shammah_tui.engine.request import GenerationEnded, GenerationRequest, LoadOptions, Sampling, TextGenerated


async def measured(engine: LlamaEngine, prompt: str) -> tuple[str, Rated]:
    text = ""
    request = GenerationRequest(
        engine.tokenize(prompt), max_tokens=300, sampling=Sampling(temperature=0), certainty_tokens=FIRST_TOKENS
    )
    found: list[tuple[float, float]] = []
    async for event in engine.generate(request):
        if isinstance(event, TextGenerated):
            text += event.text
        elif isinstance(event, GenerationEnded):
            found = [(token.logprob, token.entropy) for token in event.certainty]
    logprob = sum(one for one, _ in found) / len(found)
    entropy = sum(one for _, one in found) / len(found)
    return text, Rated(logprob, entropy, False)


async def answers(scale: float) -> list[Rated]:
    engine = LlamaEngine(paths.demo_model_gguf(), LoadOptions(device="cpu", context_tokens=4096))
    try:
        rated = []
        for case in all_cases(scale):
            text, shown = await measured(engine, case.prompt)
            rated.append(Rated(shown.mean_logprob, shown.mean_entropy, text.strip() == case.wanted or case.judge(text)))
        return rated
    finally:
        engine.close()


def auc(curve: Curve, rated: Sequence[Rated]) -> float:
    chances = [(curve.chance(one.mean_logprob, one.mean_entropy), one.is_good) for one in rated]
    good = [chance for chance, is_good in chances if is_good]
    bad = [chance for chance, is_good in chances if not is_good]
    wins = sum((one > other) + 0.5 * (one == other) for one in good for other in bad)
    return wins / (len(good) * len(bad))


def calibration_error(curve: Curve, rated: Sequence[Rated], bins: int = 10) -> float:
    groups: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for one in rated:
        chance = curve.chance(one.mean_logprob, one.mean_entropy)
        groups[min(bins - 1, int(chance * bins))].append((chance, one.is_good))
    return sum(abs(sum(c for c, _ in g) - sum(good for _, good in g)) for g in groups) / len(rated)


def main() -> int:
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 0.2
    rated = asyncio.run(answers(scale))
    random.Random(1).shuffle(rated)
    seen, unseen = rated[::2], rated[1::2]
    print(f"{len(rated)} answers, {sum(one.is_good for one in rated)} right; half fit the curve, half measure it\n")
    print(f"{'curve':<22}{'AUC':>7}{'calibration error':>20}{'doubted: wrong':>18}{'right':>12}")
    for name, curve in (("without ratings", PRIOR), ("fitted to ratings", fit(seen))):
        doubted = [one.is_good for one in unseen if curve.chance(one.mean_logprob, one.mean_entropy) < THRESHOLD]
        wrong, right = doubted.count(False), doubted.count(True)
        all_wrong = sum(not one.is_good for one in unseen)
        print(
            f"{name:<22}{auc(curve, unseen):>7.3f}{calibration_error(curve, unseen):>20.3f}"
            f"{f'{wrong} of {all_wrong}':>18}{f'{right} of {len(unseen) - all_wrong}':>12}"
        )
    print(f"\nfitted: {fit(rated)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
