"""Open the teacher that a recipe names."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from drp.config import Recipe, TeacherProfile, settings
from drp.core import load_plugin
from drp.teacher.process_pool import TeacherPool
from drp.teacher.protocol import Teacher
from drp.teacher.transport.credentials import api_key
from drp.teacher.transport.ledger_session import Archive, LedgerSession
from drp.teacher.transport.protocol import Driver


@contextmanager
def open_teacher(
    recipe: Recipe, workers: int, *, run_id: str, archive: Archive, may_defer_since: datetime | None = None
) -> Iterator[Teacher]:
    """Open the teacher that `recipe` names, for the time of a `with` block.

    Args:
        recipe: names the teacher, its prompt mode and the kind of decomposition.
        workers: number of processes, for a teacher that computes on this machine.
        run_id: the run that pays.
        archive: reads raw replies that earlier nights moved from the ledger to the lake.
        may_defer_since: when the task began, if it defers while batches are pending (BatchesPendingError)
            instead of waiting for them.

    Raises:
        TeacherRefusedError: the teacher's API key is not set.
    """
    profile = recipe.profile
    if not profile.is_remote:
        yield TeacherPool(load_plugin("teachers", profile.backend), workers)
        return
    from drp.teacher.llm.request_builder import RequestBuilder
    from drp.teacher.llm.teacher import LlmTeacher
    from drp.teacher.transport.batch.driver import BatchDriver
    from drp.teacher.transport.online import OnlineDriver

    name, key = recipe.teacher, api_key(recipe.teacher, profile.api_key_env, profile.base_url)
    with open_ledger_session(profile, run_id=run_id, archive=archive) as session:
        driver: Driver
        if profile.backend == "batch":
            driver = BatchDriver(name, profile, key, session, may_defer_since)
        else:
            driver = OnlineDriver(name, profile, key, session)
        yield LlmTeacher(RequestBuilder(profile, recipe.asking, recipe.decomposition), driver)


@contextmanager
def open_ledger_session(profile: TeacherProfile, *, run_id: str, archive: Archive) -> Iterator[LedgerSession]:
    """Open the ledger for one run and one remote teacher, with DRP_BUDGET_USD as the spending cap."""
    from drp.ledger import open_ledger

    config = settings()
    with open_ledger(config.resolved_database_url) as ledger, ledger.worker() as worker:
        ledger.recover()
        assert profile.prices is not None  # noqa: S101 (a remote profile has them)
        in_batch = profile.backend == "batch"
        yield LedgerSession(ledger, worker, run_id, profile.prices, config.budget_usd, archive, in_batch)
