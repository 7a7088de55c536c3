"""What a training run comes to, in numbers, for the page and for the terminal. `training_reading` reads them.

numbers = read_training(open_session(run.own()), facts)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple, TypeAlias

from drp.config import BASE, CHAMPION, Promotion
from drp.core import Question
from drp.evaluation import ArmComparison, Interval, PromotionDecision
from drp.report.chart_data import LengthHistogram
from drp.report.nightly.queries import Value
from drp.report.template import points, times
from drp.student import small
from drp.training import Manifest

CANDIDATE = "drp"
"""The arm that may be promoted."""

TrainingOutcome: TypeAlias = Literal["promoted", "not promoted", "unfinished"]


class ArmWords(NamedTuple):
    """What an arm is called, and what it was trained on."""

    name: str
    is_what: str


ARMS: Mapping[str, ArmWords] = {
    BASE: ArmWords("base", "the student as it is"),
    CHAMPION: ArmWords("champion", "the checkpoint that is in use"),
    "unpruned_sft": ArmWords("unpruned SFT", "trained on the same rollouts as they were"),
    "random_prune": ArmWords("random pruning", "trained on random sentences of them, as short as DRP's"),
    "best_of_n": ArmWords("best of n", "trained on the shortest right rollout of each question"),
    CANDIDATE: ArmWords("DRP", "trained on the accepted revisions"),
}
"""By arm, in the order of the paper's table 1: base, what it is compared with, DRP."""


@dataclass(frozen=True)
class Entrant:
    """One checkpoint of the run. Its manifest is there once it is trained; the base has none."""

    arm: str
    checkpoint_id: str
    manifest: Manifest | None = None

    @property
    def name(self) -> str:
        """The arm's name for a reader."""
        return ARMS[self.arm].name

    @property
    def example_tokens(self) -> float | None:
        """Mean tokens of a training example's response, without the end mark, which no engine counts."""
        done = self.manifest
        return done.tokens_trained / (done.examples_used * done.epochs) - 1 if done else None


@dataclass(frozen=True)
class TrainingFacts:
    """What the run's tables do not tell.

    `entrants` are what the run is about, `benchmarks` the recipe's, in its order. `unpruned` are the mean
    tokens by token counter of the rollouts of `student` whose revision was accepted, in the corpus that was
    trained on and by the recipe of `recipe_hash`. `questions`, by id, are those that pairs are shown of.
    """

    run_id: str
    run_date: date
    recipe: str
    recipe_hash: str
    student: str
    corpus_version: int
    entrants: Sequence[Entrant]
    benchmarks: Sequence[str]
    cutoff: int | None
    rule: Promotion | None = None
    compared: Sequence[ArmComparison] = ()
    decision: PromotionDecision | None = None
    is_champion: bool = False
    """Whether the decision was carried out."""
    unpruned: Mapping[str, float] = field(default_factory=dict)
    questions: Mapping[str, Question] = field(default_factory=dict)

    @property
    def parameters(self) -> Mapping[str, Value]:
        """What the page's queries may name."""
        return {
            "checkpoints": [entrant.checkpoint_id for entrant in self.entrants],
            "candidate": next((e.checkpoint_id for e in self.entrants if e.arm == CANDIDATE), ""),
            "benchmark": self.deciding,
            "recipe_hash": self.recipe_hash,
            "student": self.student,
        }

    @property
    def source(self) -> str:
        """The run's own rows, and no other's."""
        return f" --run {self.run_id}"

    @property
    def deciding(self) -> str:
        """The benchmark that decides."""
        return self.rule.benchmark if self.rule else self.benchmarks[0]

    @property
    def is_small(self) -> bool:
        """Whether the student is the one that ships with DRP."""
        return small.is_small(self.student)

    @property
    def student_label(self) -> str:
        """Name for a reader."""
        return small.label(self.student)


@dataclass(frozen=True)
class Score:
    """A line of a board. `share_of_base` is the mean tokens over the base's; None where there is no base."""

    arm: str
    pass_at_1: Interval
    majority_at_n: float
    mean_think_tokens: float
    mean_tokens: float
    share_of_base: float | None
    aes: float | None
    share_cut: float
    share_looping: float

    @property
    def name(self) -> str:
        """The arm's name for a reader."""
        return ARMS[self.arm].name


@dataclass(frozen=True)
class Board:
    """All arms on one benchmark, in the form of the paper's table 1; `cut` is within the cut-off."""

    benchmark: str
    n_questions: int
    n_samples: int
    scores: Sequence[Score]
    cut: Sequence[Score]
    compared: Sequence[ArmComparison]
    lengths: Mapping[str, LengthHistogram]
    """By name of the arm: the base's before, and its own after (paper, figure 3)."""

    @property
    def is_same_within_cutoff(self) -> bool:
        """Whether the cut-off changes nothing."""
        return self.scores == self.cut

    def of(self, arm: str) -> Score | None:
        """An arm's score without a cut-off."""
        return next((score for score in self.scores if score.arm == arm), None)

    def caveat(self, rule: Promotion | None) -> str:
        """What so few questions cannot show, if that is less than the rule asks for; else nothing."""
        little = [row.least_margin for row in self.compared if rule and row.least_margin > rule.margin]
        if rule is None or not little:
            return ""
        least = dict.fromkeys(f"{100 * margin:.1f}" for margin in (min(little), max(little)))
        return (
            f"{self.n_questions:,} questions prove little: between two students that are equally right they"
            f" rule out a loss of {' to '.join(least)} points, and none as small as the rule's margin of"
            f" {100 * rule.margin:.1f}."
        )


@dataclass(frozen=True)
class Check:
    """One condition of the rule: whether it was shown to be met, and with which figures."""

    is_met: bool
    what: str
    figures: str


@dataclass(frozen=True)
class TrainingNumbers:
    """All of a run's numbers. `missing` is still to be done; `counter` counted the samples' tokens."""

    facts: TrainingFacts
    boards: Sequence[Board]
    missing: Sequence[str]
    counter: str | None

    @property
    def outcome(self) -> TrainingOutcome:
        """How it ended."""
        if self.missing:
            return "unfinished"
        return "promoted" if self.facts.decision and self.facts.is_champion else "not promoted"

    @property
    def detail(self) -> str:
        """Why, in one sentence."""
        facts = self.facts
        if self.missing:
            return f"Still to be done: {', '.join(self.missing)}."
        if facts.decision is None:
            without = "no rule for promotion" if facts.rule is None else "no arm that is promoted"
            return f"Recipe {facts.recipe} has {without}: the scores stand for themselves."
        if facts.is_champion:
            return "DRP is shown to be shorter and not less accurate: it is the champion."
        if facts.decision.promote:
            return "DRP is shown to be shorter and not less accurate, but was not made the champion."
        failed = [check.what for check in self.checks if not check.is_met]
        return f"DRP is not shown to be {' nor '.join(failed)}."

    @property
    def checks(self) -> Sequence[Check]:
        """The conditions of the rule, where there was something to decide."""
        facts = self.facts
        rule, deciding = facts.rule, (CANDIDATE, facts.deciding)
        row = next((row for row in facts.compared if (row.arm, row.benchmark) == deciding), None)
        if rule is None or row is None or facts.decision is None:
            return []
        found, tokens, reference = row.comparison, row.comparison.tokens, ARMS[row.reference].name
        sure = "with 95\u00a0% confidence"
        return [
            Check(
                found.is_not_lower(rule.margin),
                "as accurate",
                f"Pass@1 {points(found.accuracy.value)} points beside the {reference}, at least"
                f" {points(found.accuracy_at_least)} {sure}; above {points(-rule.margin)} is asked for",
            ),
            Check(
                found.is_shorter(rule.saving),
                "enough shorter" if rule.saving else "shorter",
                f"{times(tokens.value)} the tokens of the {reference}, at most {times(tokens.high)} {sure};"
                f" below {times(1 - rule.saving)} is asked for",
            ),
        ]

    def training_ratio(self, entrant: Entrant) -> float | None:
        """Mean tokens of its training examples over those of the unpruned rollouts, where that is known."""
        unpruned = self.facts.unpruned.get(self.counter or "")
        tokens = entrant.example_tokens
        return tokens / unpruned if tokens is not None and unpruned else None

    @property
    def is_training_ratio_known(self) -> bool:
        """Whether the rollouts were counted as the samples are, and as the trainer counts."""
        return self.counter in self.facts.unpruned

    @property
    def trained(self) -> Sequence[tuple[Entrant, Manifest]]:
        """What was trained, and how it went."""
        return [(entrant, entrant.manifest) for entrant in self.facts.entrants if entrant.manifest]
