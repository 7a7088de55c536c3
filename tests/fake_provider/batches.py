"""Batches: POST and GET /v1/batches, GET and cancel of one. batch_processing.py does their work."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tests.fake_provider.clock import Clock
from tests.fake_provider.config import Config
from tests.fake_provider.files import Files
from tests.fake_provider.http_responses import ApiError, json_response

TERMINAL = frozenset({"completed", "failed", "expired", "cancelled"})
ENDPOINT = "/v1/chat/completions"
STATES = (
    "in_progress",
    "finalizing",
    "completed",
    "failed",
    "expired",
    "cancelling",
    "cancelled",
)


@dataclass
class Batch:
    """The state of one batch."""

    id: str
    input_file_id: str
    metadata: Mapping[str, str] | None
    created: float
    expires: float
    since: float
    """Real seconds (monotonic)."""
    status: str = "validating"
    times: dict[str, float] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    total: int = 0
    completed: int = 0
    failed: int = 0
    tokens: int = 0
    """Tokens of the prompts; they count as enqueued until the batch has ended."""
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    """Billed tokens of the answers."""
    model: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None

    def become(self, status: str, now: float) -> None:
        """Change the state."""
        self.status = status
        self.times[status] = now

    def count(self, usage: Mapping[str, Any]) -> None:
        """Count an answer."""
        self.completed += 1
        self.input_tokens += usage["prompt_tokens"]
        self.cached_tokens += usage["prompt_tokens_details"]["cached_tokens"]
        self.output_tokens += usage["completion_tokens"]

    def shown(self) -> dict[str, Any]:
        """Return the batch as the API shows it."""
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": ENDPOINT,
            "model": self.model,
            "errors": {"object": "list", "data": self.errors} if self.errors else None,
            "input_file_id": self.input_file_id,
            "completion_window": "24h",
            "status": self.status,
            "output_file_id": self.output_file_id,
            "error_file_id": self.error_file_id,
            "created_at": int(self.created),
            "expires_at": int(self.expires),
            **{f"{state}_at": int(self.times[state]) if state in self.times else None for state in STATES},
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
            "usage": {
                "input_tokens": self.input_tokens,
                "input_tokens_details": {"cached_tokens": self.cached_tokens},
                "output_tokens": self.output_tokens,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": self.input_tokens + self.output_tokens,
            },
            "metadata": self.metadata,
        }


class Batches:
    """All batches, oldest first."""

    def __init__(self, config: Config, clock: Clock, files: Files) -> None:
        self.config, self.clock, self.files = config, clock, files
        self._batches: dict[str, Batch] = {}
        self.waiting: asyncio.Queue[Batch] = asyncio.Queue()
        """New batches, for the worker."""

    def enqueued_tokens(self, model: str) -> int:
        """Return the prompt tokens of all batches of `model` that have not ended."""
        return sum(
            batch.tokens
            for batch in self._batches.values()
            if batch.model == model and batch.status not in TERMINAL
        )

    async def create(self, request: Request) -> Response:
        """POST /v1/batches."""
        body = await request.json()
        if body.get("endpoint") != ENDPOINT:
            raise ApiError(400, f"Invalid value: '{body.get('endpoint')}'.", param="endpoint")
        if body.get("completion_window") != "24h":
            raise ApiError(400, "Invalid value: supported values are: '24h'.", param="completion_window")
        _check_metadata(body.get("metadata"))
        stored = self.files.get(str(body.get("input_file_id")))
        if stored.purpose != "batch":
            raise ApiError(400, "The input file's purpose must be 'batch'.", param="input_file_id")
        now = self.clock.now()
        batch = Batch(
            f"batch_{secrets.token_hex(16)}",
            stored.id,
            body.get("metadata"),
            now,
            now + self.config.batches.window_s,
            time.monotonic(),
        )
        self._batches[batch.id] = batch
        self.waiting.put_nowait(batch)
        return json_response(batch.shown())

    async def show(self, request: Request) -> Response:
        """GET /v1/batches/{id}."""
        return json_response(self._get(request).shown())

    async def list(self, request: Request) -> Response:
        """GET /v1/batches?after=&limit=, newest first."""
        limit = int(request.query_params.get("limit", 20))
        if not 1 <= limit <= 100:
            raise ApiError(400, "limit must be between 1 and 100", param="limit")
        youngest = time.monotonic() - self.config.batches.listing_delay_s
        batches = [b for b in reversed(self._batches.values()) if b.since <= youngest]
        if after := request.query_params.get("after"):
            ids = [batch.id for batch in batches]
            if after not in ids:
                raise ApiError(404, f"No batch found with id '{after}'.", param="after")
            batches = batches[ids.index(after) + 1 :]
        page = batches[:limit]
        return json_response(
            {
                "object": "list",
                "data": [batch.shown() for batch in page],
                "first_id": page[0].id if page else None,
                "last_id": page[-1].id if page else None,
                "has_more": len(batches) > limit,
            }
        )

    async def cancel(self, request: Request) -> Response:
        """POST /v1/batches/{id}/cancel."""
        batch = self._get(request)
        if batch.status in TERMINAL:
            raise ApiError(409, f"Cannot cancel a batch with status '{batch.status}'.")
        if batch.status not in ("cancelling", "finalizing"):
            batch.become("cancelling", self.clock.now())
        return json_response(batch.shown())

    def _get(self, request: Request) -> Batch:
        batch_id = request.path_params["id"]
        if batch_id not in self._batches:
            raise ApiError(404, f"No batch found with id '{batch_id}'.", param="id")
        return self._batches[batch_id]


def _check_metadata(metadata: Any) -> None:
    if metadata is None:
        return
    if not isinstance(metadata, Mapping) or len(metadata) > 16:
        raise ApiError(400, "Invalid 'metadata': at most 16 properties.", param="metadata")
    for key, value in metadata.items():
        if len(key) > 64 or not isinstance(value, str) or len(value) > 512:
            raise ApiError(400, f"Invalid 'metadata.{key}': too long, or no string.", param="metadata")
