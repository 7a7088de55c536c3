"""The recipe's teacher, ready to work."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from drp.config import Recipe, TeacherProfile, settings
from drp.core import load_plugin
from drp.teacher.process_pool import TeacherPool
from drp.teacher.protocol import Teacher
from drp.teacher.transport.ledger_session import Archive, LedgerSession
from drp.teacher.transport.protocol import Driver


@contextmanager
def open_teacher(
    recipe: Recipe, workers: int, *, run_id: str, archive: Archive, may_defer_since: datetime | None = None
) -> Iterator[Teacher]:
    """The teacher that `recipe` names, for the time of a `with` block.

    Args:
        recipe: names the teacher and says how it is asked.
        workers: processes of one that works on this machine's cores.
        run_id: the night that pays.
        archive: raw replies that earlier nights moved from the ledger to the lake.
        may_defer_since: when the task began, if it defers while batches are out (BatchesPendingError) instead
            of waiting for them.

    Raises:
        TeacherRefusedError: its key is not set.
    """
    profile = recipe.profile
    if not profile.is_remote:
        yield TeacherPool(load_plugin("teachers", profile.backend), workers)
        return
    from drp.teacher.llm.request_builder import RequestBuilder
    from drp.teacher.llm.teacher import LlmTeacher
    from drp.teacher.transport.batch.driver import BatchDriver
    from drp.teacher.transport.online import OnlineDriver

    with open_ledger_session(profile, run_id=run_id, archive=archive) as books:
        driver: Driver
        if profile.backend == "batch":
            driver = BatchDriver(recipe.teacher, profile, books, may_defer_since)
        else:
            driver = OnlineDriver(recipe.teacher, profile, books)
        yield LlmTeacher(RequestBuilder(profile, recipe.asking, recipe.decomposition), driver)


@contextmanager
def open_ledger_session(profile: TeacherProfile, *, run_id: str, archive: Archive) -> Iterator[LedgerSession]:
    """The ledger for one run's dealings with a remote teacher, with DRP_BUDGET_USD as its cap."""
    from drp.ledger import open_ledger

    here = settings()
    with open_ledger(here.resolved_database_url) as ledger, ledger.worker() as worker:
        ledger.recover()
        assert profile.prices is not None  # noqa: S101 (a remote profile has them)
        in_batch = profile.backend == "batch"
        yield LedgerSession(ledger, worker, run_id, profile.prices, here.budget_usd, archive, in_batch)
