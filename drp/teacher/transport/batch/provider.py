"""Files and batches of one provider, over the official client: each call waits out what passes.

The client retries nothing itself: a batch whose creation was answered by nobody may exist, and is looked for
by the intent in its metadata before it is created again.
"""

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
from drp.teacher.transport.batch.request_queue import ENDPOINT
from drp.teacher.transport.batch.result_rows import Row, read_row
from drp.teacher.transport.errors import TeacherRefusedError, TeacherUnavailableError
from drp.teacher.transport.faults import fault_of

_log = logging.getLogger(__name__)

INTENT = "drp_batch"
"""Key of our batch id in the metadata."""
TERMINAL = frozenset({"completed", "failed", "expired", "cancelled"})
_CLOCKS = timedelta(hours=1)
"""The provider's clock and ours agree that far."""
_READY_S = 120.0
"""A file is waited for so long."""
_CALL_S = 60.0
"""One try."""
_FILE_S = 600.0
"""One try with a large file in it."""
_TROUBLE = (openai.APIError, httpx2.TransportError)

T = TypeVar("T")


class BatchProvider:
    """One provider, with the pace of its profile.

    Raises, from all its methods:
        TeacherRefusedError: a wrong key, no permission, an unknown model, no money.
        TeacherUnavailableError: it has failed for `limits.patience_s`.
    """

    def __init__(self, name: str, profile: TeacherProfile, key: str) -> None:
        self._name, self._profile, self._key = name, profile, key
        self._client = openai.OpenAI(api_key=key, base_url=profile.base_url, max_retries=0, timeout=_CALL_S)
        self._files = self._client.with_options(timeout=_FILE_S).files
        self.doubtful: set[str] = set()
        """Our ids of batches whose creation nobody answered."""

    def upload(self, file: IO[bytes], name: str) -> str:
        """Id of the uploaded file, once the provider has it ready."""

        def send() -> str:
            file.seek(0)
            return self._files.create(file=(name, file), purpose="batch").id

        file_id = self._patiently(send)
        deadline = time.monotonic() + _READY_S
        while self._patiently(lambda: self._client.files.retrieve(file_id), missing_passes=True).status == (
            "uploaded"
        ):
            if time.monotonic() > deadline:  # `status` is deprecated: a provider may leave it so
                break
            time.sleep(1)
        return file_id

    def create(self, file_id: str, batch_id: str, created_after: datetime) -> Batch:
        """The batch of this file, created once.

        Raises:
            BatchRefusedError: it cannot be created as it is.
        """

        def send() -> Batch:
            try:
                return self._client.batches.create(
                    input_file_id=file_id,
                    endpoint=ENDPOINT,
                    completion_window="24h",
                    metadata={INTENT: batch_id},
                )
            except _TROUBLE as error:
                if isinstance(error, openai.APIStatusError) and error.status_code < 500:
                    raise
                self.doubtful.add(batch_id)
                time.sleep(self._profile.pace.settle_s)  # it may have been created all the same
                if found := self.find({batch_id}, created_after).get(batch_id):
                    return found
                raise

        batch = self._patiently(send, missing_passes=True)
        self.doubtful.discard(batch_id)
        return batch

    def find(self, batch_ids: Collection[str], created_after: datetime) -> dict[str, Batch]:
        """Those of our batches that the provider has, by our id; of several with one id the first.

        The others, which cannot be but after a list that was out of date, are cancelled.
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
        """All batches that bear an id of ours, with it, the newest first."""
        oldest = (created_after - _CLOCKS).timestamp()

        def look() -> list[tuple[str, Batch]]:
            found = []
            for batch in self._client.batches.list(limit=100):
                if batch.created_at < oldest:
                    break
                if key := (batch.metadata or {}).get(INTENT):
                    found.append((key, batch))
            return found

        return self._patiently(look)

    def batch(self, provider_batch_id: str) -> Batch:
        """A batch as it stands.

        Raises:
            BatchGoneError: it does not know it.
        """
        try:
            return self._patiently(lambda: self._client.batches.retrieve(provider_batch_id))
        except _MissingError:
            raise BatchGoneError(self._name, provider_batch_id) from None

    def cancel(self, provider_batch_id: str) -> None:
        """Cancel a batch that has not ended; what is done of it will be in its files."""

        def send() -> None:
            try:
                self._client.batches.cancel(provider_batch_id)
            except openai.ConflictError:
                _log.info("batch %s has ended and cannot be cancelled", provider_batch_id)

        self._patiently(send)

    @contextmanager
    def downloaded(self, file_id: str) -> Iterator[IO[bytes]]:
        """A file, whole, on this machine's disk."""
        with tempfile.TemporaryFile(prefix="drp-answers-") as file:

            def fetch() -> None:
                file.seek(0)
                file.truncate()
                with self._files.with_streaming_response.content(file_id) as response:
                    for part in response.iter_bytes(1 << 20):
                        file.write(part)

            self._patiently(fetch, missing_passes=True)
            file.seek(0)
            yield file

    def forget(self, file_id: str) -> None:
        """Delete a file that is of no more use; it is no loss if it stays."""
        try:
            self._client.files.delete(file_id)
        except _TROUBLE as error:
            _log.info("file %s stays at the provider (%s)", file_id, type(error).__name__)

    def read_row(self, line: bytes) -> Row | None:
        """A row of one of its files; None if it is none."""
        return read_row(line, self._key)

    def without_key(self, message: str) -> str:
        """What it said, short, and for everybody."""
        return " ".join(message.replace(self._key, "***").split())[:200]

    def refused(self, why: str) -> TeacherRefusedError:
        """It refuses everything alike."""
        key = self._profile.api_key_env or "DRP_TEACHER"
        said = f"mend the account, {key} or DRP_TEACHER_MODEL, then the same night again"
        return TeacherRefusedError(self._name, why, next_command=said)

    def _patiently(self, call: Callable[[], T], *, missing_passes: bool = False) -> T:
        """Do `call` until it is done; a file that the provider does not know (404) may be there later."""

        def passes(error: BaseException) -> bool:
            if _is_missing(error):
                return missing_passes
            return isinstance(error, _TROUBLE) and fault_of(error, self._key).kind in ("load", "passing")

        first = self._profile.pace.backoff_s
        backoff = wait_exponential_jitter(multiplier=first, max=60, jitter=first)

        def pause(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            asked = fault_of(error, self._key).wait_s if isinstance(error, _TROUBLE) else 0.0
            return max(asked, backoff(state))

        def tell(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            if state.attempt_number % 5 == 0 and isinstance(error, Exception):
                why = fault_of(error, self._key).why
                _log.warning("teacher %s: try %d failed: %s", self._name, state.attempt_number, why)

        retrying = Retrying(
            retry=retry_if_exception(passes),
            wait=pause,
            stop=stop_after_delay(self._profile.limits.patience_s),
            before_sleep=tell,
            reraise=True,
        )
        try:
            return retrying(call)
        except _TROUBLE as error:
            raise self._explained(error) from None  # its own words may show a part of the key

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


class _MissingError(TeacherUnavailableError):
    """The provider does not know a file or a batch."""


def _is_missing(error: BaseException) -> bool:
    return isinstance(error, openai.NotFoundError) and error.code != "model_not_found"
