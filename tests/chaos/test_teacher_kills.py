"""`kill -9` while an LLM teacher is asked, then run again: the same corpus, and books that agree.

In batches nothing is paid twice and nothing that was paid is lost. Online a connection that dies takes its
answer with it: what is bought twice is at most what was in flight, each marked `lost_in_flight`.

DRP_KILLS_BATCH and DRP_KILLS_ONLINE say how often (defaults 6 and 3), DRP_KILLS_SEED draws the same moments:

    DRP_KILLS_BATCH=150 DRP_KILLS_ONLINE=50 pytest tests/chaos/test_teacher_kills.py
"""

import os
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

import pytest

from drp.ledger.ledger import open_ledger
from tests.chaos.kills import Folder, Killer, Undisturbed
from tests.chaos.test_kills import kill, tonight
from tests.fake_provider import Provider, provider
from tests.fake_provider.teachers import as_teacher
from tests.helpers.airflow_home import environment

pytestmark = pytest.mark.chaos


STAND_IN = {
    "batch_discount": "0.5",
    "latency_s": 0.1,
    "batches": {"validating_s": 0.2, "row_s": 0.02, "finalizing_s": 0.2},
    "faults": {"api": {"reset_after": 0.03, "http_500": 0.03}, "online": {"reset_after": 0.03}},
}


@dataclass
class TeacherKiller(Killer):
    """Each night has a provider that starts anew, and a ledger of its own."""

    server: Provider = field(kw_only=True)
    backend: Literal["batch", "online"] = field(kw_only=True)
    books: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        counts = ", ".join(f"{number:,} {what}" for what, number in self.books.items())
        return f"{self.backend}: {self.figures}\n  books: {counts}"

    def undisturbed(self) -> Undisturbed:
        self.server.restart(**STAND_IN)
        return super().undisturbed()

    def night(self, reference: Undisturbed, kills: int) -> int:
        self.server.restart(**STAND_IN)
        return super().night(reference, kills)

    def _env(self, lake: Folder) -> dict[str, str]:
        return {**super()._env(lake), "DRP_DATABASE_URL": self._ledger(lake)}

    def _ledger(self, lake: Folder) -> str:
        return f"sqlite:///{lake.root}.db"

    def _check(self, lake: Folder, reference: Undisturbed) -> None:
        super()._check(lake, reference)
        theirs = self.server.totals()
        with open_ledger(self._ledger(lake)) as ledger:
            totals = ledger.totals()
        landed, lost = sum(t.landed for t in totals), sum(t.lost.attempts for t in totals)
        nano = int(sum((t.known for t in totals), Decimal(0)).scaleb(9))
        self.books.update(
            {
                "answers billed": theirs["billed"],
                "landed": landed,
                "bought twice": theirs["paid_twice"],
                "lost in flight": lost,
                "nano-dollars more there than here": theirs["nano_usd"] - nano,
            }
        )
        assert theirs["billed"] - landed >= theirs["paid_twice"]
        if self.backend == "batch":
            assert (theirs["billed"], theirs["nano_usd"], lost) == (landed, nano, 0)
            assert "agrees" in self.command(lake, "ledger", "reconcile")
        else:
            assert theirs["billed"] - landed <= lost


@pytest.mark.parametrize(("backend", "kills"), [("batch", "6"), ("online", "3")])
def test_killed_nights_pay_once(tmp_path, capsys, backend, kills):
    seed = int(os.environ.get("DRP_KILLS_SEED") or random.SystemRandom().randrange(2**32))
    print(f"DRP_KILLS_SEED={seed}")  # captured: shown if the test fails
    with provider(**STAND_IN) as server:
        teacher = as_teacher(server, tmp_path, backend, limits={"in_flight": 8})
        env = environment(tmp_path, DRP_WORKERS="1", **teacher)
        killer = TeacherKiller(
            *("drp", ["nightly", *tonight(tmp_path)], env, tmp_path / backend, random.Random(seed)),  # noqa: S311
            by_the_clock=0.6,
            server=server,
            backend=backend,
        )
        kill(killer, killer.undisturbed(), int(os.environ.get(f"DRP_KILLS_{backend.upper()}", kills)))
    with capsys.disabled():
        print(f"\nDRP_KILLS_SEED={seed}", killer, sep="\n", file=sys.stderr)
