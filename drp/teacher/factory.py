"""The recipe's teacher, ready to work."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from drp.config.recipe import Recipe
from drp.config.settings import settings
from drp.config.teacher_profiles import TeacherProfile
from drp.teacher.heuristic import HeuristicTeacher
from drp.teacher.process_pool import InProcesses
from drp.teacher.protocol import Teacher
from drp.teacher.transport.ledger_session import Archive, Books
from drp.teacher.transport.protocol import Driver


@contextmanager
def open_teacher(
    recipe: Recipe, workers: int, *, run_id: str, archive: Archive, began: datetime | None = None
) -> Iterator[Teacher]:
    """The teacher that `recipe` names, for the time of a `with` block.

    Args:
        recipe: names the teacher and says how it is asked.
        workers: processes of one that works on this machine's cores.
        run_id: the night that pays.
        archive: raw replies that earlier nights moved from the ledger to the lake.
        began: of a task that does not wait for batches but comes back (StillOutError): when it began.

    Raises:
        TeacherRefusedError: its key is not set.
    """
    profile = recipe.profile
    if profile.backend == "heuristic":
        yield InProcesses(HeuristicTeacher, workers)
        return
    from drp.teacher.llm.request_builder import Asker
    from drp.teacher.llm.teacher import LlmTeacher
    from drp.teacher.transport.batch.driver import BatchDriver
    from drp.teacher.transport.online import OnlineDriver

    with open_books(profile, run_id=run_id, archive=archive) as books:
        driver: Driver
        if profile.backend == "batch":
            driver = BatchDriver(recipe.teacher, profile, books, began)
        else:
            driver = OnlineDriver(recipe.teacher, profile, books)
        yield LlmTeacher(Asker(profile, recipe.asking, recipe.decomposition), driver)


@contextmanager
def open_books(profile: TeacherProfile, *, run_id: str, archive: Archive) -> Iterator[Books]:
    """The ledger for one run's dealings with a remote teacher, with DRP_BUDGET_USD as its cap."""
    from drp.ledger.ledger import open_ledger

    here = settings()
    with open_ledger(here.ledger_url) as ledger, ledger.worker() as worker:
        ledger.recover()
        assert profile.prices is not None  # noqa: S101 (a remote profile has them)
        in_batch = profile.backend == "batch"
        yield Books(ledger, worker, run_id, profile.prices, here.budget_usd, archive, in_batch)
