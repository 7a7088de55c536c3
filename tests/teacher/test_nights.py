"""Whole nights through a provider: the same corpus online and in batches, paid once, despite faults."""

import pytest

from drp.ledger.errors import BudgetExhaustedError
from drp.ledger.ledger import open_ledger
from drp.pipeline.nightly import nightly
from drp.teacher.llm import prompts
from drp.teacher.transport.errors import AnswersElsewhereError
from tests.scripted_student.server import scripted
from tests.teacher.conftest import REVISIONS, STEPS, counted, other_gates, rows

pytestmark = pytest.mark.services


STORM = {
    "online": {
        **{"rate_limited": 0.04, "rate_limited_bare": 0.02, "http_500": 0.04, "http_503": 0.04, "hang": 0.01},
        **{"reset_before": 0.02, "reset_after": 0.02, "truncated": 0.02, "slow": 0.02, "cut": 0.02},
        **{"malformed": 0.02, "empty": 0.02, "wrong_schema": 0.02, "refusal": 0.01, "filtered": 0.01},
    },
    "rows": {
        **{
            "row_400": 0.02,
            "row_429": 0.06,
            "row_500": 0.06,
            "missing": 0.04,
            "cut": 0.03,
            "malformed": 0.03,
        },
        **{"empty": 0.02, "wrong_schema": 0.02, "refusal": 0.01, "filtered": 0.01},
    },
    "api": {"rate_limited": 0.1, "http_500": 0.1, "reset_before": 0.05, "reset_after": 0.05},
}
"""Almost a third of all requests have no answer or an unusable one."""


def test_online_and_in_batches_the_same_corpus_and_nothing_bought_twice(teach, server):
    online = teach("online", "lake-1", "ledger-1.db")
    accepted = [row for row in rows(online, REVISIONS) if row["status"] == "accepted"]
    assert len(accepted) >= 15

    batches = teach("batch", "lake-2", "ledger-2.db")
    assert rows(batches, REVISIONS) == rows(online, REVISIONS)
    assert rows(batches, STEPS) == rows(online, STEPS)
    assert server.totals()["by_mode"] == {
        "online": teach.nano("ledger-1.db"),
        "batch": teach.nano("ledger-2.db"),
    }
    asked = server.totals()["asked"]
    with pytest.raises(AnswersElsewhereError):
        teach("online", "lake-3", "ledger-1.db")
    assert server.totals()["asked"] == asked


@pytest.mark.parametrize("backend", ["online", "batch"])
def test_in_a_storm_every_row_ends(teach, server, backend):
    size = scripted(90, 3)["questions"]
    calm = teach(backend, "calm", "calm.db", questions=size)
    server.set_faults(**STORM, seed=5)
    limits = {"timeout_s": 3.0, "in_flight": 24}
    stormy = teach(backend, "stormy", "stormy.db", questions=size, profile={"limits": limits})
    assert counted(stormy)["rollouts"] == counted(calm)["rollouts"] == 90
    assert counted(stormy)["rejected"] > counted(calm)["rejected"]
    assert counted(stormy)["reasons"] & {"unanswered", "malformed", "truncated"}
    texts = {row["revision_id"]: row for row in rows(calm, REVISIONS)}
    accepted = [row for row in rows(stormy, REVISIONS) if row["status"] == "accepted"]
    assert len(accepted) > 30
    assert all(row == texts[row["revision_id"]] for row in accepted)
    billed = server.totals()["by_mode"][backend] - teach.nano("calm.db") - teach.nano("stormy.db")
    if backend == "batch":
        assert billed == 0
    else:  # answers lost with their connection were billed; the ledger has estimates of them
        with open_ledger(teach.url("stormy.db")) as ledger:
            assert 0 < billed < 2 * ledger.spent(stormy.run_id).reserved * 10**9


SMALL = {"questions": scripted(12, 3)["questions"]}


@pytest.mark.parametrize(
    ("backend", "changes"),
    [
        ("batch", {}),
        ("online", {"day": "2026-11-21"}),
        ("online", {"env": {"DRP_WORKERS": "2"}, "profile": {"limits": {"in_flight": 3}}}),
    ],
    ids=["in batches", "a run of another name", "other cores and limits"],
)
def test_what_cannot_change_an_answer_costs_nothing(teach, server, backend, changes):
    first = teach("online", **SMALL)
    before, counts = {row["revision_id"] for row in rows(first, REVISIONS)}, counted(first)
    asked = server.totals()["asked"]
    second = teach(backend, gates=other_gates(), **SMALL, **changes)
    assert before.isdisjoint(row["revision_id"] for row in rows(second, REVISIONS))
    assert counted(second) == counts
    assert server.totals()["asked"] == asked > 0


@pytest.mark.parametrize(
    "change",
    [
        lambda server: {"profile": {"model": "other"}},
        lambda server: {"profile": {"base_url": server.base_url.replace("127.0.0.1", "localhost")}},
        lambda server: {"profile": {"sampling": {"temperature": 0, "seed": 1}}},
        lambda server: {"profile": {"supports": ["batch", "seed"]}},
        lambda server: {"decomposition": "sentence"},
        lambda server: {"asking": "indexed"},
    ],
    ids=["model", "base URL", "sampling", "schema", "decomposition", "asking"],
)
def test_what_can_change_an_answer_is_bought_anew(teach, server, change):
    teach("online", **SMALL)
    asked = server.totals()["asked"]
    changed = teach("online", **SMALL, **change(server))
    assert len(rows(changed, "FROM teacher_calls")) == server.totals()["asked"] >= 2 * asked > 0


def test_another_prompt_is_bought_anew(teach, server, monkeypatch):
    teach("online", **SMALL)
    asked = server.totals()["asked"]
    real = prompts.prompt("fused")
    other = prompts.Prompt("fused", real.number + 1, real.text)
    for module in ("drp.teacher.llm.messages", "drp.teacher.llm.prompts"):
        monkeypatch.setattr(f"{module}.prompt", lambda name: other)
    night = teach("online", **SMALL)
    assert server.totals()["asked"] == 2 * asked
    calls = rows(night, "SELECT call_id FROM teacher_calls")
    assert len(calls) == 2 * asked  # what the old prompt bought stays bought
    with open_ledger(teach.url("ledger.db")) as ledger:
        entries = ledger.known([call["call_id"] for call in calls])
    assert {entry.state for entry in entries.values()} == {"landed"}
    assert len(entries) == 2 * asked


def test_answers_are_exported_to_the_lake_without_the_key(teach, server, tmp_path):
    night = teach("online")
    calls = rows(night, "SELECT call_id, cost_usd, raw_text FROM teacher_calls")
    assert len(calls) == server.totals()["billed"] > 0
    assert round(sum(call["cost_usd"] for call in calls) * 10**9) == server.totals()["nano_usd"]
    with open_ledger(teach.url("ledger.db")) as ledger:
        entries = ledger.known([call["call_id"] for call in calls])
        assert all(entry.exported_in == night.run_id and not entry.answer.text for entry in entries.values())
    asked = server.totals()["asked"]
    nightly(night)
    assert server.totals()["asked"] == asked

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert not [path for path in files if server.key.encode() in path.read_bytes()]


def test_without_a_budget_nothing_is_bought(teach, server):
    with pytest.raises(BudgetExhaustedError, match="DRP_BUDGET_USD="):
        teach("online", env={"DRP_BUDGET_USD": "0"})
    assert server.totals()["asked"] == 0
