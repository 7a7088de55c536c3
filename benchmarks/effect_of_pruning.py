"""The effect of pruning: accuracy and tokens of the base and of every arm, next to unpruned SFT.

    .venv/bin/python -m benchmarks.effect_of_pruning [--questions 4000] [--seeds 0 1 2] [--work FOLDER]
        [--voice second] [--teacher oracle] [--student no-brief]

For each seed the small student goes through the whole loop in a separate lake, with the recipe `drp` on
other questions: rollouts, pruning, gates, corpus, training, and evaluation on the same held-out questions,
sampled with that seed. The arms `sentence` and `none` are trained on the same rollouts, decomposed into
sentences and not at all; where their examples are the same as `drp`'s, so are the students. A second table is
of problems with one computation more than any rollout has. Exit status 1 where `drp` takes more than half of
the tokens of unpruned SFT, or may be less accurate by a point.

`--voice second` is a student with other phrases, which shows what the result owes to the wording. `--teacher
oracle` knows what each phrase is (benchmarks/oracle_teacher.py). `--student` is the one that ships, one whose
traces are never brief (`no-brief`), one with some brief traces (`brief`), or the folder of a model. A student
that does not ship is pre-trained first, about an hour of one core, and kept in the work folder.

The recipe's hyper-parameters were chosen with `--split validation`. Started again on a work folder, it goes
on. The folder gets the result as `<student>-<voice>-<teacher>.json`.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast, get_args

import yaml

from benchmarks import oracle_teacher
from benchmarks.effect_table import NAMES, REFERENCE, Effect, as_document, effects, next_to, table
from drp.config import BASE
from drp.config.recipe import RECIPES
from drp.config.settings import settings
from drp.curation import drp_revisions
from drp.curation.candidates import read_candidates
from drp.curation.training_example import Example
from drp.evaluation.scores import Samples
from drp.jobs.environments import python_of
from drp.pipeline.nightly import nightly
from drp.runtime.context import RunContext, open_night, open_training
from drp.runtime.training_plan import entry_of, manifest_key
from drp.stages.evaluate import evaluate, read_samples, shard_of
from drp.stages.prepare import prepare
from drp.stages.train import train
from drp.student.engines.select import model_folder
from drp.student.small import NAME
from drp.student.small.trace_writer import SHIPPED, TraceSettings, VoiceName
from drp.traces import TokenCounter
from drp.training import Manifest

ARMS = (
    *("drp", "unpruned_sft", "random_prune", "truncate_head", "truncate_tail"),
    *("summary_only", "best_of_n"),
)
DECOMPOSITIONS = ("sentence", "none")
"""Further arms: `drp` with another decomposition (paper, section 6.1)."""
STUDENTS: Mapping[str, TraceSettings] = {
    "shipped": SHIPPED,
    "no-brief": TraceSettings(brief_share=0, unopened_share=0.15, steps=(2, 2, 3, 3, 3, 4)),
    "brief": TraceSettings(),
}
TOKENS, MARGIN = 0.5, 0.01
"""Limits: tokens as a share of unpruned SFT's, and the accuracy that may be lost."""
DAY = "2026-01-01"  # of every run: the date says nothing here


@dataclass
class Measured:
    """What one seed, or all of them, gave."""

    samples: dict[str, dict[str, list[Samples]]] = field(default_factory=dict)
    """By benchmark and arm, one for each seed."""
    examples: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    """Training examples of each arm and their mean tokens, for each seed."""

    def add(self, run: RunContext, name: str, arm: str) -> None:
        """Read an evaluated entry of a training run."""
        assert run.recipe.evaluation is not None
        for benchmark in run.recipe.evaluation.benchmarks:
            samples = read_samples(run, shard_of(run, name, benchmark.name))
            self.samples.setdefault(benchmark.name, {}).setdefault(arm, []).append(samples)
        if arm != BASE:
            stored = run.lake.store.get(manifest_key(entry_of(run, name)))
            manifest = Manifest.model_validate_json(stored or b"")
            tokens = manifest.tokens_trained / (manifest.examples_used * manifest.epochs)
            examples = {"examples": manifest.examples_used, "mean_tokens": tokens}
            self.examples.setdefault(arm, []).append(examples)

    def repeat(self, arm: str) -> None:
        """Give `arm` the values of `drp` of the last seed, because its students are the same."""
        for arms in self.samples.values():
            arms.setdefault(arm, []).append(arms["drp"][-1])
        self.examples.setdefault(arm, []).append(self.examples["drp"][-1])


PRETRAINED = Path(__file__).with_name("pretrained_students")
"""Students that were pre-trained before: the same command, with 24 million tokens, gives the same weights."""


def student_for(asked: argparse.Namespace, work: Path) -> str:
    """Return the name or folder of the student; pre-train it where it does not ship and is not there yet."""
    if asked.student not in STUDENTS:
        return str(Path(asked.student).absolute())
    wanted = replace(STUDENTS[asked.student], voice=cast("VoiceName", asked.voice))
    if wanted == SHIPPED:
        return NAME
    name = f"{asked.student}-{wanted.voice}"
    folder = PRETRAINED / name
    if not folder.is_dir() or asked.pretraining_tokens:
        folder = work / "students" / name
    if not (folder / "tokenizer_config.json").is_file():  # written last
        command = [python_of("training"), "-m", "drp.student.small.pretrain", "--out", folder]
        command += ["--voice", wanted.voice, "--brief-share", str(wanted.brief_share)]
        command += ["--unopened-share", str(wanted.unopened_share), "--steps", *map(str, wanted.steps)]
        if asked.pretraining_tokens:
            command += ["--tokens", str(asked.pretraining_tokens)]
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})  # noqa: S603
    return str(folder)


def write_recipe(asked: argparse.Namespace, student: str, folder: Path, seed: int, decomposition: str) -> str:
    """Write the recipe `drp` with this seed and another decomposition; return its path."""
    document = yaml.safe_load((RECIPES / "drp.yaml").read_text())
    (questions,) = document["questions"]
    document["name"] = f"drp_{decomposition}"
    document |= {"student": student, "teacher": asked.teacher, "decomposition": decomposition}
    document["questions"] = [questions | {"size": asked.rollouts, "seed": seed}]
    document["sampling"] |= {"samples": asked.samples, "seed": seed}
    document["gates"]["night"] |= {"right_share": [0, 1], "accepted_share": [0, 1], "median_saving": [0, 1]}
    document["gates"]["night"]["min_rollouts"] = 1
    document["arms"] = asked.arms if decomposition == "skill" else ["drp"]
    document["training"] |= {"seed": seed}
    held_out = questions | {"size": asked.questions, "seed": 1, "split": asked.split}
    longer = held_out | {"level": "small-longer", "size": asked.longer, "split": "test"}
    benchmarks = [{"name": "held_out", "questions": held_out}]
    if asked.longer:
        benchmarks.append({"name": "longer", "questions": longer})
    document["evaluation"]["benchmarks"] = benchmarks
    document["evaluation"]["sampling"] |= {"samples": 1, "seed": seed}
    del document["promotion"]
    path = folder / f"{decomposition}.yaml"
    path.write_text(yaml.safe_dump(document))
    return str(path)


def measure(asked: argparse.Namespace, student: str, folder: Path, seed: int, found: Measured) -> None:
    """Take one seed through the loop in a separate lake, and add all arms to `found`."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["DRP_LAKE"] = str(folder / "lake")
    os.environ["DRP_DATABASE_URL"] = f"sqlite:///{folder}/drp.db"
    os.environ["DRP_SCRATCH"] = str(folder / "scratch")
    settings.cache_clear()
    pruned: list[Example] = []
    for decomposition in ("skill", *asked.decompositions):
        recipe = write_recipe(asked, student, folder, seed, decomposition)
        nightly(open_night(recipe, DAY))
        run = open_training(recipe, DAY)
        names = prepare(run)
        examples = _examples(run)
        if decomposition == "skill":
            pruned = examples
        elif examples == pruned:
            print(f"seed {seed}, {decomposition}: the same examples as drp, and so the same student")
            found.repeat(decomposition)
            continue
        else:
            names = names[1:]  # the base was measured
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # of processes, each on one core
            list(pool.map(lambda name, run=run: train(run, name), names))
        assert run.recipe.evaluation is not None
        for name in names:
            for benchmark in run.recipe.evaluation.benchmarks:
                evaluate(run, shard_of(run, name, benchmark.name))
            arm = entry_of(run, name).arm if decomposition == "skill" else decomposition
            found.add(run, name, arm)
            print(f"seed {seed}, {arm}: measured", file=sys.stderr, flush=True)


def _examples(run: RunContext) -> list[Example]:
    """Return the examples of the arm `drp`."""
    student = run.recipe.student
    tokens = TokenCounter(model_folder(student))
    return list(drp_revisions(read_candidates(run.lake.published(), run.revision_hash, student, tokens)))


def _cpu_seconds() -> float:
    """Return the CPU time of this process and of the processes that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def holds(effect: Effect) -> bool:
    """Return whether `drp` keeps the limits."""
    assert effect.beside is not None
    return effect.beside.is_not_lower(MARGIN) and effect.beside.tokens.value <= TOKENS


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--questions", type=int, default=4000, help="held-out questions")
    parser.add_argument("--longer", type=int, default=1000, help="questions with four computations, or 0")
    parser.add_argument("--split", default="test", choices=("test", "validation"))
    parser.add_argument("--rollouts", type=int, default=300, help="questions that are rolled out")
    parser.add_argument("--samples", type=int, default=4, help="rollouts of each")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", default=list(ARMS))
    parser.add_argument("--decompositions", nargs="*", default=list(DECOMPOSITIONS))
    parser.add_argument("--student", default="shipped", help=f"{', '.join(STUDENTS)}, or a folder")
    parser.add_argument("--voice", default="first", choices=get_args(VoiceName))
    parser.add_argument("--teacher", default="heuristic", choices=("heuristic", "oracle"))
    parser.add_argument("--pretraining-tokens", type=int, help="of a student that does not ship")
    parser.add_argument("--work", type=Path, help="the folder of lakes and models; default: a temporary one")
    asked = parser.parse_args()
    if not {"drp", REFERENCE} <= set(asked.arms):
        parser.error(f"--arms needs drp and {REFERENCE}, which every arm is compared with")
    if asked.teacher == "oracle":
        asked.decompositions = []  # its steps are the student's phrases in any case
    return asked


def main() -> int:
    """Measure and print."""
    asked = arguments()
    found = Measured()
    cost = {}
    with TemporaryDirectory() as temporary:
        work = (asked.work or Path(temporary)).absolute()
        work.mkdir(parents=True, exist_ok=True)
        oracle_teacher.install(work / "plugins")
        variant = f"{Path(asked.student).name}-{asked.voice}-{asked.teacher}"
        student = student_for(asked, work)
        for seed in asked.seeds:
            started, cpu = time.monotonic(), _cpu_seconds()
            measure(asked, student, work / variant / f"seed-{seed}", seed, found)
            cost[seed] = {"seconds": time.monotonic() - started, "cpu_seconds": _cpu_seconds() - cpu}
        by_benchmark = {name: effects(arms) for name, arms in found.samples.items()}
        document = {
            "asked": {name: value for name, value in vars(asked).items() if name != "work"},
            "next_to": REFERENCE,
            "benchmarks": {
                name: {arm: as_document(effect) for arm, effect in arms.items()}
                for name, arms in by_benchmark.items()
            },
            "examples": found.examples,
            "cost_since_the_last_start": cost,
        }
        (work / f"{variant}.json").write_text(json.dumps(document, indent=1) + "\n")
    names = NAMES | ({"drp": "derivation only (oracle teacher)"} if asked.teacher == "oracle" else {})
    for name, arms in by_benchmark.items():
        size = len(found.samples[name]["drp"][0].question_ids)
        split = asked.split if name == "held_out" else "test"
        print(f"{name}: {size:,} questions of the split {split}, seeds {asked.seeds}, {variant}:\n")
        print(
            "\n".join(
                [*table(arms, asked.samples, names), "", *next_to(found.samples[name], DECOMPOSITIONS), ""]
            )
        )
    kept = holds(by_benchmark["held_out"]["drp"])
    print(
        f"limits: tokens {TOKENS:.2f} of unpruned SFT's, accuracy {-MARGIN:+.1%}:"
        f" {'kept' if kept else 'not kept'}"
    )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
