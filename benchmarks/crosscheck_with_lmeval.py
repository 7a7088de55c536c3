"""Our verdicts beside lm-eval's on the same generations: how many agree, and why each other one does not.

    make build/lmeval/ready
    .venv/bin/python -m benchmarks.crosscheck_with_lmeval --run-date 2026-11-20 [--recipe drp]
    .venv/bin/python -m benchmarks.crosscheck_with_lmeval

Reads the graded samples of a training run or, without a date, all rollouts of the lake at DRP_LAKE. It asks
no model: lm-eval is given what was generated, the thinking, `</think>` and the response, and takes it for
what its model says. Each arm and benchmark, or data
set, is one lm-eval task, and each sample one of its documents: lm-eval would give all repeats of a document
the same seed. The metric is that of its gsm8k, `exact_match`, and so is the filter `flexible-extract`, the
last number; `strict-match` takes the last box, or the number after "answer is".

Each sample that one calls right and the other does not is explained by a rule of `RULES`, which looks at what
both have read. Whether two answers have the same value is asked of math-verify, not of our grader; where it
contradicts our verdict there is no explanation. Exit status 1 if one difference has none.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from math_verify import parse, verify

from drp.core.stage_names import EVALUATE
from drp.lake.lake import open_lake
from drp.query.session import select
from drp.runtime.context import open_training
from drp.stages import evaluate
from drp.stages.train_report import latest

ROOT = Path(__file__).resolve().parent.parent
LMEVAL = ROOT / "build/lmeval/bin/python"
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
EXAMPLES = 3
NOTHING = "[invalid]"  # what lm-eval's regex filter gives where it finds none

_BOXED = "[^{}]*"
for _ in range(5):  # braces in braces: a regular expression cannot count them
    _BOXED = rf"(?:[^{{}}]|\{{{_BOXED}\}})*"
FILTERS = {
    "strict-match": rf"\\boxed\{{({_BOXED})\}}|[Aa]nswer is:?\s*\$?(-?[0-9][0-9.,]*)",
    "flexible-extract": r"(-?[$0-9.,]{2,})|(-?[0-9]+)",
}
TASK: dict[str, Any] = {
    "dataset_path": "json",
    "test_split": "test",
    "output_type": "generate_until",
    "doc_to_text": "{{question}}",
    "doc_to_target": "{{gold}}",
    "generation_kwargs": {"until": ["Question:", "</s>", "<|im_end|>"]},
    "filter_list": [
        {
            "name": name,
            "filter": [
                {"function": "regex", "group_select": -1, "regex_pattern": pattern},
                {"function": "take_first"},
            ],
        }
        for name, pattern in FILTERS.items()
    ],
    "metric_list": [
        {
            "metric": "exact_match",
            "aggregation": "mean",
            "higher_is_better": True,
            "ignore_case": True,
            "ignore_punctuation": False,
            "regexes_to_ignore": [",", r"\$", "(?s).*#### ", r"\.$"],
        }
    ],
}
"""As lm-eval's gsm8k, without examples before the question, and with another filter `strict-match`."""

_TEX = [
    (re.compile(r",\\!"), ""),
    (re.compile(r"^\\text\{([^{}]*)\}$"), r"\1"),
    (re.compile(r"√(\d+)"), r"\\sqrt{\1}"),
    (re.compile("π"), r"\\pi"),
    (re.compile(r",\s+"), ","),
]
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{4,}")
_SEPARATOR = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_SCORED = """
SELECT score_sample_id AS sample_id, question_id, thinking, response, predicted_answer AS answer, verdict
FROM score_samples ORDER BY question_id, sample_index
"""
_ROLLED_OUT = """
SELECT rollout_id AS sample_id, thinking, response, predicted_answer AS answer, verdict,
       dataset, question, gold_answer AS gold
FROM rollouts JOIN questions USING (question_id) ORDER BY rollout_id
"""


class LmEvalFailedError(Exception):
    """lm-eval did not come to its end; the message is its last word."""


@dataclass(frozen=True)
class Sample:
    """One generation with our verdict."""

    sample_id: str
    question: str
    gold: str
    thinking: str
    response: str
    answer: str | None
    verdict: str | None

    @property
    def is_right(self) -> bool:
        """As scores count it."""
        return self.verdict == "equal"

    @property
    def generation(self) -> str:
        """All that was generated; a sample without a response never closed its thinking."""
        return f"{self.thinking}</think>{self.response}" if self.response else self.thinking


@dataclass(frozen=True)
class Difference:
    """A sample that is right for one of the two, under one filter."""

    sample: Sample
    read: str
    """The text that lm-eval read."""
    extracted: str

    @property
    def ours(self) -> str:
        """Our answer."""
        return self.sample.answer or ""


def has_value(text: str, value: str) -> bool:
    """Whether two answers are the same word, number or expression, the last as math-verify sees it."""
    text, value = plain(text), plain(value)
    try:
        return text == value or number(text) == number(value)
    except (ValueError, ZeroDivisionError):
        return bool(verify(expressions(value), expressions(text)))


def plain(answer: str) -> str:
    """Without what math-verify does not read: labels, Unicode, TeX's separators of thousands."""
    for sign, tex in _TEX:
        answer = sign.sub(tex, answer)
    return answer.strip()


def expressions(answer: str) -> list[Any]:
    """What math-verify finds in it, with its words and without: a sentence's number, and what has a unit."""
    spoken = parse(answer) if _WORD.search(answer) else []
    return [*spoken, *parse(f"${_WORD.sub('', answer)}$")]


def number(text: str) -> Fraction:
    """Of a plain number, with or without separators."""
    return Fraction(_SEPARATOR.sub("", text).replace("$", "").strip().rstrip("."))


def has_digits(text: str) -> bool:
    """Whether it can be a number at all."""
    return any(character.isdecimal() for character in text)


def follows(text: str, later: str, earlier: str) -> bool:
    """Whether `later` stands in the text after the last place of `earlier`."""
    at = text.rfind(earlier)
    return bool(earlier) and at >= 0 and later in text[at + len(earlier) :]


def is_other_spelling(found: Difference) -> bool:
    """Both have the value of the gold answer; lm-eval compares texts."""
    return found.sample.is_right and has_value(found.extracted, found.sample.gold)


def is_unread(found: Difference) -> bool:
    """The filter finds nothing, or a number where the answer has none."""
    return found.sample.is_right and (found.extracted == NOTHING or not has_digits(found.ours))


def is_no_number(found: Difference) -> bool:
    """Two signs of those that numbers are written with are enough for `flexible-extract`: `$$`."""
    return found.sample.is_right and not has_digits(found.extracted)


def is_part(found: Difference) -> bool:
    """The filter reads a number, and the answer is an expression around it."""
    part = found.extracted.strip("$.,")
    return part != found.ours and re.search(rf"(?<!\d){re.escape(part)}(?!\d)", found.ours) is not None


def is_not_last(found: Difference) -> bool:
    """Another number follows the answer that we took."""
    return has_digits(found.extracted) and follows(found.read, found.extracted, found.ours)


RULES: Mapping[str, Callable[[Difference], bool]] = {
    "it never closed its thinking: no answer for us, and lm-eval reads the thinking": (
        lambda found: not found.sample.response and found.sample.answer is None
    ),
    "our grader leaves it undecided, which counts as wrong": (
        lambda found: found.sample.verdict == "undecided"
    ),
    "equal value, other spelling than gold": is_other_spelling,
    "the answer is not in a form that the filter reads": is_unread,
    "the filter takes signs that are no number": is_no_number,
    "the answer is not the last number": is_not_last,
    "the filter takes a part of the answer": is_part,
}
"""Tried in this order."""


def of_training(recipe: str, run_date: str) -> dict[str, list[Sample]]:
    """The graded samples of a training run, by arm and benchmark."""
    run = open_training(recipe, run_date)
    arms = {entry.checkpoint_id[:12]: entry.arm for entry in latest(run)}
    questions = {
        wanted.question.question_id: wanted.question
        for shard in evaluate.shards(run, list(arms)[:1])
        for wanted in evaluate.sampling_task(run, shard).samples
    }
    tasks = {}
    for shard in evaluate.shards(run, list(arms)):
        name, benchmark, _ = shard.split(".")
        rows = select(run.shard_parts(EVALUATE, shard), _SCORED)
        asked = ((questions[row.pop("question_id")], row) for row in rows)
        tasks[f"{arms[name]}.{benchmark}"] = [
            Sample(**row, question=question.question, gold=question.gold_answer) for question, row in asked
        ]
    return tasks


def of_lake() -> dict[str, list[Sample]]:
    """The graded rollouts that are published, by data set."""
    tasks = defaultdict(list)
    for row in select(open_lake().published(), _ROLLED_OUT):
        tasks[row.pop("dataset").replace("/", "_")].append(Sample(**row))  # it becomes a file's name
    return tasks


def ask(tasks: Mapping[str, list[Sample]], folder: Path, python: Path) -> dict[str, Any]:
    """What lm-eval makes of these samples (benchmarks/crosscheck_lmeval).

    Raises:
        LmEvalFailedError: nothing.
    """
    if not python.exists():
        raise LmEvalFailedError("it is not installed; make build/lmeval/ready")
    for name, samples in tasks.items():
        rows = folder / f"{name}.jsonl"
        with rows.open("w", encoding="utf-8") as lines:
            for one in samples:
                row = {"sample_id": one.sample_id, "question": one.question, "gold": one.gold}
                lines.write(json.dumps(row | {"generation": one.generation}) + "\n")
        task = {"task": name, **TASK, "dataset_kwargs": {"data_files": {"test": str(rows)}}}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(task))
    ended = subprocess.run(  # noqa: S603
        [python, "-m", "benchmarks.lmeval_verdicts", folder],
        env={**os.environ, **OFFLINE, "HF_HOME": str(folder / "cache")},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        said = ended.stderr.strip().splitlines()
        raise LmEvalFailedError(said[-1][:200] if said else f"it ended with status {ended.returncode}")
    verdicts: dict[str, Any] = json.loads((folder / "verdicts.json").read_text())
    return verdicts


def differences(
    tasks: Mapping[str, list[Sample]], theirs: Mapping[str, Any]
) -> Iterator[tuple[str, Difference]]:
    """Print the counts of each task; gives the filter and the difference, one by one."""
    heads = "".join(f"{name:>20}{'agree':>8}" for name in FILTERS)
    print(f"{'right in':<32}{'samples':>8}{'ours':>8}{heads}")
    for task, samples in tasks.items():
        ours = {one.sample_id: one for one in samples}
        line = f"{task:<32}{len(ours):>8,}{sum(one.is_right for one in samples):>8,}"
        for name in FILTERS:
            rows = [row for row in theirs["samples"] if (row["task"], row["filter"]) == (task, name)]
            assert sorted(row["sample_id"] for row in rows) == sorted(ours)
            right = sum(row["right"] for row in rows)
            assert abs(theirs["results"][task][f"exact_match,{name}"] - right / len(rows)) < 1e-9
            apart = [row for row in rows if row["right"] != ours[row["sample_id"]].is_right]
            line += f"{right:>20,}{len(rows) - len(apart):>8,}"
            yield from ((name, Difference(ours[r["sample_id"]], r["read"], r["extracted"])) for r in apart)
        print(line)


def explained(found: Difference) -> str | None:
    """The first rule that holds; none can explain a verdict of ours that math-verify contradicts."""
    is_decided = found.sample.verdict != "undecided"
    if is_decided and found.sample.is_right != has_value(found.ours, found.sample.gold):
        return None
    return next((kind for kind, holds in RULES.items() if holds(found)), None)


def main() -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--run-date", help="of a training run; default: the rollouts of the lake")
    parser.add_argument("--recipe", default="drp", help="of the training run")
    parser.add_argument("--lmeval", type=Path, default=LMEVAL, help="the python that has lm-eval")
    asked = parser.parse_args()
    tasks = of_training(asked.recipe, asked.run_date) if asked.run_date else of_lake()
    tasks = {name: samples for name, samples in tasks.items() if samples}
    if not tasks:
        parser.error("nothing was sampled and graded there: see DRP_LAKE, --run-date and --recipe")
    kinds: dict[tuple[str, str | None], list[Difference]] = defaultdict(list)
    with TemporaryDirectory(prefix="crosscheck-") as folder:
        theirs = ask(tasks, Path(folder), asked.lmeval)
        for name, found in differences(tasks, theirs):
            kinds[name, explained(found)].append(found)
    for (name, kind), some in sorted(kinds.items(), key=lambda item: (item[0][0], -len(item[1]))):
        mine = sum(found.sample.is_right for found in some)
        print(f"\n{name}: {len(some):,} ({mine:,} right in ours only): {kind or 'NOT EXPLAINED'}")
        for found in some[:EXAMPLES]:
            said = f"gold {found.sample.gold!r}, ours {found.sample.answer!r}, lm-eval {found.extracted!r}"
            print(f"    {found.sample.sample_id[:12]}: {said}")
    left = sum(len(some) for (_, kind), some in kinds.items() if kind is None)
    print(f"\n{sum(map(len, kinds.values())):,} differences, {left:,} not explained")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
