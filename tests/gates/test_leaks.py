"""Benchmark questions are detected however they are typeset; other questions are not."""

from pathlib import Path

import duckdb
import pytest

import drp.gates.leaks as leaks_module
from drp.core.records import Question
from drp.gates import make_benchmark_fingerprints
from drp.gates.leaks import FINGERPRINTS, BadFingerprintsError, LeakIndex, normalise, unpack
from tests.helpers.shared_data import SHARED, shared_file

SHIPPED = Path(leaks_module.__file__).with_name(FINGERPRINTS)

EVALUATED = (
    "A baker puts $1,200$ rolls into $\\dfrac{3}{4}$ of his $x \\times 8$ boxes, each the same size. "
    "How many rolls does a box hold if $x = 5^2$?"
)


def question_with(text: str, split: str = "train") -> Question:
    return Question("q1", "any", split, text, "1", "made")


def questions(file: str, where: str) -> list[str]:
    query = f"SELECT question FROM '{shared_file(file)}' WHERE {where}"
    return [text for (text,) in duckdb.sql(query).fetchall()]


@pytest.mark.parametrize("split", ["test", "TEST", " validation ", "dev", "eval"])
def test_evaluation_splits_are_leaks(split: str) -> None:
    assert LeakIndex().leak(question_with("What is 2 + 2?", split)) == f"split {split.strip()}"


@pytest.mark.parametrize("split", ["train", "", "contest", "latest"])
def test_other_splits_are_not_leaks(split: str) -> None:
    assert LeakIndex().leak(question_with("What is 2 + 2?", split)) is None


@pytest.mark.parametrize(
    "variant",
    [
        EVALUATED,
        EVALUATED.upper().replace("\\DFRAC", "\\frac").replace("\\TIMES", "\\times"),
        EVALUATED.replace("$", "").replace("\\dfrac", "\\tfrac"),
        EVALUATED.replace("1,200", "1{,}200").replace("\\times", "\\cdot "),
        EVALUATED.replace(" ", "\n ").replace("1,200", "1200"),
        EVALUATED.replace("boxes,", "\\text{boxes}\\, ").replace("\\times", "×"),
        EVALUATED + "\n[asy]draw((0,0)--(1,1));[/asy]",
    ],
)
def test_typesetting_does_not_matter(variant: str) -> None:
    assert LeakIndex([EVALUATED]).leak(question_with(variant)) == "imported evaluation set, the same text"


@pytest.mark.parametrize(
    ("evaluated", "other"),
    [
        ("What is $2 + 3$?", "What is $2 \\times 3$?"),
        ("What is $2 + 3$?", "What is $2 + 4$?"),
        ("Find x. [asy]draw((0,0)--(1,1));[/asy]", "Find x. [asy]draw((0,0)--(2,1));[/asy]"),
    ],
)
def test_another_question_is_not_a_leak(evaluated: str, other: str) -> None:
    index = LeakIndex([evaluated])
    assert index.leak(question_with(evaluated)) is not None
    assert index.leak(question_with(other)) is None


def test_thirteen_words_in_a_row_are_a_leak_and_twelve_are_not() -> None:
    words = [f"word{number}" for number in range(40)]
    index = LeakIndex([" ".join(words)])
    assert index.leak(question_with("so " + ", ".join(words[10:23]) + "?")) == (
        "imported evaluation set, 13 words in common: " + " ".join(words[10:23])
    )
    assert index.leak(question_with("so " + " ".join(words[10:22]) + " and no more of it")) is None


def test_a_short_question_is_compared_exactly_only() -> None:
    index = LeakIndex(["one two three"])
    assert index.leak(question_with("One, two, three!?")) is None
    assert index.leak(question_with("One, two, three?")) == "imported evaluation set, the same text"


def test_normalising_takes_linear_time() -> None:
    for hostile in ("[asy]", "\\left", "$1,", "\\ci{", "{,}1", "^{"):
        assert normalise(hostile * 200_000).text is not None


def test_the_shipped_file_has_no_text_and_is_small() -> None:
    blob = SHIPPED.read_bytes()
    exact, windows = unpack(blob)
    assert len(blob) < 1_000_000
    assert set(exact.values()) == set(windows.values()) == set(make_benchmark_fingerprints.BENCHMARKS)
    assert len(exact) == 1319 + 500 + 30 + 30 + 40


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda blob: blob[:-8], "damaged"),
        (lambda blob: blob[:-3], "damaged"),
        (lambda blob: b"{}" + blob, "damaged"),
        (lambda blob: blob.replace(b'"rule":1', b'"rule":0', 1), "version 0"),
    ],
)
def test_damaged_fingerprints_and_other_versions_are_rejected(damage: object, what: str) -> None:
    assert callable(damage)
    with pytest.raises(BadFingerprintsError, match=what):
        unpack(damage(SHIPPED.read_bytes()))


def test_the_shipped_fingerprints_are_what_the_rule_makes() -> None:
    for name in {*make_benchmark_fingerprints.BENCHMARKS, *make_benchmark_fingerprints.TRAINING}:
        shared_file(f"{name}.parquet")
    assert make_benchmark_fingerprints.fingerprint(SHARED) == SHIPPED.read_bytes()


@pytest.mark.parametrize(
    ("file", "where", "name"),
    [
        ("gsm8k.parquet", "split = 'test'", "gsm8k"),
        ("math500.parquet", "true", "math500"),
        ("aime24.parquet", "true", "aime24"),
        ("aime25.parquet", "true", "aime25"),
        ("amc23.parquet", "true", "amc23"),
    ],
)
def test_every_benchmark_question_is_known_by_its_text(file: str, where: str, name: str) -> None:
    index = LeakIndex()
    assert {index.leak(question_with(text)) for text in questions(file, where)} == {f"{name}, the same text"}


def test_traces_on_math500_are_detected_whatever_their_split() -> None:
    index = LeakIndex()
    found = [index.leak(question_with(text)) for text in questions("traces.parquet", "split = 'test'")]
    assert found == ["math500, the same text"] * 56


@pytest.mark.parametrize(
    ("file", "where", "most"),
    [
        ("gsm8k.parquet", "split = 'train'", 2),
        ("math.parquet", "split = 'train'", 42),
        ("prm12k.parquet", "true", 68),
        ("ood_svamp.parquet", "true", 0),
        ("traces.parquet", "split = 'train'", 8),
    ],
)
def test_training_questions_are_left_alone(file: str, where: str, most: int) -> None:
    """The bounds are the leaks found; all are near-duplicates or formulas, as a manual review showed."""
    index = LeakIndex()
    assert sum(index.leak(question_with(text)) is not None for text in questions(file, where)) <= most
