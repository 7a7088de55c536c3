"""The page of a night and its summary: correct numbers, escaped texts, and nothing loaded from elsewhere."""

import io
import re
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from drp.lake.runs import StageCounts
from drp.query.session import open_session
from drp.report.nightly.examples import TRACE_CHARACTERS, read_examples, shorten
from drp.report.nightly.page import build_report
from drp.report.nightly.page_data import NightFacts
from drp.report.nightly.summary import summary
from tests.helpers.report_pages import Page
from tests.helpers.row_factories import (
    RUN_DATE,
    Row,
    make_decision,
    make_question,
    make_rejection,
    make_revision,
    make_rollout,
    make_step,
    one_of_each,
    write_parts,
)

NIGHT = NightFacts("2026-11-20-drp", RUN_DATE, "drp", "h1", "published", "version 3")
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}"


def _open(folder: Path, tables: dict[str, list[Row]]) -> duckdb.DuckDBPyConnection:
    return open_session(write_parts(folder, tables))


def _summary(con: duckdb.DuckDBPyConnection, night: NightFacts = NIGHT) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(summary(con, night))
    return out.getvalue()


def test_the_page_shows_the_night(tmp_path: Path) -> None:
    stages = [StageCounts("prune", 12.34, {"accepted": 1, "rejected": 1}, ["one trace was slow"])]
    night = replace(NIGHT, stages=stages, docs_link="data-docs/index.html")
    page = Page(build_report(_open(tmp_path, one_of_each()), night))
    for text in (
        "Published version 3",
        "3 in = 1 accepted + 1 rejected + 1 dead-lettered ✓ adds up",
        "student-1 (replay) 2 50.0 %",
        "rollout_wrong 1 50.0 %",
        "This is the first night of recipe drp in 14 days, so there is no trend yet",
        "arithmetic 100 % 0 % 0 % 0 % 1",
        "all 50 % 50 % 0 % 0 % 2",
        "sums, 1 accepted revision, counted in characters. 1 corresponds to 77.",
        "50 % 79 47",
        "77 → 46 characters −40.3 %",
        "DELETE 2 · checking a result · checks what is already certain",
        "prune accepted 1 · rejected 1 100.0 % 12.3 0.2",
        "1 warning prune: one trace was slow",
    ):
        assert text in page.words
    assert ("a", {"href": "data-docs/index.html"}) in page.tags
    assert "corpus release" not in page.text


def test_counts_that_do_not_add_up_are_highlighted(tmp_path: Path) -> None:
    tables = one_of_each()
    tables["rollouts"].append(make_rollout(rollout_id="lost", recipe_hash="sampled"))
    con = _open(tmp_path, tables)
    page = Page(build_report(con, NIGHT))
    assert "✗ 4 rows in, 3 rows out; 1 rollouts have no revision" in page.words
    assert "✓" not in page.text
    assert "DOES NOT ADD UP: 1 rollouts have no revision" in _summary(con)


def test_a_quarantined_night_shows_the_reason_and_the_next_step(tmp_path: Path) -> None:
    night = replace(NIGHT, outcome="quarantined", detail="accepted share 0.31 is outside [0.50, 1.00]")
    con = _open(tmp_path, one_of_each())
    page = Page(build_report(con, night))
    assert (
        "Quarantined accepted share 0.31 is outside [0.50, 1.00] This night was not published" in page.words
    )
    assert "drp corpus release 2026-11-20-drp" in page.text
    assert "quarantined: accepted share 0.31 is outside [0.50, 1.00]" in _summary(con, night)


def test_a_night_with_nothing_new_has_a_page_too() -> None:
    con = open_session({})
    night = replace(NIGHT, outcome="nothing new", detail="")
    page = Page(build_report(con, night))
    assert "Nothing new" in page.words
    assert "0 in = 0 accepted + 0 rejected + 0 dead-lettered ✓ adds up" in page.words
    assert "nothing new" in _summary(con, night)


def test_the_small_student_is_labelled_as_such(tmp_path: Path) -> None:
    tables = one_of_each()
    tables["rollouts"] = [row | {"student": "small"} for row in tables["rollouts"]]
    con = _open(tmp_path, tables)
    label = "the small student (0.4M parameters), not the paper's model"
    assert f"student: {label}" in Page(build_report(con, NIGHT)).words
    assert label in _summary(con)


def test_only_this_night_and_this_recipe_are_shown(tmp_path: Path) -> None:
    tables = one_of_each()
    tables["rollouts"].append(make_rollout(rollout_id="r3"))
    tables["revisions"].append(make_revision(revision_id="x1", recipe_hash="h2", recipe="other"))
    tables["revisions"].append(
        make_revision(revision_id="x2", rollout_id="r2", recipe_hash="h2", recipe="other")
    )
    tables["revisions"].append(make_rejection("hollow", revision_id="x3", rollout_id="r3", recipe_hash="h2"))
    tables["revisions"].append(make_rejection("hollow", revision_id="v3", rollout_id="r3"))
    page = Page(build_report(_open(tmp_path, tables), replace(NIGHT, recipe_hash="h2")))
    assert "4 in = 2 accepted + 1 rejected + 1 dead-lettered ✓ adds up" in page.words
    assert "rollout_wrong" not in page.text


def test_all_texts_are_escaped(tmp_path: Path) -> None:
    tables = {
        "questions": [make_question(question=EVIL, dataset=EVIL, gold_answer=EVIL)],
        "rollouts": [make_rollout(thinking=EVIL, student=EVIL), make_rollout(rollout_id="r2")],
        "steps": [make_step(0, char_start=0, char_end=len(EVIL), skill=EVIL, skill_family=EVIL)],
        "revisions": [make_revision(thinking=EVIL, response=EVIL, teacher=EVIL), make_rejection(EVIL)],
        "decisions": [make_decision(0, action="SINGLE-STEP COMPRESS", revised_text=EVIL, reason=EVIL)],
    }
    night = replace(NIGHT, detail=EVIL, stages=[StageCounts(EVIL, 1.0, {EVIL: 1}, [EVIL])])
    con = _open(tmp_path, tables)
    page = Page(build_report(con, night))
    assert not {tag for tag, _ in page.tags} & {"script", "img", "iframe", "object", "link", "form"}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert page.text.count(EVIL) >= 12
    assert "[/bold]" in _summary(con, replace(NIGHT, detail="[/bold]"))


def test_the_page_loads_nothing(tmp_path: Path) -> None:
    html = build_report(
        _open(tmp_path, one_of_each()), replace(NIGHT, stages=[StageCounts("prune", 1.0, {}, [])])
    )
    page = Page(html)
    addresses = {"src", "href", "srcset", "action", "data", "poster", "background"}
    followed = {a[name] for _, a in page.tags for name in addresses & a.keys()}
    assert followed == {
        *("#lengths", "#answers", "#reasons", "#steps", "#stages", "#people", "#revisions"),
    }
    assert followed <= {f"#{attributes.get('id')}" for _, attributes in page.tags}
    assert not re.search(r"url\(|@import|https?://", html)
    policies = [a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]


def _giant_traces(count: int, steps: int) -> dict[str, list[Row]]:
    """Accepted revisions of traces with half a million characters that all need escaping."""
    text = "<&>'\"" * 100_000
    size = len(text) // steps
    spans = [{"char_start": n * size, "char_end": (n + 1) * size} for n in range(steps)]
    return {
        "questions": [make_question(question=text)],
        "rollouts": [make_rollout(rollout_id=f"r{n}", thinking=text) for n in range(count)],
        "revisions": [
            make_revision(
                revision_id=f"v{n}",
                rollout_id=f"r{n}",
                decomposition_id=f"d{n}",
                thinking=text,
                response=text,
            )
            for n in range(count)
        ],
        "steps": [
            make_step(k, decomposition_id=f"d{n}", **s) for n in range(count) for k, s in enumerate(spans)
        ],
        "decisions": [
            make_decision(k, revision_id=f"v{n}", action="SINGLE-STEP COMPRESS", revised_text=text[:size])
            for n in range(count)
            for k in range(steps)
        ],
    }


@pytest.mark.parametrize("steps", [1, 1000])
def test_giant_traces_do_not_make_a_giant_page(tmp_path: Path, steps: int) -> None:
    con = _open(tmp_path, _giant_traces(12, steps))
    assert len(build_report(con, NIGHT).encode()) < 1_500_000
    for sample in read_examples(con, NIGHT):
        shown = sum(len(step.original) + len(step.revised_text or "") for step in sample.steps)
        assert 0 < shown <= TRACE_CHARACTERS
        assert sample.steps_left_out + len(sample.steps) == steps


def test_the_sample_is_reproducible_and_not_the_first_rows(tmp_path: Path) -> None:
    ids = [f"v{n:03}" for n in range(100)]
    tables = {
        "questions": [make_question()],
        "rollouts": [make_rollout()],
        "revisions": [make_revision(revision_id=name) for name in ids]
        + [make_rejection(revision_id=f"no{n}", rollout_id="r1") for n in range(50)],
    }
    drawn = [sample.revision_id for sample in read_examples(_open(tmp_path / "a", tables), NIGHT)]
    again = [sample.revision_id for sample in read_examples(_open(tmp_path / "b", tables), NIGHT)]
    assert drawn == again
    assert len(set(drawn)) == 10
    assert set(drawn) < set(ids)
    assert drawn != ids[:10]


def test_a_saving_between_two_counters_is_not_stated(tmp_path: Path) -> None:
    tables = one_of_each()
    tables["rollouts"] = [row | {"token_counter": "engine"} for row in tables["rollouts"]]
    con = _open(tmp_path, tables)
    page = Page(build_report(con, NIGHT))
    assert "77 → 46 (engine → characters)" in page.words
    assert "−" not in page.text
    assert "median saving" not in _summary(con)


def test_a_shortened_text_states_how_much_is_missing() -> None:
    assert shorten("abc", 3) == "abc"
    assert shorten("a" * 5 + "b" * 5, 4) == "aa […6 characters…] bb"
