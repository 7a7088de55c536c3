"""Keep requests on disk: ids and sizes are in memory, bodies are lines of the files to be sent."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import IO, Any, Final, Self

from drp.ledger import TeacherRequest
from drp.teacher.transport.batch.packing import Size

ENDPOINT: Final = "/v1/chat/completions"


@dataclass
class _QueuedRequest:
    request: TeacherRequest
    """Its body is read from the file."""
    start: int
    size: Size
    times: int = 1
    """How often it was added."""


class RequestQueue:
    """Requests that have no reply yet, in a temporary file that is deleted when the `with` block ends."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="drp-requests-")  # noqa: SIM115
        self._requests: dict[str, _QueuedRequest] = {}
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._requests)

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._requests

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._requests))

    def add(self, request: TeacherRequest) -> None:
        """Add a request; a request added twice gets two replies."""
        request_id = request.request_id
        if (queued := self._requests.get(request_id)) is not None:
            queued.times += 1
            return
        row = {"custom_id": request_id, "method": "POST", "url": ENDPOINT, "body": request.body}
        line = json.dumps(row).encode() + b"\n"
        start = self._end
        self._file.seek(start)
        self._end += self._file.write(line)
        size = Size(len(line), request.estimate.prompt_tokens)
        self._requests[request_id] = _QueuedRequest(_with_body(request, self._body_at(start)), start, size)

    def size(self, request_id: str) -> Size:
        """Return the size of a request."""
        return self._requests[request_id].size

    def lazy(self, request_id: str) -> TeacherRequest:
        """Return a request whose body is read from disk on access, so that memory does not fill up."""
        return self._requests[request_id].request

    def pop(self, request_id: str) -> list[TeacherRequest]:
        """Remove a request and return it, with its body, as often as it was added."""
        queued = self._requests.pop(request_id)
        request = replace(queued.request, body=dict(queued.request.body))
        return [request] * queued.times

    def write(self, ids: Iterable[str], out: IO[bytes]) -> None:
        """Write the lines of these requests, the input file of a batch, to `out`."""
        for request_id in ids:
            self._file.seek(self._requests[request_id].start)
            out.write(self._file.readline())

    def _body_at(self, start: int) -> Mapping[str, Any]:
        return _Body(self._file, start)


class _Body(Mapping[str, Any]):
    """The body of the request whose line begins at `start`, read on each access."""

    def __init__(self, file: IO[bytes], start: int) -> None:
        self._file, self._start = file, start

    def _read(self) -> dict[str, Any]:
        self._file.seek(self._start)
        body: dict[str, Any] = json.loads(self._file.readline())["body"]
        return body

    def __getitem__(self, name: str) -> Any:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


def _with_body(request: TeacherRequest, body: Mapping[str, Any]) -> TeacherRequest:
    lazy = replace(request, body=body)
    vars(lazy)["request_id"] = request.request_id  # fills the cached property, which would read the body
    return lazy
