"""What the person's ratings say of the local model, by kind of task, with chance in it so that no kind is given up.

Thompson sampling: for each side a chance of a good answer is drawn from what is known of it (a Beta distribution), and
the local model is doubted only where Claude's draw is ahead of it by more than `LEAD`. What is known is capped, so that
old ratings weigh less than new ones and each side is always tried again now and then.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

# The local model goes first: Claude has to be better by this much.
LEAD = 0.25
# Ratings that count at most; beyond it all are scaled down.
COUNT_MAX = 12.0
# How often, at least, a kind that went badly is left to the local model all the same.
EXPLORATION = 0.05
# Before any rating both are thought to be good, Claude a little more.
LOCAL_PRIOR = (2.0, 1.0)
CLOUD_PRIOR = (4.0, 1.0)


@dataclass(frozen=True, slots=True)
class Tally:
    """Weights of ratings: green is good; yellow and red are bad, each as much as its weight."""

    good: float = 0.0
    bad: float = 0.0

    @property
    def count(self) -> float:
        return self.good + self.bad

    def capped(self) -> Tally:
        if self.count <= COUNT_MAX:
            return self
        scale = COUNT_MAX / self.count
        return Tally(self.good * scale, self.bad * scale)


def doubt(kind: str, local: Tally, cloud: Tally, chance: random.Random) -> str:
    """Why the local model is doubted for this kind of task, in words; empty where it is not. Draws from `chance`."""
    if not local.bad or chance.random() < EXPLORATION:
        return ""
    ours = _draw(local, LOCAL_PRIOR, chance)
    theirs = _draw(cloud, CLOUD_PRIOR, chance)
    if theirs - ours <= LEAD:
        return ""
    return f"You rated the local model's answers of this kind low ({kind})."


def _draw(tally: Tally, prior: tuple[float, float], chance: random.Random) -> float:
    known = tally.capped()
    return chance.betavariate(prior[0] + known.good, prior[1] + known.bad)


# The first that fits counts: what is special stands before what is general.
_KINDS = (
    ("tests", r"\b(unit ?tests?|test cases?|pytest|write (?:a |some )?tests?|coverage|mock)\b"),
    ("git", r"\b(git|commit|rebase|merge conflict|pull request|branch|cherry-pick)\b"),
    (
        "fix",
        r"\b(fix|bug|error|exception|traceback|stack ?trace|crash(?:es|ed)?|fails?|failing|broken|debug|why does)\b",
    ),
    ("refactor", r"\b(refactor|rename|clean ?up|simplify|restructure|extract|deduplicate|rewrite)\b"),
    ("review", r"\b(review|critique|what do you think of|is this (?:good|right|correct|safe))\b"),
    ("shell", r"\b(shell|bash|command line|one-?liner|awk|sed|grep|curl|docker|kubectl|cron|systemd)\b"),
    ("find", r"\b(find|search|where is|where are|list all|which files?|look for)\b"),
    ("explain", r"\b(explain|what (?:is|are|does|do)|how does|describe|summari[sz]e|meaning of|difference between)\b"),
    ("write", r"\b(write|create|implement|add|build|make|generate|code)\b"),
)
_COMPILED = tuple((kind, re.compile(form, re.IGNORECASE)) for kind, form in _KINDS)
OTHER = "other"


def kind_of(question: str) -> str:
    """The kind of task that a question is, by its words; `OTHER` where none fits."""
    text = question[:2000]
    return next((kind for kind, form in _COMPILED if form.search(text)), OTHER)
