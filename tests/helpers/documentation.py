"""The commands that the documentation shows, and a folder that stands for a checkout to run them in."""

import contextlib
import csv
import gzip
import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from drp.registry import folder_key, open_registry, store_folder
from drp.report.cards import card_key
from drp.storage import open_store
from tests.helpers.checkpoints import make_checkpoint
from tests.helpers.repository import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
CHECKPOINTS = ("aa51c0", "bb72d1", "3f9c2a")
"""First characters of the ids that are registered in a checkout; each was champion, the last one is."""
TIMEOUT_S = 120

_STORE = ROOT / "tests/compatibility/store_2026_11_30.tar.xz"
_FENCED = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_INDENTED = re.compile(r"^    (drp .*)$", re.MULTILINE)  # the catalogue's examples
_COMMENT = re.compile(r"(^|\s+)# .*$")
_PROGRAMS = ("drp ", "make ", ".venv/bin/drp ")
_QUERY = re.compile(
    r"(\.venv/bin/)?drp (sql|corpus (list|show|diff|verify)|ledger show|registry (list|show|verify))\b"
    r"[^|<>;&]*"
)


@dataclass(frozen=True)
class DocumentedCommand:
    """A command on a page, without the comment behind it."""

    page: Path
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}: {self.text}"


def commands_of(page: Path) -> list[DocumentedCommand]:
    """Return the different commands on a page: lines of `bash` blocks first, then those within sentences."""
    text = page.read_text(encoding="utf-8")
    blocks = [block.replace("\\\n", " ") for block in _FENCED.findall(text)]
    lines = [_COMMENT.sub("", line) for block in blocks for line in block.splitlines()]
    inline = [code for code in _INLINE.findall(text) if code.startswith(_PROGRAMS)]
    shown = [*lines, *inline, *_INDENTED.findall(text)]
    return [DocumentedCommand(page, line) for line in dict.fromkeys(shown) if line.strip()]


def all_commands() -> list[DocumentedCommand]:
    """Return the commands of all pages."""
    return [command for page in PAGES for command in commands_of(page)]


def queries(not_run: Iterable[str]) -> list[str]:
    """Return the commands that only read and have no shell syntax, without `.venv/bin/`."""
    shown = (command.text for command in all_commands() if not _is_in(command.text, not_run))
    return list(dict.fromkeys(text.removeprefix(".venv/bin/") for text in shown if _QUERY.fullmatch(text)))


def scripts(not_run: Iterable[str]) -> dict[Path, list[str]]:
    """Return all other commands that can be run, by page, in the order in which a reader meets them."""
    chosen: dict[Path, list[str]] = {}
    for command in all_commands():
        if not (_QUERY.fullmatch(command.text) or _is_in(command.text, not_run)):
            chosen.setdefault(command.page, []).append(command.text)
    return chosen


def _is_in(text: str, not_run: Iterable[str]) -> bool:
    return text in not_run or (text.startswith("make ") and make_key(text) in not_run)


def make_key(text: str) -> str:
    """Return a make command without what follows its first target."""
    return " ".join(text.split()[:2])


def words_of(text: str) -> list[list[str]]:
    """Return the words of the simple commands that a line of bash consists of."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    redirected = False
    for word in lexer:
        if set(word) <= set("|&;"):
            commands.append([])
        elif set(word) <= set("<>"):
            redirected = True
        elif redirected:
            redirected = False
        else:
            commands[-1].append(word.removeprefix(".venv/bin/"))
    return [words for words in commands if words]


def python_blocks(page: Path) -> list[str]:
    """Return the programs on a page: `python` blocks that begin with an import."""
    blocks: list[str] = _PYTHON.findall(page.read_text(encoding="utf-8"))
    return [block for block in blocks if block.startswith(("import ", "from "))]


def make_checkout(folder: Path) -> None:
    """Fill `folder` like a checkout that has been used for some nights.

    It has links to the environment and the Makefile, a copy of the recipes, the lake and the ledger of the
    compatibility fixture in `warehouse`, three checkpoints in the registry, and the input files that the
    documentation names.
    """
    for name in (".venv", "Makefile", "infra", "sql"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "drp/config/recipes", folder / "drp/config/recipes")
    with tarfile.open(_STORE) as tar:
        tar.extractall(folder / "store")  # noqa: S202 - the fixture of this repository
    (folder / "store/lake").rename(folder / "warehouse")
    (folder / "store/drp.db").rename(folder / "warehouse/drp.db")
    _register_checkpoints(folder)
    _write_inputs(folder, folder / "store/inputs/traces.jsonl")
    shutil.rmtree(folder / "store")


def run_in(checkout: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run a command, word for word, in bash in a checkout."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=checkout,
        env=_environment(checkout),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )


def run_python_in(checkout: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a checkout."""
    return subprocess.run(
        [checkout / ".venv/bin/python", "-P", "-c", program],  # -P: the copied drp/config is not the package
        cwd=checkout,
        env=_environment(checkout),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )


def _environment(checkout: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DRP_", "AWS_", "AIRFLOW", "MLFLOW_", "PYTHON", "COV_", "PYTEST_"))
    }
    return kept | {"PATH": f"{checkout}/.venv/bin:{os.environ['PATH']}", "DRP_WORKERS": "1"}


def _register_checkpoints(folder: Path) -> None:
    """Replace the fixture's checkpoints, whose weights were left out, by three that are complete."""
    database = folder / "warehouse/drp.db"
    with contextlib.closing(sqlite3.connect(database)) as con, con:
        con.execute("DELETE FROM alias_moves")
        con.execute("DELETE FROM checkpoints")
    store = open_store(str(folder / "warehouse"))
    model = folder / "model"
    with open_registry(f"sqlite:///{database}") as registry:
        for number, prefix in enumerate(CHECKPOINTS, start=1):
            identity = prefix.ljust(32, "0")
            model.mkdir(exist_ok=True)
            (model / "config.json").write_text(json.dumps({"number": number}))
            keys = {which: folder_key(identity, which) for which in ("adapter", "merged")}
            files = [file for key in keys.values() for file in store_folder(store, model, key)]
            checkpoint = make_checkpoint(number, checkpoint_id=identity, files=tuple(files))
            registry.register(replace(checkpoint, adapter_key=keys["adapter"], merged_key=keys["merged"]))
            registry.promote(identity, "champion", "a documented checkpoint")
            store.put(card_key(identity), b"---\nlicense: unknown\n---\n\n# A documented checkpoint\n")
    shutil.rmtree(model)


def _write_inputs(folder: Path, recorded: Path) -> None:
    """Write the files that the pages name, from traces of the fixture."""
    lines = recorded.read_text(encoding="utf-8").split("\n")  # not splitlines: a trace has U+2028
    traces = [json.loads(line) for line in lines if line.endswith("}")]  # one line was cut on purpose
    other_names = [
        {"question": t["question"], "key": t["answer"], "cot": t["thinking"], "response": t["response"]}
        for t in traces
        if all(t.get(field) for field in ("question", "answer", "thinking", "response"))
    ]
    (folder / "traces.jsonl").write_text("".join(json.dumps(row) + "\n" for row in other_names))
    with (folder / "traces.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(other_names[0]))
        writer.writeheader()
        writer.writerows(other_names)
    (folder / "shards").mkdir()
    texts = [row for row in other_names if all(isinstance(value, str) for value in row.values())]
    for place, rows in enumerate((texts[:2], texts[2:])):
        pq.write_table(pa.Table.from_pylist(rows), folder / f"shards/train-0000{place}-of-00002.parquet")
    _write_public_layouts(folder)
    for name in ("problems", "gsm8k", "prm12k", "math500", "aime24", "amc23"):
        rows = [
            {
                "question": f"What is {number} + {len(name)}?",
                "answer": str(number + len(name)),
                "dataset": name,
                "split": "test" if name in ("math500", "aime24", "amc23") else "train",
            }
            for number in range(1, 4)
        ]
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")


def _write_public_layouts(folder: Path) -> None:
    """Write small files in the layouts of the public data sets that the how-to on imports names."""
    question, thinking, response = "What is 3 * 4?", "3 * 4 is 4 + 4 + 4. That is 12.", "It is \\boxed{12}."
    text = f"<think>\n{thinking}\n</think>\n\n{response}"
    asked = {"role": "user", "content": question}
    answered = {"role": "assistant", "content": text}
    s1k = {"question": question, "solution": "12", "cot_type": "math", "gemini_attempt": response}
    s1k |= {"deepseek_thinking_trajectory": thinking, "deepseek_attempt": response}
    deepmath = {"question": question, "final_answer": "12", "difficulty": 1.5, "topic": "Arithmetic"}
    deepmath |= {f"r1_solution_{n}": f"Way {n}. {thinking}\n</think>\n{response}" for n in (1, 2, 3)}
    turns = [{"from": "user", "value": f"Box it. {question}"}, {"from": "assistant", "value": text}]
    openthoughts = {
        "problem": question,
        "solution": f"We multiply: {response}",
        "messages": [asked, {"role": "assistant", "content": f"We multiply: {response}"}],
        "conversations": turns,
        "correct": True,
    }
    openmath = {"problem": question, "generated_solution": text, "expected_answer": "12"}
    openmath |= {"generation_model": "DeepSeek-R1", "problem_source": "a forum", "inference_mode": "cot"}
    am = {
        "messages": [asked | {"info": {"source": "s", "reference_answer": "12"}}, answered | {"info": None}]
    }
    dapo = {"prompt": [asked], "reward_model": {"ground_truth": "12", "style": "rule"}, "data_source": "dapo"}
    (folder / "deepmath/data").mkdir(parents=True)
    for name, row in (("s1k", s1k), ("deepmath/data/train-00000-of-00001", deepmath), ("dapo", dapo)):
        pq.write_table(pa.Table.from_pylist([row]), folder / f"{name}.parquet")
    (folder / "openthoughts.jsonl.gz").write_bytes(gzip.compress(json.dumps(openthoughts).encode()))
    (folder / "openmath.jsonl").write_text(json.dumps(openmath))
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": text}]
    sharegpt = {"conversations": turns, "answer": "12", "license": "MIT", "subject": "Algebra"}
    (folder / "sharegpt.jsonl").write_text(json.dumps(sharegpt))
    with pa.CompressedOutputStream(str(folder / "am.jsonl.zst"), "zstd") as out:
        out.write(json.dumps(am).encode())


def is_module_file(module: str) -> bool:
    """Whether `python -m module` finds a file in the repository or an installed module."""
    path = ROOT / module.replace(".", "/")
    if path.with_suffix(".py").is_file() or (path / "__main__.py").is_file():
        return True
    found = subprocess.run(
        [sys.executable, "-c", f"import importlib.util as u; assert u.find_spec({module!r})"],
        capture_output=True,
    )
    return found.returncode == 0
