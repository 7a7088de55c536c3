"""`drp recipe` and `--set` as people type them."""

import json
import shutil
from pathlib import Path

import pytest

from drp.config import load_recipe, settings
from drp.student import small
from tests.cli.test_main import assert_refused


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder with a model, in which the commands run."""
    shutil.copytree(small.WEIGHTS, tmp_path / "models/tiny")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DRP_LAKE", str(tmp_path / "lake"))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def test_recipes_and_their_keys_are_listed(drp):
    status, out, _ = drp("recipe", "list")
    assert status == 0
    assert "r1_1_5b" in out
    status, out, _ = drp("recipe", "keys", "RANK")
    assert status == 0
    assert "training.lora.rank" in out
    assert "sample_size" not in out


def test_a_new_recipe_can_be_run_as_it_is_and_is_never_overwritten(drp, home):
    status, out, error = drp("recipe", "new", "--student", "models/tiny")
    assert status == 0, error
    assert "recipe: tiny.yaml. Next: drp doctor --recipe tiny.yaml" in out
    assert "thinking" in out
    assert load_recipe("tiny.yaml").student == "models/tiny"
    before = (home / "tiny.yaml").read_bytes()
    assert_refused(drp("recipe", "new", "--student", "models/tiny"), "tiny.yaml cannot be written")
    assert (home / "tiny.yaml").read_bytes() == before


def test_a_new_recipe_that_would_not_be_valid_leaves_no_file(drp, home):
    done = drp("recipe", "new", "--student", "models/tiny", "--name", "Not A Name")
    assert_refused(done, "name: String should match")
    assert list(home.glob("*.yaml")) == []
    assert_refused(drp("recipe", "new", "--student", "models"), "has no config.json")


def test_an_unknown_key_of_set_is_refused_before_anything_is_written(drp, home):
    done = drp("nightly", "--set", "sampel_size=3")
    assert_refused(done, "sampel_size", "Near keys: sample_size")
    assert_refused(
        drp("train", "--set", "training.epochs=none"), "training.epochs: Input should be a valid integer"
    )
    assert not (home / "lake").exists()


def test_a_night_records_what_was_set(drp, home):
    rows = [{"question": f"What is {n} + 1?", "answer": str(n + 1), "thinking": f"{n} + 1 = {n + 1}.",
             "response": f"\\boxed{{{n + 1}}}", "model": "m"} for n in range(3)]  # fmt: skip
    Path("traces.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    day = ("--run-date", "2026-11-20")
    status, _, error = drp("nightly", "--traces", "traces.jsonl", *day, "--set", "decomposition=sentence")
    assert status == 0, error
    kept = json.loads((home / "lake/_runs/2026-11-20-drp/recipe.json").read_text())
    assert (kept["decomposition"], kept["overrides"]) == ("sentence", ["decomposition=sentence"])
