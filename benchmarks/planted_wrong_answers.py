"""Wrong final answers through `drp nightly`, with both kinds of teacher: how many are published.

    .venv/bin/python -m benchmarks.planted_wrong_answers [../shared/data] [--per-kind 12] [--seed 0] [--show]

Traces whose final answer is wrong for its gold answer, of every kind in `benchmarks.planting.answer_forms`
and `graded_forms`, go through two whole nights in separate lakes: one with the rule-based teacher, one
with an LLM for which the fake provider of the tests stands in. That one is careless: it keeps every answer.
For every second wrong trace it answers with gold instead, and in a third group of items the trace is right
and only the answer of the LLM is wrong. Right traces of the same forms go along; without them a gate that
rejects everything would look good. DATA holds traces.parquet, math.parquet and gsm8k.parquet; without it all
traces are made from generated word problems.

For each kind: how many were planted, how many published, and the reasons of the others. `only` counts those
that no gate but those on the answer rejected: nothing else would have stopped them. Exit status 1 if a wrong
answer is published, or no right one.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks.planting.careless_teacher import RESPONSES_FILE
from benchmarks.planting.sources import revisions
from benchmarks.planting.wrong_answers import AnswerItem, items
from drp.config.recipe import RECIPES
from tests.fake_provider import provider
from tests.fake_provider.teachers import as_teacher

SOURCES = 30_000
"""At most so many sources of each form."""
ANSWER_REASONS = frozenset(
    {"answer_missing", "rollout_wrong", "answer_inconsistent", "answer_undecided", "teacher_no_conclusion"}
)
_REVISIONS = (
    "SELECT question, status, reject_reasons, revisions.response FROM revisions JOIN rollouts USING "
    "(rollout_id) JOIN questions USING (question_id)"
)
Rows = list[dict[str, Any]]


def night(folder: Path, planted: Sequence[AnswerItem], environment: Mapping[str, str]) -> Rows:
    """Run `drp nightly` on the items in a lake in `folder`; return all revisions with their questions.

    Raises:
        RuntimeError: the night failed, or lost a row.
    """
    traces = folder / "traces.jsonl"
    names = ("question", "thinking", "response", "answer")
    rows = [{name: getattr(item, name) for name in names} | {"model": "planted"} for item in planted]
    traces.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    recipe = yaml.safe_load((RECIPES / "drp.yaml").read_text(encoding="utf-8"))
    # a night of wrong answers is outside every band and would be quarantined as a whole
    recipe["gates"]["night"]["min_rollouts"] = len(planted) + 1
    recipe["decomposition"] = "sentence"
    (folder / "drp.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    lake = {"DRP_LAKE": str(folder / "lake"), "DRP_DATABASE_URL": f"sqlite:///{folder}/drp.db"}
    used = {**os.environ, **environment, **lake}
    _drp(used, "nightly", "--traces", str(traces), "--recipe", str(folder / "drp.yaml"))
    found: Rows = json.loads(_drp(used, "sql", _REVISIONS, "--format", "json"))
    if len(found) != len(planted):
        raise RuntimeError(f"{len(found)} revisions of {len(planted)} traces")
    return found


def _drp(environment: Mapping[str, str], *arguments: str) -> str:
    ended = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "drp.cli.main", *arguments],
        env=dict(environment),
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        raise RuntimeError(f"drp {arguments[0]} ended with status {ended.returncode}: {ended.stderr[-600:]}")
    return ended.stdout


@contextmanager
def careless_llm(folder: Path, planted: Sequence[AnswerItem]) -> Iterator[Mapping[str, str]]:
    """Run the fake provider as a careless teacher, and return the variables that make it the teacher."""
    responses = {item.question: item.revised for item in planted if item.revised is not None}
    (folder / "responses.json").write_text(json.dumps(responses), encoding="utf-8")
    os.environ[RESPONSES_FILE] = str(folder / "responses.json")
    try:
        with provider(mind="benchmarks.planting.careless_teacher:think") as server:
            yield as_teacher(server, folder, "online") | {"DRP_BUDGET_USD": "1000"}
    finally:
        del os.environ[RESPONSES_FILE]


def nights(planted: Sequence[AnswerItem]) -> Iterator[tuple[str, Sequence[AnswerItem], Rows]]:
    """Yield (teacher, items, revisions) of a night with each teacher."""
    with TemporaryDirectory(prefix="planted-") as name:
        recorded = [item for item in planted if item.role != "wrong revision"]
        yield "rule-based teacher", recorded, night(Path(name), recorded, {"DRP_TEACHER": "heuristic"})
    with TemporaryDirectory(prefix="planted-") as name, careless_llm(Path(name), planted) as variables:
        yield "careless LLM", planted, night(Path(name), planted, variables)


def published(planted: Sequence[AnswerItem], found: Rows) -> list[AnswerItem]:
    """Return the items of which a revision was accepted."""
    accepted = {row["question"] for row in found if row["status"] == "accepted"}
    return [item for item in planted if item.question in accepted]


def print_night(teacher: str, planted: Sequence[AnswerItem], found: Rows) -> None:
    """Print a table of one night by role and kind."""
    rows = {row["question"]: row for row in found}
    print(f"\n{teacher}\n{'':<16}{'kind':<52}{'planted':>8}{'published':>10}{'only':>6}  reasons")
    for role in ("wrong trace", "wrong revision", "right"):
        of_role = [item for item in planted if item.role == role]
        kinds = [*dict.fromkeys(item.kind for item in of_role), "all"] if of_role else []
        for kind in kinds:
            judged = [rows[item.question] for item in of_role if kind in (item.kind, "all")]
            count = sum(row["status"] == "accepted" for row in judged)
            only = sum(
                bool(row["reject_reasons"]) and ANSWER_REASONS.issuperset(row["reject_reasons"])
                for row in judged
            )
            reasons = Counter(row["reject_reasons"][0] for row in judged if row["reject_reasons"])
            listed = ", ".join(f"{reason} {n}" for reason, n in reasons.most_common())
            print(f"{role:<16}{kind:<52}{len(judged):>8}{count:>10}{only:>6}  {listed}")


def main() -> int:
    """Run both nights; return 1 if a wrong answer is published, or no right one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "data", type=Path, nargs="?", help="folder with traces.parquet, math.parquet, gsm8k.parquet"
    )
    parser.add_argument(
        "--per-kind", type=int, default=12, help="wrong traces, and wrong revisions, of each kind"
    )
    parser.add_argument("--controls", type=int, default=2, help="right traces of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--show", action="store_true", help="print the items that are published wrongly, or not at all"
    )
    arguments = parser.parse_args()
    sources = revisions(arguments.data or Path("no-data"), arguments.seed, SOURCES)
    planted = items(sources, arguments.seed, arguments.per_kind, arguments.controls)
    status = 0
    for teacher, sent, found in nights(planted):
        print_night(teacher, sent, found)
        passed = published(sent, found)
        wrong = [item for item in passed if item.role != "right"]
        right = len(passed) - len(wrong)
        of_wrong = sum(item.role != "right" for item in sent)
        print(
            f"{teacher}: {len(wrong)} of {of_wrong} wrong answers published; "
            f"{right} of {len(sent) - of_wrong} right ones"
        )
        status |= bool(wrong) or not right
        if arguments.show:
            missed = [item for item in sent if item.role == "right" and item not in passed]
            rows = {row["question"]: row for row in found}
            for item in wrong + missed:
                reasons = rows[item.question]["reject_reasons"]
                print(f"  {item.role}, {item.kind}, gold {item.answer!r}: {item.response!r}", end=", ")
                print(f"revised {item.revised!r}: {reasons}")
    return status


if __name__ == "__main__":
    sys.exit(main())
