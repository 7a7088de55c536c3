"""Requests on disk: memory has only their ids and sizes, their bodies are lines of the files to be sent."""

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
class _Held:
    request: TeacherRequest
    """Without its body."""
    start: int
    size: Size
    times: int = 1


class RequestQueue:
    """The requests that have no reply yet, in a file that is gone when its block ends."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="drp-requests-")  # noqa: SIM115
        self._held: dict[str, _Held] = {}
        self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._held

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._held))

    def add(self, request: TeacherRequest) -> None:
        """Hold a request; one that is held already will be answered once more."""
        request_id = request.request_id
        if (held := self._held.get(request_id)) is not None:
            held.times += 1
            return
        row = {"custom_id": request_id, "method": "POST", "url": ENDPOINT, "body": request.body}
        line = json.dumps(row).encode() + b"\n"
        start = self._end
        self._file.seek(start)
        self._end += self._file.write(line)
        size = Size(len(line), request.estimate.prompt_tokens)
        self._held[request_id] = _Held(_without_body(request, self._body_at(start)), start, size)

    def size(self, request_id: str) -> Size:
        """How large a request is."""
        return self._held[request_id].size

    def light(self, request_id: str) -> TeacherRequest:
        """A request whose body is read when it is looked at: a batch of them must not fill the memory."""
        return self._held[request_id].request

    def take(self, request_id: str) -> list[TeacherRequest]:
        """Let go of a request: it, as often as it was added."""
        held = self._held.pop(request_id)
        whole = replace(held.request, body=dict(held.request.body))
        return [whole] * held.times

    def write(self, ids: Iterable[str], out: IO[bytes]) -> None:
        """Write the lines of a batch's file."""
        for request_id in ids:
            self._file.seek(self._held[request_id].start)
            out.write(self._file.readline())

    def _body_at(self, start: int) -> Mapping[str, Any]:
        return _Body(self._file, start)


class _Body(Mapping[str, Any]):
    """The body of the request whose line begins at `start`."""

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


def _without_body(request: TeacherRequest, body: Mapping[str, Any]) -> TeacherRequest:
    light = replace(request, body=body)
    vars(light)["request_id"] = request.request_id  # known: else it would be worked out from the body again
    return light
