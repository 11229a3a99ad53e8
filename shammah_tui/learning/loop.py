"""The training loop: weighted likelihood on rated answers, KL to the base on replayed ones.

Rows of a step: `batch_rows` rated ones, and `replay_share` times as many replayed. Half of the replayed rows come in
turn, half are those that lay farthest from the base when last seen (hard mining): a few rows near the rule's border
carry most of the damage.
"""

from __future__ import annotations

import io
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from shammah_tui.errors import ShammahError
from shammah_tui.learning.arguments import TrainArguments
from shammah_tui.learning.event import HeldOutMeasured, StepReported
from shammah_tui.learning.example import Example
from shammah_tui.learning.lanes import Lanes, add_gradients, lanes_for
from shammah_tui.learning.loss import is_greedy, normalised, row_means, token_kl, token_nll
from shammah_tui.learning.network import Network
from shammah_tui.learning.packed import Line, Pack, packs

T = TypeVar("T")

# What a nat of KL counts against one of likelihood when adapters are compared: once the turning tokens are learned,
# the adapter that changes least is the better one.
KL_PRICE = 2.0
# From here on a held-out row is missed, and how far does not matter: a few of them are beyond what can be learned.
MISSED_NATS = 0.5
# A run is not given up before each rated row was learned so often without any gain.
PATIENCE_PASSES = 6


class TrainingFailed(ShammahError):
    """The run cannot go on; says why."""


@dataclass(slots=True)
class Rated:
    """A rated example, and for each token of its answer (tokens) whether the base would have said another one: these
    turn the answer, the rest the base would have said anyway."""

    example: Example
    turns: Tensor

    @property
    def line(self) -> Line:
        return Line(self.example.prompt, self.example.answer)


@dataclass(slots=True)
class Replay:
    """A replayed example with the base's hidden states over its answer (tokens, hidden), and its last KL seen."""

    example: Example
    base: Tensor
    kl: float = math.inf

    @property
    def line(self) -> Line:
        return Line(self.example.prompt, self.example.answer)


@dataclass(slots=True)
class Figures:
    """Losses of one step, nats a token."""

    nll: float = 0.0
    kl: float = 0.0
    by_color: dict[str, list[float]] = field(default_factory=dict)

    def add(self, other: Figures) -> None:
        self.nll += other.nll
        self.kl += other.kl
        for color, losses in other.by_color.items():
            self.by_color.setdefault(color, []).extend(losses)


@dataclass(slots=True)
class Loop:
    """State of a run. `run` goes to the end (or stops early) and leaves the best adapter in the network."""

    network: Network
    arguments: TrainArguments
    pack_tokens: int
    """Tokens that are worked on at one time, in all lanes together."""
    lanes: Lanes = field(init=False, default_factory=lambda: Lanes(1))
    rated: list[Rated] = field(default_factory=list)
    replay: list[Replay] = field(default_factory=list)
    held_rated: list[Rated] = field(default_factory=list)
    held_replay: list[Replay] = field(default_factory=list)
    num_tokens: int = 0
    answer_tokens: int = 0
    restored_tokens: int = 0
    """Answer tokens of an earlier process, which took none of this one's time."""
    best_step: int = 0
    best_score: float = math.inf

    def load(self, examples: Sequence[Example]) -> None:
        """Sorts the examples, and asks the base, once, for its hidden states over the answers."""
        longest = max(example.length for example in examples)
        self.lanes = lanes_for(self.network.device, self.pack_tokens, longest)
        states = self.network.base_states([Line(e.prompt, e.answer) for e in examples], self.pack_tokens)
        for example, base in zip(examples, states, strict=True):
            if example.replay:
                (self.held_replay if example.held_out else self.replay).append(Replay(example, base))
            else:
                row = Rated(example, self._turns(example, base))
                (self.held_rated if example.held_out else self.rated).append(row)

    def _turns(self, example: Example, base: Tensor) -> Tensor:
        labels = torch.tensor(example.answer, device=self.network.device)
        turns = ~is_greedy(base.to(self.network.device), self.network.head, labels)
        return turns if bool(turns.any()) else torch.ones_like(turns)

    def run(
        self,
        steps: int,
        rate: float,
        report: Callable[[StepReported | HeldOutMeasured], None],
        saved: Path | None = None,
    ) -> int:
        """The number of steps done. With `saved` the state is kept in that file at each check, and a file that is
        there is gone on from. Raises `TrainingFailed` when a loss or a gradient is no number."""
        arguments, parameters = self.arguments, self.network.trained_parameters()
        optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.0, fused=self.network.device.type != "mps")
        warmup = max(1, round(arguments.warmup_share * steps))
        batches = self._batches()
        best = self.network.adapter_state()
        done = worse = 0
        if saved is not None and saved.is_file():
            done, worse, best = self._restore(saved, optimizer)
            for _ in range(done):
                next(batches)
        started = time.perf_counter()
        for step in range(done + 1, steps + 1):
            now = rate * min(step / warmup, (steps - step + 1) / max(1, steps - warmup + 1))
            for group in optimizer.param_groups:
                group["lr"] = now
            figures = self.accumulate(*next(batches))
            norm = float(torch.nn.utils.clip_grad_norm_(parameters, arguments.clip))
            if not (math.isfinite(figures.nll + figures.kl) and math.isfinite(norm)):
                raise TrainingFailed(
                    f"In step {step} the loss was no longer a number, so the run is not usable.",
                    "A lower learning rate helps in most cases.",
                )
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            seconds = time.perf_counter() - started
            report(self._reported(step, steps, figures, now, norm, seconds, step - done))
            if step % arguments.check_every and step < steps:
                continue
            measured = self._measure(step)
            report(measured)
            worse = 0 if measured.best else worse + 1
            if measured.best:
                best = self.network.adapter_state()
            elif worse >= self.patience:
                break
            if saved is not None:
                self._save(saved, step, worse, best, optimizer)
        self.network.load_adapter_state(best)
        return step if done < steps else done

    @property
    def patience(self) -> int:
        """How many checks in a row may be no better; of many rows a few checks do not see each often enough."""
        rows_a_check = self.arguments.check_every * self._batch_rows
        return max(self.arguments.patience, math.ceil(PATIENCE_PASSES * len(self.rated) / rows_a_check))

    @property
    def _batch_rows(self) -> int:
        return max(4, self.arguments.batch_rows)

    def _save(self, path: Path, step: int, worse: int, best: list[Tensor], optimizer: torch.optim.Optimizer) -> None:
        draft = path.with_suffix(".part")
        state = {
            "step": step,
            "worse": worse,
            "best": best,
            "best_step": self.best_step,
            "best_score": self.best_score,
            "adapter": self.network.adapter_state(),
            "optimizer": optimizer.state_dict(),
            "tokens": [self.num_tokens, self.answer_tokens],
            "kl": [row.kl for row in self.replay],
        }
        # By way of memory: torch's own writer says "unexpected pos" of a full disk.
        written = io.BytesIO()
        torch.save(state, written)
        draft.write_bytes(written.getbuffer())
        draft.replace(path)

    def _restore(self, path: Path, optimizer: torch.optim.Optimizer) -> tuple[int, int, list[Tensor]]:
        """The step that was done last, how many checks in a row were no better, and the best adapter so far."""
        state = torch.load(path, map_location=self.network.device, weights_only=True)
        self.network.load_adapter_state(state["adapter"])
        optimizer.load_state_dict(state["optimizer"])
        self.best_step, self.best_score = state["best_step"], state["best_score"]
        self.num_tokens, self.answer_tokens = state["tokens"]
        self.restored_tokens = self.answer_tokens
        for row, kl in zip(self.replay, state["kl"], strict=True):
            row.kl = kl
        return state["step"], state["worse"], state["best"]

    def accumulate(self, rated: Sequence[Rated], replay: Sequence[Replay]) -> Figures:
        """Gradients of one step. A rated row's weight is relative to its batch, not to its pack."""
        weights = normalised(torch.tensor([row.example.weight for row in rated], device=self.network.device))
        parameters = self.network.trained_parameters()

        def learn(pack: Pack) -> tuple[Figures, Sequence[Tensor]]:
            loss, figures = self._loss(pack, rated, replay, weights)
            return figures, torch.autograd.grad(loss, parameters)

        total = Figures()
        packed = list(self._packs([*(row.line for row in rated), *(row.line for row in replay)]))
        for figures, gradients in self.lanes.map(learn, packed):
            total.add(figures)
            add_gradients(parameters, gradients)
        self.num_tokens += sum(pack.tokens.shape[1] for pack in packed)
        self.answer_tokens += sum(len(pack.labels) for pack in packed)
        return total

    def _loss(
        self, pack: Pack, rated: Sequence[Rated], replay: Sequence[Replay], weights: Tensor
    ) -> tuple[Tensor, Figures]:
        """A pack's part of the step's loss. Its rows are numbered through `rated`, then `replay`."""
        device, head = self.network.device, self.network.head
        figures = Figures()
        hidden = self.network.states(pack)
        loss = hidden.new_zeros((), dtype=torch.float32)
        place = torch.tensor(pack.rows, device=device)[pack.owner]
        learned = place < len(rated)
        if bool(learned.any()):
            turns = torch.cat([rated[index].turns for index in pack.rows if index < len(rated)])
            shares = torch.where(turns, 1.0, self.arguments.still_weight)
            losses = token_nll(hidden[learned], head, pack.labels[learned], turns * self.arguments.margin)
            means = row_means(losses, shares, place[learned], len(rated))
            loss = loss + (weights * means).sum()
            figures.nll = float((weights * means).sum().detach())
            for index in sorted(index for index in pack.rows if index < len(rated)):
                figures.by_color.setdefault(rated[index].example.color, []).append(float(means[index].detach()))
        held = [replay[index - len(rated)] for index in pack.rows if index >= len(rated)]
        if held:
            replayed_tokens = sum(len(row.example.answer) for row in replay)
            base = torch.cat([row.base for row in held]).to(device)
            divergence = token_kl(hidden[~learned], head, base)
            loss = loss + self.arguments.kl_weight * divergence.sum() / replayed_tokens
            figures.kl = float(divergence.detach().sum()) / replayed_tokens
            _remember(held, divergence)
        return loss, figures

    def _packs(self, lines: Sequence[Line]) -> Iterator[Pack]:
        return packs(lines, self.pack_tokens, self.network.device, self.lanes.count)

    def _batches(self) -> Iterator[tuple[list[Rated], list[Replay]]]:
        """Without end; each rated row comes as often as any other."""
        shuffle = random.Random(self.arguments.seed)
        rated_turn, replay_turn = _in_turn(self.rated, shuffle), _in_turn(self.replay, shuffle)
        count = self._batch_rows
        replayed = min(len(self.replay), round(count * self.arguments.replay_share))
        while True:
            rated = [next(rated_turn) for _ in range(count)]
            turn = [next(replay_turn) for _ in range(replayed - replayed // 2)]
            others = [row for row in self.replay if all(row is not taken for taken in turn)]
            hardest = sorted(others, key=lambda row: row.kl, reverse=True)[: replayed - len(turn)]
            yield rated, turn + hardest

    def _measure(self, step: int) -> HeldOutMeasured:
        """On the held-out rows; on the learned ones of a kind where none is held out."""
        rated, replay = self.held_rated or self.rated, self.held_replay or self.replay
        packed = self._packs([*(row.line for row in rated), *(row.line for row in replay)])
        found = [
            row for rows in self.lanes.map(lambda pack: self._held_out(pack, rated, replay), packed) for row in rows
        ]
        nlls = [(loss, held) for is_rated, loss, held in found if is_rated]
        kls = [(loss, held) for is_rated, loss, held in found if not is_rated]
        nll, kl = (sum(loss for loss, _ in rows) / max(1, len(rows)) for rows in (nlls, kls))
        missed = sum(min(loss, MISSED_NATS) for loss, _ in nlls) / len(rated)
        adherent, unchanged = (sum(held for _, held in rows) for rows in (nlls, kls))
        score = missed + KL_PRICE * self.arguments.kl_weight * kl
        is_best = score < self.best_score
        if is_best:
            self.best_step, self.best_score = step, score
        return HeldOutMeasured(
            step=step,
            nll=nll,
            kl=kl,
            adherence=adherent / len(rated),
            rated=len(rated),
            unchanged=unchanged / max(1, len(replay)),
            replayed=len(replay),
            best=is_best,
        )

    @torch.inference_mode()
    def _held_out(self, pack: Pack, rated: Sequence[Rated], replay: Sequence[Replay]) -> list[tuple[bool, float, bool]]:
        """For each row: whether it is a rated one; its NLL over the tokens that turn it, or its KL; and whether the
        greedy answer would be the wanted one, or the base's."""
        head, found = self.network.head, []
        hidden = self.network.states(pack)
        said = is_greedy(hidden, head, pack.labels)
        nlls = token_nll(hidden, head, pack.labels)
        for number, index in enumerate(pack.rows):
            own = pack.owner == number
            if index < len(rated):
                turns = rated[index].turns
                found.append((True, float(nlls[own][turns].mean()), bool(said[own][turns].all())))
            else:
                base = replay[index - len(rated)].base.to(self.network.device)
                same = (said[own] == is_greedy(base, head, pack.labels[own])).all()
                found.append((False, float(token_kl(hidden[own], head, base).mean()), bool(same)))
        return found

    def _reported(
        self, step: int, steps: int, figures: Figures, rate: float, norm: float, seconds: float, timed: int
    ) -> StepReported:
        """`seconds` is what the last `timed` steps took."""
        return StepReported(
            step=step,
            steps=steps,
            loss=figures.nll + self.arguments.kl_weight * figures.kl,
            nll=figures.nll,
            kl=figures.kl,
            learning_rate=rate,
            grad_norm=norm,
            num_tokens=self.num_tokens,
            answer_tokens=self.answer_tokens,
            tokens_per_second=(self.answer_tokens - self.restored_tokens) / seconds,
            seconds_left=seconds / timed * (steps - step),
            loss_by_color={color: sum(held) / len(held) for color, held in figures.by_color.items()},
        )


def _remember(rows: Sequence[Replay], divergence: Tensor) -> None:
    """Keeps each row's largest KL of a token, in the order in which the rows stand in the pack."""
    for row, own in zip(rows, divergence.detach().split([len(row.example.answer) for row in rows]), strict=True):
        row.kl = float(own.max())


def _in_turn(rows: Sequence[T], shuffle: random.Random) -> Iterator[T]:
    """Each row once in a shuffled order, then again in another."""
    while rows:
        yield from shuffle.sample(rows, len(rows))
