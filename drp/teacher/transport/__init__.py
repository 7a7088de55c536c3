"""How requests reach a provider and replies come back, online or in batches, each paid for once."""

from drp.teacher.transport.errors import AnswersElsewhereError, TeacherRefusedError, TeacherUnavailableError
from drp.teacher.transport.ledger_session import Archive, LedgerSession
from drp.teacher.transport.protocol import Driver

__all__ = [
    "AnswersElsewhereError",
    "Archive",
    "Driver",
    "LedgerSession",
    "TeacherRefusedError",
    "TeacherUnavailableError",
    "batch",
    "online",
]
