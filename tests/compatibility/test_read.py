"""This code reads what the code of 2026-11-30 has written."""

import json
from pathlib import Path

import pytest

from drp.config.settings import settings
from drp.core.lake_schemas import CORPUS_TABLES
from drp.registry.checkpoint_files import fetch, verify
from drp.registry.errors import ChangedCheckpointError
from drp.registry.registry import open_registry
from drp.teacher.llm.prompts import prompt_version
from tests.compatibility import store_content
from tests.compatibility.store import (
    COLUMNS,
    EXPECTED,
    LAST,
    QUARANTINED,
    TINY,
    VERSIONS,
    VIEW_COLUMNS,
    assert_same,
)

IMPORTED = "2026-11-21"
"""Day of an import without a night."""


def test_every_version_of_the_corpus_has_the_same_rows(store):
    assert_same(store_content.corpus(store, COLUMNS), EXPECTED["corpus"])


def test_the_results_have_the_same_rows(store):
    assert_same(store_content.results(store, COLUMNS), EXPECTED["results"])


@pytest.mark.parametrize("number", sorted(EXPECTED["views"]))
def test_the_views_say_the_same(store, number):
    expected = EXPECTED["views"][number]
    # The code of then counted an import that no night had taken on as lost; it is pending now.
    mended = {"without_revision": 0, "adds_up": True}
    rows = [row | (mended if row["run_date"] == IMPORTED else {}) for row in expected["accounting"]]
    found = store_content.views(store, VIEW_COLUMNS, [int(number)])[number]
    assert_same(found, expected | {"accounting": rows})


def test_runs_are_as_they_ended(store):
    assert_same(store_content.runs(store), EXPECTED["runs"])


def test_the_quarantined_night_can_be_looked_at(store):
    assert_same(store_content.quarantined(store, COLUMNS), EXPECTED["quarantined"])


def test_the_books_of_the_ledger_are_the_same(store):
    assert_same(store_content.ledger(settings().resolved_database_url), EXPECTED["ledger"])


def test_the_registry_has_the_same_checkpoints_and_aliases(store):
    assert_same(store_content.registry(settings().resolved_database_url), EXPECTED["registry"])


def test_recipes_have_the_hashes_by_which_nights_find_what_is_done(unpacked):
    found, expected = store_content.recipes(unpacked / "inputs"), dict(EXPECTED["recipes"])
    if prompt_version("fused") != EXPECTED["prompt_version"]:  # then an LLM is asked anew
        for name in ("llm_online", "llm_batch"):
            del found[name]["revision"], expected[name]["revision"]
    for name in ("llm_online", "llm_batch"):  # a served student is now measured where it is served
        assert found[name].pop("evaluation") != expected[name].pop("evaluation")
    assert found == expected


def test_the_commands_work_on_it(store, drp, tmp_path):
    def said(*words: str) -> str:
        status, out, err = drp(*words)
        assert status == 0, (words, err)
        return out

    for number in VERSIONS:
        query = " UNION ALL ".join(f"SELECT '{t}' AS t, count(*) AS n FROM {t}" for t in CORPUS_TABLES)
        rows = json.loads(said("sql", "--version", str(number), "--format", "json", query))
        expected = EXPECTED["corpus"]["versions"][str(number)]["counts"]
        assert {row["t"]: row["n"] for row in rows} == {table: expected[table] for table in CORPUS_TABLES}
        assert "are what was written" in said("corpus", "verify", str(number))
    of_run = said("sql", "--run", QUARANTINED, "--format", "json", "SELECT count(*) AS n FROM revisions")
    assert json.loads(of_run) == [{"n": EXPECTED["quarantined"][QUARANTINED]["counts"]["revisions"]}]
    assert f"quarantined: {QUARANTINED}" in said("corpus", "list")
    assert f"version {LAST}" in said("corpus", "show")
    assert "revisions" in said("corpus", "diff", str(LAST - 1), str(LAST))
    assert said("corpus", "sweep", "--hours", "0").rstrip().endswith("nothing to do")

    paid = said("ledger", "show")
    assert all(total["run_id"] in paid for total in EXPECTED["ledger"]["totals"])
    assert all(reason["problem"] in paid for reason in EXPECTED["ledger"]["dead"])

    listed = {row["checkpoint_id"]: row for row in json.loads(said("registry", "list", "--format", "json"))}
    assert list(listed) == [one["checkpoint_id"] for one in EXPECTED["registry"]["checkpoints"]]
    for checkpoint_id, aliases in EXPECTED["registry"]["aliases"].items():
        assert listed[checkpoint_id]["aliases"] == ", ".join(aliases)
    for checkpoint_id in listed:
        assert checkpoint_id in said("registry", "show", checkpoint_id)
    for number, name in enumerate(("champion", "challenger")):
        assert "files are what was registered" in said("registry", "verify", name, "--student", TINY)
        said("registry", "export", name, str(tmp_path / str(number)), "--student", TINY)
        assert (tmp_path / str(number) / "model.safetensors").is_file()


def test_an_adapter_is_fetched_though_the_small_students_weights_were_left_out(store, tmp_path):
    with open_registry(settings().resolved_database_url) as registry:
        checkpoint = registry.get("champion", "small")
    fetch(store.store, checkpoint, "adapter", tmp_path / "adapter")
    with pytest.raises(ChangedCheckpointError, match=r"merged/model\.safetensors is missing"):
        verify(store.store, checkpoint)


@pytest.mark.parametrize("run", ["2026-11-21-drp", "2026-11-22-drp", QUARANTINED, "2026-11-23-train-drp"])
def test_reports_are_written_again(own, drp, run):
    status, out, err = drp("report", run)
    assert status == 0, err
    assert Path(out.strip()).stat().st_size > 10_000
