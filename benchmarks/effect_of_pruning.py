"""The effect of pruning beside its controls: accuracy and tokens of the base and of every arm.

    .venv/bin/python -m benchmarks.effect_of_pruning [--questions 4000] [--seeds 0 1 2] [--work FOLDER]

For each seed the small student goes through the whole loop in a lake of its own, with the recipe `drp` on
other questions: rollouts, pruning, gates, corpus, training, and evaluation on the same held-out questions,
sampled with that seed. The arms `sentence` and `none` are trained on the same rollouts, decomposed into
sentences and not at all; where their examples are the same as `drp`'s, so are the students. Prints a table: a
question is the unit of chance, its samples of all seeds are averaged. Exit status 1 where `drp` takes more
than half of the base's tokens, or may be less accurate by a point.

The recipe's hyper-parameters were chosen with `--split validation`. Started again on a folder, it goes on.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import yaml

from drp.config.recipe import RECIPES
from drp.config.settings import settings
from drp.curation import drp_revisions
from drp.curation.candidates import read_candidates
from drp.curation.training_example import Example
from drp.evaluation.scores import Samples
from drp.evaluation.statistics import compare, pass_at_1
from drp.pipeline.nightly import nightly
from drp.runtime.context import open_night, open_training
from drp.runtime.training_plan import entry_of
from drp.stages.evaluate import evaluate, read_samples, shards
from drp.stages.prepare import prepare
from drp.stages.train import train

ARMS = ("drp", "unpruned_sft", "random_prune", "best_of_n")
DECOMPOSITIONS = ("sentence", "none")
"""Arms of their own: `drp` with another decomposition (paper, section 6.1)."""
NAMES = {
    "base": "base",
    "drp": "DRP (skill-aware steps)",
    "sentence": "sentence-level steps",
    "none": "no decomposition",
    "random_prune": "random pruning, same length",
    "unpruned_sft": "SFT, unpruned",
    "best_of_n": "SFT, shortest right of {samples}",
}
TOKENS, MARGIN = 0.5, 0.01
"""Limits: of the base's tokens, and of accuracy that may be lost."""
DAY = "2026-01-01"  # of every run: the date says nothing here


def write_recipe(asked: argparse.Namespace, folder: Path, seed: int, decomposition: str) -> str:
    """The recipe `drp` with a seed of its own, and with another decomposition."""
    document = yaml.safe_load((RECIPES / "drp.yaml").read_text())
    (questions,) = document["questions"]
    document["name"] = f"drp_{decomposition}"
    document["questions"] = [questions | {"size": asked.rollouts, "seed": seed}]
    document["sampling"] |= {"samples": asked.samples, "seed": seed}
    document["decomposition"] = decomposition
    document["gates"]["night"] |= {"right_share": [0, 1], "accepted_share": [0, 1], "median_saving": [0, 1]}
    document["arms"] = asked.arms if decomposition == "skill" else ["drp"]
    document["training"] |= {"seed": seed}
    held_out = questions | {"size": asked.questions, "seed": 1, "split": asked.split}
    document["evaluation"]["benchmarks"] = [{"name": "held_out", "questions": held_out}]
    document["evaluation"]["sampling"] |= {"samples": 1, "seed": seed}
    del document["promotion"]
    path = folder / f"{decomposition}.yaml"
    path.write_text(yaml.safe_dump(document))
    return str(path)


def measured(asked: argparse.Namespace, folder: Path, seed: int) -> dict[str, Samples]:
    """Every arm with its graded samples, for one seed, in a lake of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["DRP_LAKE"] = str(folder / "lake")
    os.environ["DRP_DATABASE_URL"] = f"sqlite:///{folder}/drp.db"
    os.environ["DRP_SCRATCH"] = str(folder / "scratch")
    settings.cache_clear()
    pruned: list[Example] = []
    found: dict[str, Samples] = {}
    for decomposition in ("skill", *asked.decompositions):
        recipe = write_recipe(asked, folder, seed, decomposition)
        nightly(open_night(recipe, DAY))
        run = open_training(recipe, DAY)
        names = prepare(run)
        examples = list(
            drp_revisions(read_candidates(run.lake.published(), run.revision_hash, run.recipe.student))
        )
        if decomposition == "skill":
            pruned = examples
        else:
            names = names[1:]  # the base was measured
        if decomposition != "skill" and examples == pruned:
            print(f"seed {seed}, {decomposition}: the same examples as drp, and so the same student")
            found[decomposition] = found["drp"]
            continue
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # of processes, each on one core
            list(pool.map(lambda name, run=run: train(run, name), names))
        for name, shard in zip(names, shards(run, names), strict=True):
            evaluate(run, shard)
            arm = entry_of(run, name).arm if decomposition == "skill" else decomposition
            found[arm] = read_samples(run, shard)
            print(f"seed {seed}, {arm}: {len(examples)} examples, measured", file=sys.stderr, flush=True)
    return found


def table(samples: dict[str, list[Samples]], asked: argparse.Namespace) -> tuple[list[str], bool]:
    """The table's lines, and whether `drp` keeps the limits."""
    base_right, base_tokens = pooled(samples["base"])
    lines = [
        "| Student | Accuracy | Δ accuracy vs base (lower bound) | Tokens "
        "| Token ratio vs base (95 % CI) | AES |",
        "|---|---|---|---|---|---|",
    ]
    holds = True
    for arm, name in NAMES.items():
        if arm not in samples:
            continue
        right, tokens = pooled(samples[arm])
        score = pass_at_1(right)
        cells = [name.format(samples=asked.samples), f"{score.value:.1%}", "", f"{tokens.mean():.0f}", "", ""]
        if arm != "base":
            beside = compare(base_right, right, base_tokens, tokens)
            cells[2] = f"{beside.accuracy.value:+.1%} ({beside.accuracy_at_least:+.1%})"
            cells[4] = f"{beside.tokens.value:.3f} ({beside.tokens.low:.3f} to {beside.tokens.high:.3f})"
            cells[5] = f"{beside.aes:+.2f}"
        if arm == "drp":
            holds = beside.is_not_lower(MARGIN) and beside.tokens.value <= TOKENS
        lines.append("| " + " | ".join(cells) + " |")
    return lines, holds


def ahead(samples: dict[str, list[Samples]]) -> list[str]:
    """How far `drp` is ahead of other decompositions, with 95 % intervals over questions."""
    right, tokens = pooled(samples["drp"])
    lines = []
    for arm in DECOMPOSITIONS:
        if arm in samples:
            other, its_tokens = pooled(samples[arm])
            beside = compare(other, right, its_tokens, tokens)
            lines.append(
                f"DRP beside {NAMES[arm]}: accuracy {beside.accuracy.value:+.1%}"
                f" ({beside.accuracy.low:+.1%} to {beside.accuracy.high:+.1%}),"
                f" tokens {beside.tokens.value:.3f} ({beside.tokens.low:.3f} to {beside.tokens.high:.3f})"
            )
    return lines


def pooled(seeds: Sequence[Samples]) -> tuple[Any, Any]:
    """Verdicts and tokens of the same questions, a column a seed."""
    assert len({one.question_ids for one in seeds}) == 1
    return np.hstack([one.right for one in seeds]), np.hstack([one.tokens for one in seeds])


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--questions", type=int, default=4000, help="held-out questions")
    parser.add_argument("--split", default="test", choices=("test", "validation"))
    parser.add_argument("--rollouts", type=int, default=300, help="questions that are rolled out")
    parser.add_argument("--samples", type=int, default=4, help="rollouts of each")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", default=list(ARMS))
    parser.add_argument("--decompositions", nargs="*", default=list(DECOMPOSITIONS))
    parser.add_argument("--work", type=Path, help="the folder of lakes and models; default: a temporary one")
    asked = parser.parse_args()
    samples: dict[str, list[Samples]] = {}
    with TemporaryDirectory() as temporary:
        work = (asked.work or Path(temporary)).absolute()
        for seed in asked.seeds:
            for arm, some in measured(asked, work / f"seed-{seed}", seed).items():
                samples.setdefault(arm, []).append(some)
    lines, holds = table(samples, asked)
    print(f"{asked.questions:,} held-out questions of the split {asked.split}, seeds {asked.seeds}:\n")
    print("\n".join([*lines, "", *ahead(samples)]))
    print(
        f"\nlimits: tokens {TOKENS:.2f} of base's, accuracy {-MARGIN:+.1%}: {'kept' if holds else 'not kept'}"
    )
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
