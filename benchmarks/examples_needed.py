"""How many training examples are enough: the bundled student, trained on nights of different sizes.

    .venv/bin/python -m benchmarks.examples_needed [--seeds 0 1 2] [--work FOLDER]

Each night is that of the recipe `drp` with at most that many questions, in a separate lake. It is followed
by the training run of the recipe. Base and candidate answer the same held-out questions. Every line has the
number of examples that were trained on and the differences from the base, as the training report has them:
the 95 % interval of the accuracy and of the token ratio, and whether the rule of the recipe promotes. Started
again on a work folder, it goes on.
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from drp.config.settings import settings
from drp.pipeline.nightly import nightly
from drp.pipeline.train_eval import train_eval
from drp.runtime import entries_of, manifest_key, open_night, open_training
from drp.stages.compare import read_comparison
from drp.training import Manifest

DAY = "2026-11-20"
SIZES = (25, 100, 400, 1600)
QUESTIONS = 400
"""Held-out questions that are measured."""
_HEAD = (
    "| questions | seed | examples | steps | Δ Pass@1, points (95 % CI) | token ratio (95 % CI)"
    " | promoted |\n"
    "|---|---|---|---|---|---|---|"
)


def measure(work: Path, size: int, seed: int) -> str:
    """Run one night and its training, unless that was done, and return its line of the table."""
    os.environ |= {
        "DRP_LAKE": str(work / f"{size}-{seed}"),
        "DRP_DATABASE_URL": f"sqlite:///{work}/{size}-{seed}.db",
        "DRP_SCRATCH": str(work / "scratch"),
    }
    settings.cache_clear()
    overrides = [
        f"sample_size={size}",
        f"questions=[{{source: synthetic, level: small, size: {size}, seed: {seed}}}]",
        "gates.night.min_rollouts=1000000",
        "evaluation.benchmarks=[{name: small, questions: "
        f"{{source: synthetic, level: small, split: test, size: {QUESTIONS}, seed: 1}}}}]",
        f"evaluation.sampling.seed={seed + 1}",
    ]
    nightly(open_night("drp", DAY, overrides=overrides))
    run = open_training("drp", DAY, overrides=overrides)
    if read_comparison(run) is None:
        train_eval(run)
    document = read_comparison(run) or {}
    (row,) = document["compared"]
    entry = next(entry for entry in entries_of(run).values() if entry.arm == "drp")
    manifest = Manifest.model_validate_json(run.lake.store.get(manifest_key(entry)) or b"")
    gain, ratio = row["comparison"]["accuracy"], row["comparison"]["tokens"]
    cells = (
        size,
        seed,
        manifest.examples_used,
        manifest.steps,
        f"{100 * gain['value']:+.1f} ({100 * gain['low']:+.1f} to {100 * gain['high']:+.1f})",
        f"{ratio['value']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})",
        "yes" if document["decision"]["promote"] else "no",
    )
    return f"| {' | '.join(map(str, cells))} |"


def table(work: Path, sizes: Sequence[int], seeds: Sequence[int]) -> Iterator[str]:
    """Yield the lines of the table as they are measured."""
    yield _HEAD
    for seed in seeds:
        for size in sizes:
            yield measure(work, size, seed)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="questions of a night")
    parser.add_argument("--seeds", type=int, nargs="+", default=(0,))
    parser.add_argument("--work", type=Path, help="keep lakes and checkpoints in this folder")
    asked = parser.parse_args()
    with TemporaryDirectory() as temporary:
        work = (asked.work or Path(temporary)).absolute()
        work.mkdir(parents=True, exist_ok=True)
        for line in table(work, asked.sizes, asked.seeds):
            print(line, flush=True)


if __name__ == "__main__":
    main()
