"""Send requests to a provider, online or in batches, and pay for each one once."""

from drp.teacher.transport.credentials import api_key
from drp.teacher.transport.errors import AnswersElsewhereError, TeacherRefusedError, TeacherUnavailableError
from drp.teacher.transport.ledger_session import Archive, LedgerSession
from drp.teacher.transport.list_models import FreeCall, list_models
from drp.teacher.transport.protocol import Driver

__all__ = [
    "AnswersElsewhereError",
    "Archive",
    "Driver",
    "FreeCall",
    "LedgerSession",
    "TeacherRefusedError",
    "TeacherUnavailableError",
    "api_key",
    "batch",
    "list_models",
    "online",
]
