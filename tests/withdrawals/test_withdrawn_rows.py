"""Discarded nights and removed sources leave with all that was made from them, in a folder and on S3."""

import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from drp.cli.main import app
from drp.config.settings import settings
from drp.core.errors import BadInputError
from drp.core.lake_schemas import CORPUS_TABLES, id_column
from drp.lake.runs import Run
from drp.lake.sweep import unneeded
from drp.lake.versions import UnknownVersionError, Versions
from drp.query.session import select
from drp.query.version_diff import difference
from drp.registry.registry import Registry, open_registry
from drp.runtime.flagged_checkpoints import plan_remove_and_flag, remove_and_flag
from drp.stages.publish import release
from drp.storage import SecondWriterError
from drp.withdrawals import CannotDiscardError, UnknownSourceError, discard, stale_reports, withdrawals
from drp.withdrawals.affected_rows import _LEAVES, TABLES
from tests.helpers.checkpoints import make_checkpoint
from tests.helpers.lake_runs import publish, write
from tests.helpers.row_factories import make_event, make_teacher_call
from tests.withdrawals.chains import chain, question, revision, together

NIGHT_1, NIGHT_2, NIGHT_3 = "2026-11-20-drp", "2026-11-21-drp", "2026-11-22-steps"
ALL = timedelta(seconds=-5)
LICENSED = "licensed.jsonl"


@pytest.fixture(autouse=True)
def registry(tmp_path, monkeypatch, lake):
    monkeypatch.setenv("DRP_DATABASE_URL", f"sqlite:///{tmp_path}/drp.db")
    settings.cache_clear()


def ids(lake, table: str, number: int | None = None) -> set[str]:
    query = f"SELECT {id_column(table)} AS id FROM {table}"
    rows = [row["id"] for row in select(lake.published(number), query)]
    assert len(rows) == len(set(rows)), f"a row of {table} is there twice"
    return set(rows)


def names(lake, number: int | None = None) -> set[str]:
    """The chains of which any row is in a version."""
    return {row.split("-")[1] for table in CORPUS_TABLES for row in ids(lake, table, number)}


def no_orphans(lake) -> bool:
    query = """
        SELECT count(*) AS n FROM (
            SELECT 1 FROM rollouts ANTI JOIN questions USING (question_id)
            UNION ALL SELECT 1 FROM revisions ANTI JOIN rollouts USING (rollout_id)
            UNION ALL SELECT 1 FROM decompositions ANTI JOIN rollouts USING (rollout_id)
            UNION ALL SELECT 1 FROM steps ANTI JOIN decompositions USING (decomposition_id)
            UNION ALL SELECT 1 FROM decisions ANTI JOIN revisions USING (revision_id)
            UNION ALL SELECT 1 FROM examples ANTI JOIN revisions USING (revision_id)
        )
    """
    return next(select(lake.published(), query))["n"] == 0


def bytes_with(lake, text: str) -> list[str]:
    """Keys of the parts whose rows mention a text."""
    found = []
    for table in CORPUS_TABLES:
        for stored in lake.store.listed(table):
            rows = select({table: [lake.store.uri(stored.key)]}, f"FROM {table}")
            if any(text in json.dumps(row, default=str) for row in rows):
                found.append(stored.key)
    return found


def test_every_table_of_the_corpus_says_which_of_its_rows_leave():
    assert set(_LEAVES) == set(TABLES)


class TestDiscard:
    def test_a_nights_rows_leave_with_what_other_nights_made_from_them(self, lake):
        publish(lake, NIGHT_1, chain("a"))
        publish(lake, NIGHT_2, chain("b") | {"events": [make_event(run_id=NIGHT_2)]})
        publish(
            lake, NIGHT_3, together(chain("c", recipe="steps"), revision("other", of="b", recipe="steps"))
        )
        record = discard(lake, NIGHT_2, "the student was the wrong one")
        assert names(lake) == {"a", "c"}
        assert no_orphans(lake)
        assert names(lake, 3) == {"a", "b", "c", "other"}, "older versions stay"
        assert lake.run(NIGHT_2).state().state == "discarded"
        assert record.version == lake.corpus.current().number == 4
        assert record.rows["revisions"] == 2
        assert not list(select(lake.published(), "FROM events"))
        assert lake.verify(p.part for p in lake.corpus.current().parts)
        changes = {
            row.table: row.dropped for row in difference(lake, lake.corpus.read(3), lake.corpus.read(4)).rows
        }
        assert changes == record.rows

    def test_a_question_that_another_night_has_sampled_stays(self, lake):
        publish(lake, NIGHT_1, together(question("a"), question("b")))
        later = revision("a2", of="a2")
        later["rollouts"] = [question("a")["rollouts"][0] | {"rollout_id": "r-a2", "question_id": "q-a"}]
        publish(lake, NIGHT_2, later)
        discard(lake, NIGHT_1, "sampled too hot")
        assert ids(lake, "questions") == {"q-a"}
        assert ids(lake, "rollouts") == {"r-a2"}
        publish(lake, NIGHT_1, question("z"), shard="s2")
        assert ids(lake, "questions") == {"q-a", "q-z"}, "publishing the night again keeps the question"

    def test_paid_answers_stay(self, lake):
        publish(lake, NIGHT_1, chain("a"))
        run = lake.run(NIGHT_1)
        with run.shard("calls", "0000", "calls") as out:
            out.add("teacher_calls", make_teacher_call())
        lake.publish(run, run.shard_files())
        discard(lake, NIGHT_1, "why")
        assert len(list(select(lake.published(), "FROM teacher_calls"))) == 1
        assert [done.stage for done in run.shard_files()] == ["calls"]

    def test_a_quarantined_night_is_discarded_and_can_no_longer_be_released(self, lake):
        publish(lake, NIGHT_1, chain("a"))
        write(lake, NIGHT_2, chain("b")).finish("quarantined", "why")
        record = discard(lake, NIGHT_2, "a broken export")
        assert (record.version, names(lake), lake.quarantined()) == (1, {"a"}, [])
        assert not list(lake.run(NIGHT_2).shard_files())

    @pytest.mark.parametrize("dies_at", ["results", "corpus", "start_anew", "finish"])
    def test_a_killed_discard_is_continued_by_the_next_one(self, lake, monkeypatch, dies_at):
        publish(lake, NIGHT_1, chain("a"))
        publish(lake, NIGHT_2, chain("b"))
        publish(lake, NIGHT_3, revision("other", of="b", recipe="steps"))

        def die(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            if dies_at in ("results", "corpus"):
                change = Versions.change
                patch.setattr(
                    Versions,
                    "change",
                    lambda self, *a, **k: die() if self._folder.endswith(dies_at) else change(self, *a, **k),
                )
            else:
                patch.setattr(Run, dies_at, die)
            discard(lake, NIGHT_2, "why")
        record = discard(lake, NIGHT_2, "another reason")
        assert (record.reason, names(lake), no_orphans(lake)) == ("why", {"a"}, True)
        assert len(withdrawals(lake.store)) == 1
        assert not list(lake.run(NIGHT_2).shard_files())

    def test_it_is_refused_while_the_night_is_open_or_has_no_rows(self, lake):
        write(lake, NIGHT_1, chain("a"))
        with pytest.raises(CannotDiscardError, match="has not ended"):
            discard(lake, NIGHT_1, "why")
        publish(lake, NIGHT_2, chain("b"))
        discard(lake, NIGHT_2, "why")
        assert discard(lake, NIGHT_2, "another reason").reason == "why"
        lake.run("2026-11-22-drp").finish("nothing new", "")
        with pytest.raises(CannotDiscardError, match="no rows to discard"):
            discard(lake, "2026-11-22-drp", "why")
        with pytest.raises(BadInputError, match="training run"):
            lake.run("2026-11-20-train-drp").finish("published", "")
            discard(lake, "2026-11-20-train-drp", "why")

    def test_the_night_starts_anew(self, lake):
        publish(lake, NIGHT_1, chain("a"))
        discard(lake, NIGHT_1, "why")
        publish(lake, NIGHT_1, chain("a"))
        assert names(lake) == {"a"}


class TestRemove:
    @pytest.fixture
    def mixed(self, lake):
        """Two sources in the same parts, and two versions; a quarantined night made more of both."""
        publish(lake, NIGHT_1, together(chain("a"), chain("p", source=LICENSED)))
        publish(lake, NIGHT_2, chain("b"), shard="s2")
        more = together(revision("a2", of="a", recipe="steps"), revision("p2", of="p", recipe="steps"))
        write(lake, NIGHT_3, more).finish("quarantined", "why", fingerprints=["f"])
        return lake

    def test_a_source_leaves_every_table_and_every_run(self, mixed):
        record = remove_and_flag(mixed, LICENSED, "its licence forbids it").record
        assert names(mixed) == {"a", "b"}
        assert no_orphans(mixed)
        assert record.rows == {
            "questions": 1, "rollouts": 1, "dead_letters": 1, "decompositions": 1, "steps": 2,
            "revisions": 1, "decisions": 2, "examples": 1,
        }  # fmt: skip
        release(mixed, NIGHT_3)
        assert names(mixed) == {"a", "b", "a2"}
        assert no_orphans(mixed)

    def test_versions_with_it_are_retired_and_cannot_come_back(self, mixed):
        assert plan_remove_and_flag(mixed, LICENSED).plan.retired == [1, 2]
        remove_and_flag(mixed, LICENSED, "why")
        assert mixed.corpus.numbers() == [3]
        for number in (1, 2):
            with pytest.raises(UnknownVersionError, match="was retired"):
                mixed.corpus.rollback(number)
        mixed.store.put("_pointers/corpus.json", b"damaged")
        mixed.corpus.rollback(3)
        assert mixed.corpus.numbers() == [3], "a repaired pointer does not bring them back"

    def test_a_version_without_it_stays(self, lake):
        publish(lake, NIGHT_1, chain("a"))
        publish(lake, NIGHT_2, chain("p", source=LICENSED), shard="s2")
        remove_and_flag(lake, LICENSED, "why")
        assert lake.corpus.numbers() == [1, 3]
        assert names(lake, 1) == {"a"}

    def test_the_sweep_deletes_the_bytes_after_its_window_and_not_before(self, mixed):
        assert len(bytes_with(mixed, "q-p")) >= 3
        remove_and_flag(mixed, LICENSED, "why")
        assert [thing.name for thing in unneeded(mixed, timedelta(hours=1))] == []
        assert bytes_with(mixed, "q-p")
        for _ in range(2):  # the second sweep deletes what the first one no longer needs
            for thing in list(unneeded(mixed, ALL)):
                thing.delete()
        assert bytes_with(mixed, "-p") == []
        assert names(mixed) == {"a", "b"}
        assert not [key for key in (s.key for s in mixed.store.listed("_manifests")) if "retired" in key]
        release(mixed, NIGHT_3)
        assert names(mixed) == {"a", "b", "a2"}

    def test_reports_that_may_quote_it_are_swept_too(self, mixed):
        mixed.store.put(f"_reports/{NIGHT_1}/report.html", b"a quotation")
        mixed.store.put(f"_reports/{NIGHT_2}/report.html", b"something else")
        assert list(stale_reports(mixed, ALL)) == []
        remove_and_flag(mixed, LICENSED, "why")
        assert list(stale_reports(mixed, timedelta(hours=1))) == []
        assert [thing.name for thing in stale_reports(mixed, ALL)] == [f"_reports/{NIGHT_1}/report.html"]

    def test_a_removal_is_idempotent_and_unknown_names_are_refused(self, mixed):
        remove_and_flag(mixed, LICENSED, "why")
        before = mixed.corpus.current()
        remove_and_flag(mixed, LICENSED, "another reason")
        assert mixed.corpus.current() == before
        assert [record.reason for record in withdrawals(mixed.store)] == ["why"]
        with pytest.raises(UnknownSourceError, match=r"gsm8k\.jsonl"):
            remove_and_flag(mixed, "no-such-file", "why")
        with pytest.raises(BadInputError, match="reason"):
            remove_and_flag(mixed, "gsm8k.jsonl", "  ")

    @pytest.mark.parametrize("dies_at", ["change", "retire", "change_shard_files", "flag"])
    def test_a_killed_removal_is_continued_by_the_next_one(self, mixed, monkeypatch, dies_at):
        add_checkpoint(1)
        owner = next(kind for kind in (Versions, Run, Registry) if hasattr(kind, dies_at))

        def die(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(owner, dies_at, die)
            remove_and_flag(mixed, LICENSED, "why")
        record = remove_and_flag(mixed, LICENSED, "another reason").record
        assert (record.reason, record.version) == ("why", 3)
        assert names(mixed) == {"a", "b"}
        assert mixed.corpus.numbers() == [3]
        assert len(withdrawals(mixed.store)) == 1
        with open_registry(settings().resolved_database_url) as registry:
            assert len(registry.flags()) == 1

    def test_a_night_that_publishes_at_the_same_time_loses_nothing(self, mixed, monkeypatch):
        write_ = Versions._write
        published = []

        def meanwhile(self, *args):
            if not published and self._folder.endswith("corpus"):
                published.append(1)
                publish(mixed, "2026-11-23-drp", chain("n"), shard="s9")
            return write_(self, *args)

        monkeypatch.setattr(Versions, "_write", meanwhile)
        remove_and_flag(mixed, LICENSED, "why")
        assert names(mixed) == {"a", "b", "n"}

    def test_two_removals_at_once_are_both_whole(self, mixed, monkeypatch):
        publish(mixed, "2026-11-23-drp", chain("o", source="other.jsonl"), shard="s9")
        write_ = Versions._write
        removed = []

        def meanwhile(self, *args):
            if not removed and self._folder.endswith("corpus"):
                removed.append(1)
                remove_and_flag(mixed, "other.jsonl", "another reason")
            return write_(self, *args)

        monkeypatch.setattr(Versions, "_write", meanwhile)
        remove_and_flag(mixed, LICENSED, "why")
        assert names(mixed) == {"a", "b"}
        assert no_orphans(mixed)
        assert {record.target for record in withdrawals(mixed.store)} == {LICENSED, "other.jsonl"}

    @pytest.mark.parametrize("lake", ["folder"], indirect=True)  # S3 stores probe it once and remember it
    def test_a_store_without_conditional_writes_has_one_withdrawal_at_a_time(self, mixed, monkeypatch):
        monkeypatch.setattr(type(mixed.store), "is_conditional", False)
        mixed.store.put("_writer.json", b'{"run_id": "removal of something"}')
        with pytest.raises(SecondWriterError, match="removal of something has not ended"):
            remove_and_flag(mixed, LICENSED, "why")
        with pytest.raises(SecondWriterError):
            discard(mixed, NIGHT_1, "why")
        assert names(mixed) == {"a", "b", "p"}
        assert withdrawals(mixed.store) == []

    def test_checkpoints_that_were_trained_on_it_are_flagged(self, mixed, drp):
        flagged = add_checkpoint(1)
        add_checkpoint(2, recipe="another recipe, which has no examples of it")
        child = add_checkpoint(7, base_model=f"small@{flagged[:12]}")
        assert [c.checkpoint_id for c in plan_remove_and_flag(mixed, LICENSED).checkpoints] == [
            child,
            flagged,
        ]
        remove_and_flag(mixed, LICENSED, "its licence forbids it")
        with open_registry(settings().resolved_database_url) as registry:
            assert set(registry.flags()) == {flagged, child}
        status, out, _ = drp("registry", "list", "--format", "csv")
        assert status == 0
        assert out.count(f"removed source {LICENSED}") == 2
        assert "its licence forbids it" in drp("registry", "show", flagged)[1]
        assert "is flagged" in drp("registry", "promote", flagged)[2]


def add_checkpoint(number: int, **changes: object) -> str:
    checkpoint = make_checkpoint(number, **changes)
    with open_registry(settings().resolved_database_url) as registry:
        registry.register(checkpoint)
    return checkpoint.checkpoint_id


@pytest.mark.parametrize("lake", ["folder"], indirect=True)
class TestCommands:
    def run(self, *words: str) -> str:
        done = CliRunner().invoke(app, list(words), catch_exceptions=False)
        assert done.exit_code == 0
        return done.output

    def test_discard_says_what_it_does_and_diff_explains_it(self, lake):
        publish(lake, NIGHT_1, chain("a"))
        publish(lake, NIGHT_2, chain("b"), shard="s2")
        words = ["corpus", "discard", NIGHT_2, "--reason", "the wrong student"]
        assert "nothing was changed" in self.run(*words, "--dry-run")
        assert names(lake) == {"a", "b"}
        said = " ".join(self.run(*words).split())
        assert "corpus version 3 is without its rows" in said
        assert "drp nightly --run-date 2026-11-21 --recipe drp" in said
        shown = self.run("corpus", "diff")
        assert f"discarded night {NIGHT_2}" in shown
        assert "the wrong student" in shown

    def test_remove_says_before_what_it_does_and_diff_explains_it(self, lake):
        publish(lake, NIGHT_1, together(chain("a"), chain("p", source=LICENSED)))
        checkpoint = add_checkpoint(1)
        words = ["corpus", "remove", "--source", LICENSED, "--reason", "its licence"]
        shown = self.run(*words, "--dry-run")
        assert "retired, because they have such rows: 1" in shown
        assert checkpoint in shown
        assert names(lake) == {"a", "p"}
        assert lake.corpus.numbers() == [1]
        assert "corpus version 2 is without it" in " ".join(self.run(*words).split())
        shown = self.run("corpus", "diff")
        assert f"removed source {LICENSED}" in shown
        assert "version 1 was retired" in shown
