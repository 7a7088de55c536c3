"""The inputs that users bring (../shared/cases/imports) give every generation, without its marks."""

from pathlib import Path

import pytest

from drp.grading import extract_answer
from drp.questions.importers.files import import_traces
from drp.questions.importers.parsing import RecordedTrace
from tests.helpers.shared_data import CASES

IMPORTS = CASES / "imports"


@pytest.mark.parametrize("path", sorted(IMPORTS.glob("*")) or [IMPORTS], ids=lambda path: path.name)
def test_every_shared_layout(path: Path) -> None:
    if not path.exists():
        pytest.skip("needs ../shared/cases/imports")
    found = list(import_traces(path, student="m"))
    assert len(found) == (20 if path.name == "several_generations.jsonl" else 10)
    for item in found:
        assert isinstance(item, RecordedTrace)
        assert "double-check" in item.thinking
        assert not any(mark in item.thinking + item.response for mark in ("<", "[T", "◁", "|>"))
        answer = extract_answer(item.response)
        assert answer is not None
        assert answer.answer == item.question.gold_answer
