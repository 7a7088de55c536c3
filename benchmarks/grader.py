"""The grader beside math-verify: agreement with labelled pairs, speed, and what a hanging check costs.

    .venv/bin/python benchmarks/grader.py ../shared/data

DATA holds grading_pairs.parquet (gold, prediction, equal, source_repo, test, options, note) and gsm8k.parquet
(answer, solution). math-verify is measured in the same run and process, as one would call it: parse both,
verify.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from math_verify import parse, verify

from drp.cli.grade import grade_file
from drp.grading import Grader, extract_answer, self_test

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


def main() -> None:
    """Run everything on the files of the folder named on the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with grading_pairs.parquet and gsm8k.parquet")
    arguments = parser.parse_args()
    golden()
    agreement(arguments.data / "grading_pairs.parquet")
    speed(arguments.data / "gsm8k.parquet")
    hanging(limit_s=2.0)


if __name__ == "__main__":
    main()
