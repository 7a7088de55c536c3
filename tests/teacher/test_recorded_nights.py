"""Recorded traces through an LLM teacher: the same corpus online and in batches, and what it costs."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from drp.pipeline.nightly import nightly
from drp.runtime.cost_estimate import estimate
from drp.stages.ingest import ingest
from drp.stages.plan import plan
from tests.helpers.shared_data import shared_file
from tests.teacher.conftest import REVISIONS, STEPS, counted, other_gates, rows

pytestmark = pytest.mark.services


def _written(path: Path, table: list[dict]) -> Path:
    pq.write_table(pa.Table.from_pylist(table), path)
    return path


def test_recorded_traces_online_and_in_batches(teach, server, tmp_path, capsys):
    traces = sorted(
        pq.read_table(shared_file("traces.parquet")).to_pylist(), key=lambda row: len(row["thinking"] or "")
    )
    more = [*range(50, len(traces), 100)]  # ten of 1,043, of all lengths
    most = _written(tmp_path / "most.parquet", [row for i, row in enumerate(traces) if i not in more])
    random.Random(2).shuffle(traces)  # noqa: S311
    everything = _written(tmp_path / "everything.parquet", traces)
    rich = {"DRP_BUDGET_USD": "100", "DRP_WORKERS": "2"}

    night = teach.open("online", "lake-1", "ledger-1.db", env=rich)
    expected = estimate(night, plan(night, given=ingest(night, str(most))))
    nightly(night, str(most))
    bill = teach.nano("ledger-1.db")
    assert server.totals()["nano_usd"] == bill

    night = teach("online", "lake-1", "ledger-1.db", env=rich, traces=everything, day="2026-11-21")
    with_more = teach.nano("ledger-1.db")
    assert counted(night)["rollouts"] == len(traces)

    batches = teach("batch", "lake-2", "ledger-2.db", env=rich, traces=everything)
    assert rows(batches, REVISIONS) == rows(night, REVISIONS)
    assert rows(batches, STEPS) == rows(night, STEPS)
    in_batches = teach.nano("ledger-2.db")
    assert server.totals()["by_mode"] == {"online": with_more, "batch": in_batches}

    asked, counts = server.totals()["asked"], counted(night)
    switched = teach("batch", "lake-1", "ledger-1.db", env=rich, gates=other_gates(), traces=everything)
    assert counted(switched) == counts
    assert server.totals()["asked"] == asked

    ratios = {
        "estimate over bill": float(expected.usd * 10**9) / bill,
        f"{len(more) / (len(traces) - len(more)):.2%} more cost": with_more / bill - 1,
        "in batches over online": in_batches / with_more,
    }
    with capsys.disabled():
        print(f"\n{bill / 1e9:.2f} USD online;", ", ".join(f"{k}: {v:.4f}" for k, v in ratios.items()))
    # The estimate counts no token of a prompt as cached, and the bill does.
    assert 0.9 <= ratios["estimate over bill"] <= 1.15
    assert with_more / bill - 1 <= 1.1 * len(more) / (len(traces) - len(more))
