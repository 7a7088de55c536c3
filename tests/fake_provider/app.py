"""The HTTP API: OpenAI's paths under /v1, and for tests _books, _totals, _asked, _faults and _settings."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.fake_provider.batch_processing import Worker
from tests.fake_provider.batches import Batches
from tests.fake_provider.billing import Books, digest, nano_usd
from tests.fake_provider.clock import Clock
from tests.fake_provider.completions import Mind, check
from tests.fake_provider.config import Config, Faults
from tests.fake_provider.faults import API, ONLINE, ROWS, chance, choose
from tests.fake_provider.files import Files
from tests.fake_provider.http_responses import (
    ApiError,
    Hang,
    Reset,
    Truncated,
    json_response,
    rate_limited,
    server_error,
)
from tests.fake_provider.limits import Limits
from tests.fake_provider.quirks import Drip, twisted, unbilled

Handler = Callable[[Request], Awaitable[Response]]


class Application:
    """A server at a fixed address; `POST /_restart` resets it, with other settings and empty books."""

    def __init__(self, config: Config, folder: Path) -> None:
        self._folder, self._server = folder, Server(config, folder)
        self._app = self._server.app()
        self._work: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["transport"] = send.__self__.transport  # type: ignore[attr-defined]
        if scope["path"] == "/_restart":
            await self._restart(Config.model_validate(await Request(scope, receive).json()))
            await json_response({})(scope, receive, send)
            return
        self._work = self._work or asyncio.create_task(self._server.worker.run())
        await self._app(scope, receive, send)

    async def _restart(self, config: Config) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])
        shutil.rmtree(self._folder)
        self._folder.mkdir()
        self.__init__(config, self._folder)  # type: ignore[misc]


class Server:
    """One provider, with its files and books in `folder`."""

    def __init__(self, config: Config, folder: Path) -> None:
        self.config, self.clock = config, Clock(config.clock_speed)
        self.limits = Limits(config.requests_per_minute, config.tokens_per_minute)
        self.books, self.mind = Books(folder), Mind(config)
        self.files = Files(folder / "files", config, self.clock)
        self.batches = Batches(config, self.clock, self.files)
        self.worker = Worker(config, self.clock, self.files, self.batches, self.books, self.mind)
        self._api_calls: dict[str, int] = {}

    def app(self) -> Starlette:
        """Return the application without the handling of connections."""
        api, files, batches = self._api, self.files, self.batches
        routes = [
            Route("/v1/chat/completions", self._guarded(self.chat), methods=["POST"]),
            Route("/v1/models", self._guarded(self.models)),
            Route("/v1/files", api(files.upload), methods=["POST"]),
            Route("/v1/files/{id}", api(files.show)),
            Route("/v1/files/{id}", api(files.delete), methods=["DELETE"]),
            Route("/v1/files/{id}/content", api(files.content)),
            Route("/v1/batches", api(batches.create), methods=["POST"]),
            Route("/v1/batches", api(batches.list)),
            Route("/v1/batches/{id}", api(batches.show)),
            Route("/v1/batches/{id}/cancel", api(batches.cancel), methods=["POST"]),
            Route("/_books", self._books),
            Route("/_totals", self._totals),
            Route("/_asked", self._asked),
            Route("/_faults", self._set_faults, methods=["POST"]),
            Route("/_settings", self._set, methods=["POST"]),
        ]
        return Starlette(routes=routes)

    def _guarded(self, handler: Handler) -> Handler:
        """Check the key first, and return errors in the API's format."""

        async def answer(request: Request) -> Response:
            try:
                self._check_key(request)
                return await handler(request)
            except ApiError as error:
                return error.response()

        return answer

    def _api(self, handler: Handler) -> Handler:
        """Wrap a call on files or batches with the configured faults."""

        async def answer(request: Request) -> Response:
            name = f"{request.method} {handler.__qualname__}"
            self._api_calls[name] = call = self._api_calls.get(name, 0) + 1
            faults = self.config.faults
            fault = choose(faults.api, API, faults, name, call)
            self._raise(fault)
            if (odd := unbilled(fault)) is not None:
                return odd
            if fault == "reset_before":
                return Reset()
            response = await handler(request)
            return Reset() if fault == "reset_after" else response

        return self._guarded(answer)

    def _check_key(self, request: Request) -> None:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        match self.config.keys.get(key):
            case None:
                shown = f"{key[:5]}***{key[-4:]}"
                message = (
                    f"Incorrect API key provided: {shown}. You can find your API key at /account/api-keys."
                )
                raise ApiError(401, message, code="invalid_api_key")
            case "forbidden":
                message = "Country, region, or territory not supported"
                raise ApiError(
                    403, message, type_="request_forbidden", code="unsupported_country_region_territory"
                )
            case "exhausted" if request.method == "POST":
                message = "You exceeded your current quota, please check your plan and billing details."
                raise ApiError(429, message, type_="insufficient_quota", code="insufficient_quota")

    def _raise(self, fault: str | None) -> None:
        match fault:
            case "rate_limited":
                raise rate_limited("requests", self.config.faults.retry_after_s)
            case "rate_limited_bare":
                raise rate_limited("requests", None)
            case "http_500":
                raise server_error(500)
            case "http_503":
                raise server_error(503)

    async def chat(self, request: Request) -> Response:
        """POST /v1/chat/completions."""
        started = time.monotonic()
        try:
            body = await request.json()
        except ValueError:
            body = None
        check(body, self.config)
        self.mind.check_room(body)
        body_digest = digest(body)
        attempt = self.books.asked(body_digest)
        if over := self.limits.take(self.mind.estimated_tokens(body)):
            raise rate_limited(*over, headers=self.limits.headers())
        headers = self.limits.headers()
        faults = self.config.faults
        fault = choose(faults.online, ONLINE, faults, body_digest, attempt)
        if (
            self.config.expires_after is not None
            and self.books.totals()["billed"] >= self.config.expires_after
        ):
            fault = self.config.expiry
        self._raise(fault)
        if fault == "reset_before":
            return Reset()
        if fault == "hang":
            return Hang()
        if (odd := unbilled(fault)) is not None:
            return odd
        text = await self.mind.text(body, body_digest)
        deviation = 2 * chance("latency", faults.seed, body_digest, attempt) - 1
        latency_s = self.config.latency_s * (1 + self.config.latency_spread * deviation)
        if fault == "slow":
            latency_s *= faults.slow_factor
        await asyncio.sleep(max(0.0, latency_s - (time.monotonic() - started)))
        answer = self.mind.completion(body, text, fault, self.clock.now())
        self.books.bill(
            id=answer["id"],
            mode="online",
            custom_id=None,
            model=body["model"],
            digest=body_digest,
            usage=answer["usage"],
            fault=fault,
            nano_usd=nano_usd(self.config, body["model"], answer["usage"], batch=False),
        )
        headers["openai-processing-ms"] = str(round((time.monotonic() - started) * 1000))
        response = json_response(twisted(fault, answer), headers=headers)
        if fault == "blank_lines":
            return Drip(response)
        if fault == "reset_after":
            return Reset()
        if fault == "truncated":
            return Truncated(response.body, 200, dict(response.headers))
        return response

    async def models(self, _: Request) -> Response:
        """GET /v1/models."""
        models = [
            {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "stand-in"}
            for name in self.config.models
        ]
        return json_response({"object": "list", "data": models})

    async def _books(self, _: Request) -> Response:
        return FileResponse(self.books.path, media_type="application/x-ndjson")

    async def _totals(self, _: Request) -> Response:
        return json_response({**self.books.totals(), "files": self.files.count()})

    async def _asked(self, _: Request) -> Response:
        return json_response(self.books.asked_by_digest())

    async def _set_faults(self, request: Request) -> Response:
        faults = Faults.model_validate(await request.json())
        for rates, known in ((faults.online, ONLINE), (faults.rows, ROWS), (faults.api, API)):
            choose(rates, known, faults, "", 1)
        self.config.faults = faults
        return json_response(faults.model_dump(mode="json"))

    async def _set(self, request: Request) -> Response:
        """Set some fields of the configuration; fields of `batches` one by one."""
        for name, value in (await request.json()).items():
            if name == "batches":
                for field, field_value in value.items():
                    setattr(self.config.batches, field, field_value)
            else:
                setattr(self.config, name, value)
        if self.clock.speed != self.config.clock_speed:
            self.clock.set_speed(self.config.clock_speed)
        sizes = (self.limits.requests.size, self.limits.tokens.size)
        if sizes != (self.config.requests_per_minute, self.config.tokens_per_minute):
            self.limits.__init__(self.config.requests_per_minute, self.config.tokens_per_minute)  # type: ignore[misc]
        return json_response(self._settings())

    def _settings(self) -> dict[str, Any]:
        return self.config.model_dump(mode="json", exclude={"keys"})
