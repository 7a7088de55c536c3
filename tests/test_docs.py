"""README and docs/ are true: every command in them works or can be parsed, every link leads somewhere."""

import importlib
import inspect
import os
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest
import typer

import drp as library
from drp.cli.main import app
from drp.config import settings
from drp.core import DrpError
from tests.helpers import documentation
from tests.helpers.documentation import PAGES, DocumentedCommand
from tests.helpers.repository import ROOT

RUNBOOK = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")  # the target of a Markdown link

MENTION = "names a command within a sentence, without its arguments"
PLACEHOLDER = "has a placeholder for a name or number"
SLOW = "takes minutes, installs packages or starts services"
TRAINING = "needs the training or inference environment, and minutes"
MINUTES = "takes minutes or hours"
NETWORK = "needs a provider, a bucket or another server, and its key"
SETTING = "sets a variable for the commands after it, which need a server or a key"
MODEL = "needs the files of a model that does not ship with DRP"

NOT_RUN = {
    # make targets, with any variables and further targets
    "make nightly": SLOW,
    "make test": SLOW,
    "make test-services": SLOW,
    "make test-training": SLOW,
    "make test-vllm": SLOW,
    "make test-chaos": SLOW,
    "make test-full": SLOW,
    "make bench": MINUTES,
    "make docs": "writes docs/catalogue.md and docs/reference/recipe-keys.md; other tests here compare them",
    "make site": "needs the packages of the documentation site",
    "make lock": "resolves against a package index",
    "make setup": SLOW,
    "make up": SLOW,
    "make down": SLOW,
    "make .venv-training/ready": SLOW,
    "make .venv-inference/ready": SLOW,
    "make VLLM=cuda .venv-training/ready .venv-inference/ready": SLOW,
    "make build/mlflow/ready": SLOW,
    "make build/llamafactory/ready": "installs packages",
    # within sentences
    "drp sql": MENTION,
    "drp evaluate": MENTION,
    "drp sql --run RUN": PLACEHOLDER,
    "drp registry promote": MENTION,
    "drp import questions": MENTION,
    'drp sql "..."': PLACEHOLDER,
    "drp sql --version N": PLACEHOLDER,
    "drp corpus release": MENTION,
    "drp corpus discard": MENTION,
    "drp corpus remove": MENTION,
    "drp report RUN": PLACEHOLDER,
    "drp registry show NAME": PLACEHOLDER,
    "drp corpus release RUN": PLACEHOLDER,
    "drp ledger show RUN": PLACEHOLDER,
    ".venv/bin/drp review record REVISION_ID --verdict severe --fault missing_link"
    ' --note "135 comes from nowhere"': PLACEHOLDER,
    "drp registry push": MENTION,
    ".venv/bin/drp nightly --recipe NAME": PLACEHOLDER,
    ".venv/bin/drp nightly --recipe my/recipe.yaml": PLACEHOLDER,
    # tools of developers
    ".venv/bin/pre-commit install": "changes the hooks of a git checkout",
    ".venv/bin/pytest tests/gates/test_row_gates.py": SLOW,
    ".venv/bin/pytest tests/gates -k hollow": SLOW,
    ".venv/bin/pytest -m training tests/end_to_end/test_loop.py": TRAINING,
    # programs that take long, or need torch
    ".venv/bin/python -m benchmarks.effect_of_pruning": MINUTES,
    ".venv/bin/python -m benchmarks.type_one_error": MINUTES,
    ".venv/bin/python -m benchmarks.crosscheck_with_lmeval --run-date 2026-11-21": (
        "needs lm-eval and a training run"
    ),
    "OMP_NUM_THREADS=1 .venv-training/bin/python -m benchmarks.sft --rows 128 --rounds 5": TRAINING,
    "OMP_NUM_THREADS=1 .venv-training/bin/python -m benchmarks.rollout": TRAINING,
    "OMP_NUM_THREADS=1 .venv-inference/bin/python -m benchmarks.rollout": TRAINING,
    "OMP_NUM_THREADS=1 .venv-training/bin/python -m benchmarks.architectures": TRAINING,
    "OMP_NUM_THREADS=1 .venv-training/bin/python -m benchmarks.student --student student": TRAINING,
    "OMP_NUM_THREADS=1 .venv-training/bin/python -m drp.student.small.pretrain --out student": TRAINING,
    ".venv/bin/drp train": TRAINING,
    '.venv/bin/drp train --set training.epochs=1 --set "arms=[drp, unpruned_sft]"': TRAINING,
    ".venv/bin/drp evaluate small": TRAINING,
    ".venv/bin/drp evaluate small small@champion adapters/theirs --benchmarks small,small_longer": TRAINING,
    ".venv/bin/drp evaluate models/my-model --recipe my_recipe --benchmarks math500:test"
    " --format json": MODEL,
    ".venv/bin/drp recipe new --student models/my-model --questions gsm8k:train"
    " --benchmark math500:test": MODEL,
    ".venv/bin/drp recipe new --student models/SmolLM2-135M-Instruct --name smollm2": MODEL,
    ".venv/bin/drp doctor --recipe smollm2.yaml": MODEL,
    ".venv/bin/drp nightly --recipe smollm2.yaml --traces sharegpt.jsonl --student smollm2": NETWORK,
    '.venv/bin/drp train --recipe smollm2.yaml --set "arms=[drp]" --set training.epochs=1'
    " --set training.learning_rate=1.0e-3 --set evaluation.benchmarks.0.questions.size=8"
    " --set evaluation.sampling.max_tokens=200": MODEL,
    "export DRP_TEACHERS_FILE=teachers.yaml DRP_TEACHER=my-teacher MY_KEY=... DRP_BUDGET_USD=1": SETTING,
    "drp recipe new": MENTION,
    ".venv/bin/python -m benchmarks.examples_needed": TRAINING,
    "vllm serve models/champion-link --served-model-name champion": TRAINING,
    ".venv/bin/drp nightly --run-date 2026-11-24 --set sample_size=40 --set questions.0.seed=7": TRAINING,
    ".venv/bin/drp train --recipe drp --run-date 2026-11-22 --corpus-version 1": TRAINING,
    "drp train --run-date 2026-11-22": TRAINING,
    # models and servers of others
    "ls models/DeepSeek-R1-Distill-Qwen-1.5B": MODEL,
    ".venv/bin/drp recipe new --student models/DeepSeek-R1-Distill-Qwen-1.5B --name my_recipe": MODEL,
    "DRP_STUDENT=models/DeepSeek-R1-Distill-Qwen-1.5B .venv/bin/drp nightly --recipe my_recipe.yaml": MODEL,
    ".venv/bin/drp nightly --recipe r1_1_5b --sample-size 100": MODEL,
    ".venv/bin/drp nightly --recipe r1_1_5b": MODEL,
    ".venv/bin/drp train --recipe r1_1_5b": MODEL,
    "export OPENAI_API_KEY=... DRP_BUDGET_USD=450": SETTING,
    "export DRP_LAKE=s3://my-bucket/drp": SETTING,
    "export DRP_TEACHERS_FILE=teachers.yaml DRP_TEACHER=my-teacher MY_KEY=...": SETTING,
    "export DRP_BUDGET_USD=5": SETTING,
    ".venv/bin/drp nightly --traces traces.parquet": NETWORK,
    ".venv/bin/drp import traces 's3://my-bucket/traces/*.jsonl.gz' --student r1-distill-1.5b": NETWORK,
    ".venv/bin/drp nightly --traces traces.parquet --backlog": NETWORK,
    "drp nightly --backlog": MENTION,
    "drp doctor": MENTION,
    "drp doctor --recipe NAME": PLACEHOLDER,
    ".venv/bin/drp doctor --recipe my_recipe": MODEL,
    "drp ledger reconcile": NETWORK,
    "vllm serve models/champion": TRAINING,
    "build/mlflow/bin/drp registry push champion --to https://mlflow.example.org": NETWORK,
    "export MLFLOW_TRACKING_URI=https://mlflow.example.org MLFLOW_TRACKING_USERNAME=drp"
    " MLFLOW_TRACKING_PASSWORD=...": SETTING,
    "build/mlflow/bin/drp registry push 3f9c2a --model reasoning": NETWORK,
    "build/mlflow/bin/mlflow artifacts download -u models:/drp-small@champion -d models/champion": NETWORK,
    'airflow pools set teacher 4 "Stages that ask the teacher"': "needs the database that `make up` makes",
}
"""Commands that are parsed and not run, each with the reason."""

QUERIES = documentation.queries(NOT_RUN)
"""They run in this process, which has imported everything: a second each is saved."""
SCRIPTS = documentation.scripts(NOT_RUN)
"""All others run in bash, word for word."""
PROGRAMS = [(page, block) for page in PAGES for block in documentation.python_blocks(page)]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that has been used; the tests run in copies of it."""
    folder = tmp_path_factory.mktemp("template") / "checkout"
    folder.mkdir()
    documentation.make_checkout(folder)
    return folder


@pytest.fixture
def checkout(template: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    shutil.copytree(template, folder, symlinks=True)
    return folder


@pytest.mark.parametrize("text", QUERIES)
def test_a_query_runs_word_for_word(
    text: str,
    template: Path,
    monkeypatch: pytest.MonkeyPatch,
    drp: Callable[..., tuple[int, str, str]],
) -> None:
    for name in [name for name in os.environ if name.startswith("DRP_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(template)
    settings.cache_clear()
    status, out, error = drp(*shlex.split(text)[1:])
    settings.cache_clear()
    assert status == 0, error
    assert out


@pytest.mark.parametrize("page", SCRIPTS, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_run_word_for_word(page: Path, checkout: Path) -> None:
    for text in SCRIPTS[page]:
        done = documentation.run_in(checkout, text)
        assert done.returncode == 0, f"{text}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


@pytest.mark.parametrize(("page", "program"), PROGRAMS, ids=[page.name for page, _ in PROGRAMS])
def test_the_python_programs_of_a_page_run(page: Path, program: str, checkout: Path) -> None:
    done = documentation.run_python_in(checkout, program)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("command", documentation.all_commands(), ids=str)
def test_every_command_can_be_parsed(command: DocumentedCommand) -> None:
    for words in documentation.words_of(command.text):
        while "=" in words[0] and words[1:]:  # variables that are set for the command
            words = words[1:]
        program = Path(words[0]).name
        if program == "drp":
            _parse_drp(words[1:])
        elif program == "make":
            assert {word for word in words[1:] if "=" not in word} <= _targets()
        elif program == "python":
            assert words[1] == "-m"
            assert documentation.is_module_file(words[2]), words[2]
        elif program == "pytest":
            assert all((ROOT / word).exists() for word in words[1:] if word.startswith("tests/"))


def _parse_drp(words: list[str]) -> None:
    command = typer.main.get_command(app)
    rest, context = words, None
    with suppress(typer.BadParameter):  # a sentence may leave out the arguments
        # A group such as `drp review` may have options of its own.
        while rest and hasattr(command, "resolve_command") and not rest[0].startswith("-"):
            context = command.make_context("drp", [*rest], parent=context)
            _, command, rest = command.resolve_command(context, rest)
        command.make_context("drp", [*rest], parent=context)


def _targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    rules = re.findall(r"^([a-z.][a-z/. -]*):", makefile, re.MULTILINE)
    return {target for targets in rules for target in targets.split()}


def test_no_command_that_is_not_run_is_left_over() -> None:
    shown = {command.text for command in documentation.all_commands()}
    shown |= {documentation.make_key(text) for text in shown if text.startswith("make ")}
    assert set(NOT_RUN) - shown == set()


def test_make_alone_lists_every_target() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    public = {target for target in _targets() if re.fullmatch("[a-z-]+", target)}
    assert {"nightly", "test", "up", "down", "setup"} <= public
    assert {target for target in public if f"make {target} " not in listed} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = [t for t in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in t]
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


def _modules() -> Iterator[ModuleType]:
    """All modules of drp but those that only the training environment can import."""
    for module in pkgutil.walk_packages(library.__path__, "drp."):
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


@pytest.mark.parametrize(
    ("program", "page"),
    [
        ("write_table_catalogue", "docs/catalogue.md"),
        ("write_recipe_keys", "docs/reference/recipe-keys.md"),
    ],
)
def test_a_page_that_a_program_writes_is_current(program: str, page: str) -> None:
    made = subprocess.run(
        [sys.executable, f"infra/{program}.py"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        env={"PYTHONPATH": "."},
    )
    assert (ROOT / page).read_bytes() == made.stdout, "run make docs"


def test_the_figures_of_the_papers_run_are_current() -> None:
    printed = subprocess.run(
        [sys.executable, "infra/paper_run_costs.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": "."},
    ).stdout
    assert printed in (ROOT / "docs/how-to/reproduce-the-papers-run.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines()]
    figures = {cells[0]: cells[1:] for cells in rows}
    for number, name in enumerate(("r1_1_5b", "r1_7b")):
        comments = (ROOT / f"drp/config/recipes/{name}.yaml").read_text(encoding="utf-8")
        assert f"cost    {figures['teacher, `verbatim` in batches'][number]} for the teacher" in comments
        assert f"time    {figures['rollouts, A100 hours'][number]} h of rollouts" in comments
        assert f"{figures['training, A100 hours'][number]} h of training" in comments
        assert f"{figures['evaluation of base and candidate, A100 hours'][number]} h of eval" in comments
