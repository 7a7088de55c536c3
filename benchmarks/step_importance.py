"""Does a teacher delete what does not matter? Decisions against measured importance and planted redundancy.

    .venv/bin/python -m benchmarks.step_importance ../shared/data [--teacher heuristic] [--out FILE]

Reads steps_thought_anchors.parquet and steps_prmbench.parquet, with traces.parquet and math.parquet
(`benchmarks/labelled_traces.py` says what is used of them). The teacher decomposes and revises each trace
with each kind of decomposition. A sentence or planted step is kept if the decisions leave half of its
characters. Figures are means over the traces that the teacher decides on with every kind (`decided`), and
over those of them that it refuses with no kind (`accepted`). Intervals (95 %) take the question as unit. An
LLM teacher is asked through the ledger and costs what its profile says.

Next to each figure is what deleting as many characters of each trace gives at random, in whole sentences or
steps (mean and 95 % of the draws), and by keeping the first or the last ones. `gain` is the figure minus the
random mean, with its interval.

importance kept: share of a trace's importance. Top tenth kept: of its most important tenth of sentences.
mean of kept, of deleted: importance of these sentences; 1 is the mean of their trace.
AUC: probability that a kept sentence is more important than a deleted one, or that a planted step is deleted
    rather than another; 0.5 says nothing.
AUC in place: the same of sentences in the same tenth of a trace. Importance falls along a trace, so that
    cutting off its end has a high AUC; this one does not reward it.
rank correlation: Spearman's, of importance and the share of a sentence that is left.
Below them are the spans by action, and with `sentence` by the teacher's reason: the share that is kept, and
    the mean rank by importance in their trace, from 0 to 1 (of PRMBench: the share of planted steps).

`--show 20` quotes what of 20 traces was deleted though it matters (LOST), or kept though it does not (LEFT).
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
from scipy import stats

from benchmarks.importance_measures import TOP, is_kept, measures_of
from benchmarks.kept_text import actions, deleted_in, kept_shares
from benchmarks.labelled_traces import IMPORTANCES, PLANTED, LabelledTrace, planted_steps, thought_anchors
from drp.config import DecompositionKind, load_recipe
from drp.core.records import ACTIONS, Draft
from drp.evaluation.intervals import Floats, ratio_bounds
from drp.evaluation.statistics import CONFIDENCE, Interval
from drp.teacher import open_teacher

Scope: TypeAlias = Literal["decided", "accepted"]
KINDS: tuple[DecompositionKind, ...] = get_args(DecompositionKind)
SCOPES: tuple[Scope, ...] = get_args(Scope)
TAIL = (1 - CONFIDENCE) / 2
DRAWS = 100
LEAST = 20
"""Smaller groups of spans are not printed."""


@dataclass(frozen=True)
class Figure:
    """A measure of the teacher, and what other ways to delete as many characters give."""

    teacher: Interval
    random: Interval
    """Mean and range of the draws."""
    gain: Interval
    first: float | None
    """The first sentences or steps are kept. None without a value: no tenth has kept and deleted ones."""
    last: float | None


@dataclass(frozen=True)
class Decided:
    """A trace with what the teacher left of it."""

    labelled: LabelledTrace
    draft: Draft
    kept: Floats
    sizes: Floats


def decided(traces: Sequence[LabelledTrace], teacher: str, kind: DecompositionKind) -> dict[str, Decided]:
    """Return the traces that the teacher makes decisions on, by id."""
    recipe = load_recipe("drp", teacher=teacher).model_copy(update={"decomposition": kind})
    by_id = {labelled.trace.rollout_id: labelled for labelled in traces}
    with open_teacher(recipe, 1, run_id="step-importance", archive=lambda _: {}) as opened:
        drafts = opened.decompose((Draft(labelled.trace) for labelled in traces), kind)
        return {
            draft.trace.rollout_id: _decided(by_id[draft.trace.rollout_id], draft)
            for draft in opened.revise(list(drafts))
            if draft.decisions
        }


def _decided(labelled: LabelledTrace, draft: Draft) -> Decided:
    sizes = np.array([end - start for start, end in labelled.spans], float)
    return Decided(labelled, draft, kept_shares(draft, labelled.spans), sizes)


def over_questions(values: Floats, questions: Sequence[str]) -> Interval:
    """Return the mean of the values, with its interval over the questions that they belong to."""
    _, groups = np.unique(np.array(questions), return_inverse=True)
    counts = np.bincount(groups).astype(float)
    low, high = map(float, ratio_bounds(counts, np.bincount(groups, values), TAIL))
    return Interval(float(values.mean()), low if np.isfinite(high) else -np.inf, high)


def figures(traces: Sequence[Decided], label: str, draws: int, seed: int) -> dict[str, Figure]:
    """Measure the teacher and the other ways to delete as much. The same seed gives the same figures."""
    rng, measures = np.random.default_rng(seed), measures_of(label)
    questions = [trace.labelled.trace.question for trace in traces]
    values = {name: np.empty((draws + 3, len(traces))) for name in measures}
    for column, trace in enumerate(traces):
        order, sizes = np.arange(len(trace.sizes)), trace.sizes
        target = float(sizes @ (1 - is_kept(trace.kept)))
        orders = [*(rng.permutation(order) for _ in range(draws)), order[::-1], order]
        ways = [*(deleted_in(each, sizes, target) for each in orders), trace.kept]
        for name, measure in measures.items():
            for row, kept in enumerate(ways):
                values[name][row, column] = measure(trace.labelled.labels[label], sizes, kept)
    made = {name: _figure(table, questions) for name, table in values.items()}
    return {name: figure for name, figure in made.items() if figure}


def _figure(table: Floats, questions: Sequence[str]) -> Figure | None:
    """Build a figure from a table [draws and first, last, teacher; traces]; None if no trace has a value."""
    random, (first, last, teacher) = table[:-3], table[-3:]
    has_value = ~np.isnan(table[[*range(len(random)), -1]]).any(axis=0)  # without deletions there is no AUC
    if not has_value.any():
        return None
    random, teacher = random[:, has_value], teacher[has_value]
    questions = [question for question, has in zip(questions, has_value, strict=True) if has]
    means = random.mean(axis=1)
    return Figure(
        over_questions(teacher, questions),
        Interval(float(means.mean()), *map(float, np.quantile(means, [TAIL, 1 - TAIL]))),
        over_questions(teacher - random.mean(axis=0), questions),
        _mean(first),
        _mean(last),
    )


def _mean(values: Floats) -> float | None:
    """Return the mean of the values that are not NaN."""
    present = values[~np.isnan(values)]
    return float(present.mean()) if present.size else None


@dataclass(frozen=True)
class Group:
    """Spans with the same action, or the same reason."""

    spans: int
    kept: float
    """Share that is kept."""
    rank: Interval
    """Mean rank by importance in their trace, 0 to 1; of planted steps it is their share of the group."""


def by_decision(traces: Sequence[Decided], label: str) -> dict[str, Group]:
    """Group the spans by action, and by the teacher's reason for it, the largest groups first."""
    members: defaultdict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for trace in traces:
        labels = trace.labelled.labels[label]
        ranks = labels if label == PLANTED else (stats.rankdata(labels) - 1) / max(1, len(labels) - 1)
        taken = actions(trace.draft, trace.labelled.spans)
        for (action, reason), kept, rank in zip(taken, is_kept(trace.kept), ranks, strict=True):
            for name in (action, f"{action}: {reason}"):
                members[name].append((kept, rank, trace.labelled.trace.question))
    return {
        name: Group(
            len(spans),
            float(np.mean([kept for kept, _, _ in spans])),
            over_questions(np.array([rank for _, rank, _ in spans]), [question for _, _, question in spans]),
        )
        for name, spans in sorted(members.items(), key=lambda item: (-len(item[1]), item[0]))
    }


@dataclass(frozen=True)
class Result:
    """What is measured on one data set with one kind of decomposition."""

    data: str
    label: str
    kind: DecompositionKind
    scope: Scope
    traces: int
    questions: int
    figures: Mapping[str, Figure]
    decisions: Mapping[str, Group]


def results(
    data: str, traces: Sequence[LabelledTrace], teacher: str, draws: int, seed: int, show: int
) -> Iterator[Result]:
    """Measure the teacher on one data set, and print what it got wrong of `show` traces."""
    of_kind = {kind: decided(traces, teacher, kind) for kind in KINDS}
    everywhere = [
        trace.trace.rollout_id
        for trace in traces
        if all(trace.trace.rollout_id in taught for taught in of_kind.values())
    ]
    accepted = [
        name for name in everywhere if not any(taught[name].draft.refusal for taught in of_kind.values())
    ]
    print(f"\n{data}: {len(traces)} traces, {len(everywhere)} decided, {len(accepted)} accepted")
    measured = (PLANTED,) if PLANTED in traces[0].labels else IMPORTANCES
    for label in measured:
        for scope, names in (("decided", everywhere), ("accepted", accepted)):
            for kind in KINDS if names else ():
                chosen = [of_kind[kind][name] for name in names]
                yield Result(
                    data,
                    label,
                    kind,
                    scope,
                    len(chosen),
                    len({trace.labelled.trace.question for trace in chosen}),
                    figures(chosen, label, draws, seed),
                    by_decision(chosen, label),
                )
    for name in np.random.default_rng(seed).permutation(everywhere)[:show]:
        print("\n".join(disagreements(of_kind["sentence"][name], measured[0])))


def disagreements(trace: Decided, label: str) -> Iterator[str]:
    """Quote deleted spans that matter and kept spans that do not, with the teacher's reasons."""
    labels, kept = trace.labelled.labels[label], is_kept(trace.kept)
    should_go = labels > 0 if label == PLANTED else labels <= np.quantile(labels, TOP)
    should_stay = labels == 0 if label == PLANTED else labels > np.quantile(labels, 1 - TOP)
    refusal = trace.draft.refusal
    yield f"\n-- {trace.labelled.trace.rollout_id} ({refusal.detail if refusal else 'accepted'})"
    taken = actions(trace.draft, trace.labelled.spans)
    for index, (start, end) in enumerate(trace.labelled.spans):
        fault = {(True, 0.0): "LOST", (False, 1.0): "LEFT"}.get((bool(should_stay[index]), kept[index]))
        if fault == "LOST" or (fault == "LEFT" and should_go[index]):
            action, reason = taken[index]
            text = " ".join(trace.labelled.trace.thinking[start:end].split())
            yield f"{fault} {labels[index]:.2f} {action} ({reason}) #{index}: {text[:220]}"


def table(found: Sequence[Result]) -> Iterator[str]:
    """The lines of the printed table."""
    previous: tuple[str, str, Scope] | None = None
    for result in found:
        heading = (result.data, result.label, result.scope)
        if heading != previous:
            yield f"\n{result.data}, {result.label}, {result.traces} traces {result.scope}"
            yield f"  {'':<30}{'teacher':<22}{'random':<22}{'gain':<24}{'first':>7}{'last':>8}"
            previous = heading
        for name, figure in result.figures.items():
            spans = (f"{_shown(part):<22}" for part in (figure.teacher, figure.random))
            yield (
                f"  {result.kind:<10}{name:<20}{''.join(spans)}{_shown(figure.gain, '+'):<24}"
                f"{_number(figure.first):>7}{_number(figure.last):>8}"
            )
        for name, group in result.decisions.items():
            if group.spans >= LEAST and (result.kind == "sentence" or name in ACTIONS):
                kept = f"{group.kept:.1%} of {group.spans:,} kept"
                yield f"  {result.kind:<10}{name:<42}{kept:<24}{_shown(group.rank)}"


def _shown(part: Interval, sign: str = "") -> str:
    return f"{part.value:{sign}.3f} ({part.low:{sign}.3f} {part.high:{sign}.3f})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _strict(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """JSON has no infinity: a bound that does not exist is null."""
    return {name: None if isinstance(value, float) and np.isinf(value) else value for name, value in pairs}


def main() -> None:
    """Print the table and write the result file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the Parquet files")
    parser.add_argument("--teacher", default="heuristic", help="name of a teacher profile")
    parser.add_argument("--out", type=Path, help="write the figures to this JSON file")
    parser.add_argument("--show", type=int, default=0, help="quote the disagreements of so many traces")
    parser.add_argument("--draws", type=int, default=DRAWS, help="random deletions of each trace")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    sets = {"thought_anchors": thought_anchors(asked.data), **planted_steps(asked.data)}
    found = [
        result
        for data, traces in sets.items()
        for result in results(data, traces, asked.teacher, asked.draws, asked.seed, asked.show)
    ]
    print("\n".join(table(found)))
    if asked.out:
        settings = {"teacher": asked.teacher, "draws": asked.draws, "seed": asked.seed}
        document = {**settings, "results": [asdict(result, dict_factory=_strict) for result in found]}
        asked.out.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
