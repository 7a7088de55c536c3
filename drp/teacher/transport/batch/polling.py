"""Check and cancel pending batches, for Airflow's triggerer, which must not be held up by a provider."""

import logging
from collections.abc import Collection

from drp.config import TeacherProfile
from drp.core import DrpError
from drp.teacher.transport.batch.provider import TERMINAL, BatchProvider
from drp.teacher.transport.credentials import api_key
from drp.teacher.transport.errors import TeacherUnavailableError

_log = logging.getLogger(__name__)


def has_ended(teacher: str, profile: TeacherProfile, batch_ids: Collection[str]) -> bool:
    """Return whether one of these batches has ended, or cannot be polled; the task then handles it.

    Args:
        teacher: name of the profile, for messages.
        profile: the provider of the batches.
        batch_ids: the provider's ids.
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
    """Keep or cancel batches that no task waits for any more, as the profile's `pace.given_up` says.

    Answers of a cancelled batch are paid for. They are recorded when the ledger is reconciled or a night
    continues.

    Returns:
        The provider's ids of the batches that were cancelled.
    """
    provider, policy = _provider(teacher, profile), profile.pace.given_up
    cancelled: list[str] = []
    if policy == "keep":
        batch_ids = ()
    for batch_id in batch_ids:
        batch = provider.batch(batch_id)
        counts = batch.request_counts
        has_begun = counts is not None and counts.completed + counts.failed > 0
        if batch.status not in TERMINAL and (policy == "cancel" or not has_begun):
            provider.cancel(batch_id)
            cancelled.append(batch_id)
    _log.warning("teacher %s: %d of %d batches are cancelled", teacher, len(cancelled), len(batch_ids))
    return cancelled


def _provider(teacher: str, profile: TeacherProfile) -> BatchProvider:
    """Return a provider that tries each call once."""
    without_retries = profile.limits.model_copy(update={"patience_s": 0.0})
    return BatchProvider(
        teacher,
        profile.model_copy(update={"limits": without_retries}),
        api_key(teacher, profile.api_key_env, profile.base_url),
    )
