"""Revisions with exactly one planted fault, and sound ones, to measure what the gates notice.

    .venv/bin/python -m benchmarks.planted_faults ../shared/data OUT.jsonl [--seed 0]

DATA holds traces.parquet, math.parquet and gsm8k.parquet; files that are absent are left out. Generated word
problems are always used. Each line of OUT is an `Item`. Tune a gate on the split `tune` and report on `test`:
no question is in both. The same seed, data and code give the same bytes. Kinds: a needed sentence is missing,
a withdrawn step is kept, a reference dangles, two statements contradict each other, nothing is derived; and
`sound`, which has no fault.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.planting import (
    contradiction,
    dangling_reference,
    hollow,
    missing_link,
    sound,
    text,
    withdrawn_step,
)
from benchmarks.planting.fault import Fault, Planter
from benchmarks.planting.sources import Item, Revision, key_of, revisions
from benchmarks.planting.thinking_aloud import thought_aloud

KINDS: Mapping[str, Mapping[str, Planter]] = {
    "missing_link": missing_link.PLANTERS,
    "withdrawn_step": withdrawn_step.PLANTERS,
    "dangling_reference": dangling_reference.PLANTERS,
    "contradiction": contradiction.PLANTERS,
    "hollow": hollow.PLANTERS,
    "sound": sound.PLANTERS,
}
PER_SUBKIND = 120
"""At most so many items of one way to plant a fault; twice as many of each way to stay sound."""
SOURCES = 6_000
"""At most so many sources of each form."""


def item(kind: str, subkind: str, revision: Revision, fault: Fault, seed: int) -> Item | None:
    """One line of the file; None where the revision would be empty or longer than any original of it."""
    original = fault.original if fault.original is not None else revision.original
    if len(original) < len(fault.revised):
        rng = text.seeded(seed, revision.source, kind, subkind, "original")
        original = thought_aloud(rng, original, revision.question)
    if not fault.revised.strip() or len(original) < len(fault.revised):
        return None
    return Item(
        kind,
        subkind,
        revision.source,
        revision.question,
        original,
        revision.response,
        fault.revised,
        fault.response if fault.response is not None else revision.revised_response,
        fault.change,
        fault.field,
        fault.span,
        "tune" if text.is_tune(key_of(revision.question)) else "test",
    )


def planted(sources: Iterable[Revision], seed: int, per_subkind: int = PER_SUBKIND) -> list[Item]:
    """Plant faults until each subkind has `per_subkind` items, half in each split, or sources run out.

    A source is used at most once for each kind, and for the subkind that has the fewest items so far.
    """
    counts: Counter[tuple[str, str, bool]] = Counter()
    items = []
    for revision in sources:
        tune = text.is_tune(key_of(revision.question))
        for kind, planters in KINDS.items():
            limit = per_subkind if kind == "sound" else per_subkind // 2
            for subkind in sorted(planters, key=lambda name: (counts[kind, name, tune], name)):
                if counts[kind, subkind, tune] >= limit:
                    continue
                fault = planters[subkind](text.seeded(seed, revision.source, kind, subkind), revision)
                if fault and (made := item(kind, subkind, revision, fault, seed)):
                    counts[kind, subkind, tune] += 1
                    items.append(made)
                    break
    return sorted(items, key=lambda made: (made.kind, made.subkind, made.source))


def main() -> None:
    """Write the items and print how many there are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with traces.parquet, math.parquet and gsm8k.parquet")
    parser.add_argument("out", type=Path, help="file of JSON lines to write")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    items = planted(revisions(arguments.data, arguments.seed, SOURCES), arguments.seed)
    lines = (json.dumps(made._asdict(), ensure_ascii=False) for made in items)
    arguments.out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    counts = Counter((made.kind, made.subkind, made.split) for made in items)
    print(f"{'kind':<20}{'subkind':<22}{'tune':>6}{'test':>6}")
    for kind, planters in KINDS.items():
        for subkind in planters:
            print(
                f"{kind:<20}{subkind:<22}{counts[kind, subkind, 'tune']:>6}{counts[kind, subkind, 'test']:>6}"
            )
        totals = [
            sum(n for (k, _, s), n in counts.items() if k == kind and s == split)
            for split in ("tune", "test")
        ]
        print(f"{kind:<20}{'all':<22}{totals[0]:>6}{totals[1]:>6}")


if __name__ == "__main__":
    main()
