"""README and docs/ are true: every command in them exists, every link leads somewhere, nothing is missing."""

import importlib
import inspect
import pkgutil
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest
import typer

import drp
from drp.cli.main import app
from drp.core.errors import DrpError

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
RUNBOOK = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")

_FENCED = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)  # blocks of commands
_INLINE = re.compile(r"`([^`\n]+)`")  # commands within a sentence
_INDENTED = re.compile(r"^    (drp .*)$", re.MULTILINE)  # the catalogue's examples
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")  # the target of a Markdown link


def _commands(page: Path) -> list[list[str]]:
    """What a reader may type, as words: lines of code blocks, and code that starts with drp or make."""
    text = page.read_text(encoding="utf-8")
    blocks = [line for block in _FENCED.findall(text) for line in block.splitlines()]
    inline = [code for code in _INLINE.findall(text) if code.startswith(("drp ", "make ", ".venv/bin/drp "))]
    commands = []
    for line in [*blocks, *inline, *_INDENTED.findall(text)]:
        words: list[str] = []
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        for word in [*lexer, ";"]:
            if set(word) <= set("|&;<>"):  # a pipe, a redirection or the next command
                if words:
                    commands.append(words)
                words = []
            else:
                words.append(word.removeprefix(".venv/bin/"))
    return commands


def _all_commands(program: str) -> list[list[str]]:
    return [words for page in PAGES for words in _commands(page) if words[0] == program]


@pytest.mark.parametrize("words", _all_commands("drp"), ids=" ".join)
def test_every_drp_command_in_the_docs_can_be_parsed(words: list[str]) -> None:
    command = typer.main.get_command(app)
    rest, context = words[1:], None
    with suppress(typer.BadParameter):  # a sentence may leave out the file
        while rest and hasattr(command, "resolve_command"):
            context = command.make_context(words[0], [*rest], parent=context)
            _, command, rest = command.resolve_command(context, rest)
        command.make_context(words[0], [*rest], parent=context)


def test_every_make_target_in_the_docs_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = {word for words in _all_commands("make") for word in words[1:] if re.fullmatch(r"[a-z-]+", word)}
    assert {"nightly", "test", "up", "down"} <= used
    assert used <= targets


def test_make_alone_lists_every_target() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in (
        "nightly",
        "up",
        "down",
        "test",
        "test-services",
        "test-chaos",
        "test-vllm",
        "test-training",
        "bench",
        "lock",
        "setup",
    ):
        assert f"make {target} " in listed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [t for t in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in t]
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


def _modules() -> Iterator[ModuleType]:
    """All modules of drp but those that only the training environment can import."""
    for module in pkgutil.walk_packages(drp.__path__, "drp."):
        try:
            yield importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            if error.name not in {"torch", "tokenizers", "transformers", "safetensors", "peft"}:
                raise


def _errors() -> set[str]:
    classes = [c for m in _modules() for _, c in inspect.getmembers(m, inspect.isclass)]
    named = {c.__name__ for c in classes if issubclass(c, DrpError) and c is not DrpError}
    return {name for name in named if not name.startswith("_")}


def test_every_error_has_its_section_in_the_runbook_and_no_section_is_left_over() -> None:
    sections = set(re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE))
    assert sections == _errors()


def test_the_data_catalogue_is_current() -> None:
    made = subprocess.run(
        [sys.executable, "infra/catalogue.py"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        env={"PYTHONPATH": "."},
    )
    assert (ROOT / "docs/catalogue.md").read_bytes() == made.stdout, "run make docs"


def test_the_figures_of_the_papers_run_are_current() -> None:
    printed = subprocess.run(
        [sys.executable, "infra/papers_run.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": "."},
    ).stdout
    assert printed in (ROOT / "docs/how-to/papers-run.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines()]
    figures = {cells[0]: cells[1:] for cells in rows}
    for number, name in enumerate(("r1_1_5b", "r1_7b")):
        comments = (ROOT / f"drp/config/recipes/{name}.yaml").read_text(encoding="utf-8")
        assert f"cost    {figures['teacher, `verbatim` in batches'][number]} for the teacher" in comments
        assert f"time    {figures['rollouts, A100 hours'][number]} h of rollouts" in comments
        assert f"{figures['training, A100 hours'][number]} h of training" in comments
        assert f"{figures['evaluation of base and candidate, A100 hours'][number]} h of eval" in comments
