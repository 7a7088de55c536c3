"""Tasks that free their slot while a teacher's batches are pending, and resume when a batch has ended.

DRP's ledger knows the pending batches, not Airflow. So nothing is lost if a worker, the triggerer or the
scheduler dies, and a cleared task finds its batches again. If a waiting task is cleared or failed, the
teacher's profile decides about its batches (`pace.given_up`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.providers.common.compat.sdk import task_decorator_factory
from airflow.providers.standard.decorators.python import _PythonDecoratedOperator
from airflow.triggers.base import BaseTrigger, TriggerEvent


class BatchTrigger(BaseTrigger):
    """Waits until one of the batches has ended or is carried into another night.

    Args:
        teacher: name of the teacher's profile.
        batch_ids: the provider's ids; empty while the provider has no room for a batch.
        carry_at: when the first batch is carried into another night, ISO.
        began: when the task first began, ISO; returned with the event.
    """

    def __init__(self, teacher: str, batch_ids: Sequence[str], carry_at: str, began: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow's
        self.teacher, self.batch_ids, self.carry_at, self.began = teacher, list(batch_ids), carry_at, began

    def serialize(self) -> tuple[str, dict[str, Any]]:
        kwargs = {name: getattr(self, name) for name in ("teacher", "batch_ids", "carry_at", "began")}
        return f"{__name__}.{type(self).__qualname__}", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        from drp.config import find_profile
        from drp.teacher.transport.batch import has_ended

        teacher, ids = self.teacher, self.batch_ids
        profile = find_profile(teacher)
        pace = profile.pace
        pause = pace.poll_first_s if ids else pace.no_room_s
        while True:
            remaining = (datetime.fromisoformat(self.carry_at) - datetime.now(UTC)).total_seconds()
            await asyncio.sleep(max(0.0, min(pause, remaining)))
            if remaining <= pause or not ids or await asyncio.to_thread(has_ended, teacher, profile, ids):
                break
            pause = min(pause * 1.5, pace.poll_most_s)
        yield TriggerEvent({"began": self.began})

    async def on_kill(self) -> None:
        from drp.config import find_profile
        from drp.teacher.transport.batch import give_up

        await asyncio.to_thread(give_up, self.teacher, find_profile(self.teacher), self.batch_ids)


class _TeacherTask(_PythonDecoratedOperator):  # the operator of `@task`; it has no public name
    """Calls the function with the time `began`, and defers while the teacher's batches are pending."""

    custom_operator_name = "@teacher_task"

    def execute(self, context: Any) -> Any:
        return self.resume(context, {"began": datetime.now(UTC).isoformat()})

    def resume(self, context: Any, event: dict[str, str]) -> Any:
        from drp.teacher.transport.batch import BatchesPendingError

        try:
            with_began: Any = {**context, "began": datetime.fromisoformat(event["began"])}
            return super().execute(with_began)
        except BatchesPendingError as pending:
            trigger = BatchTrigger(
                pending.teacher, pending.batch_ids, pending.carry_at.isoformat(), event["began"]
            )
            self.defer(trigger=trigger, method_name="resume")


def teacher_task(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Like `@task`, for a function that also takes `began: datetime | None = None`."""
    return task_decorator_factory(decorated_operator_class=_TeacherTask, **options)
