"""Quality of the heuristic teacher on recorded traces, every figure printed.

    .venv/bin/python -m benchmarks.teacher_quality ../shared/data/traces.parquet [--kind skill] [--show 10]

Rows that count: not of a test split, closed thinking, right answer. Accepted: not refused, the revision's
answer equals the student's, and no row gate rejects it. Fallbacks are revisions that mostly consist of the
student's summary. `--show` prints accepted revisions next to their originals."""

import argparse
import random
import re
import statistics
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
from math_verify import parse, verify

from drp.core.records import ACTIONS, Draft, StudentTrace
from drp.derivation import derivation_faults
from drp.grading.arithmetic.check import false_equations
from drp.teacher.heuristic import HeuristicTeacher
from drp.teacher.heuristic.synthesise import boxed_answer
from drp.traces import VALUE, plain

BANDS = ((0, 4_000), (4_000, 8_000), (8_000, 16_000), (16_000, 10**9))
STATED = re.compile(r"=\s?\(?-?(\d+(?:\.\d+)?(?:/\d+)?)")


class Outcome(NamedTuple):
    """One trace after the teacher; `fault` is None for an accepted one."""

    draft: Draft
    fault: str | None


def eligible(path: Path) -> list[StudentTrace]:
    """Traces whose thinking is closed and whose answer is right."""
    columns = ["id", "split", "closed_think", "question", "answer", "thinking", "response"]
    traces = []
    for row in pq.read_table(path, columns=columns).to_pylist():
        if row["split"] == "test" or not row["closed_think"]:
            continue
        answer = boxed_answer(row["response"]) or boxed_answer(row["thinking"])
        if answer and equal(row["answer"], answer):
            traces.append(StudentTrace(row["id"], row["question"], row["thinking"], row["response"], answer))
    return traces


def equal(gold: str, answer: str) -> bool:
    """Whether two answers are equal."""
    return plain(gold) == plain(answer) or bool(verify(parse(f"${gold}$"), parse(f"${answer}$")))


def fault_of(draft: Draft) -> str | None:
    """Why a draft is not accepted: the teacher's refusal, or what the gates find."""
    if draft.refusal:
        return f"refused {draft.refusal.reason}: {draft.refusal.detail.split('“')[0][:60]}"
    if not draft.revision:
        return "no revision"
    trace, revision = draft.trace, draft.revision
    before = len(trace.thinking) + len(trace.response)
    is_shorter = len(revision.thinking) + len(revision.response) < before
    if not is_shorter or len(revision.thinking) >= len(trace.thinking):
        return "not_shorter"
    answer = boxed_answer(revision.response)
    if answer is None or not equal(trace.answer, answer):
        return "answer_inconsistent"
    if false_equations(f"{revision.thinking}\n\n{revision.response}"):
        return "false_arithmetic"
    texts = trace.question, trace.thinking, revision.thinking, trace.response, revision.response
    faults = derivation_faults(*texts)
    return faults[0].kind if faults else None


def is_fallback(draft: Draft) -> bool:
    """Whether the summary stands for the thinking."""
    return any(decision.reason == "fallback_from_summary" for decision in draft.decisions)


def taught(traces: list[StudentTrace], kind: str) -> Iterator[Outcome]:
    """Every trace through the three stages."""
    teacher = HeuristicTeacher()
    drafts = teacher.decompose((Draft(trace) for trace in traces), kind)
    for draft in teacher.revise(drafts):
        yield Outcome(draft, fault_of(draft))


def saving(draft: Draft) -> float:
    """Share of the characters of thinking and response that are gone."""
    after = len(draft.revision.thinking) + len(draft.revision.response)
    return 1 - after / (len(draft.trace.thinking) + len(draft.trace.response))


def kept_results(draft: Draft) -> float | None:
    """Share of the results stated in the student's summary that the revised thinking still has."""
    given = set(VALUE.findall(plain(draft.trace.question)))
    stated = set(STATED.findall(plain(draft.trace.response))) - given
    if not stated:
        return None
    return len(stated & set(VALUE.findall(plain(draft.revision.thinking)))) / len(stated)


def band_line(outcomes: list[Outcome], limit: int, upper: int) -> str:
    """Shares of the traces of one length, and of their characters, with and without fallbacks."""
    band = [outcome for outcome in outcomes if limit <= len(outcome.draft.trace.thinking) < upper]
    accepted = [outcome.draft for outcome in band if outcome.fault is None]
    cut = [draft for draft in accepted if not is_fallback(draft)]

    def characters(drafts: list[Draft]) -> int:
        return sum(len(draft.trace.thinking) for draft in drafts)

    total = characters([outcome.draft for outcome in band]) or 1
    name = f"{limit:,} to {upper:,} characters" if upper < 10**9 else f"from {limit:,} characters"
    return (
        f"{name:<28}{len(band):>5} traces, {len(accepted) / max(1, len(band)):>6.1%} accepted, "
        f"{len(cut) / max(1, len(band)):>6.1%} without fallbacks; "
        f"fallbacks {1 - len(cut) / max(1, len(accepted)):>6.1%} of accepted; "
        f"characters {characters(accepted) / total:>6.1%}, {characters(cut) / total:>6.1%}"
    )


def share_lines(title: str, counts: Counter[str]) -> Iterator[str]:
    """A table of counts with shares, the largest first."""
    total = counts.total()
    yield f"\n{title} ({total:,})"
    for name, count in counts.most_common():
        yield f"  {name:<42}{count:>8,}{count / total:>8.1%}"


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("traces", type=Path)
    parser.add_argument("--kind", default="skill", choices=("skill", "step", "sentence", "none"))
    parser.add_argument("--show", type=int, default=0, help="print so many accepted revisions")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    outcomes = list(taught(eligible(arguments.traces), arguments.kind))
    accepted = [outcome.draft for outcome in outcomes if outcome.fault is None]
    cut = [draft for draft in accepted if not is_fallback(draft)]
    results = [share for draft in cut if (share := kept_results(draft)) is not None]
    under_half = sum(share < 0.5 for share in results) / len(cut)
    print(f"eligible traces           {len(outcomes):>8,}")
    print(f"accepted                  {len(accepted) / len(outcomes):>8.1%}")
    print(f"  without fallbacks       {len(cut) / len(outcomes):>8.1%}")
    print(f"  fallbacks               {1 - len(cut) / len(accepted):>8.1%}  of accepted")
    median, mean = statistics.median(map(saving, cut)), statistics.mean(results)
    print(f"median saving             {median:>8.1%}  of characters, no fallbacks")
    print(f"results of the summary    {mean:>8.3f}  kept, of {len(results)}, no fallbacks")
    print(f"  under half of them      {under_half:>8.1%}")
    for limit, upper in (*BANDS, (0, 10**9)):
        print(band_line(outcomes, limit, upper))
    decisions = Counter(dict.fromkeys(ACTIONS, 0))
    decisions.update(d.action for outcome in outcomes for d in outcome.draft.decisions)
    reasons = Counter(f"{d.action}: {d.reason}" for outcome in outcomes for d in outcome.draft.decisions)
    families = Counter(step.skill_family for outcome in outcomes for step in outcome.draft.steps)
    faults = Counter(outcome.fault for outcome in outcomes if outcome.fault)
    for title, counts in (
        ("actions", decisions),
        ("reasons", reasons),
        ("skill families", families),
        ("not accepted", faults),
    ):
        print("\n".join(share_lines(title, counts)))

    for draft in random.Random(arguments.seed).sample(accepted, min(arguments.show, len(accepted))):  # noqa: S311
        print(f"\n{'=' * 100}\n{draft.trace.rollout_id}  answer {draft.trace.answer}")
        print(f"saving {saving(draft):.0%}")
        print(f"QUESTION {draft.trace.question}\n{'-' * 40} ORIGINAL\n{draft.trace.thinking}")
        print(f"{'-' * 40} REVISED\n{draft.revision.thinking}\n{'-' * 40} SUMMARY\n{draft.revision.response}")


if __name__ == "__main__":
    main()
