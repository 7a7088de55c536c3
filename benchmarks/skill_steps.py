"""The rule-based teacher's steps on recorded traces: how many, how long, with which skills.

    .venv/bin/python -m benchmarks.skill_steps ../shared/data/traces.parquet [--half judging] [--show 10]

Sentences are the steps of kind `sentence`. The halves are drawn by a hash of the question: rules are tuned on
one and judged on the other. `--show` prints labelled decompositions, for a reader who judges the labels."""

import argparse
import hashlib
import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, get_args

import pyarrow.parquet as pq

from drp.config.decomposition import DecompositionKind
from drp.core.records import Step, StudentTrace
from drp.teacher.heuristic import decompose

KINDS: tuple[DecompositionKind, ...] = get_args(DecompositionKind)
LENGTHS = (1, 2, 3, 4, 6, 9, 13, 10**9)  # sentences of a step: the lower ends of the bands


class Trace(NamedTuple):
    """A recorded trace and the model that wrote it."""

    model: str
    trace: StudentTrace


def recorded(path: Path, half: str) -> list[Trace]:
    """Traces with thinking, of one half (`tuning`, `judging`) or `all`."""
    columns = ["id", "model", "question", "thinking", "response", "answer"]
    return [
        Trace(
            row["model"],
            StudentTrace(row["id"], row["question"], row["thinking"], row["response"], row["answer"]),
        )
        for row in pq.read_table(path, columns=columns).to_pylist()
        if row["thinking"].strip() and half in {"all", half_of(row["question"])}
    ]


def half_of(question: str) -> str:
    """The half that a question belongs to."""
    return "tuning" if hashlib.sha256(question.encode()).digest()[0] % 2 else "judging"


def sentences_in(steps: Sequence[Step], sentences: Sequence[Step]) -> list[int]:
    """How many sentences each step has."""
    counts = Counter(
        next(i for i, step in enumerate(steps) if step.char_end >= s.char_end) for s in sentences
    )
    return [counts[index] for index in range(len(steps))]


def ratio_lines(traces: Sequence[Trace]) -> Iterator[str]:
    """Steps per sentence by kind and model: the median over traces, and the quartiles of kind `skill`."""
    ratios: dict[tuple[str, str], list[float]] = defaultdict(list)
    for model, trace in traces:
        sentences = len(decompose(trace, "sentence"))
        for kind in KINDS:
            ratio = len(decompose(trace, kind)) / sentences
            ratios[kind, model].append(ratio)
            ratios[kind, "all models"].append(ratio)
    yield f"{'steps per sentence, median':<40}" + "".join(f"{kind:>10}" for kind in KINDS)
    for model in [*sorted({trace.model for trace in traces}), "all models"]:
        medians = (statistics.median(ratios[kind, model]) for kind in KINDS)
        yield f"  {model:<38}" + "".join(f"{median:>10.2f}" for median in medians)
    low, _, high = statistics.quantiles(ratios["skill", "all models"], n=4)
    yield f"  quartiles of kind skill: {low:.2f} to {high:.2f}"


def length_lines(traces: Sequence[Trace]) -> Iterator[str]:
    """How many sentences the steps of kind `skill` have."""
    lengths: list[int] = []
    for _, trace in traces:
        lengths += sentences_in(decompose(trace, "skill"), decompose(trace, "sentence"))
    yield f"\nsentences of a step ({len(lengths):,} steps, mean {statistics.mean(lengths):.2f})"
    for low, above in pairwise(LENGTHS):
        count = sum(low <= length < above for length in lengths)
        name = (
            f"{low}"
            if above == low + 1
            else f"{low} to {above - 1}"
            if above < LENGTHS[-1]
            else f"{low} or more"
        )
        yield f"  {name:<20}{count:>8,}{count / len(lengths):>8.1%}"


def skill_lines(traces: Sequence[Trace]) -> Iterator[str]:
    """How often each skill is the label of a step."""
    steps = [step for _, trace in traces for step in decompose(trace, "skill")]
    counts = Counter((step.skill_family, step.skill) for step in steps)
    yield f"\nskills ({len(counts)})"
    for (family, skill), count in counts.most_common():
        yield f"  {skill:<32}{family:<14}{count:>8,}{count / len(steps):>8.1%}"


def shown(trace: StudentTrace) -> Iterator[str]:
    """One labelled decomposition for a reader."""
    steps = decompose(trace, "skill")
    sentences = len(decompose(trace, "sentence"))
    yield f"\n{'=' * 100}\n{trace.rollout_id}: {len(steps)} steps, {sentences} sentences"
    yield f"QUESTION {trace.question}"
    for index, step in enumerate(steps):
        yield f"--- {index} [{step.skill}]\n{trace.thinking[step.char_start : step.char_end].strip()}"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("traces", type=Path)
    parser.add_argument("--half", default="all", choices=("tuning", "judging", "all"))
    parser.add_argument("--show", type=int, default=0, help="print so many labelled decompositions")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    traces = recorded(arguments.traces, arguments.half)
    print(f"{len(traces):,} traces\n")
    for lines in (ratio_lines, length_lines, skill_lines):
        print("\n".join(lines(traces)))
    for _, trace in random.Random(arguments.seed).sample(traces, min(arguments.show, len(traces))):  # noqa: S311
        print("\n".join(shown(trace)))


if __name__ == "__main__":
    main()
