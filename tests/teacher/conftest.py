"""Whole nights with a fake provider as the teacher."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from drp.config.recipe import RECIPES
from drp.config.settings import settings
from drp.config.teacher_profiles import _profiles
from drp.ledger.ledger import open_ledger
from drp.pipeline.nightly import nightly
from drp.query.session import select
from drp.runtime.context import RunContext, open_night
from tests.fake_provider import Provider, provider
from tests.fake_provider.teachers import as_teacher
from tests.helpers.nights import DAY, write_recipe
from tests.scripted_student.server import scripted

REVISIONS = (
    "SELECT revision_id, status, thinking, response, reject_reasons, teacher, prompt_version FROM revisions "
    "ORDER BY revision_id"
)
STEPS = "SELECT * EXCLUDE run_date FROM steps ORDER BY step_id"


@pytest.fixture
def server() -> Iterator[Provider]:
    """A fake provider with the models `stand-in` and `other`."""
    with provider(batch_discount="0.5", models={"stand-in": {}, "other": {}}) as server:
        yield server


@dataclass(frozen=True)
class Nights:
    """Runs nights in lakes and with ledgers of given names."""

    folder: Path
    server: Provider
    patch: pytest.MonkeyPatch

    def open(
        self,
        backend: str,
        lake: str = "lake",
        ledger: str = "ledger.db",
        *,
        day: str = DAY,
        profile: dict[str, Any] | None = None,
        env: dict[str, str] | None = None,
        **changes: Any,
    ) -> RunContext:
        """Open a night with a recipe like drp.yaml and 30 questions; `changes` go into the recipe."""
        variables = as_teacher(self.server, self.folder, backend, **(profile or {}))
        variables |= {"DRP_LAKE": str(self.folder / lake), "DRP_DATABASE_URL": self.url(ledger)}
        for name, value in (variables | (env or {})).items():
            self.patch.setenv(name, value)
        settings.cache_clear()
        _profiles.cache_clear()
        recipe = write_recipe(self.folder, **scripted(30, 3) | {"teacher": "stand-in"} | changes)
        return open_night(recipe, day)

    def __call__(self, backend: str, *names: str, traces: Path | None = None, **how: Any) -> RunContext:
        """Run a night, with recorded traces if given."""
        night = self.open(backend, *names, **how)
        nightly(night, str(traces) if traces else None)
        return night

    def url(self, ledger: str) -> str:
        """Return the URL of a ledger."""
        return f"sqlite:///{self.folder / ledger}"

    def nano(self, ledger: str = "ledger.db") -> int:
        """Return what the nights have cost by the ledger, in nano-dollars."""
        with open_ledger(self.url(ledger)) as session:
            return int(sum((total.known for total in session.totals()), Decimal(0)).scaleb(9))


@pytest.fixture
def teach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Provider) -> Iterator[Nights]:
    """Run nights with the fake provider as the teacher."""
    yield Nights(tmp_path, server, monkeypatch)
    settings.cache_clear()
    _profiles.cache_clear()


def other_gates() -> dict[str, Any]:
    """Return gates with which every revision is made again from the same answers."""
    gates: dict[str, Any] = yaml.safe_load((RECIPES / "drp.yaml").read_text())["gates"]
    gates["rows"]["min_characters"] += 1
    return gates


def rows(night: RunContext, query: str) -> list[dict[str, Any]]:
    """Return the rows of a query on published data."""
    return list(select(night.lake.published(), query))


def counted(night: RunContext) -> dict[str, Any]:
    """Count rollouts and rejections; check that every rollout has exactly one revision."""
    revised = rows(night, "SELECT rollout_id, status, reject_reasons FROM revisions")
    (total,) = rows(night, "SELECT count(*) AS n FROM rollouts")
    assert len({row["rollout_id"] for row in revised}) == len(revised) == total["n"]
    rejected = [row["reject_reasons"] for row in revised if row["status"] == "rejected"]
    assert all(rejected)
    return {"rollouts": total["n"], "rejected": len(rejected), "reasons": {r[0] for r in rejected}}
