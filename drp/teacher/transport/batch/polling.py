"""Batches that are out, for who only waits: Airflow's triggerer, which a provider must not hold up."""

import logging
from collections.abc import Collection

from drp.config import TeacherProfile
from drp.core import DrpError
from drp.teacher.transport.batch.provider import TERMINAL, BatchProvider
from drp.teacher.transport.credentials import api_key
from drp.teacher.transport.errors import TeacherUnavailableError

_log = logging.getLogger(__name__)


def has_ended(teacher: str, profile: TeacherProfile, batch_ids: Collection[str]) -> bool:
    """Whether one of these batches has ended, or cannot be had any more, which is for the task to find out.

    Args:
        teacher: name of the profile, for messages.
        profile: where they are.
        batch_ids: the provider's.
    """
    try:
        provider = _provider(teacher, profile)
        return any(provider.batch(batch_id).status in TERMINAL for batch_id in batch_ids)
    except TeacherUnavailableError as error:
        _log.warning("%s", error)
        return False
    except DrpError as error:
        _log.error("%s", error)
        return True


def give_up(teacher: str, profile: TeacherProfile, batch_ids: Collection[str]) -> list[str]:
    """Nobody waits for these batches any more: do with them what the profile's `pace.given_up` says.

    What a cancelled batch has done is paid for, and lands when the ledger is reconciled or a night goes on.

    Returns:
        The provider's ids of those that were cancelled.
    """
    provider, policy = _provider(teacher, profile), profile.pace.given_up
    cancelled = []
    for batch_id in batch_ids if policy != "keep" else ():
        batch = provider.batch(batch_id)
        counts = batch.request_counts
        begun = counts is not None and counts.completed + counts.failed > 0
        if batch.status not in TERMINAL and (policy == "cancel" or not begun):
            provider.cancel(batch_id)
            cancelled.append(batch_id)
    _log.warning("teacher %s: %d of %d batches are cancelled", teacher, len(cancelled), len(batch_ids))
    return cancelled


def _provider(teacher: str, profile: TeacherProfile) -> BatchProvider:
    """One that tries once."""
    impatient = profile.limits.model_copy(update={"patience_s": 0.0})
    return BatchProvider(teacher, profile.model_copy(update={"limits": impatient}), api_key(teacher, profile))
