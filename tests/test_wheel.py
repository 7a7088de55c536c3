"""The wheel runs without a checkout, and brings neither Airflow nor torch. These tests download packages."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.nights import traces_file
from tests.helpers.repository import ROOT

__all__ = ["traces_file"]

pytestmark = pytest.mark.services

UV = str(Path(sys.executable).with_name("uv"))
SOURCES = ("drp", "sql", "requirements", "pyproject.toml", "README.md", "LICENSE")
"""What the wheel is made of. All else of the checkout is left out, so that nothing can depend on it."""


def run(*command: str, **options) -> str:
    """Run a command; its output, standard error included."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, symlinks=True)
        else:
            shutil.copy(path, source / name)
    log = run(UV, "build", "--quiet", "--out-dir", str(folder), str(source))
    warnings = [line for line in log.splitlines() if "warn" in line.lower() and "byte-compiling" not in line]
    assert warnings == []
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    """The wheel."""
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`bin` of an environment with the wheel and its dependencies, in the locked versions."""
    folder = tmp_path_factory.mktemp("installed")
    run(UV, "venv", "--quiet", "--python", sys.executable, str(folder / "venv"))
    programs = folder / "venv/bin"
    install = [UV, "pip", "install", "--quiet", "--python", str(programs / "python")]
    run(*install, "--constraint", str(ROOT / "requirements/orchestrator.lock"), str(wheel))
    return programs


@pytest.fixture
def drp(environment: Path) -> Callable[..., str]:
    """Run the installed `drp` in a folder, without a variable that could lead it to the checkout."""
    variables = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("DRP_", "PYTHONPATH", "VIRTUAL_"))
    }

    def call(*words: str, cwd: Path, **extra: str) -> str:
        return run(str(environment / "drp"), *words, cwd=cwd, env={**variables, "COLUMNS": "150", **extra})

    return call


def _data_files() -> set[str]:
    """Every file of the package as git knows it, links resolved; those of `drp/` that are not Python."""
    listed = run("git", "-C", str(ROOT), "ls-files", "drp").splitlines()
    plain = {name for name in listed if not (ROOT / name).is_dir() and (ROOT / name).exists()}
    views = {f"drp/query/views/{path.name}" for path in (ROOT / "sql").glob("*.sql")}
    locks = {f"drp/jobs/requirement_locks/{path.name}" for path in (ROOT / "requirements").glob("*.lock")}
    return plain | views | locks


def test_it_has_every_file_of_the_package(wheel: Path, dist: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert _data_files() - names == set()
    assert {name for name in names if name.endswith(".pyc") or not name.startswith("drp")} == set()
    for name in (
        "drp/query/views/tokens_saved.sql",
        "drp/jobs/requirement_locks/training.lock",
        "drp/config/recipes/drp.yaml",
        "drp/config/teachers.yaml",
        "drp/teacher/llm/prompts/fused.md",
        "drp/report/templates/nightly.html",
        "drp/gates/benchmark_fingerprints.bin",
        "drp/student/small/weights/model.safetensors",
        "drp/database/alembic/env.py",
        "drp/ledger/migrations/versions/0001_tables.py",
        "drp/registry/migrations/versions/0001_tables.py",
    ):
        assert name in names
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
    (source,) = dist.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert _data_files() | {"LICENSE", "README.md", "pyproject.toml"} <= inside


def test_it_brings_neither_airflow_nor_torch(environment: Path) -> None:
    frozen = run(UV, "pip", "freeze", "--quiet", "--python", str(environment / "python")).lower()
    names = {line.partition("==")[0].partition(" @")[0] for line in frozen.splitlines()}
    assert {"drp", "duckdb", "great-expectations"} <= names
    assert {
        name for name in names if "airflow" in name or "torch" in name or name in {"transformers", "vllm"}
    } == set()


def test_it_runs_in_any_folder(
    drp: Callable[..., str], tmp_path: Path, traces_file: Callable[..., str]
) -> None:
    home, away = tmp_path / "home", tmp_path / "away"
    home.mkdir()
    away.mkdir()
    assert "Distilled Reasoning Pruning" in drp("--help", cwd=away)
    assert "leaderboard" in drp("sql", "SHOW TABLES", cwd=away)

    traces_file("traces.parquet", slice(60))
    said = drp("nightly", "--traces", "../traces.parquet", "--run-date", "2026-11-20", cwd=home)
    page = home / "warehouse/_reports/2026-11-20-drp/report.html"
    assert f"report: {page}" in said
    assert "✓ adds up" in said
    assert page.is_file()
    counted = drp("sql", "SELECT rollouts FROM accounting", "--format", "csv", cwd=away, DRP_HOME=str(home))
    assert "60" in counted.split()
    assert "0 rows" in drp("registry", "list", cwd=home)
    assert "checkpoint" in drp("registry", "--help", cwd=home)
    assert list(away.iterdir()) == []
    assert {path.name for path in home.iterdir()} == {"warehouse"}


def test_without_torch_it_says_what_to_install(environment: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(environment / "drp"), "nightly", "--sample-size", "2"],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if not key.startswith("DRP_")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install 'drp[training]'" in done.stderr
