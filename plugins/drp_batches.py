"""Tasks that leave their slot while a teacher's batches are out, for hours, and come back when one has ended.

What is out is in DRP's ledger, not in Airflow: a worker, triggerer or scheduler that dies loses nothing, and
a task that is cleared finds its batches again. Clearing or failing a task that waits does with its batches
what the teacher's profile says (`pace.given_up`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow.providers.common.compat.sdk import task_decorator_factory
from airflow.providers.standard.decorators.python import _PythonDecoratedOperator
from airflow.triggers.base import BaseTrigger, TriggerEvent


class BatchTrigger(BaseTrigger):
    """Waits until one of the batches has ended, or is to be left to another night.

    Args:
        teacher: name of its profile.
        batch_ids: the provider's; none while it has no room for a batch.
        carry_at: when the first of them is left to another night, ISO.
        began: when the task began first, ISO; it comes back with the event.
    """

    def __init__(self, teacher: str, batch_ids: Sequence[str], carry_at: str, began: str) -> None:
        super().__init__()
        self.facts = {"teacher": teacher, "batch_ids": list(batch_ids), "carry_at": carry_at, "began": began}

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{__name__}.{type(self).__qualname__}", self.facts

    async def run(self) -> AsyncIterator[TriggerEvent]:
        from drp.config.teacher_profiles import find_profile
        from drp.teacher.transport.batch.polling import has_ended

        teacher, ids, carry_at = (self.facts[name] for name in ("teacher", "batch_ids", "carry_at"))
        profile = find_profile(teacher)
        pace = profile.pace
        pause = pace.poll_first_s if ids else pace.no_room_s
        while True:
            left = (datetime.fromisoformat(carry_at) - datetime.now(UTC)).total_seconds()
            await asyncio.sleep(max(0.0, min(pause, left)))
            if left <= pause or not ids or await asyncio.to_thread(has_ended, teacher, profile, ids):
                break
            pause = min(pause * 1.5, pace.poll_most_s)
        yield TriggerEvent({"began": self.facts["began"]})

    async def on_kill(self) -> None:
        from drp.config.teacher_profiles import find_profile
        from drp.teacher.transport.batch.polling import give_up

        teacher = self.facts["teacher"]
        await asyncio.to_thread(give_up, teacher, find_profile(teacher), self.facts["batch_ids"])


class _TeacherTask(_PythonDecoratedOperator):  # what `@task` makes: it has no public name
    """Calls a function with `began`, which it hands to the night; defers when the teacher is still out."""

    custom_operator_name = "@teacher_task"

    def execute(self, context: Any) -> Any:
        return self.resume(context, {"began": datetime.now(UTC).isoformat()})

    def resume(self, context: Any, event: dict[str, str]) -> Any:
        from drp.teacher.transport.batch import StillOutError

        try:
            return super().execute({**context, "began": datetime.fromisoformat(event["began"])})
        except StillOutError as out:
            trigger = BatchTrigger(out.teacher, out.batch_ids, out.carry_at.isoformat(), event["began"])
            self.defer(trigger=trigger, method_name="resume")


def teacher_task(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """As `task`; the function takes `began: datetime | None = None` besides."""
    return task_decorator_factory(decorated_operator_class=_TeacherTask, **options)
