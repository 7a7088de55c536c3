"""The nouns of the pipeline, in the paper's words. Rows of the lake's tables are made from these.

A rollout is a student's response R = (T, A): the thinking T and the answer summary A (paper, section 3.1).
A teacher cuts T into steps (s_i, k_i), decides one action for each and synthesises the pruned trace
(section 3.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Action: TypeAlias = Literal["KEEP", "DELETE", "SINGLE-STEP COMPRESS", "MULTI-STEP COMPRESS"]
Verdict: TypeAlias = Literal["equal", "different", "undecided"]
AnswerSource: TypeAlias = Literal["boxed", "phrase", "hash", "last_number"]
FinishReason: TypeAlias = Literal["stop", "length", "unknown"]

Alias: TypeAlias = Literal["champion", "challenger"]
"""champion: the checkpoint in use; challenger: the one that may replace it. Each student line has both."""
CheckpointFolder: TypeAlias = Literal["adapter", "merged"]
"""adapter: the LoRA weights alone; merged: a whole model, as `transformers` and `vllm serve` load it."""

ACTIONS: tuple[Action, ...] = ("KEEP", "DELETE", "SINGLE-STEP COMPRESS", "MULTI-STEP COMPRESS")
CHARACTERS = "characters"
"""The token counter where no tokenizer is at hand: Unicode code points."""


@dataclass(frozen=True)
class Question:
    """One problem; a row of `questions`."""

    question_id: str
    dataset: str
    split: str
    question: str
    gold_answer: str
    source: str


@dataclass(frozen=True)
class Rollout:
    """One response of a student, before it is graded. Lengths are in units of `token_counter`."""

    rollout_id: str
    question_id: str
    student: str
    engine: str
    prompt_version: str | None
    sample_index: int
    seed: int | None
    thinking: str
    response: str
    finish_reason: FinishReason
    think_tokens: int
    total_tokens: int
    token_counter: str


@dataclass(frozen=True)
class Grade:
    """The answer found in a text and what the grader says of it; all None when there is no answer."""

    predicted_answer: str | None = None
    answer_source: AnswerSource | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True)
class GradedRollout:
    """A rollout, graded against gold; a row of `rollouts`."""

    rollout: Rollout
    grade: Grade
    is_degenerate: bool


@dataclass(frozen=True)
class DeadLetter:
    """One input row that could not be used; a row of `dead_letters`."""

    dead_letter_id: str
    source: str
    line: int
    error: str
    detail: str
    raw: str


@dataclass(frozen=True)
class StudentTrace:
    """What a teacher may read of a rollout: never the gold answer.

    `answer` is the student's own final answer, as it wrote it.
    """

    rollout_id: str
    question: str
    thinking: str
    response: str
    answer: str


@dataclass(frozen=True)
class Step:
    """A contiguous span s_i of thinking with its skill k_i. Offsets count Unicode code points."""

    char_start: int
    char_end: int
    skill: str
    skill_family: str


@dataclass(frozen=True)
class Decision:
    """What was done to one step; `revised_text` replaces it (a step that is kept has its own text).

    Of a MULTI-STEP COMPRESS the first step carries the combined text and the others have none; each
    names the others in `merged_with`.
    """

    step_index: int
    action: Action
    revised_text: str | None
    reason: str
    merged_with: Sequence[int] = ()


@dataclass(frozen=True)
class Revision:
    """The pruned response (T-hat, A-hat) of one rollout, before the gates."""

    thinking: str
    response: str


@dataclass(frozen=True)
class Refusal:
    """A teacher could not do one trace; the gate reason and what happened."""

    reason: Literal["uncovered", "malformed", "truncated", "unanswered"]
    detail: str


@dataclass(frozen=True)
class Draft:
    """A rollout on its way through a teacher: each stage fills in its part."""

    trace: StudentTrace
    steps: Sequence[Step] = ()
    decisions: Sequence[Decision] = ()
    revision: Revision | None = None
    refusal: Refusal | None = None
    is_carried: bool = False
    """The provider still works on it: it has no revision tonight, and is another night's work."""
