"""Recipes: invalid ones are refused with all faults at once, and hashes follow what can change a result."""

from pathlib import Path

import pytest
import yaml

from drp.config.recipe import RECIPES, available_recipes, load_recipe
from drp.core.errors import BadInputError
from drp.runtime.hashes import revision_hash


def written(tmp_path: Path, **changes: object) -> str:
    """A recipe file like drp.yaml with some keys replaced; a value of None removes the key."""
    document = yaml.safe_load((RECIPES / "drp.yaml").read_text()) | changes
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in document.items() if value is not None}))
    return str(path)


@pytest.mark.parametrize("name", available_recipes())
def test_every_shipped_recipe_is_valid_and_named_after_its_file(name):
    assert load_recipe(name).name == name


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"tempo": 3}, "tempo: Extra inputs are not permitted"),
        ({"decomposition": "paragraph"}, "decomposition: Input should be"),
        ({"sampling": {"samples": 0}}, "sampling.samples: Input should be greater than or equal to 1"),
        ({"sample_size": None}, "sample_size: Field required"),
        ({"questions": [{"source": "synthetic", "size": -1}]}, "size: Input should be greater"),
        ({"name": "../drp"}, "name: String should match pattern"),
    ],
)
def test_unknown_keys_and_impossible_values_are_refused(tmp_path, change, fault):
    with pytest.raises(BadInputError) as error:
        load_recipe(written(tmp_path, **change))
    assert fault in str(error.value)
    assert "Next: correct mine.yaml" in str(error.value)


def test_a_band_with_swapped_limits_is_refused(tmp_path):
    gates = yaml.safe_load((RECIPES / "drp.yaml").read_text())["gates"]
    gates["night"]["accepted_share"] = [0.9, 0.1]
    with pytest.raises(BadInputError, match=r"accepted_share.*\[lowest, highest\]"):
        load_recipe(written(tmp_path, gates=gates))


def test_all_faults_are_named_at_once(tmp_path):
    with pytest.raises(BadInputError) as error:
        load_recipe(written(tmp_path, tempo=3, sample_size=0))
    assert "tempo" in str(error.value)
    assert "sample_size" in str(error.value)


@pytest.mark.parametrize("text", ["[", "- a\n- b\n", "", "\x00", "name: [drp"])
def test_a_file_that_is_not_a_mapping_is_refused(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=r"mine\.yaml"):
        load_recipe(str(path))


def test_an_unknown_recipe_lists_the_available_ones():
    with pytest.raises(BadInputError, match=r"available: .*drp"):
        load_recipe("nothing")


def test_only_what_can_change_a_revision_changes_its_hash(tmp_path):
    base = load_recipe("drp")
    assert revision_hash(load_recipe(written(tmp_path, sample_size=7))) == revision_hash(base)
    assert revision_hash(load_recipe(written(tmp_path, decomposition="sentence"))) != revision_hash(base)
    assert load_recipe(written(tmp_path, sampling={"seed": 7})).rollout_hash != base.rollout_hash
    assert revision_hash(load_recipe(written(tmp_path, sampling={"seed": 7}))) == revision_hash(base)
    assert load_recipe(written(tmp_path, engine="vllm")).rollout_hash == base.rollout_hash
    assert load_recipe(written(tmp_path, engine="vllm")).evaluation_hash != base.evaluation_hash


def test_settings_override_the_recipe():
    assert load_recipe("drp", student="my-model").student == "my-model"
    with pytest.raises(BadInputError, match="my-teacher"):
        load_recipe("drp", teacher="my-teacher")
