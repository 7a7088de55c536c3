"""Files and batches of one provider, with the official client; temporary failures are retried.

The client itself does not retry. If the creation of a batch fails without a clear answer, the batch may
exist. It is searched for by the intent in its metadata before it is created again.
"""

import json
import logging
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import IO, TypeVar

import httpx2
import openai
from openai.types import Batch
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_exponential_jitter

from drp.config import TeacherProfile
from drp.teacher.transport.batch.errors import BatchGoneError, BatchRefusedError
from drp.teacher.transport.batch.parse_result_rows import Row, read_row
from drp.teacher.transport.batch.request_queue import ENDPOINT
from drp.teacher.transport.credentials import mend_of_refusal
from drp.teacher.transport.error_bodies import error_in, without_secret, words
from drp.teacher.transport.errors import TeacherRefusedError, TeacherUnavailableError
from drp.teacher.transport.retry_policy import NoAnswerError, fault_of

_log = logging.getLogger(__name__)

INTENT = "drp_batch"
"""Metadata key that holds our batch id."""
TERMINAL = frozenset({"completed", "failed", "expired", "cancelled"})
_CLOCKS = timedelta(hours=1)
"""Largest expected difference between the provider's clock and ours."""
_READY_S = 120.0
"""Seconds to wait until an uploaded file is processed."""
_CALL_S = 60.0
"""Timeout of one try."""
LOG_WAIT_S = 10.0
"""A wait from this length on is logged, after any try."""
_FILE_S = 600.0
"""Timeout of one try that transfers a large file."""
_CLIENT_ERRORS = (openai.APIError, httpx2.TransportError, NoAnswerError)
_HEAD = 50_000
"""Bytes at the beginning of a file in which an error is looked for."""

T = TypeVar("T")


class BatchProvider:
    """A provider's API for files and batches.

    All methods raise:
        TeacherRefusedError: a wrong key, no permission, an unknown model or no money.
        TeacherUnavailableError: the call has failed for `limits.patience_s`.
    """

    def __init__(self, name: str, profile: TeacherProfile, key: str) -> None:
        self._name, self._profile, self._key = name, profile, key
        self._client = openai.OpenAI(api_key=key, base_url=profile.base_url, max_retries=0, timeout=_CALL_S)
        self._files = self._client.with_options(timeout=_FILE_S).files
        self.doubtful: set[str] = set()
        """Our ids of batches that may or may not have been created."""

    def upload(self, file: IO[bytes], name: str) -> str:
        """Upload a file, wait until the provider has processed it, and return its id."""

        def send() -> str:
            file.seek(0)
            return _with_text(self._files.create(file=(name, file), purpose="batch"), "id").id

        file_id = self._retrying(send)
        deadline = time.monotonic() + _READY_S

        def is_processed() -> bool:
            return getattr(self._client.files.retrieve(file_id), "status", None) != "uploaded"

        # `status` is deprecated, and some providers may never change it: hence the deadline.
        while not self._retrying(is_processed, retry_missing=True) and time.monotonic() <= deadline:
            time.sleep(1)
        return file_id

    def create(self, file_id: str, batch_id: str, created_after: datetime) -> Batch:
        """Create the batch of this file, exactly once, and return it.

        Raises:
            BatchRefusedError: the provider rejects it.
        """

        def send() -> Batch:
            try:
                batch = self._client.batches.create(
                    input_file_id=file_id,
                    endpoint=ENDPOINT,
                    completion_window="24h",
                    metadata={INTENT: batch_id},
                )
                return _with_text(batch, "id", "status")
            except _CLIENT_ERRORS as error:
                if isinstance(error, openai.APIStatusError) and error.status_code < 500:
                    raise
                self.doubtful.add(batch_id)
                time.sleep(self._profile.pace.settle_s)  # it may have been created nevertheless
                if existing := self.find({batch_id}, created_after).get(batch_id):
                    return existing
                raise

        batch = self._retrying(send, retry_missing=True)
        self.doubtful.discard(batch_id)
        return batch

    def find(self, batch_ids: Collection[str], created_after: datetime) -> dict[str, Batch]:
        """Return the provider's batches among `batch_ids`, by our id; the oldest if several have the same id.

        Duplicates, which occur only if the provider's list was out of date, are cancelled.
        """
        kept: dict[str, Batch] = {}
        for key, batch in self.listed(created_after):
            if key not in batch_ids:
                continue
            if (younger := kept.get(key)) is not None:
                _log.error("%s was created twice: %s is cancelled", key, younger.id)
                self.cancel(younger.id)
            kept[key] = batch
        return kept

    def listed(self, created_after: datetime) -> list[tuple[str, Batch]]:
        """Return all batches with an id of ours in their metadata, as (our id, batch), newest first."""
        oldest = (created_after - _CLOCKS).timestamp()

        def fetch() -> list[tuple[str, Batch]]:
            batches: list[tuple[str, Batch]] = []
            for page in self._client.batches.list(limit=100).iter_pages():
                if not isinstance(getattr(page, "data", None), list):  # an empty list would say: none exists
                    raise NoAnswerError(f"the response is no list: {words(page)}", billed=False)
                for batch in page.data:
                    if batch.created_at < oldest:
                        return batches
                    if key := (batch.metadata or {}).get(INTENT):
                        batches.append((key, batch))
            return batches

        return self._retrying(fetch)

    def batch(self, provider_batch_id: str) -> Batch:
        """Return the current state of a batch.

        Raises:
            BatchGoneError: the provider does not know it.
        """
        try:
            return self._retrying(
                lambda: _with_text(self._client.batches.retrieve(provider_batch_id), "id", "status")
            )
        except _MissingError:
            raise BatchGoneError(self._name, provider_batch_id) from None

    def cancel(self, provider_batch_id: str) -> None:
        """Cancel a batch unless it has ended; the answers it already has will be in its files."""

        def send() -> None:
            try:
                self._client.batches.cancel(provider_batch_id)
            except openai.ConflictError:
                _log.info("batch %s has ended and cannot be cancelled", provider_batch_id)

        self._retrying(send)

    @contextmanager
    def downloaded(self, file_id: str) -> Iterator[IO[bytes]]:
        """Download a file to a temporary file on this machine, for the time of a `with` block."""
        with tempfile.TemporaryFile(prefix="drp-answers-") as file:

            def fetch() -> None:
                file.seek(0)
                file.truncate()
                with self._files.with_streaming_response.content(file_id) as response:
                    for part in response.iter_bytes(1 << 20):
                        file.write(part)
                file.seek(0)
                _check_head(file.read(_HEAD))

            self._retrying(fetch, retry_missing=True)
            file.seek(0)
            yield file

    def forget(self, file_id: str) -> None:
        """Delete a file that is not needed any more; a failure is logged only."""
        try:
            self._client.files.delete(file_id)
        except _CLIENT_ERRORS as error:
            _log.info("file %s was not deleted at the provider (%s)", file_id, type(error).__name__)

    def read_row(self, line: bytes) -> Row | None:
        """Parse a row of a downloaded file; return None if it is not a row."""
        return read_row(line, self._key)

    def without_key(self, message: str) -> str:
        """Return a provider's message without the API key, shortened."""
        return " ".join(without_secret(message, self._key).split())[:200]

    def refused(self, why: str) -> TeacherRefusedError:
        """Return the error for a provider that refuses all requests."""
        return TeacherRefusedError(self._name, why, next_command=mend_of_refusal(self._profile.api_key_env))

    def _retrying(self, call: Callable[[], T], *, retry_missing: bool = False) -> T:
        """Return the result of `call`, retrying temporary failures.

        Args:
            call: the API call.
            retry_missing: whether to retry 404 too, because a new file may not be visible yet.
        """

        def is_temporary(error: BaseException) -> bool:
            if _is_missing(error):
                return retry_missing
            if not isinstance(error, _CLIENT_ERRORS):
                return False
            return fault_of(error, self._key).kind in ("load", "passing")

        first = self._profile.pace.backoff_s
        backoff = wait_exponential_jitter(multiplier=first, max=60, jitter=first)

        def pause(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            requested = fault_of(error, self._key).wait_s if isinstance(error, _CLIENT_ERRORS) else 0.0
            patience_left = self._profile.limits.patience_s - (state.seconds_since_start or 0.0)
            return max(0.0, min(max(requested, backoff(state)), patience_left))

        def log(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            number, wait_s = state.attempt_number, state.upcoming_sleep
            if isinstance(error, Exception) and (number == 1 or number % 5 == 0 or wait_s >= LOG_WAIT_S):
                why = fault_of(error, self._key).why
                _log.warning(
                    "teacher %s: try %d failed: %s; again in %.0f s", self._name, number, why, wait_s
                )

        retrying = Retrying(
            retry=retry_if_exception(is_temporary),
            wait=pause,
            stop=stop_after_delay(self._profile.limits.patience_s),
            before_sleep=log,
            reraise=True,
        )
        try:
            return retrying(call)
        except _CLIENT_ERRORS as error:
            raise self._explained(error) from None  # the original message may contain a part of the key

    def _explained(self, error: Exception) -> Exception:
        fault = fault_of(error, self._key)
        if _is_missing(error):
            return _MissingError(self._name, fault.why)
        match fault.kind:
            case "refused":
                return self.refused(fault.why)
            case "row":
                return BatchRefusedError(self._name, fault.why)
        return TeacherUnavailableError(self._name, fault.why)


def _with_text(item: T, *names: str) -> T:
    """Return what the client made of a response if it has these fields; the client does not check them.

    Raises:
        NoAnswerError: it is an error under status 200, or a page.
    """
    if all(isinstance(getattr(item, name, None), str) for name in names):
        return item
    document = item.to_dict() if isinstance(item, openai.BaseModel) else item
    raise NoAnswerError(
        f"the response is not what was asked for: {words(document)}", billed=False, error=error_in(document)
    )


def _check_head(head: bytes) -> None:
    """Raise NoAnswerError if a file is an error or a page: its rows would all count as missing."""
    line = head.lstrip().split(b"\n", 1)[0]
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        if line.startswith(b"<"):
            raise NoAnswerError(
                f"a page instead of a file: {words(head.decode('utf-8', 'replace'))}"
            ) from None
        return
    has_row = isinstance(document, dict) and "custom_id" in document
    if not has_row and (error := error_in(document)) is not None:
        raise NoAnswerError(error.message, error=error)


class _MissingError(TeacherUnavailableError):
    """The provider does not know a file or a batch."""


def _is_missing(error: BaseException) -> bool:
    return isinstance(error, openai.NotFoundError) and error.code != "model_not_found"
