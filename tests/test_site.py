"""The documentation builds as a site, and what docs/architecture.md says of the code is so."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.helpers.repository import ROOT

ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
FOLDERS = {
    "benchmarks",
    "dags",
    "docs",
    "drp",
    "examples",
    "infra",
    "plugins",
    "requirements",
    "sql",
    "tests",
}
RECORDS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs/adr").glob("0*.md"))
PACKAGES = sorted(path.parent.name for path in ROOT.glob("drp/*/__init__.py"))

_LAYER = re.compile(r"^ │ ([a-z]+(?: \| [a-z]+)*) +│", re.MULTILINE)  # the left column of the diagram
_NAMED = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.\w+)`")  # a file, by its path
_REMOTE = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"?(?:https?:)?//[^\">]*")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make site` builds it."""
    if find_spec("mkdocs") is None:
        pytest.skip("mkdocs is not installed: make test, or make .venv/ready-dev")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_builds_without_a_warning_and_has_every_page(site: Path) -> None:
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    written = (path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md"))
    assert {path.as_posix() for path in written} <= pages
    assert {"readme.html", "contributing.html", "changelog.html", "examples.html"} <= pages
    assert {f"reference/packages/{package}.html" for package in PACKAGES} <= pages


def test_the_reference_has_what_import_drp_has(site: Path) -> None:
    import drp

    page = (site / "reference/api.html").read_text(encoding="utf-8")
    public = [name for name in drp.__all__ if not name.startswith("__")]
    assert [name for name in public if f'id="drp.{name}"' not in page] == []


def test_no_page_loads_anything_from_another_server(site: Path) -> None:
    remote = {
        (page.name, found)
        for page in site.rglob("*.html")
        for found in _REMOTE.findall(page.read_text(encoding="utf-8"))
        if 'rel="canonical"' not in found
    }
    assert remote == set()


def test_the_layers_in_the_diagram_are_those_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    assert _LAYER.findall(ARCHITECTURE) == layers


def test_the_tree_names_every_package() -> None:
    tree = ARCHITECTURE.partition("\n## The tree\n")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^  ([a-z]+)/ ", tree, re.MULTILINE)) == PACKAGES


def test_every_question_of_the_architecture_has_a_file() -> None:
    _, _, questions = ARCHITECTURE.partition("\n## Where do I find")
    rows = [line for line in questions.splitlines() if line.startswith("| …")]
    assert len(rows) >= 20
    assert [row for row in rows if not _NAMED.search(row)] == []


@pytest.mark.parametrize(
    "page",
    ["CONTRIBUTING.md", "docs/architecture.md", "docs/glossary.md", *RECORDS],
)
def test_the_files_that_a_page_names_are_there(page: str) -> None:
    named = _NAMED.findall((ROOT / page).read_text(encoding="utf-8"))
    ours = {path for path in named if path.split("/")[0] in FOLDERS and "NAME" not in path}
    assert sorted(path for path in ours if not (ROOT / path).is_file()) == []


def test_every_decision_record_is_listed_and_has_its_sections() -> None:
    index = (ROOT / "docs/adr/index.md").read_text(encoding="utf-8")
    for record in RECORDS:
        name, text = Path(record).name, (ROOT / record).read_text(encoding="utf-8")
        assert f"({name})" in index
        assert text.startswith(f"# {int(name[:4])}. ")
        for part in ("**Status:** ", "\n## Context\n", "\n## Decision\n", "\n## Consequences\n"):
            assert part in text, (name, part)


def test_the_glossary_is_in_alphabetical_order() -> None:
    glossary = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^\| \*\*(.+?)\*\* \|", glossary, re.MULTILINE)
    assert len(terms) > 100
    assert terms == sorted(set(terms), key=str.lower)
