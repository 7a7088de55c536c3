"""The shape of the code: what a package shows, what others may import, and one name for one thing.

The layers themselves are a contract in pyproject.toml, which `lint-imports` checks.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from drp.core import stage_names
from tests.helpers.repository import ROOT

MODULES = sorted((ROOT / "drp").rglob("*.py"))
USERS = [
    *MODULES,
    *(ROOT / "dags").glob("*.py"),
    *(ROOT / "plugins").glob("*.py"),
    *(ROOT / "examples").glob("*.py"),
]
FRONT_DOORS = {
    ".".join(path.parent.relative_to(ROOT).parts): path
    for path in MODULES
    if path.name == "__init__.py" and "migrations" not in path.parts
}
LONGEST_FILE = 400


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _shown(package: str) -> set[str] | None:
    for node in _tree(FRONT_DOORS[package]).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "__all__":
            return set(ast.literal_eval(node.value))
    return None


def _imports(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of all imports from drp, also those inside functions."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "drp":
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.startswith("drp."))


def _is_shown(module: str, name: str) -> bool:
    """Whether `from module import name` asks for what a front door shows.

    A front door may show a submodule as a whole: then the public names of that module may be imported.
    """
    if name.startswith("_") and not name.startswith("__"):
        return False
    if module == "drp" and not name:  # `import drp`
        return True
    if module in FRONT_DOORS:
        return name in (_shown(module) or ())
    package, _, submodule = module.rpartition(".")
    return package in FRONT_DOORS and submodule in (_shown(package) or ())


@pytest.mark.parametrize("package", sorted(FRONT_DOORS))
def test_a_package_says_what_it_is_and_what_it_shows(package: str) -> None:
    assert ast.get_docstring(_tree(FRONT_DOORS[package]))
    assert _shown(package) is not None


@pytest.mark.parametrize(
    "path", [p for p in USERS if p != ROOT / "drp/__init__.py"], ids=lambda path: str(path.relative_to(ROOT))
)
def test_other_packages_import_only_what_a_front_door_shows(path: Path) -> None:
    own = path.relative_to(ROOT).parts[:2]
    behind = [
        f"from {module} import {name}"
        for module, name in _imports(path)
        if tuple(module.split(".")[:2]) != own and not _is_shown(module, name)
    ]
    assert behind == []


def test_no_two_public_types_have_the_same_name() -> None:
    places = defaultdict(set)
    for path in MODULES:
        for node in _tree(path).body:
            if isinstance(node, ast.ClassDef):
                places[node.name.lstrip("_")].add(str(path.relative_to(ROOT)))
            elif isinstance(node, ast.AnnAssign) and getattr(node.annotation, "id", "") == "TypeAlias":
                places[str(getattr(node.target, "id", ""))].add(str(path.relative_to(ROOT)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_stages_has_one_file_for_each_task() -> None:
    files = {path.stem for path in (ROOT / "drp/stages").glob("*.py")} - {"__init__"}
    # the report of a training run is another page than that of a night
    assert files == {*stage_names.NIGHT_STAGES, *stage_names.TRAINING_STAGES, "train_report"}


def test_no_file_is_too_long() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (*MODULES, *USERS)}
    assert {path: n for path, n in lengths.items() if n > LONGEST_FILE} == {}
