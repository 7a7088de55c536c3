"""Plug-ins of another package: found by entry point, named in recipes, refused when no package has them."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import drp
from drp.config import Sampling, TeacherProfile, find_profile, load_recipe
from drp.core import BadInputError, UnknownPluginError, check_plugin_name, load_plugin, plugin_names
from drp.core.entry_points import _entry_points
from drp.runtime.hashes import revision_hash
from drp.student.engines import environment_of, make_engine
from drp.student.protocol import Student
from drp.training import Objective
from tests.helpers.nights import DAY, lake, lake_at, recipe_file, rows_of
from tests.helpers.repository import ROOT

__all__ = ["lake", "recipe_file"]

MODULE = """
from drp.config import Sft
from drp.student.engines import EnginePlugin
from drp.training import Objective


class Echo:
    name = "echo"

    def __init__(self, student):
        self.student = student


class WeightedSft(Sft):
    objective: str = "weighted"
    strength: float = 0.5


ENGINE = EnginePlugin("orchestrator", Echo)
WEIGHTED = Objective(WeightedSft, lambda model, precision: None)
"""
ENTRY_POINTS = """
[drp.teachers]
equations = drp_addons_teacher:EquationTeacher
[drp.engines]
echo = drp_addons:ENGINE
[drp.curations]
long_and_short = drp_addons_curation:long_and_short
[drp.objectives]
weighted = drp_addons:WEIGHTED
"""
CURATIONS = [
    *("best_of_n", "drp", "long_and_short", "random_prune", "summary_only"),
    *("truncate_head", "truncate_tail", "unpruned_sft"),
]


@pytest.fixture(autouse=True)
def addons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package that is installed for the time of a test; two of its modules are copies of the examples."""
    site = tmp_path / "site"
    metadata = site / "drp_addons-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: drp-addons\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    (site / "drp_addons.py").write_text(MODULE)
    for part in ("teacher", "curation"):
        shutil.copy(ROOT / f"examples/custom_{part}.py", site / f"drp_addons_{part}.py")
    monkeypatch.syspath_prepend(site)
    _entry_points.cache_clear()
    yield
    _entry_points.cache_clear()
    for module in [name for name in sys.modules if name.startswith("drp_addons")]:
        del sys.modules[module]


def test_they_are_found_among_those_of_drp() -> None:
    assert plugin_names("teachers") == ["equations", "heuristic"]
    assert plugin_names("engines") == ["echo", "server", "transformers", "vllm"]
    assert plugin_names("curations") == CURATIONS
    assert plugin_names("objectives") == ["sft", "weighted"]


def test_a_night_is_pruned_by_a_teacher_of_another_package(
    tmp_path: Path, recipe_file: Callable[..., str]
) -> None:
    recipe = recipe_file(teacher="equations", decomposition="sentence")
    with lake_at(tmp_path / "lake", workers=2) as lake:  # and in processes that start anew
        page = drp.run_night(recipe, DAY)
        assert Path(page).is_file()
        revisions = rows_of(lake, "revisions", "teacher, prompt_version, status, thinking")
        accepted = [row for row in revisions if row["status"] == "accepted"]
        assert len(revisions) == 60
        assert len(accepted) > 30
        assert {(row["teacher"], row["prompt_version"]) for row in revisions} == {
            ("equations", "equations-1")
        }
        (row,) = rows_of(lake, "accounting", "rollouts, accepted, adds_up")
        assert row == {"rollouts": 60, "accepted": len(accepted), "adds_up": True}


def test_new_rules_of_a_teacher_make_revisions_anew(
    recipe_file: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = load_recipe(recipe_file(teacher="equations"))
    before = revision_hash(recipe)
    assert before == revision_hash(load_recipe(recipe_file(teacher="equations")))
    monkeypatch.setattr(load_plugin("teachers", "equations"), "prompt_version", "equations-2")
    assert revision_hash(recipe) != before


def test_a_recipe_trains_on_another_curation_with_another_objective(recipe_file: Callable[..., str]) -> None:
    path = recipe_file(
        arms=["drp", "long_and_short"], training={"objective": "weighted", "strength": 0.25, "epochs": 1}
    )
    recipe = load_recipe(path)
    assert recipe.arms == ("drp", "long_and_short")
    objective = load_plugin("objectives", "weighted")
    assert isinstance(objective, Objective)
    assert type(recipe.training) is objective.settings
    assert recipe.training.model_dump()["strength"] == 0.25
    again = type(recipe).model_validate_json(recipe.model_dump_json())  # as a run keeps it
    assert again == recipe
    assert type(again.training) is objective.settings
    other = load_recipe(recipe_file(training={"objective": "weighted", "strength": 0.75, "epochs": 1}))
    assert other.training_hash != recipe.training_hash


def test_settings_of_another_objective_are_checked(recipe_file: Callable[..., str]) -> None:
    with pytest.raises(BadInputError, match=r"training\.strength: Extra inputs are not permitted"):
        load_recipe(recipe_file(training={"objective": "sft", "strength": 0.25}))
    with pytest.raises(BadInputError, match=r"training\.strength: Input should be a valid number"):
        load_recipe(recipe_file(training={"objective": "weighted", "strength": "much"}))


def test_a_student_runs_in_another_engine(recipe_file: Callable[..., str]) -> None:
    recipe = load_recipe(recipe_file(engine="echo", server=None))
    student = Student("scripted", "", recipe.engine, None, recipe.prompt_version, Sampling())
    assert environment_of(student) == "orchestrator"
    engine = make_engine(student)
    assert engine.name == "echo"
    assert engine.student is student


def test_scores_of_another_engine_are_not_those_of_the_built_in_one(recipe_file: Callable[..., str]) -> None:
    one, other = (load_recipe(recipe_file(engine=engine, server=None)) for engine in ("transformers", "echo"))
    assert one.evaluation_hash != other.evaluation_hash


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("engine", "ekko", "among the engines: echo, server, transformers, vllm"),
        ("arms", ["long"], f"among the curations: {', '.join(CURATIONS)}"),
        ("training", {"objective": "dpo"}, "among the objectives: sft, weighted"),
        ("teacher", "equation", r"there is no teacher 'equation' \(available: .*equations, .*heuristic"),
    ],
)
def test_a_recipe_with_an_unknown_name_is_refused_with_those_there_are(
    recipe_file: Callable[..., str], key: str, value: object, said: str
) -> None:
    with pytest.raises(BadInputError, match=said) as refused:
        load_recipe(recipe_file(**{key: value, "server": None} if key == "engine" else {key: value}))
    assert refused.value.state == "Nothing was read or written"


def test_a_name_that_no_package_has_is_refused() -> None:
    with pytest.raises(UnknownPluginError, match=r"'equation' .* equations, heuristic"):
        load_plugin("teachers", "equation")
    with pytest.raises(ValueError, match="'equation' among the teachers: equations, heuristic"):
        check_plugin_name("teachers", "equation")
    with pytest.raises(ValueError, match="backend must be one of online, batch, equations, heuristic"):
        TeacherProfile(backend="bach")


def test_a_teacher_of_another_package_needs_no_profile() -> None:
    assert find_profile("equations") == TeacherProfile(backend="equations")
