from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from shammah_tui.learning import loss as losses
from shammah_tui.learning.arguments import TrainArguments
from shammah_tui.learning.example import Example
from shammah_tui.learning.lanes import Lanes, lanes_for
from shammah_tui.learning.loop import Loop, Rated
from shammah_tui.learning.network import Network, load_network
from shammah_tui.learning.packed import Line, packs

CPU = torch.device("cpu")


def network_of(base: Path) -> Network:
    return load_network(base, TrainArguments(rank=4), CPU, checkpointing=False)


def random_example(number: int, *, weight: float = 1.0, replay: bool = False) -> Example:
    random = torch.Generator().manual_seed(number)
    tokens = torch.randint(0, 256, (30 + number,), generator=random).tolist()
    return Example(number, "in_scope", "rule", "red", weight, [7, 8, 9, *tokens[:12]], tokens[12:], replay, False)


def rated(number: int, *, weight: float = 1.0) -> Rated:
    example = random_example(number, weight=weight)
    return Rated(example, torch.ones(len(example.answer), dtype=torch.bool))


@pytest.fixture
def states() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    return (
        torch.randn(40, 16, requires_grad=True),
        torch.randn(50, 16),
        torch.randint(0, 50, (40,)),
        torch.randn(40, 16),
    )


@pytest.mark.parametrize("chunk", [40, 7])
def test_fused_losses_equal_autograd_in_value_and_gradient(
    states: tuple[Tensor, Tensor, Tensor, Tensor], chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "CHUNK_LOGITS", 50 * chunk)
    monkeypatch.setattr(losses, "CHUNK_TOKENS_MIN", 1)
    hidden, head, labels, base = states
    weights = torch.rand(40)
    log_q = torch.log_softmax(hidden @ head.T, -1)
    log_p = torch.log_softmax(base @ head.T, -1)
    plain_nll = functional.cross_entropy(hidden @ head.T, labels, reduction="none")
    plain_kl = functional.kl_div(log_q, log_p, log_target=True, reduction="none").sum(-1)
    for plain, fused in (
        (plain_nll, losses.token_nll(hidden, head, labels)),
        (plain_kl, losses.token_kl(hidden, head, base)),
    ):
        torch.testing.assert_close(fused, plain)
        wanted = torch.autograd.grad((plain * weights).sum(), hidden, retain_graph=True)
        torch.testing.assert_close(torch.autograd.grad((fused * weights).sum(), hidden), wanted)


def test_a_margin_asks_for_labels_that_are_ahead_and_not_just_first(
    states: tuple[Tensor, Tensor, Tensor, Tensor],
) -> None:
    hidden, head, labels, _ = states
    margins = torch.full((40,), 3.0)
    lowered = (hidden @ head.T).scatter_add(1, labels[:, None], -margins[:, None])
    plain = functional.cross_entropy(lowered, labels, reduction="none")
    fused = losses.token_nll(hidden, head, labels, margins)
    torch.testing.assert_close(fused, plain)
    wanted = torch.autograd.grad(plain.sum(), hidden, retain_graph=True)
    torch.testing.assert_close(torch.autograd.grad(fused.sum(), hidden), wanted)


def test_tokens_that_the_base_would_not_have_said_are_those_that_turn_an_answer(bases: dict[str, Path]) -> None:
    network = network_of(bases["qwen2"])
    example = random_example(3)
    (pack,) = packs([Line(example.prompt, example.answer)], 1_000, CPU)
    said = (network.states(pack) @ network.head.T).argmax(-1).tolist()
    wanted = [said[0], *example.answer[1:]]
    loop = Loop(network, TrainArguments(), 4096)
    loop.load([replace(example, answer=wanted)])
    assert not loop.rated[0].turns[0]
    assert loop.rated[0].turns.any()


def test_only_greedy_labels_are_called_greedy(states: tuple[Tensor, Tensor, Tensor, Tensor]) -> None:
    hidden, head, labels, _ = states
    labels[:5] = (hidden @ head.T).argmax(-1)[:5]
    assert losses.is_greedy(hidden, head, labels)[:5].all()


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
@pytest.mark.parametrize("tokens_max", [10_000, 60])
def test_a_pack_gives_the_same_states_as_each_row_alone(bases: dict[str, Path], family: str, tokens_max: int) -> None:
    network = network_of(bases[family])
    lines = [Line(row.prompt, row.answer) for row in map(random_example, range(5))]
    seen: set[int] = set()
    for pack in packs(lines, tokens_max, CPU):
        states = network.states(pack)
        for place, index in enumerate(pack.rows):
            (alone,) = packs([lines[index]], 10_000, CPU)
            torch.testing.assert_close(states[pack.owner == place], network.states(alone), atol=1e-4, rtol=1e-4)
            assert pack.labels[pack.owner == place].tolist() == lines[index].answer
            seen.add(index)
    assert seen == set(range(5))


def test_a_pack_reads_the_common_beginning_once() -> None:
    lines = [Line([1, 2, 3, 4, 10 + n], [5, 6]) for n in range(4)]
    (pack,) = packs(lines, 1_000, CPU)
    assert pack.layout.prefix == 4
    assert pack.tokens.shape[1] == 4 + 4 * 2


def test_a_weight_changes_the_gradient(bases: dict[str, Path]) -> None:
    """Weights are relative inside a batch: four red rows and four green ones pull differently than eight equal ones,
    and the direction moves towards the heavier rows."""
    gradients = []
    for heavy in (1.0, 4.0):
        network = network_of(bases["qwen2"])
        loop = Loop(network, TrainArguments(), 4096)
        loop.accumulate([rated(n, weight=heavy if n < 2 else 1.0) for n in range(4)], [])
        gradients.append(_gradient(network))
    network = network_of(bases["qwen2"])
    Loop(network, TrainArguments(), 4096).accumulate([rated(n) for n in range(2)], [])
    alone = _gradient(network)
    even, uneven = (functional.cosine_similarity(gradient, alone, dim=0) for gradient in gradients)
    assert functional.cosine_similarity(gradients[0], gradients[1], dim=0) < 0.999
    assert uneven > even


@pytest.mark.parametrize("count", [2, 4])
def test_packs_side_by_side_have_the_gradient_of_one(bases: dict[str, Path], count: int) -> None:
    gradients, figures = [], []
    for lanes in (1, count):
        network = network_of(bases["qwen2"])
        with torch.no_grad():
            for number, parameter in enumerate(network.trained_parameters()):
                parameter.normal_(0.0, 0.05, generator=torch.Generator().manual_seed(number))
        loop = Loop(network, TrainArguments(), 4096)
        loop.load([random_example(n, replay=True) for n in range(3)])
        loop.lanes = Lanes(lanes)
        figures.append(loop.accumulate([rated(n, weight=1.0 + n % 3) for n in range(10, 18)], loop.replay))
        gradients.append(_gradient(network))
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-4, atol=1e-6)
    assert figures[1].nll == pytest.approx(figures[0].nll, rel=1e-5)
    assert figures[1].kl == pytest.approx(figures[0].kl, rel=1e-4)
    assert len(figures[1].by_color["red"]) == 8


def test_lanes_leave_room_for_the_longest_row_and_share_threads_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 6)
    assert lanes_for(CPU, 8_192, 100).count == 3
    assert lanes_for(CPU, 8_192, 4_000).count == 2
    assert lanes_for(CPU, 8_192, 5_000).count == 1
    assert lanes_for(CPU, 500, 100).count == 1
    assert lanes_for(torch.device("cuda"), 8_192, 100).count == 1


@pytest.mark.parametrize("lanes", [1, 2, 3])
@pytest.mark.parametrize("tokens_max", [10_000, 120, 30])
def test_packs_hold_each_row_once_and_no_more_tokens_than_allowed(lanes: int, tokens_max: int) -> None:
    lines = [Line([1, 2, 3, *[10 + n] * (1 + n)], [5] * (1 + n % 7)) for n in range(25)]
    found = list(packs(lines, tokens_max, CPU, lanes))
    assert sorted(index for pack in found for index in pack.rows) == list(range(25))
    assert all(pack.tokens.shape[1] <= tokens_max // lanes or len(pack.rows) == 1 for pack in found)
    if tokens_max == 10_000:
        assert len(found) == lanes
        sizes = [pack.tokens.shape[1] for pack in found]
        assert max(sizes) - min(sizes) <= max(line.length for line in lines)


def test_a_fresh_adapter_has_no_divergence_and_a_trained_one_is_pulled_back(bases: dict[str, Path]) -> None:
    network = network_of(bases["qwen2"])
    loop = Loop(network, TrainArguments(), 4096)
    loop.load([random_example(n, replay=True) for n in range(3)])
    learned = [rated(n) for n in range(10, 14)]
    assert loop.accumulate(learned, loop.replay).kl < 1e-6
    with torch.no_grad():
        for parameter in network.trained_parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    assert loop.accumulate(learned, loop.replay).kl > 1e-3
    assert all(row.kl > 0 for row in loop.replay)


def _gradient(network: Network) -> Tensor:
    return torch.cat([p.grad.flatten() for p in network.trained_parameters() if p.grad is not None])


def test_a_run_is_not_given_up_before_many_rows_were_learned_often_enough(bases: dict[str, Path]) -> None:
    arguments = TrainArguments(rank=4, check_every=10, patience=5, batch_rows=8)
    loop = Loop(network_of(bases["qwen2"]), arguments, pack_tokens=512)
    loop.rated = [rated(1)] * 40
    assert loop.patience == 5
    loop.rated = [rated(1)] * 120
    assert loop.patience * 10 * 8 >= 6 * 120
