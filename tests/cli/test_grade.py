"""`drp grade FILE`: formats, order, nulls, and refusals."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drp.cli.grade import grade_file
from drp.core.errors import BadInputError

ROWS = [
    ("29322216", r"It is \boxed{29,\!322,\!216}."),
    ("(x+1)^2", "x^2+2x+1"),
    ("72", "<think>\\boxed{71}</think>48+24\n#### 72"),
    ("5", "6"),
    (None, "5"),
    ("5", None),
    ("12 cm", "12 inches"),
    ("3", "3 million"),
    ("14", r"\boxed{14}. No, the answer is 15."),
]
VERDICTS = [
    *("equal", "equal", "equal", "different", "undecided", "different", "different"),
    *("undecided", "undecided"),
]


def write_parquet(path):
    pq.write_table(pa.table({"gold": [g for g, _ in ROWS], "prediction": [p for _, p in ROWS]}), path)


def write_jsonl(path):
    path.write_text("".join(json.dumps({"gold": g, "prediction": p}) + "\n" for g, p in ROWS))


def write_csv(path):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("prediction", "gold"), *((p, g) for g, p in ROWS)])


@pytest.mark.parametrize(
    ("name", "write"), [("a.parquet", write_parquet), ("a.jsonl", write_jsonl), ("a.csv", write_csv)]
)
def test_verdicts_in_input_order(tmp_path, name, write):
    write(tmp_path / name)
    graded = grade_file(tmp_path / name, workers=1)
    assert [row["verdict"] for row in graded] == VERDICTS
    assert graded[0] == {"verdict": "equal", "gold": "29322216", "answer": r"29,\!322,\!216"}


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.csv", "gold,answer\n1,1\n", "lacks prediction"),
        ("a.csv", "", "lacks gold and prediction"),
        ("a.jsonl", '{"gold": "1", "prediction": "1"}\n{"gold": "1"}\n', "lacks prediction"),
        ("a.jsonl", '["1", "1"]\n', "no JSON object on line 1"),
        ("a.jsonl", '{"gold": \n', "cannot be read"),
        ("a.parquet", "no parquet", "cannot be read"),
        ("a.txt", "1 1", "is none of"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, name, content, problem):
    (tmp_path / name).write_text(content)
    with pytest.raises(BadInputError, match=problem):
        grade_file(tmp_path / name, workers=1)


def test_a_missing_file(tmp_path):
    with pytest.raises(BadInputError, match="cannot be read"):
        grade_file(tmp_path / "absent.csv", workers=1)
