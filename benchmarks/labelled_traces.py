"""Traces whose sentences or steps carry a measured importance or a planted redundancy.

`thought_anchors`: sentences of reasoning models on MATH. Upstream sampled each trace anew from before and
after each sentence; the importance is the divergence (KL) between the answers of the two. A trace of which
traces.parquet has the text keeps its paragraphs and its summary. Of the others only the sentences are known.
A paragraph is taken to end after a sentence without a full stop, as it does in all texts that are known, and
the summary only states the answer.

`prmbench/redundency`, `prmbench/circular`: solutions of MATH problems, into which a language model wrote
redundant steps, or steps that assume what they are to show. A step becomes a paragraph. The rows have no
answer: the gold answer of math.parquet stands for the student's, because the solutions were right before the
change. Left out: questions that math.parquet does not have, labels that name no step, and the other classes
of PRMBench: their steps are wrong, or right without labels, and not redundant.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from drp.core.records import StudentTrace
from drp.evaluation.intervals import Floats
from drp.grading import extract_answer

IMPORTANCES = ("counterfactual_importance_kl", "resampling_importance_kl")
PLANTED = "planted"
_PLANTED_SETS = ("prmbench/redundency", "prmbench/circular")
_LAST_SENTENCES = 3


@dataclass(frozen=True)
class LabelledTrace:
    """A trace with the spans that the data set labels, in order."""

    trace: StudentTrace
    spans: Sequence[tuple[int, int]]
    """Offsets of the sentences or steps in `trace.thinking`."""
    labels: Mapping[str, Floats]
    """One figure of each span, under the name of the label."""


def thought_anchors(data: Path) -> list[LabelledTrace]:
    """Read the traces of steps_thought_anchors.parquet."""
    columns = ["source_path", "thinking", "response"]
    texts = {_folder(row): row for row in pq.read_table(data / "traces.parquet", columns=columns).to_pylist()}
    traces = []
    for row in pq.read_table(data / "steps_thought_anchors.parquet").to_pylist():
        sentences, text = row["steps"], texts.get(_folder(row))
        thinking = text["thinking"] if text else laid_out(sentences)
        stated = extract_answer(text["response"] if text else "\n".join(sentences[-_LAST_SENTENCES:]))
        if stated is None:
            continue
        response = text["response"] if text else boxed(stated.answer)
        traces.append(
            LabelledTrace(
                StudentTrace(row["id"], row["question"], thinking, response, stated.answer),
                spans_of(thinking, sentences),
                _importances(json.loads(row["labels"])),
            )
        )
    return traces


def planted_steps(data: Path) -> dict[str, list[LabelledTrace]]:
    """Read the sets of steps_prmbench.parquet whose planted steps are redundant or circular."""
    questions = pq.read_table(data / "math.parquet", columns=["question", "answer"]).to_pylist()
    answers = {row["question"].strip(): row["answer"] for row in questions}
    columns = ["id", "dataset", "question", "steps", "labels"]
    sets: dict[str, list[LabelledTrace]] = {name: [] for name in _PLANTED_SETS}
    for row in pq.read_table(data / "steps_prmbench.parquet", columns=columns).to_pylist():
        answer = answers.get(row["question"].strip())
        if row["dataset"] in sets and answer is not None:
            sets[row["dataset"]] += _planted(row, answer)
    return sets


def _planted(row: Mapping[str, Any], answer: str) -> Iterator[LabelledTrace]:
    steps = row["steps"]
    planted = np.zeros(len(steps))
    numbers = json.loads(row["labels"])["error_steps"]  # from 1
    if not all(1 <= number <= len(steps) for number in numbers) or not all(map(str.strip, steps)):
        return
    planted[[number - 1 for number in numbers]] = 1
    thinking = "\n\n".join(steps)
    trace = StudentTrace(row["id"], row["question"], thinking, boxed(answer), answer)
    yield LabelledTrace(trace, spans_of(thinking, steps), {PLANTED: planted})


def laid_out(sentences: Sequence[str]) -> str:
    """Join sentences whose layout is lost: by a blank line after one that no mark ends, else by a space."""
    gaps = [" " if sentence.endswith((".", "?", "!")) else "\n\n" for sentence in sentences[:-1]]
    return "".join(chain.from_iterable(zip_longest(sentences, gaps, fillvalue="")))


def boxed(answer: str) -> str:
    """Return a summary that states the answer and nothing else."""
    return f"The answer is $\\boxed{{{answer}}}$."


def spans_of(text: str, pieces: Sequence[str]) -> list[tuple[int, int]]:
    """Return the offsets of pieces that follow one another in a text; white space may differ.

    Raises:
        ValueError: the text does not begin with the pieces, or one of them has no characters.
    """
    visible = ["".join(piece.split()) for piece in pieces]
    if not all(visible) or not "".join(text.split()).startswith("".join(visible)):
        raise ValueError("the pieces are not those of the text")
    places = [place for place, character in enumerate(text) if not character.isspace()]
    borders = accumulate(map(len, visible), initial=0)
    return [(places[first], places[after - 1] + 1) for first, after in pairwise(borders)]


def _importances(labels: Sequence[Mapping[str, Any]]) -> dict[str, Floats]:
    return {name: np.array([label[name] for label in labels], float) for name in IMPORTANCES}


def _folder(row: Mapping[str, Any]) -> str:
    return str(row["source_path"]).rpartition("/")[0]
