"""The worked examples of every prompt: two invented problems, cut in each kind, with their revisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from drp.config import DecompositionKind
from drp.core import Decision, Draft, Revision, Step, StudentTrace
from drp.teacher.llm.prompts import FILES
from drp.traces import joined, unit_ends

NAMES = ("example", "example-long")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class WorkedExample:
    """A trace with its right revision, and what its final derivation needs."""

    draft: Draft
    needs: str


@cache
def worked_examples(kind: DecompositionKind) -> tuple[WorkedExample, ...]:
    """Return the examples, decomposed by `kind`: a short one, and a long one with a wrong start."""
    return tuple(_example(name, kind) for name in NAMES)


def _example(name: str, kind: DecompositionKind) -> WorkedExample:
    content: dict[str, Any] = yaml.safe_load((FILES / f"{name}.yaml").read_text(encoding="utf-8"))
    trace = StudentTrace(
        "example", content["question"], content["thinking"], content["response"], content["answer"]
    )
    kinds: Mapping[str, Sequence[Row]] = content["kinds"]
    if kind in kinds:
        rows = kinds[kind]
    elif kind == "sentence":
        rows = [row for step in kinds["skill"] for row in _split(step)]
    else:
        rows = [_whole(trace, kinds["skill"])]
    steps, decisions = _decided(trace, rows)
    revision = Revision(joined(trace.thinking, steps, decisions), content["revised_response"])
    return WorkedExample(Draft(trace, steps, decisions, revision), content["needs"])


def _split(row: Row) -> list[Row]:
    """Return a step with a row for each of its units; a text for several of them is a merge."""
    one = dict(row) | {"units": 1}
    if row["units"] == 1 or "COMPRESS" not in row["action"]:
        return [one] * row["units"]
    one["action"] = "MULTI-STEP COMPRESS"
    following = {name: value for name, value in one.items() if name != "text"}
    return [one] + [following] * (row["units"] - 1)


def _whole(trace: StudentTrace, rows: Sequence[Row]) -> Row:
    units = len(unit_ends(trace.thinking))
    kept = next(row for row in rows if row["action"] == "KEEP")
    text = joined(trace.thinking, *_decided(trace, rows))
    return dict(kept) | {"units": units, "action": "SINGLE-STEP COMPRESS", "text": text}


def _decided(trace: StudentTrace, rows: Sequence[Row]) -> tuple[tuple[Step, ...], tuple[Decision, ...]]:
    ends = unit_ends(trace.thinking)
    steps: list[Step] = []
    merges: list[list[int]] = []
    start = unit = 0
    for index, row in enumerate(rows):
        unit += row["units"]
        steps.append(Step(start, ends[unit - 1], row["skill"], row["family"]))
        start = ends[unit - 1]
        if row["action"] == "MULTI-STEP COMPRESS":
            merges += [[]] if "text" in row else []
            merges[-1].append(index)
    merge_of = {index: merge for merge in merges for index in merge}
    decisions = tuple(
        Decision(
            index,
            row["action"],
            row.get("text"),
            row["reason"],
            tuple(other for other in merge_of.get(index, ()) if other != index),
        )
        for index, row in enumerate(rows)
    )
    return tuple(steps), decisions
