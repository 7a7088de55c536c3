"""This code goes on with what the code of 2026-11-30 has written: nights, releases, sweeps, aliases."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from drp.config.settings import settings
from drp.config.teacher_profiles import _profiles
from drp.core.lake_schemas import id_column
from drp.lake.lake import Lake
from drp.lake.sweep import unneeded
from drp.ledger.ledger import open_ledger
from drp.pipeline.nightly import nightly
from drp.pipeline.train_eval import train_eval
from drp.query.session import open_session
from drp.registry.errors import NothingToRollBackError
from drp.registry.registry import open_registry
from drp.runtime.context import open_night, open_training
from drp.runtime.training_plan import model_digest
from drp.stages.publish import release
from drp.student.engines.select import model_folder
from drp.teacher.llm.prompts import prompt_version
from drp.teacher.transport.batch.reconcile import reconcile
from tests.compatibility import store_content
from tests.compatibility.store import (
    COLUMNS,
    EXPECTED,
    KILLED,
    LAST,
    QUARANTINED,
    TINY,
    VERSIONS,
    VIEW_COLUMNS,
    assert_same,
    unpack,
    using,
)
from tests.fake_provider import provider
from tests.teacher.transport.batch.nights import night as asking


@pytest.fixture(scope="module")
def continued(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[int]]]:
    """The store after a new night, the release of the quarantined night and a sweep; and the two versions."""
    folder = unpack(tmp_path_factory.mktemp("continued"))
    with using(folder) as lake:
        recipe = str(folder / "inputs/drp.yaml")
        nightly(open_night(recipe, "2026-12-01"), str(folder / "inputs/next.jsonl"))
        new = [lake.corpus.current().number, release(lake, QUARANTINED)["corpus_version"]]
        some = next(iter(lake.corpus.current().parts)).part.key
        for name in ("nobody-names-it.parquet", ".partial-of-a-writer-that-died"):
            shutil.copy2(lake.store.uri(some), Path(lake.store.uri(some)).with_name(name))
        deleted = list(unneeded(lake, timedelta(0)))
        assert len(deleted) == 2
        for thing in deleted:
            thing.delete()
        yield folder, new
    settings.cache_clear()


@pytest.fixture
def later(continued: tuple[Path, list[int]]) -> Iterator[Lake]:
    with using(continued[0]) as lake:
        yield lake


def test_a_new_night_and_a_release_are_the_next_versions(later, continued):
    assert continued[1] == [LAST + 1, LAST + 2]
    assert later.corpus.numbers() == [*VERSIONS, LAST + 1, LAST + 2]
    assert later.corpus.read(LAST + 1).parent == LAST
    assert later.open_run(QUARANTINED).state().state == "published"
    assert later.quarantined() == []


def test_a_new_night_takes_over_what_the_old_code_had_begun(later):
    assert later.open_run(KILLED).state().state == "taken over"
    with closing(open_session(later.published(LAST + 1))) as con:
        names = VIEW_COLUMNS["nights"]
        nights = store_content.ask(con, f"SELECT {', '.join(names)} FROM nights ORDER BY run_date")
        accounted = store_content.ask(
            con, "FROM accounting WHERE run_date >= '2026-11-26' AND recipe = 'drp'"
        )
    old = EXPECTED["views"][str(LAST)]["nights"]
    assert_same(nights[: len(old)], old)
    # Rows that the killed night has rejected have its date.
    assert {night["run_date"] for night in nights[len(old) :]} == {"2026-11-26", "2026-12-01"}
    assert sum(night["rollouts"] for night in nights[len(old) :]) == 22 + 24
    assert all(row["adds_up"] for row in accounted)


def test_old_versions_are_as_they_were_after_nights_and_a_sweep(later):
    found = store_content.corpus(later, COLUMNS)["versions"]
    old = EXPECTED["corpus"]["versions"]
    for number, expected in old.items():  # results are always the current ones, so their counts grow
        assert_same(found[number], {key: value for key, value in expected.items() if key != "counts"})
    for number in later.corpus.numbers():
        parts = [published.part for published in later.corpus.read(number).parts]
        assert later.verify(parts) == len(parts)


@pytest.mark.parametrize("table", list(COLUMNS))
def test_no_old_row_is_lost_or_changed_in_the_new_version(later, store, unpacked, table):
    with using(unpacked) as before, closing(open_session(before.published())) as con:
        old = set(store_content.lines(con, table, COLUMNS[table]))
    with using(Path(later.store.root).parent), closing(open_session(later.published())) as con:
        new = store_content.lines(con, table, COLUMNS[table])
        key = id_column(table)
        assert store_content.ask(con, f"SELECT {key} FROM {table} GROUP BY ALL HAVING count(*) > 1") == []
    assert old <= set(new)
    assert len(new) >= len(old)


def test_the_results_go_on_from_the_old_ones(later):
    numbers = later.results.numbers()
    old = EXPECTED["results"]
    assert numbers[: len(old["numbers"])] == old["numbers"]
    assert len(numbers) == len(old["numbers"]) + 2
    for number in old["numbers"]:
        assert later.results.read(number).rows() == old["versions"][str(number)]["rows"]
    before, after = old["versions"][str(old["current"])]["rows"], later.results.current().rows()
    assert after["events"] > before["events"]
    assert {**after, "events": 0} == {**before, "events": 0}


def test_the_same_night_again_does_nothing(continued):
    folder, (_, newest) = continued
    with using(folder) as lake:
        nightly(open_night(str(folder / "inputs/drp.yaml"), "2026-12-01"), str(folder / "inputs/next.jsonl"))
        nightly(open_night(str(folder / "inputs/drp.yaml"), "2026-11-22"))
        assert lake.corpus.current().number == newest
        assert lake.corpus.numbers()[-1] == newest


def test_an_older_version_is_current_again(own, drp):
    assert drp("corpus", "rollback", "3")[:2] == (0, "corpus version 3 is current\n")
    assert own.corpus.current().number == 3
    assert own.corpus.numbers() == VERSIONS
    with closing(open_session(own.published())) as con:
        assert (
            store_content.counts(con, ["revisions"])["revisions"]
            == EXPECTED["corpus"]["versions"]["3"]["counts"]["revisions"]
        )


def test_a_sweep_by_command_deletes_nothing_that_is_needed(own, drp):
    status, out, _ = drp("corpus", "sweep", "--delete", "--hours", "0")
    assert (status, out.splitlines()[-1]) == (0, "0 deleted")
    assert_same(store_content.corpus(own, COLUMNS), EXPECTED["corpus"])
    assert_same(store_content.runs(own), EXPECTED["runs"])


def test_answers_that_were_bought_are_not_bought_again(own, monkeypatch):
    """After a change of the gates all is revised again, from replies in the lake and dead requests."""
    if prompt_version("fused") != EXPECTED["prompt_version"]:
        pytest.skip("the prompts have changed: all is asked anew")
    folder = Path(own.store.root).parent
    own.corpus.rollback(3)  # the nights with a teacher that is paid
    document = yaml.safe_load((folder / "inputs/llm_online.yaml").read_text())
    document["gates"]["rows"]["min_characters"] += 1
    (folder / "changed.yaml").write_text(yaml.safe_dump(document))
    teachers = yaml.safe_load((folder / "inputs/teachers_online.yaml").read_text())
    teachers["teachers"]["stand-in"]["limits"]["patience_s"] = 2  # there is no server
    (folder / "teachers.yaml").write_text(yaml.safe_dump(teachers))
    monkeypatch.setenv("DRP_TEACHERS_FILE", str(folder / "teachers.yaml"))
    monkeypatch.setenv("DRP_BUDGET_USD", "0")
    settings.cache_clear()
    _profiles.cache_clear()
    document["questions"][0] |= {"size": 24, "seed": 3}
    nightly(open_night(str(folder / "changed.yaml"), "2026-12-02"))
    with closing(open_session(own.published())) as con:
        (row,) = store_content.ask(
            con, "SELECT count(*) AS n, count(*) FILTER (status = 'accepted') AS a FROM revisions"
        )
    versions = EXPECTED["corpus"]["versions"]["3"]
    assert row == {"n": versions["counts"]["revisions"], "a": versions["counts"]["examples"]}
    assert_same(
        store_content.ledger(settings().resolved_database_url)["totals"], EXPECTED["ledger"]["totals"]
    )


def test_new_requests_and_batches_go_into_the_old_ledger(own, drp):
    url, before = settings().resolved_database_url, EXPECTED["ledger"]
    with (
        provider(mind="echo", counter="quarter") as server,
        open_ledger(url) as books,
        asking(server, books, run="2026-12-03-llm") as one,
    ):
        assert len(one.ask(3)) == 3
        lines = reconcile("tester", one.teacher, one.session, 1)
    assert [(line.is_known, line.differs, line.recorded.answers) for line in lines] == [(True, False, 3)]
    after = store_content.ledger(url)
    assert_same(after["totals"][: len(before["totals"])], before["totals"])
    assert [total["run_id"] for total in after["totals"][len(before["totals"]) :]] == ["2026-12-03-llm"]
    assert len(after["batches"]) == len(before["batches"]) + 1
    assert drp("ledger", "show", "2026-12-03-llm")[0] == 0
    dead = sum(reason["requests"] for reason in before["dead"])
    assert drp("ledger", "retry-dead")[1] == f"{dead} requests may be sent again\n"


def test_the_command_reconciles_with_a_provider_that_has_forgotten(own, drp, monkeypatch):
    folder = Path(own.store.root).parent
    with provider() as server:
        teachers = yaml.safe_load((folder / "inputs/teachers_batch.yaml").read_text())
        teachers["teachers"]["stand-in"]["base_url"] = server.base_url
        (folder / "teachers.yaml").write_text(yaml.safe_dump(teachers))
        monkeypatch.setenv("DRP_TEACHERS_FILE", str(folder / "teachers.yaml"))
        monkeypatch.setenv("STAND_IN_KEY", server.key)
        settings.cache_clear()
        _profiles.cache_clear()
        status, _, err = drp("ledger", "reconcile", "--teacher", "stand-in")
    _profiles.cache_clear()
    assert status == 0, err
    assert_same(store_content.ledger(settings().resolved_database_url), EXPECTED["ledger"])


def test_aliases_move_on_and_back(own, drp):
    champions = EXPECTED["registry"]["champions"]
    with open_registry(settings().resolved_database_url) as registry:
        line = [move.to_id for move in registry.history("champion", TINY)]
        assert line[-1] == champions[TINY]
        status, out, _ = drp("registry", "rollback", "--student", TINY)
        assert (status, line[0] in out) == (0, True)
        assert registry.get("champion", TINY).checkpoint_id == line[0]
        with pytest.raises(NothingToRollBackError):  # it was promoted, and rolled back, by the old code
            registry.rollback("champion", "small")
        other = registry.get("challenger", TINY).checkpoint_id
        move = registry.promote(line[1], "champion", "again")
        assert (move.number, move.from_id, other) == (4, line[0], line[0])
        assert registry.champion("small").checkpoint_id == champions["small"]


def test_a_training_done_again_finds_all_of_it(own):
    recipe = str(Path(own.store.root).parent / "inputs/drp.yaml")
    trained = [one for one in EXPECTED["registry"]["checkpoints"] if one["student"] == "small"]
    base = model_folder("small")
    if base is None or model_digest(base) != trained[0]["base_sha256"]:
        pytest.skip("the small student is another one now: it is trained anew")
    before = EXPECTED["registry"]
    train_eval(open_training(recipe, "2026-11-23"), LAST)  # needs no torch: nothing is left to do
    assert_same(store_content.registry(settings().resolved_database_url), before)
    assert_same(store_content.corpus(own, COLUMNS), EXPECTED["corpus"])
