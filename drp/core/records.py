"""The records of the pipeline, named as in the paper. Rows of the lake's tables are made from them.

A rollout is a student's response R = (T, A): the thinking T and the answer summary A (paper, section 3.1).
A teacher cuts T into steps (s_i, k_i), chooses one action for each step and synthesises the pruned trace
(section 3.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

Action: TypeAlias = Literal["KEEP", "DELETE", "SINGLE-STEP COMPRESS", "MULTI-STEP COMPRESS"]
Verdict: TypeAlias = Literal["equal", "different", "undecided"]
AnswerSource: TypeAlias = Literal["boxed", "tag", "hash", "json", "phrase", "last_expression", "last_number"]
FinishReason: TypeAlias = Literal["stop", "length", "unknown"]

ReviewVerdict: TypeAlias = Literal["sound", "minor", "moderate", "severe"]
"""What a person says of a revision; their meanings are in `drp.reviews`."""
ReviewFault: TypeAlias = Literal[
    "missing_link",
    "dangling_reference",
    "contradiction",
    "withdrawn_step",
    "leftover_check",
    "hollow",
    "wrong_label",
    "unnatural_text",
    "other",
]
"""The kind of fault that a person found in a revision."""

Alias: TypeAlias = Literal["champion", "challenger"]
"""champion: the checkpoint in use; challenger: the one that may replace it. Each student line has both."""
CheckpointFolder: TypeAlias = Literal["adapter", "merged"]
"""adapter: only the LoRA weights; merged: a whole model that `transformers` and `vllm serve` can load."""

ACTIONS: tuple[Action, ...] = ("KEEP", "DELETE", "SINGLE-STEP COMPRESS", "MULTI-STEP COMPRESS")
CHARACTERS = "characters"
"""The token counter that is used when no tokenizer is available: it counts Unicode code points."""


@dataclass(frozen=True)
class Question:
    """A problem; a row of `questions`.

    `level`, `subject` and `meta` are what its source says of it; `meta` is a JSON object.
    """

    question_id: str
    dataset: str
    split: str
    question: str
    gold_answer: str
    source: str
    level: str | None = None
    subject: str | None = None
    meta: str | None = None


@dataclass(frozen=True)
class Rollout:
    """A response of a student, before grading. Lengths are in units of `token_counter`."""

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
    """The answer extracted from a text and the grader's verdict; all None when there is no answer.

    `later_answer` is a final statement after the answer that says something else; the verdict is undecided.
    """

    predicted_answer: str | None = None
    answer_source: AnswerSource | None = None
    verdict: Verdict | None = None
    later_answer: str | None = None


@dataclass(frozen=True)
class GradedRollout:
    """A rollout, graded against the gold answer; a row of `rollouts`."""

    rollout: Rollout
    grade: Grade
    is_degenerate: bool


@dataclass(frozen=True)
class DeadLetter:
    """An input row that could not be used; a row of `dead_letters`."""

    dead_letter_id: str
    source: str
    line: int
    error: str
    detail: str
    raw: str


@dataclass(frozen=True)
class StudentTrace:
    """The part of a rollout that a teacher may read. It never holds the gold answer.

    `answer` is the student's final answer, as the student wrote it.
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
    """The action on one step. `revised_text` replaces a compressed step and is None for all others.

    In a MULTI-STEP COMPRESS the first step carries the combined text and the other steps have none. Each step
    lists the others in `merged_with`.
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
    """Why a teacher could not revise one trace: the gate's reject reason, and details."""

    reason: Literal[
        "uncovered",
        "malformed",
        "truncated",
        "unanswered",
        "teacher_unsettled",
        "teacher_long_search",
        "teacher_no_conclusion",
        "teacher_lost_link",
        "teacher_nothing_to_cut",
    ]
    detail: str


@dataclass(frozen=True)
class Draft:
    """A rollout while a teacher works on it. Each stage fills in its part."""

    trace: StudentTrace
    steps: Sequence[Step] = ()
    decisions: Sequence[Decision] = ()
    revision: Revision | None = None
    refusal: Refusal | None = None
    is_carried: bool = False
    """The provider is still working on it. It gets no revision tonight and is left to a later night."""
