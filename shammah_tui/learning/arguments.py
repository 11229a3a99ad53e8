"""Everything that can be set about a training run, in one place."""

from __future__ import annotations

from dataclasses import dataclass

TINY_PARAMETERS = 50_000_000
LARGE_PARAMETERS = 3_500_000_000


@dataclass(frozen=True, slots=True)
class TrainArguments:
    """The figures are those of `learning.md`; 0 means that the run chooses (see `chosen_steps`, `chosen_rate`)."""

    rank: int = 16
    alpha: float = 32.0
    steps: int = 0
    learning_rate: float = 0.0
    batch_rows: int = 8
    """Rated rows in a step, and as many of replay times `replay_share`. At least 4: weights are relative inside it."""
    replay_share: float = 2.0
    """Replayed rows a rated row, in each step."""
    high_weight: float = 10.0
    medium_weight: float = 3.0
    normal_weight: float = 1.0
    kl_weight: float = 3.0
    margin: float = 5.0
    """How far, in nats, a token that turns an answer shall be ahead of any other: slack for prompts never seen."""
    still_weight: float = 0.2
    """What a rated answer's other tokens weigh, those that the base would have said anyway."""
    warmup_share: float = 0.1
    clip: float = 1.0
    check_every: int = 10
    patience: int = 5
    made_up: int = 0
    """Variants asked for of the file's prompts, of each kind; 0 takes as many as the size of the base allows."""
    seed: int = 0
    threads: int = 0
    """CPU threads; 0 takes the physical cores."""
    device: str = "auto"

    def chosen_steps(self, rules: int, parameters: int) -> int:
        """About 60 a rule, twice as many for a tiny base (which learns slowly, and steps fast); at most 300."""
        a_rule = 120 if parameters < TINY_PARAMETERS else 60
        return self.steps or min(300, a_rule * max(1, rules))

    def chosen_variants(self, parameters: int) -> int:
        """Fewer for a large base, whose answers take as long as the steps that use them."""
        if self.made_up:
            return self.made_up
        if parameters < TINY_PARAMETERS:
            return 160
        return 64 if parameters < LARGE_PARAMETERS else 24

    def chosen_rate(self, parameters: int) -> float:
        """AdamW's peak learning rate, by the size of the base."""
        if self.learning_rate:
            return self.learning_rate
        if parameters < TINY_PARAMETERS:
            return 1e-3
        return 2e-4 if parameters < LARGE_PARAMETERS else 1e-4

    def weight_of(self, color: str) -> float:
        """Loss weight of a rating: the square root of the priority, rounded as the person is told it (4, 2, 1)."""
        priority = {"red": self.high_weight, "yellow": self.medium_weight, "green": self.normal_weight}[color]
        return tempered(priority / self.normal_weight)


def tempered(ratio: float) -> float:
    """10 → 4, 3 → 2, 1 → 1: the power that takes ten to four (0.6), so that one red row cannot silence a batch."""
    return float(round(ratio**0.602, 2))
