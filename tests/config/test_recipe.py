"""Recipes: invalid ones are refused with all faults at once, and hashes follow what can change a result."""

from pathlib import Path

import pytest
import yaml

from drp.config.recipe import RECIPES, Recipe, available_recipes, load_recipe
from drp.config.recipe_keys import recipe_keys
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


def test_a_file_that_is_missing_is_named_as_a_file():
    with pytest.raises(BadInputError, match=r"there is no file mine\.yml\. .* run the same command again"):
        load_recipe("mine.yml")


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


def test_keys_are_changed_on_the_command_line_typed_and_recorded(tmp_path):
    path = written(tmp_path)
    changes = [
        "training.epochs=1",
        "training.lora={rank: 4, alpha: 8}",
        "training.lora.rank=5",
        "arms=[drp, unpruned_sft]",
        "evaluation.benchmarks.1.questions.size=7",
        "promotion=null",
        "student=a-folder",
    ]
    recipe = load_recipe(path, student="another", overrides=changes)
    assert (recipe.training.epochs, recipe.training.lora.rank, recipe.training.lora.alpha) == (1, 5, 8)
    assert recipe.arms == ("drp", "unpruned_sft")
    assert [b.questions.size for b in recipe.evaluation.benchmarks] == [600, 7]
    assert recipe.promotion is None
    assert recipe.student == "a-folder", "an override wins over DRP_STUDENT"
    assert recipe.overrides == tuple(changes)
    assert recipe.label == f"drp with {', '.join(changes)}"
    assert load_recipe(path).label == "drp"


def test_an_override_changes_the_hash_that_a_file_with_the_value_has(tmp_path):
    document = yaml.safe_load((RECIPES / "drp.yaml").read_text())
    same = load_recipe(written(tmp_path, training=document["training"] | {"epochs": 5}))
    assert load_recipe("drp", overrides=["training.epochs=5"]).training_hash == same.training_hash
    assert load_recipe("drp").training_hash != same.training_hash
    assert load_recipe("drp", overrides=["training.epochs=5"]).rollout_hash == load_recipe("drp").rollout_hash


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            "training.epoch=1",
            "training.epoch: Extra inputs are not permitted: there is no such key. Near keys: training.ep",
        ),
        ("traning.epochs=1", "Near keys: training"),
        ("questions.0.siz=3", "Near keys: questions[].size"),
        ("training.qqq=1", "training.batch_size"),
        ("evaluation.benchmarks.0.questions.sed=3", "Near keys: evaluation.benchmarks[].questions.seed"),
        ("training.epochs=many", "training.epochs: Input should be a valid integer"),
        ("training.epochs=0", "greater than or equal to 1"),
        ("training.epochs", "not of the form key=value"),
        ("training..epochs=1", "not of the form key=value"),
        ("arms=[drp", "its value is not YAML"),
        ("questions.3.size=1", "the list has 1, from 0"),
        ("questions.size=1", "'size' is not the number of an item"),
        ("student.name=x", "there is a value, 'small', where 'name' needs a section"),
        ("overrides=[a]", "cannot be set itself"),
    ],
)
def test_a_wrong_override_is_refused_with_what_may_be_meant(override, said):
    with pytest.raises(BadInputError) as error:
        load_recipe("drp", overrides=[override])
    assert said in str(error.value)
    assert "Nothing was read or written" in str(error.value)


def test_a_file_cannot_claim_to_have_been_changed(tmp_path):
    with pytest.raises(BadInputError, match="overrides: it records --set"):
        load_recipe(written(tmp_path, overrides=["a=1"]))


def test_a_prompt_is_set_by_its_file_alone(tmp_path):
    with pytest.raises(BadInputError, match="prompt: it records a prompt file"):
        load_recipe(written(tmp_path, prompt={"question": "{question}"}))
    assert not [key.path for key in recipe_keys(Recipe) if key.path.startswith("prompt.")]


def test_another_student_does_not_take_the_model_of_the_recipes_own(tmp_path):
    path = written(tmp_path, model="models/mine")
    assert load_recipe(path).model == "models/mine"
    assert load_recipe(path, student="small@champion").model == "models/mine", "the same line"
    assert load_recipe(path, student="other").model is None
    assert load_recipe(path, overrides=["student=other"]).model is None
    assert load_recipe(path, overrides=["student=other", "model=models/other"]).model == "models/other"


def test_scores_name_the_options_of_their_engine():
    assert load_recipe("drp").engine_text == "transformers"
    plain = load_recipe("drp", overrides=["engine=vllm"]).engine_text
    cached, other = (
        load_recipe("drp", overrides=["engine=vllm", f"vllm.enable_prefix_caching={value}"]).engine_text
        for value in ("true", "false")
    )
    assert plain == "vllm"
    assert len({plain, cached, other}) == 3


def test_every_key_is_listed_with_its_meaning():
    keys = {key.path: key for key in recipe_keys(Recipe)}
    document = yaml.safe_load((RECIPES / "r1_7b.yaml").read_text())

    def paths(node, prefix=""):
        for name, value in node.items():
            is_list = isinstance(value, list) and isinstance(value[0], dict)
            path = prefix + name + "[]" * is_list
            yield path
            for section in value if is_list else [value] if isinstance(value, dict) else []:
                yield from paths(section, f"{path}.")

    assert set(paths(document)) <= set(keys)
    assert {path for path, key in keys.items() if not key.about} == set()
    assert keys["training.lora.rank"].kind == "integer ≥ 1"
    assert keys["questions[].source"].kind == "`synthetic` or `imported`"
    assert keys["questions[].dataset"].about.startswith("With `source: imported`.")
    assert keys["questions[].split"].default is None, "one kind has a default and the other has none"
