"""The grader beside math-verify: agreement with labelled pairs, speed, and what a hanging check costs.

    .venv/bin/python -m benchmarks.grader ../shared/data [--cases ../shared/cases/answers] [--pairs 5000]

DATA holds grading_pairs.parquet (gold, prediction, equal, source_repo, test, options, note), math.parquet and
gsm8k.parquet (answer, solution). CASES holds pairs.jsonl (gold, prediction, right). The adversarial pairs are
made from the answers of MATH and GSM8K and graded twice: as the machine is, and beside --busy processes that
use all of its cores. math-verify is measured in the same run and process, as one would call it: parse both,
verify. Exit status 1 if a different pair is called equal, or the busy machine changes a verdict.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

import pyarrow as pa
import pyarrow.parquet as pq
from math_verify import parse, verify

from drp.cli.grade import grade_file
from drp.core import Verdict
from drp.grading import Grader, extract_answer, self_test
from tests.grading.adversarial_pairs import AdversarialPair, adversarial_pairs

HANGING = ("9^{9^{9^{9}}}", "2^{10^{10}}+1", "10000000!", r"\sum_{k=1}^{10^9} \sin(k)")
MATH_VERIFY = "huggingface/Math-Verify"


def math_verify(gold: str, prediction: str) -> bool:
    """The plain use of math-verify."""
    return verify(parse(gold), parse(prediction))


def agreement(path: Path) -> None:
    """Print how often the grader, `drp grade` and math-verify agree with the labels."""
    rows = pq.read_table(path).to_pylist()
    pairs = [(row["gold"], row["prediction"]) for row in rows]
    with Grader() as grader:
        ours = [verdict == "equal" for verdict in grader.verdicts(pairs)]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "pairs.parquet"
        columns = {"gold": [gold for gold, _ in pairs], "prediction": [prediction for _, prediction in pairs]}
        pq.write_table(pa.table(columns), file)
        command = [row["verdict"] == "equal" for row in grade_file(file, workers=1)]
    theirs = [math_verify(*pair) for pair in pairs]
    total: Counter[str] = Counter()
    agreed: Counter[tuple[str, str]] = Counter()
    for row, *answers in zip(rows, ours, command, theirs, strict=True):
        kind = row["source_repo"] + (", with options or a note" if row["options"] or row["note"] else "")
        total[kind] += 1
        for who, answer in zip(("grader", "drp grade", "math-verify"), answers, strict=True):
            agreed[kind, who] += answer == row["equal"]
    for kind, count in sorted(total.items()):
        shares = ", ".join(f"{who} {agreed[kind, who]}" for who in ("grader", "drp grade", "math-verify"))
        print(f"agreement with the label, {kind}: of {count}: {shares}")
    wrong = sum(mine and not row["equal"] for row, mine in zip(rows, ours, strict=True))
    print(f"called equal though labelled different: {wrong} of {sum(not row['equal'] for row in rows)}")


def cases(path: Path) -> int:
    """Print how both graders judge the pairs of `path`; how many different ones ours calls equal."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with Grader() as grader:
        ours = list(grader.verdicts((row["gold"], row["prediction"]) for row in rows))
    theirs = ["equal" if math_verify(row["gold"], row["prediction"]) else "different" for row in rows]
    for name, verdicts in (("grader", ours), ("math-verify", theirs)):
        table = Counter(zip((row["right"] for row in rows), verdicts, strict=True))
        for right in ("different", "equal"):
            counts = ", ".join(f"{table[right, verdict]} {verdict}" for verdict in get_args(Verdict))
            total = sum(row["right"] == right for row in rows)
            print(f"cases, {name}: of {total} that are {right}: {counts}")
    judged = zip(rows, ours, strict=True)
    return sum(row["right"] == "different" and verdict == "equal" for row, verdict in judged)


def adversarial(folder: Path, count: int, busy: int) -> int:
    """Print the verdicts on adversarial pairs by rule; how many are falsely equal or change under load."""
    golds = [
        answer.replace(",", "") if name == "gsm8k" else answer
        for name in ("math", "gsm8k")
        for answer in pq.read_table(folder / f"{name}.parquet", columns=["answer"])["answer"].to_pylist()
    ]
    pairs = adversarial_pairs(golds, count)
    idle = _verdicts(pairs)
    table = Counter((pair.kind, verdict) for pair, verdict in zip(pairs, idle, strict=True))
    labels = {pair.kind: pair.equal for pair in pairs}
    for kind, equal in labels.items():
        counts = ", ".join(f"{table[kind, verdict]} {verdict}" for verdict in get_args(Verdict))
        print(f"adversarial, {kind} ({'equal' if equal else 'different'}): {counts}")
    false_equal = sum(table[kind, "equal"] for kind, equal in labels.items() if not equal)
    equal_pairs = sum(pair.equal for pair in pairs)
    false_different = sum(table[kind, "different"] for kind, equal in labels.items() if equal)
    share = false_different / equal_pairs
    print(
        f"adversarial: {false_equal} of {len(pairs) - equal_pairs} different ones called equal, "
        f"{false_different} of {equal_pairs} equal ones called different ({share:.1%})"
    )
    burners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
    try:
        loaded = _verdicts(pairs)
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
    changed = sum(a != b for a, b in zip(idle, loaded, strict=True))
    print(f"adversarial: {changed} of {len(pairs)} verdicts change next to {busy} busy processes")
    return false_equal + changed


def _verdicts(pairs: Sequence[AdversarialPair]) -> list[Verdict]:
    with Grader() as grader:
        return list(grader.verdicts((pair.gold, pair.prediction) for pair in pairs))


def rate(check: Callable[[str, str], object], pairs: Sequence[tuple[str, str]]) -> float:
    """Checks a second of processor time."""
    start = time.process_time()
    for gold, prediction in pairs:
        check(gold, prediction)
    return len(pairs) / (time.process_time() - start)


def speed(path: Path) -> None:
    """Print the ratio of speeds on GSM8K's answers: against themselves, and as taken from the solution."""
    rows = pq.read_table(path, columns=["answer", "solution"]).slice(0, 2_000).to_pylist()
    same = [(row["answer"], row["answer"]) for row in rows]
    extracted = [(row["answer"], ((e := extract_answer(row["solution"])) and e.answer) or "") for row in rows]
    with Grader() as grader:
        for name, pairs in (("with themselves", same), ("as extracted", extracted)):
            ours, theirs = rate(grader.verdict, pairs), rate(math_verify, pairs)
            print(
                f"GSM8K answers {name}: {ours:,.0f} checks/s, math-verify {theirs:,.0f}: {ours / theirs:.1f}x"
            )
        equal = sum(verdict == "equal" for verdict in grader.verdicts(extracted))
    print(f"GSM8K answers as extracted: {equal} of {len(extracted)} equal")


def hanging(limit_s: float) -> None:
    """Print by how much a hanging check passes its limit, and that the pool answers afterwards."""
    with Grader(limit_s=limit_s) as grader:
        for gold in HANGING:
            grader.verdict("x+x", "x*2")  # a warm worker: the limit is about the check
            start = time.perf_counter()
            verdict = grader.verdict(gold, "3")
            excess = time.perf_counter() - start - limit_s
            after = grader.verdict("x+x", "x*2")
            print(
                f"hanging {gold}: {verdict}, {excess * 1000:+.0f} ms from the limit; the next pair: {after}"
            )


def golden() -> None:
    """Print how long the golden self-test takes, cold and warm."""
    with Grader() as grader:
        for state in ("cold", "warm"):
            start = time.perf_counter()
            self_test(grader)
            print(f"golden self-test, {state}: {time.perf_counter() - start:.2f} s")


def main() -> int:
    """Run everything on the files of the folder named on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with grading_pairs.parquet and gsm8k.parquet")
    parser.add_argument("--cases", type=Path, help="folder with pairs.jsonl")
    parser.add_argument("--pairs", type=int, default=5_000, help="number of adversarial pairs")
    parser.add_argument("--busy", type=int, default=16, help="busy processes during the second grading")
    arguments = parser.parse_args()
    golden()
    faults = adversarial(arguments.data, arguments.pairs, arguments.busy)
    if arguments.cases:
        faults += cases(arguments.cases / "pairs.jsonl")
    agreement(arguments.data / "grading_pairs.parquet")
    speed(arguments.data / "gsm8k.parquet")
    hanging(limit_s=2.0)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
