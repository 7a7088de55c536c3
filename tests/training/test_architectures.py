"""The program behind docs/architectures.md, on architectures that differ most from the bundled student's."""

import pytest

pytest.importorskip("torch", reason="needs the training environment: make test-training")

from benchmarks import architectures
from tests.helpers.repository import ROOT

pytestmark = pytest.mark.training


@pytest.mark.parametrize(
    ("name", "attention", "end", "packs"),
    [
        ("gemma2", "eager", "<end_of_turn>", True),  # caps its logits, slides its window
        ("gpt_oss", "eager", "<|return|>", False),  # thinks in channels, has experts
        ("gpt2", "sdpa", "<|im_end|>", True),  # learned positions, layers that are not `Linear`
    ],
)
def test_a_student_of_another_architecture_goes_all_the_way(tmp_path, name, attention, end, packs):
    row = architectures.examine(name, tmp_path)
    assert (row.rollouts, row.attention, row.end_mark, row.packs) == (6, attention, end, packs)
    assert row.batched_like_alone
    assert row.trained == {"lora": 3, "full": 3}
    assert row.same_text == {"lora": True, "full": True}
    assert all(row.changed_text.values())
    assert not row.refusals


def test_the_page_has_the_table_of_every_architecture():
    page = (ROOT / "docs/architectures.md").read_text()
    for name, architecture in architectures.ARCHITECTURES.items():
        assert f"| `{name}` | {architecture.models} |" in page
    assert "| " + " | ".join(architectures.COLUMNS) + " |" in page
