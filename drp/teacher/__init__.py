"""Teachers: they decompose traces into steps and revise them."""

from drp.teacher.factory import open_ledger_session, open_teacher
from drp.teacher.protocol import Teacher

__all__ = ["Teacher", "heuristic", "llm", "open_ledger_session", "open_teacher", "transport"]
