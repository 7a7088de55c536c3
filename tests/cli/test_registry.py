"""`drp registry` as people type it."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest

from drp.config.settings import settings
from drp.lake.lake import open_lake
from drp.registry.checkpoint_files import folder_key, store_folder
from drp.registry.records import Checkpoint
from drp.registry.registry import open_registry
from tests.cli.test_main import assert_refused
from tests.helpers.checkpoints import checkpoint_id, make_checkpoint
from tests.helpers.servers import forget

Drp: TypeAlias = Callable[..., tuple[int, str, str]]
ONE, TWO = checkpoint_id(1), checkpoint_id(2)


@pytest.fixture(autouse=True)
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Checkpoint]]:
    """Two checkpoints of the student `small` in a registry and a lake of their own."""
    monkeypatch.setenv("DRP_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("DRP_DATABASE_URL", f"sqlite:///{tmp_path}/drp.db")
    forget()
    (tmp_path / "out").mkdir()
    made = []
    with open_registry(settings().resolved_database_url) as registry:
        for number in (1, 2):
            (tmp_path / "out/model.safetensors").write_text(f"weights {number}")
            key = folder_key(checkpoint_id(number), "merged")
            files = store_folder(open_lake().store, tmp_path / "out", key)
            made.append(make_checkpoint(number, files=files, adapter_key=None, merged_key=key))
            registry.register(made[-1])
    yield made
    forget()


@pytest.mark.parametrize(
    "words",
    [
        ["show"],
        ["list", "--format", "xml"],
        ["promote", ONE, "--alias", "best"],
        ["rollback", "--alias", "best"],
        ["export", "champion"],
        ["export", "champion", "x", "--which", "half"],
    ],
)
def test_wrong_use_is_status_2(drp: Drp, words: list[str]) -> None:
    assert drp("registry", *words)[0] == 2


def test_the_list_has_the_newest_first_in_every_form(drp: Drp) -> None:
    drp("registry", "promote", ONE)
    drp("registry", "promote", ONE, "--alias", "challenger")
    status, out, _ = drp("registry", "list", "--format", "json")
    assert status == 0
    rows = json.loads(out)
    assert [(row["checkpoint_id"], row["aliases"]) for row in rows] == [
        (TWO, ""),
        (ONE, "challenger, champion"),
    ]
    assert (rows[0]["loss"], rows[0]["created_at"]) == (1.5, "2026-11-22T12:30:15+00:00")
    assert [
        row["checkpoint_id"]
        for row in csv.DictReader(io.StringIO(drp("registry", "list", "--format", "csv")[1]))
    ] == [TWO, ONE]
    table = drp("registry", "list")[1]
    assert table.index(TWO) < table.index(ONE)
    assert json.loads(drp("registry", "list", "--student", "large", "--format", "json")[1]) == []


def test_a_checkpoint_is_shown_with_all_that_a_person_asks_of_it(
    drp: Drp, registered: list[Checkpoint]
) -> None:
    drp("registry", "promote", ONE, "--reason", "[bold]the first[/]")
    drp("registry", "promote", TWO)
    status, out, _ = drp("registry", "show", ONE[:8])
    assert status == 0
    for expected in (
        f"checkpoint {ONE}",
        registered[0].sha256,
        f"a-student, sha256 {'b' * 64}",
        f"drp, hash {'r' * 32}",
        "1.5 at step 2, 2.75 in the last validation",
        "1, 9 bytes",
        "123.2",
        "[bold]the first[/]",
        f"_checkpoints/{ONE}/merged",
    ):
        assert expected in out
    lines = [[cell.strip() for cell in line.strip("│").split("│")] for line in out.splitlines()]
    assert ["aliases", "none"] in lines
    assert ["adapter", "none"] in lines
    assert [line[1:4] for line in lines if "champion" in line] == [
        ["champion", "nothing", ONE],
        ["champion", ONE, TWO],
    ]
    assert "aliases" in (champion := drp("registry", "show", "champion")[1])
    assert f"checkpoint {TWO}" in champion


def test_a_checkpoint_without_scores_and_curve_is_shown(drp: Drp, registered: list[Checkpoint]) -> None:
    bare = replace(registered[0], checkpoint_id="0123456789", scores=[], curve=[])
    with open_registry(settings().resolved_database_url) as registry:
        registry.register(bare)
        registry.promote(ONE, "champion", "which is no move of the bare one")
    out = drp("registry", "show", "012345")[1]
    assert "not recorded" in out
    assert "scores" not in out
    assert "moves" not in out


def test_a_promotion_and_the_way_back(drp: Drp) -> None:
    assert drp("registry", "promote", ONE)[:2] == (0, f"champion of small is {ONE} (before: none)\n")
    assert drp("registry", "promote", TWO[:6])[:2] == (0, f"champion of small is {TWO} (before: {ONE})\n")
    back = drp("registry", "rollback")
    assert back[:2] == (0, f"champion of small is {ONE} again (before: {TWO})\n")
    assert_refused(drp("registry", "rollback"), "had no champion before", "drp registry promote")
    with open_registry(settings().resolved_database_url) as registry:
        assert [move.reason for move in registry.history("champion")] == ["by hand", "by hand", "rolled back"]


def test_of_several_students_one_has_to_be_named(drp: Drp, registered: list[Checkpoint]) -> None:
    with open_registry(settings().resolved_database_url) as registry:
        registry.register(replace(registered[0], checkpoint_id="0123456789", student="large"))
    for name in (ONE, TWO, "0123456789"):
        drp("registry", "promote", name)
    for words in (["show", "champion"], ["rollback"], ["verify", "champion"], ["export", "champion", "x"]):
        assert_refused(drp("registry", *words), "large, small", "--student large")
    assert TWO in drp("registry", "show", "champion", "--student", "small")[1]
    assert drp("registry", "rollback", "--student", "small")[0] == 0


def test_names_that_mean_nothing_say_what_to_type(drp: Drp) -> None:
    assert_refused(drp("registry", "show", "champion"), "no checkpoint is champion", "drp registry promote")
    assert_refused(drp("registry", "rollback", "--alias", "challenger"), "--alias challenger")
    assert_refused(
        drp("registry", "promote", f"{ONE[:9]}x"), f"similar names: {ONE}", f"drp registry show {ONE}"
    )
    assert_refused(drp("registry", "show", "zzzzzzzz"), "zzzzzzzz", "drp registry list")


def test_an_export_is_the_model_or_nothing(drp: Drp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    drp("registry", "promote", TWO)
    status, out, _ = drp("registry", "export", "champion", "models/champion")
    assert (status, out) == (0, f"checkpoint {TWO}, merged, is in models/champion\n")
    assert Path("models/champion/model.safetensors").read_text() == "weights 2"
    assert drp("registry", "verify", TWO)[:2] == (
        0,
        f"checkpoint {TWO}: all 1 files are what was registered\n",
    )
    assert_refused(drp("registry", "export", TWO, "x", "--which", "adapter"), "--which merged")
    (tmp_path / f"lake/_checkpoints/{TWO}/merged/model.safetensors").write_text("weights 3")
    for words in (["export", TWO, "models/again"], ["verify", TWO]):
        assert_refused(
            drp("registry", *words), "merged/model.safetensors has changed", "drp registry rollback"
        )
    assert [path.name for path in Path("models").iterdir()] == ["champion"]
