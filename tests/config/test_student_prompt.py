"""What a recipe says of its student: prompt files, marks of thinking, names, and options of the engine."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from drp.config import CHANNELS, THINK, ThinkingMarks, load_recipe, settings
from drp.config.recipe import Recipe
from drp.core.errors import BadInputError
from tests.helpers.nights import write_recipe

PROMPT = {
    "question": "Solve: {question}",
    "system": "Think between <think> and </think>.",
    "template": {"enable_thinking": True},
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRP_HOME", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def recipe_of(folder: Path, **changes: Any) -> Recipe:
    return load_recipe(write_recipe(folder, **changes))


def test_a_prompt_is_read_from_a_file_and_its_version_has_the_hash_of_its_content(home: Path) -> None:
    file = home / "prompts/mine.yaml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump(PROMPT))
    recipe = recipe_of(home, prompt_version="prompts/mine.yaml")
    assert recipe.prompt_version.startswith("mine-")
    assert recipe.prompt.messages("1 + 1?") == [
        {"role": "system", "content": PROMPT["system"]},
        {"role": "user", "content": "Solve: 1 + 1?"},
    ]
    assert recipe.prompt.template == {"enable_thinking": True}
    again = Recipe.model_validate(recipe.model_dump(mode="json"))  # as a job gets it
    assert (again.prompt_version, again.prompt) == (recipe.prompt_version, recipe.prompt)
    file.write_text(yaml.safe_dump(PROMPT | {"system": "Be short."}))
    other = recipe_of(home, prompt_version="prompts/mine.yaml")
    assert other.prompt_version != recipe.prompt_version
    assert other.rollout_hash != recipe.rollout_hash


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "there is no prompt file"),
        ("question: [", "is not YAML"),
        ("question: Solve it.", "question"),
        ("question: '{question}'\nsystm: x", "systm"),
    ],
)
def test_a_faulty_prompt_file_is_refused_with_its_fault(home: Path, content: str | None, fault: str) -> None:
    if content:
        (home / "p.yaml").write_text(content)
    with pytest.raises(BadInputError, match=fault):
        recipe_of(home, prompt_version="p.yaml")


@pytest.mark.parametrize(
    ("value", "marks", "suffix"),
    [
        ("think", THINK, ""),
        ("channels", CHANNELS, "+channels"),
        ({"opening": "[T]", "closing": "[/T]\n"}, ThinkingMarks(opening="[T]", closing="[/T]\n"), "+marks-"),
    ],
)
def test_marks_are_named_or_given_and_other_marks_are_other_samples(
    tmp_path: Path, value: object, marks: ThinkingMarks, suffix: str
) -> None:
    plain, recipe = recipe_of(tmp_path), recipe_of(tmp_path, thinking=value)
    assert recipe.thinking == marks
    assert recipe.prompt_version.startswith(plain.prompt_version + suffix)
    assert (recipe.rollout_hash == plain.rollout_hash) == (suffix == "")
    assert (recipe.training_hash == plain.training_hash) == (suffix == "")
    assert Recipe.model_validate(recipe.model_dump(mode="json")).prompt_version == recipe.prompt_version


@pytest.mark.parametrize(
    "value", ["channel", {"opening": " ", "closing": "x"}, {"opening": "x", "closing": "x"}]
)
def test_faulty_marks_are_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(BadInputError, match="thinking"):
        recipe_of(tmp_path, thinking=value)


def test_text_is_split_at_the_marks_and_written_with_them() -> None:
    for marks in (THINK, CHANNELS, ThinkingMarks(opening="[T] ", closing=" [/T] ")):
        written = marks.opening + marks.response_text("One and one.", "Two.")
        assert marks.split(written) == ("One and one.", "Two.", True)
        assert marks.is_opened_by("Question" + marks.opening)
        assert not marks.is_opened_by("Question")
        assert marks.split("One and") == ("One and", "", False)


def test_a_student_has_a_name_apart_from_its_folder(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, student="mine", model="models/some")
    assert (recipe.line, recipe.source) == ("mine", "models/some")
    file = write_recipe(tmp_path, student="mine", model="models/some")
    assert load_recipe(file, student="mine@champion").source == "models/some"
    assert load_recipe(file, student="models/other").source == "models/other"


def test_options_of_vllm_change_the_samples_and_need_its_engine(tmp_path: Path) -> None:
    plain = recipe_of(tmp_path, engine="vllm", server=None)
    recipe = recipe_of(tmp_path, engine="vllm", server=None, vllm={"quantization": "fp8"})
    assert recipe.vllm == {"quantization": "fp8"}
    assert recipe.rollout_hash != plain.rollout_hash
    assert recipe.evaluation_hash != plain.evaluation_hash
    with pytest.raises(BadInputError, match="the section vllm needs engine: vllm"):
        recipe_of(tmp_path, engine="transformers", server=None, vllm={"quantization": "fp8"})


def test_hashes_of_recipes_of_before_are_unchanged() -> None:
    recipe = load_recipe("drp")
    assert (recipe.rollout_hash, recipe.training_hash, recipe.evaluation_hash) == HASHES


HASHES = (
    "541b7a8587e4b84775b5a60bcfda430b",
    "dabf0a89821a0af6eaed5830637cc4f0",
    "269df99dcd6ddccddae2cea3f183c78b",
)
