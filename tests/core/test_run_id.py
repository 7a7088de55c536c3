"""Names of runs are parsed for every kind of run and every name of a recipe."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drp.core.run_id import BadRunIdError, RunId, RunKind

RECIPES = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True) | st.sampled_from(
    ["train", "import", "night"]
)
KINDS: list[RunKind] = ["night", "train", "import"]


@given(st.dates(), st.sampled_from(KINDS), RECIPES)
def test_parsing_inverts_formatting(day: date, kind: RunKind, recipe: str) -> None:
    run = RunId(day, kind, recipe)
    assert RunId.parse(str(run)) == run


@pytest.mark.parametrize(
    ("text", "kind", "recipe", "series"),
    [
        ("2026-11-21-drp", "night", "drp", "drp"),
        ("2026-11-21-train", "night", "train", "train"),
        ("2026-11-21-import", "night", "import", "import"),
        ("2026-11-21-train-drp", "train", "drp", "train-drp"),
        ("2026-11-21-train-train", "train", "train", "train-train"),
        ("2026-11-21-import-3f9a00", "import", "3f9a00", "import-3f9a00"),
    ],
)
def test_the_parts_of_a_name(text: str, kind: str, recipe: str, series: str) -> None:
    run = RunId.parse(text)
    assert (run.date, run.kind, run.recipe, run.series) == (date(2026, 11, 21), kind, recipe, series)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "drp",
        "2026-11-21",
        "2026-02-30-drp",
        "2026-11-21-other-drp",
        "2026-11-21-a/../b",
        "2026-11-21-Drp",
    ],
)
def test_a_text_that_is_not_a_run_name_is_refused(text: str) -> None:
    with pytest.raises(BadRunIdError, match="is not the name of a run"):
        RunId.parse(text)
