"""Cards of datasets and checkpoints: what they say of sources, licences, contamination, recipe and scores."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from drp.config import load_recipe
from drp.registry import Flag
from drp.report.cards import ChosenExamples, checkpoint_card, dataset_card, read_provenance, with_flags
from drp.report.cards.provenance import LICENCE, Provenance
from tests.helpers.checkpoints import make_checkpoint
from tests.helpers.row_factories import make_question, make_revision, make_rollout, write_parts


@pytest.fixture
def parts(tmp_path: Path) -> Mapping[str, Any]:
    """Two recipes: one with two accepted revisions of two sources and a leak, one with one revision."""
    leak = {"status": "rejected", "reject_reasons": ["benchmark_leak"]}
    return write_parts(
        tmp_path,
        {
            "questions": [
                make_question(),
                make_question(question_id="q2", dataset="a|b", source="two\nlines.jsonl", meta=None),
            ],
            "rollouts": [
                make_rollout(),
                make_rollout(rollout_id="r2", question_id="q2"),
                make_rollout(rollout_id="r3", student="other"),
            ],
            "revisions": [
                make_revision(),
                make_revision(revision_id="v2", rollout_id="r2"),
                make_revision(revision_id="v3", rollout_id="r1", recipe_hash="h2", **leak),
                make_revision(revision_id="v4", rollout_id="r3", recipe="second"),
            ],
        },
    )


def front_of(card: str) -> dict[str, Any]:
    """The YAML at the top of a card."""
    assert card.startswith("---\n")
    front: dict[str, Any] = yaml.safe_load(card.split("---\n")[1])
    return front


def test_sources_makers_and_leaks_are_counted_for_what_was_chosen(parts):
    everything = read_provenance(parts, ChosenExamples())
    assert (everything.revisions, everything.accepted, everything.leaks) == (4, 3, 1)
    assert {(row["dataset"], row["examples"]) for row in everything.sources} == {("sums", 2), ("a|b", 1)}
    chosen = read_provenance(parts, ChosenExamples(recipe="second", student="other"))
    assert (chosen.revisions, chosen.accepted, chosen.leaks) == (1, 1, 0)
    assert [row["student"] for row in chosen.makers] == ["other"]
    by_hash = read_provenance(parts, ChosenExamples(recipe_hash="h2"))
    assert (by_hash.accepted, by_hash.leaks) == (0, 1)


def test_lengths_have_the_unit_in_which_they_were_counted(tmp_path):
    counted = {"token_counter": "tokenizer 1"}
    rollouts = [
        make_rollout(total_tokens=80),
        make_rollout(rollout_id="r2", total_tokens=90, **counted),
        make_rollout(rollout_id="r3", total_tokens=70, **counted),
    ]
    revisions = [
        make_revision(tokens=40),
        make_revision(revision_id="v2", rollout_id="r2", tokens=30, **counted),
        make_revision(revision_id="v3", rollout_id="r3", tokens=8),
    ]
    parts = write_parts(
        tmp_path, {"questions": [make_question()], "rollouts": rollouts, "revisions": revisions}
    )
    rows = read_provenance(parts, ChosenExamples()).maker_table().splitlines()[2:]
    assert [line.split(" | ")[-1].removesuffix(" |") for line in rows] == [
        "80 → 40 characters",
        "90 → 30 tokens",
    ]


def test_a_dataset_card_is_one_that_hubs_read(parts):
    chosen = ChosenExamples(recipe="drp")
    card = dataset_card(
        parts, chosen, version=3, rows=2, file="train.parquet", layout="trl", columns=("prompt", "completion")
    )
    front = front_of(card)
    assert front["configs"] == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "train.parquet"}]}
    ]
    assert (front["license"], front["size_categories"]) == ("unknown", ["n<1K"])
    assert "Chosen: recipe `drp`." in card
    assert "| a&#124;b | train | two lines.jsonl | not recorded | 1 |" in card, (
        "a name cannot break the table"
    )
    assert "1 were rejected as a benchmark's question" in card


@pytest.mark.parametrize(
    ("licences", "said"),
    [
        ([], "unknown"),
        ([None], "unknown"),
        (["MIT", None], "unknown"),
        (["MIT"], "mit"),
        (["a", "b"], "other"),
    ],
)
def test_the_licence_of_all_is_that_of_every_source(licences, said):
    assert Provenance([{"licence": licence} for licence in licences], [], 0, 0, 0).licence == said


@pytest.mark.parametrize("name", ["license", "licence", "License"])
def test_a_licence_is_read_from_what_the_source_says_of_its_rows(name):
    with duckdb.connect() as con:
        meta = json.dumps({name: "cc-by-4.0", "other": 1})
        con.execute("CREATE TABLE questions AS SELECT 'q' AS question_id, ?::VARCHAR AS meta", [meta])
        assert con.execute(f"SELECT {LICENCE} FROM questions q").fetchone() == ("cc-by-4.0",)
        con.execute("CREATE OR REPLACE TABLE questions AS SELECT 'q' AS question_id, NULL::VARCHAR AS meta")
        assert con.execute(f"SELECT {LICENCE} FROM questions q").fetchone() == (None,)


def test_a_checkpoint_card_has_scores_recipe_and_sources(parts):
    scores = [
        {
            "benchmark": "small",
            "cutoff": 12000,
            "n_questions": 600,
            "n_samples": 1,
            "pass_at_1": 0.97125,
            "pass_at_1_low": 0.95,
            "pass_at_1_high": 0.98,
            "mean_tokens": 1116.25,
            "change_from_original": -0.01,
        }
    ]
    recipe = load_recipe("drp", overrides=["training.epochs=1"])
    checkpoint = replace(make_checkpoint(1), scores=scores)
    card = checkpoint_card(checkpoint, recipe, read_provenance(parts, ChosenExamples()))
    front = front_of(card)
    assert (front["base_model"], front["pipeline_tag"]) == ("a-student", "text-generation")
    assert "| small | 12000 | 600 | 1 | 0.9712 | 0.9500 | 0.9800 | -0.0100 | 1,116.2 |" in card
    assert "recipe | `drp with training.epochs=1`" in card
    assert yaml.safe_load(card.split("```yaml\n")[1].split("```")[0])["training"]["epochs"] == 1
    assert checkpoint.sha256 in card
    assert "| sums | train | made | cc0 | 2 |" in card
    assert "It was not measured." in checkpoint_card(
        replace(checkpoint, scores=[]), recipe, read_provenance(parts, ChosenExamples())
    )


def test_a_card_names_no_server_of_the_student(parts):
    recipe = load_recipe(
        "drp", overrides=["engine=server", "server={base_url: 'http://inside.example', model: m}"]
    )
    assert "inside.example" not in checkpoint_card(
        make_checkpoint(1), recipe, read_provenance(parts, ChosenExamples())
    )


def test_a_flag_is_the_first_thing_below_the_front_matter():
    card = "---\nlicense: mit\n---\n\n# Title\n\n---\n"
    assert with_flags(card, ()) == card
    flagged = with_flags(
        card, [Flag("id", "removed source x.jsonl", "asked by its owner", datetime.now(UTC))]
    )
    assert front_of(flagged) == {"license": "mit"}
    assert flagged.index("Do not use this checkpoint") < flagged.index("# Title")
    assert "removed source x.jsonl: asked by its owner" in flagged
