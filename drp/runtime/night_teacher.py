"""Open the teacher of a night. If the budget is spent, the error names the night's whole cost and command."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from drp.ledger import BudgetExhaustedError
from drp.query import select
from drp.runtime.context import RunContext
from drp.runtime.cost_estimate import whole_cost
from drp.teacher import Teacher, open_teacher

_REPLIES = "SELECT call_id, raw_text FROM teacher_calls JOIN wanted ON call_id = id"


@contextmanager
def open_teacher_for(ctx: RunContext) -> Iterator[Teacher]:
    """The recipe's teacher, charged to this run, for the time of a `with` block.

    Raises:
        BudgetExhaustedError: the run's budget is spent.
        TeacherRefusedError: the teacher's API key is not set.
    """

    def archived_replies(call_ids: Sequence[str]) -> dict[str, str | None]:
        if not call_ids:
            return {}
        rows = select(ctx.visible_parts(), _REPLIES, wanted=call_ids)
        return {row["call_id"]: row["raw_text"] for row in rows}

    try:
        with open_teacher(
            ctx.recipe,
            ctx.workers,
            run_id=ctx.run_id,
            archive=archived_replies,
            may_defer_since=ctx.may_defer_since,
        ) as teacher:
            yield teacher
    except BudgetExhaustedError as error:
        error.to_go_on(ctx.command, whole_cost(ctx.run_id))
        raise
