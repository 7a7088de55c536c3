"""The numbers of a training run, for its page and for the terminal. `read_training` reads them.

numbers = read_training(open_session(run.own()), facts)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple, TypeAlias

from drp.config import BASE, CHAMPION, ORIGINAL, Promotion
from drp.core import Question
from drp.evaluation import ArmComparison, Interval, PromotionDecision
from drp.report.chart_data import LengthHistogram
from drp.report.nightly.page_queries import Value
from drp.report.template import points, times
from drp.student import small
from drp.training import Manifest

CANDIDATE = "drp"
"""The arm that can be promoted."""

TrainingOutcome: TypeAlias = Literal["promoted", "not promoted", "unfinished", "measured"]


class ArmWords(NamedTuple):
    """Display name and description of an arm."""

    name: str
    description: str


ARMS: Mapping[str, ArmWords] = {
    BASE: ArmWords("base", "the student before training"),
    ORIGINAL: ArmWords("original base", "the student before its first training"),
    CHAMPION: ArmWords("champion", "the checkpoint in use"),
    "unpruned_sft": ArmWords("unpruned SFT", "trained on the same rollouts, unpruned"),
    "random_prune": ArmWords(
        "random pruning", "trained on random sentences of the rollouts, as short as DRP's"
    ),
    "truncate_head": ArmWords(
        "end of the trace", "trained on the last sentences of the rollouts, as long as DRP's"
    ),
    "truncate_tail": ArmWords(
        "beginning of the trace", "trained on the first sentences of the rollouts, as long as DRP's"
    ),
    "summary_only": ArmWords("summary only", "trained on the answer summaries of the rollouts, no thinking"),
    "best_of_n": ArmWords("best of n", "trained on the shortest right rollout of each question"),
    CANDIDATE: ArmWords("DRP", "trained on the accepted revisions"),
}
"""The known arms in the order of the paper's table 1: base, the arms for comparison, DRP."""


def arm_words(arm: str) -> ArmWords:
    """Return the display name of an arm. The curation of another package has its plugin name."""
    return ARMS.get(arm) or ArmWords(arm.replace("_", " "), f"trained on what the curation {arm} selects")


def in_table_order(arms: Iterable[str]) -> list[str]:
    """Sort arms as in `ARMS`, with the curations of other packages before DRP."""
    order = list(ARMS)
    return sorted(arms, key=lambda arm: (order.index(arm if arm in ARMS else CANDIDATE), arm in ARMS, arm))


@dataclass(frozen=True)
class Entrant:
    """A checkpoint in the run. The manifest is None until it is trained, and always for the base."""

    arm: str
    checkpoint_id: str
    manifest: Manifest | None = None
    label: str = ""
    """What an evaluation calls the model."""

    @property
    def name(self) -> str:
        """The arm's name for a reader."""
        return self.label or arm_words(self.arm).name

    @property
    def example_tokens(self) -> float | None:
        """Mean response tokens of a training example, without the end token, which engines do not count."""
        manifest = self.manifest
        if manifest is None:
            return None
        return manifest.tokens_trained / (manifest.examples_used * manifest.epochs) - 1


@dataclass(frozen=True)
class TrainingFacts:
    """Facts about a training run that its tables do not hold.

    `entrants` are the compared checkpoints, and `benchmarks` are the recipe's, in its order. `unpruned`
    holds, by token counter, the mean tokens of the rollouts of `student` with an accepted revision by the
    recipe of `recipe_hash`, in the corpus used for training. `questions` holds the questions of the pairs
    shown, by id.
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
    against_original: ArmComparison | None = None
    """Comparison of the candidate with the original base; None if that is the reference."""
    decision: PromotionDecision | None = None
    is_champion: bool = False
    """Whether the candidate was promoted."""
    unpruned: Mapping[str, float] = field(default_factory=dict)
    questions: Mapping[str, Question] = field(default_factory=dict)
    flags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Why a checkpoint should not be used, by the name of its entrant."""

    is_evaluation: bool = False
    """Whether models were only measured, and nothing was trained (`drp evaluate`)."""

    def name_of(self, arm: str) -> str:
        """Return an arm's name for a reader."""
        return next((entrant.name for entrant in self.entrants if entrant.arm == arm), arm_words(arm).name)

    @property
    def parameters(self) -> Mapping[str, Value]:
        """Parameters of the page's queries."""
        return {
            "checkpoints": [entrant.checkpoint_id for entrant in self.entrants],
            "candidate": next((e.checkpoint_id for e in self.entrants if e.arm == CANDIDATE), ""),
            "benchmark": self.deciding,
            "recipe_hash": self.recipe_hash,
            "student": self.student,
        }

    @property
    def source(self) -> str:
        """`drp sql` option that selects the run's own rows."""
        return f" --run {self.run_id}"

    @property
    def deciding(self) -> str:
        """The benchmark that decides about the promotion."""
        return self.rule.benchmark if self.rule else self.benchmarks[0]

    @property
    def is_small(self) -> bool:
        """Whether the student is the small one bundled with DRP."""
        return small.is_small(self.student)

    @property
    def student_label(self) -> str:
        """Display name of the student."""
        return small.label(self.student)


@dataclass(frozen=True)
class Score:
    """A row of a board. `share_of_base` is the ratio of mean tokens to the base; None without a base."""

    arm: str
    name: str
    """The arm's name for a reader."""
    pass_at_1: Interval
    majority_at_n: float
    mean_think_tokens: float
    mean_tokens: float
    share_of_base: float | None
    aes: float | None
    share_cut: float
    share_looping: float


@dataclass(frozen=True)
class Board:
    """All arms on one benchmark, like the paper's table 1. `cut` holds the scores with the cut-off."""

    benchmark: str
    n_questions: int
    n_samples: int
    scores: Sequence[Score]
    cut: Sequence[Score]
    compared: Sequence[ArmComparison]
    lengths: Mapping[str, LengthHistogram]
    """By arm name: the base's lengths as before, the arm's as after (paper, figure 3)."""

    @property
    def is_same_within_cutoff(self) -> bool:
        """Whether the cut-off changes nothing."""
        return self.scores == self.cut

    def of(self, arm: str) -> Score | None:
        """Return the score of an arm without a cut-off."""
        return next((score for score in self.scores if score.arm == arm), None)

    def caveat(self, rule: Promotion | None) -> str:
        """Return a warning if the questions are too few for the rule's margin; otherwise an empty text."""
        too_large = [row.least_margin for row in self.compared if rule and row.least_margin > rule.margin]
        if rule is None or not too_large:
            return ""
        margins = dict.fromkeys(f"{100 * margin:.1f}" for margin in (min(too_large), max(too_large)))
        return (
            f"{self.n_questions:,} questions are too few for the rule's margin of {100 * rule.margin:.1f}"
            f" points: for two equally accurate students they can only rule out a loss of"
            f" {' to '.join(margins)} points."
        )


@dataclass(frozen=True)
class Check:
    """A condition of the rule: whether it was shown to be met, and the figures."""

    is_met: bool
    what: str
    figures: str


_CONFIDENCE = "95\u00a0% confidence"
_AS_ORIGINAL = "as accurate as the original base"


def _accuracy_check(what: str, row: ArmComparison, rule: Promotion) -> Check:
    comparison = row.comparison
    return Check(
        comparison.is_not_lower(rule.margin),
        what,
        f"Pass@1 {points(comparison.accuracy.value)} points compared with the"
        f" {arm_words(row.reference).name}, at least {points(comparison.accuracy_at_least)} with"
        f" {_CONFIDENCE}; required: above {points(-rule.margin)}",
    )


@dataclass(frozen=True)
class TrainingNumbers:
    """All numbers of a run.

    `missing` is the remaining work, `counter` the token counter of the samples (None if they differ).
    """

    facts: TrainingFacts
    boards: Sequence[Board]
    missing: Sequence[str]
    counter: str | None

    @property
    def outcome(self) -> TrainingOutcome:
        """Outcome of the run."""
        if self.missing:
            return "unfinished"
        if self.facts.is_evaluation:
            return "measured"
        return "promoted" if self.facts.decision and self.facts.is_champion else "not promoted"

    @property
    def detail(self) -> str:
        """Explanation of the outcome, in one sentence."""
        facts = self.facts
        if self.missing:
            return f"Still to be done: {', '.join(self.missing)}."
        if facts.is_evaluation:
            measured = f"{len(facts.entrants)} model{'s' * (len(facts.entrants) > 1)}"
            return (
                f"{measured} measured on {' and '.join(facts.benchmarks)}; nothing was trained or promoted."
            )
        if facts.decision is None:
            lack = "no promotion rule" if facts.rule is None else "no arm that can be promoted"
            return f"Recipe {facts.recipe} has {lack}, so there was nothing to decide."
        if facts.is_champion:
            return "DRP is shown to be shorter and not less accurate, and was made the champion."
        if facts.decision.promote:
            return "DRP is shown to be shorter and not less accurate, but was not made the champion."
        failed = [check.what for check in self.checks if not check.is_met]
        detail = f"DRP is not shown to be {' or '.join(failed)}."
        if failed == [_AS_ORIGINAL]:
            detail += (
                " The chain of champions has used up the margin: each loses less than the margin against the"
                " one before, but together they may lose more."
            )
        return detail

    @property
    def checks(self) -> Sequence[Check]:
        """The conditions of the rule; empty if there was nothing to decide."""
        facts = self.facts
        rule, row = facts.rule, self._decisive
        if rule is None or row is None or facts.decision is None:
            return []
        tokens, reference = row.comparison.tokens, arm_words(row.reference).name
        checks = [
            _accuracy_check("as accurate", row, rule),
            Check(
                row.comparison.is_shorter(rule.saving),
                "sufficiently shorter" if rule.saving else "shorter",
                f"{times(tokens.value)} the tokens of the {reference}, at most {times(tokens.high)} with"
                f" {_CONFIDENCE}; required: below {times(1 - rule.saving)}",
            ),
        ]
        if facts.against_original is not None:
            checks.append(_accuracy_check(_AS_ORIGINAL, facts.against_original, rule))
        return checks

    @property
    def _decisive(self) -> ArmComparison | None:
        """The comparison of the candidate on the deciding benchmark."""
        deciding = (CANDIDATE, self.facts.deciding)
        return next((row for row in self.facts.compared if (row.arm, row.benchmark) == deciding), None)

    def training_ratio(self, entrant: Entrant) -> float | None:
        """Return the ratio of training example tokens to unpruned rollout tokens; None if unknown."""
        unpruned = self.facts.unpruned.get(self.counter or "")
        tokens = entrant.example_tokens
        return tokens / unpruned if tokens is not None and unpruned else None

    @property
    def is_training_ratio_known(self) -> bool:
        """Whether the rollouts have the same token counter as the samples and the training."""
        return self.counter in self.facts.unpruned

    @property
    def trained(self) -> Sequence[tuple[Entrant, Manifest]]:
        """The trained entrants with their manifests."""
        return [(entrant, entrant.manifest) for entrant in self.facts.entrants if entrant.manifest]
