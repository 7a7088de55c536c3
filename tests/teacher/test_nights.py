"""A whole night through a provider: online and in batches the same corpus, bought once; no key anywhere."""

from pathlib import Path

import pytest
import yaml

from drp.ledger.ledger import open_ledger
from drp.recipe import RECIPES
from drp.settings import settings
from drp.sql.select import select
from drp.stages.night import Night, open_night
from drp.stages.nightly import nightly
from drp.teacher.errors import AnswersElsewhereError
from drp.teacher.profiles import _profiles
from tests.provider import provider
from tests.provider.teachers import as_teacher
from tests.stages.conftest import DAY, write_recipe

_ROWS = (
    "SELECT revision_id, status, thinking, response, reject_reasons, teacher, prompt_version FROM revisions "
    "ORDER BY revision_id"
)
_STEPS = "SELECT * EXCLUDE run_date FROM steps ORDER BY step_id"


@pytest.fixture
def server():
    with provider(batch_discount="0.5") as server:
        yield server


@pytest.fixture
def teach(tmp_path, monkeypatch, server):
    """Does a night with the stand-in as teacher, in a lake and with a ledger of the given names."""

    def night(backend: str, lake: str, ledger: str, *, budget: str = "5", **changes) -> Night:
        for name, value in (as_teacher(server, tmp_path, backend) | {"DRP_BUDGET_USD": budget}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("DRP_LAKE", str(tmp_path / lake))
        monkeypatch.setenv("DRP_DATABASE_URL", f"sqlite:///{tmp_path / ledger}")
        settings.cache_clear()
        _profiles.cache_clear()
        questions = [{"source": "synthetic", "size": 30, "seed": 3}]
        one = open_night(write_recipe(tmp_path, teacher="stand-in", questions=questions, **changes), DAY)
        nightly(one)
        return one

    yield night
    settings.cache_clear()


def rows(night: Night, query: str) -> list[dict]:
    return list(select(night.lake.published(), query))


def nano(ledger: Path) -> int:
    """What the ledger's books say that the night has cost, in nano-dollars."""
    with open_ledger(f"sqlite:///{ledger}") as books:
        return round(sum(total.known for total in books.totals()) * 10**9)


def test_online_and_in_batches_the_same_corpus_and_nothing_bought_twice(teach, server, tmp_path):
    online = teach("online", "lake-1", "ledger-1.db")
    accepted = [row for row in rows(online, _ROWS) if row["status"] == "accepted"]
    assert len(accepted) >= 15

    batches = teach("batch", "lake-2", "ledger-2.db")
    assert rows(batches, _ROWS) == rows(online, _ROWS)
    assert rows(batches, _STEPS) == rows(online, _STEPS)
    assert server.totals()["by_mode"] == {
        "online": nano(tmp_path / "ledger-1.db"),
        "batch": nano(tmp_path / "ledger-2.db"),
    }

    asked = server.totals()["asked"]
    gates = yaml.safe_load((RECIPES / "drp.yaml").read_text())["gates"]
    gates["rows"]["min_characters"] += 1
    again = teach("batch", "lake-1", "ledger-1.db", gates=gates)  # made anew of what was bought online
    assert len(rows(again, _ROWS)) == len(rows(batches, _ROWS))
    assert server.totals()["asked"] == asked
    with pytest.raises(AnswersElsewhereError):
        teach("online", "lake-3", "ledger-1.db")
    assert server.totals()["asked"] == asked


def test_the_books_move_to_the_lake_and_hold_no_key(teach, server, tmp_path):
    night = teach("online", "lake", "ledger.db")
    calls = rows(night, "SELECT call_id, cost_usd, raw_text FROM teacher_calls")
    assert len(calls) == server.totals()["billed"] > 0
    assert round(sum(call["cost_usd"] for call in calls) * 10**9) == server.totals()["nano_usd"]
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        entries = ledger.known([call["call_id"] for call in calls])
        assert all(entry.exported_in == night.run_id and not entry.answer.text for entry in entries.values())
    asked = server.totals()["asked"]
    nightly(night)
    assert server.totals()["asked"] == asked

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert not [path for path in files if server.key.encode() in Path(path).read_bytes()]


def test_without_a_budget_nothing_is_bought(teach, server):
    from drp.ledger.errors import BudgetExhaustedError

    with pytest.raises(BudgetExhaustedError, match="DRP_BUDGET_USD="):
        teach("online", "lake", "ledger.db", budget="0")
    assert server.totals()["asked"] == 0
