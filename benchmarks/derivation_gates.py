"""Recall and false alarms of the checks of `drp.derivation`, and what they reject of revisions.

    .venv/bin/python -m benchmarks.derivation_gates ../shared/data [--most 300] [--show missing_link]
    .venv/bin/python -m benchmarks.derivation_gates ../shared/data --planted OUT.jsonl

The first command prints three tables:

*Sound texts.* A reference solution as its own original (`gsm8k`, `math`: here no check may fire, by
construction). The summary of a right trace as a revision of that trace (`summary`: a separate text, with
other sentences than the original). `answer only` are summaries without any derivation, which `hollow` is
there to find; they are counted apart. `with the summary` is what the row gates pass; without it, the
checks see only the trace.

*Planted faults.* Made by `benchmarks.derivation_planters` from those sound texts. Recall: share in which a
check of the planted kind fires.

*The heuristic teacher.* Accepted revisions of recorded traces (`benchmarks.teacher_quality`) before and after
these checks. `--show KIND` prints alarms on them, for reading.

The second command prints only what the checks find in a set that `benchmarks.planted_faults` wrote: recall
for each way to plant a fault, and alarms on its sound texts, for each split. `own` is the share in which a
check of the planted kind fires, `any` that of any check. The checks see what the row gates see: question,
thinking, the student's response, and the revised thinking and response.
"""

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

import pyarrow.parquet as pq

from benchmarks.derivation_planters import PLANTERS, Sample
from benchmarks.teacher_quality import eligible, taught
from drp.core import StudentTrace
from drp.derivation import DerivationFault, derivation_faults

KINDS = ("missing_link", "dangling_reference", "contradiction", "withdrawn_step", "hollow")
ANSWER_ONLY = re.compile(r"[^=]*")  # a summary without an equation may be no derivation
WORDS = 25  # a summary with fewer words and without an equation is only an answer


def solutions(folder: Path, name: str) -> list[Sample]:
    """Reference solutions, each its own original; calculator marks and the answer line of gsm8k removed."""
    rows = pq.read_table(folder / f"{name}.parquet", columns=["id", "question", "solution"]).to_pylist()
    samples = []
    for row in rows:
        text = re.sub(r"<<.*?>>", "", row["solution"]).split("####")[0].strip()
        if "[asy]" not in text:
            samples.append(Sample(row["id"], row["question"], text, text))
    return samples


def summaries(traces: Iterable[StudentTrace]) -> tuple[list[Sample], list[Sample]]:
    """Summaries of right traces as revisions, and apart from them those that only state the answer."""
    sound, bare = [], []
    for trace in traces:
        text = trace.response
        is_bare = ANSWER_ONLY.fullmatch(text) is not None and len(text.split()) < WORDS
        (bare if is_bare else sound).append(
            Sample(trace.rollout_id, trace.question, trace.thinking, text, text)
        )
    return sound, bare


def faults(sample: Sample, *, with_summary: bool = True) -> list[DerivationFault]:
    """All faults of a sample's revision."""
    summary = sample.summary if with_summary else ""
    return derivation_faults(sample.question, sample.original, sample.revision, summary)


def print_alarms(title: str, samples: Sequence[Sample], *, with_summary: bool) -> None:
    """Print the share of samples in which each check fires, and in which any does."""
    counts: Counter[str] = Counter()
    start = time.process_time()
    for sample in samples:
        kinds = {fault.kind for fault in faults(sample, with_summary=with_summary)}
        counts.update(kinds)
        counts["any"] += bool(kinds)
    milliseconds = (time.process_time() - start) / max(1, len(samples)) * 1000
    shares = "".join(f"{counts[kind] / max(1, len(samples)):>10.1%}" for kind in (*KINDS, "any"))
    print(f"{title:<32}{len(samples):>6,}{shares}{milliseconds:>8.1f}")


def print_recall(sets: dict[str, list[Sample]], random: Random, most: int) -> None:
    """Print the share of planted faults that are found, for each kind, planter and kind of sound text."""
    print(f"\n{'planted':<20}{'by':<20}{'into':<10}{'n':>5}{'own':>8}{'any':>8}")
    for kind, planters in PLANTERS.items():
        found = total = 0
        for planter in planters:
            for name, samples in sets.items():
                planted = [fault for sample in samples if (fault := planter(sample, random))]
                planted = random.sample(planted, min(most, len(planted)))
                kinds = [{fault.kind for fault in faults(sample)} for sample in planted]
                own, any_kind = sum(kind in each for each in kinds), sum(map(bool, kinds))
                found, total = found + own, total + len(planted)
                if planted:
                    shares = f"{own / len(planted):>8.1%}{any_kind / len(planted):>8.1%}"
                    print(f"{kind:<20}{planter.__name__:<20}{name:<10}{len(planted):>5}{shares}")
        print(f"{kind:<20}{'all':<30}{total:>5}{found / max(1, total):>8.1%}")


def print_teacher(traces: list[StudentTrace], show: str | None, random: Random) -> None:
    """Print what the checks reject of the revisions that the heuristic teacher's other gates accept."""
    accepted = [outcome.draft for outcome in taught(traces, "skill") if outcome.fault is None]
    rejected: Counter[str] = Counter()
    shown: list[tuple[str, DerivationFault]] = []
    left = 0
    for draft in accepted:
        trace, revision = draft.trace, draft.revision
        if revision is None:
            continue
        found = derivation_faults(trace.question, trace.thinking, revision.thinking, trace.response)
        if len(revision.thinking) >= len(trace.thinking):
            rejected["not_shorter"] += 1
        rejected.update({fault.kind for fault in found})
        left += not found and len(revision.thinking) < len(trace.thinking)
        shown += [(trace.rollout_id, fault) for fault in found if fault.kind == show]
    print(f"\nheuristic teacher: {len(traces)} right traces, {len(accepted)} accepted before, {left} after")
    for name, count in rejected.most_common():
        print(f"  {name:<22}{count:>5}{count / max(1, len(accepted)):>8.1%}")
    for name, fault in random.sample(shown, min(40, len(shown))):
        print(f"{name}: {fault.detail}")


def print_planted(path: Path) -> None:
    """Print recall and false alarms on a set of planted faults, for each split."""
    counts: Counter[tuple[str, str, str]] = Counter()
    own: Counter[tuple[str, str, str]] = Counter()
    found: Counter[tuple[str, str, str]] = Counter()
    alarms: Counter[tuple[str, str]] = Counter()
    with path.open(encoding="utf-8") as lines:
        for item in map(json.loads, lines):
            faults = derivation_faults(
                item["question"],
                item["original_thinking"],
                item["revised_thinking"],
                item["response"],
                item["revised_response"],
            )
            kinds = {fault.kind for fault in faults}
            for name in (item["subkind"], "all"):
                key = (item["kind"], name, item["split"])
                counts[key] += 1
                own[key] += item["kind"] in kinds
                found[key] += bool(kinds)
            if item["kind"] == "sound":
                alarms.update((kind, item["split"]) for kind in kinds)
    splits = ("tune", "test")
    print(f"{'planted':<40}" + "".join(f"{split:>8}{'own':>8}{'any':>8}" for split in splits))
    for kind, name in sorted({key[:2] for key in counts}, key=lambda pair: (pair[0], pair[1] == "all", pair)):
        line = f"{kind:<20}{name:<20}"
        for split in splits:
            key = (kind, name, split)
            n = max(1, counts[key])
            recall = f"{own[key] / n:>8.1%}" if kind != "sound" else f"{'':>8}"
            line += f"{counts[key]:>8,}{recall}{found[key] / n:>8.1%}"
        print(line)
    for kind in KINDS:
        rates = (alarms[kind, split] / max(1, counts["sound", "all", split]) for split in splits)
        print(f"{'alarms on sound':<20}{kind:<20}" + "".join(f"{rate:>24.1%}" for rate in rates))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="with traces.parquet, gsm8k.parquet and math.parquet")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=300, help="faults of each planter in each kind of text")
    parser.add_argument("--show", choices=KINDS, help="print alarms of this kind on the heuristic teacher")
    parser.add_argument("--planted", type=Path, help="a set of benchmarks.planted_faults: print only this")
    arguments = parser.parse_args()
    if arguments.planted:
        print_planted(arguments.planted)
        return
    random = Random(arguments.seed)  # noqa: S311

    traces = eligible(arguments.folder / "traces.parquet")
    sound, bare = summaries(traces)
    sets = {
        name: random.sample(texts, min(len(texts), 8 * arguments.most))
        for name, texts in (
            ("gsm8k", solutions(arguments.folder, "gsm8k")),
            ("math", solutions(arguments.folder, "math")),
            ("summary", sound),
        )
    }
    print(
        f"{'sound texts: alarms':<32}{'n':>6}"
        + "".join(f"{kind[:9]:>10}" for kind in (*KINDS, "any"))
        + "      ms"
    )
    for name in ("gsm8k", "math"):
        print_alarms(f"{name} as its own original", sets[name], with_summary=True)
    print_alarms("summary of a trace", sound, with_summary=False)
    print_alarms("  with the student's summary", sound, with_summary=True)
    print_alarms("answer only (not sound)", bare, with_summary=True)
    print_recall(sets, random, arguments.most)
    print_teacher(traces, arguments.show, random)


if __name__ == "__main__":
    main()
