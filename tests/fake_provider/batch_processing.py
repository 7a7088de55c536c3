"""Process batches: validate the file, answer and bill the rows, and write the two result files."""

import asyncio
import json
import random
import secrets
from pathlib import Path
from typing import IO, Any

from tests.fake_provider.batches import ENDPOINT, Batch, Batches
from tests.fake_provider.billing import Books, digest, nano_usd
from tests.fake_provider.clock import Clock
from tests.fake_provider.completions import Mind, check
from tests.fake_provider.config import Config
from tests.fake_provider.faults import ROWS, choose
from tests.fake_provider.files import Files
from tests.fake_provider.http_responses import ApiError, rate_limited, server_error
from tests.fake_provider.quirks import ERRORS, twisted

NOT_DONE = {
    "batch_expired": "This request could not be executed before the completion window expired.",
    "batch_cancelled": "This batch was cancelled before the request was executed.",
}


class Worker:
    """Processes batches concurrently."""

    def __init__(
        self, config: Config, clock: Clock, files: Files, batches: Batches, books: Books, mind: Mind
    ) -> None:
        self.config, self.clock, self.files = config, clock, files
        self.batches, self.books, self.mind = batches, books, mind

    async def run(self) -> None:
        """Take each new batch through its states."""
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._work(await self.batches.waiting.get()))

    async def _work(self, batch: Batch) -> None:
        settings = self.config.batches
        await self.clock.sleep(settings.validating_s)
        while settings.hold and batch.status == "validating" and self.clock.now() < batch.expires:
            await self.clock.sleep(0.02)
        source = self.files.folder / batch.input_file_id
        starts = await self._validate(batch, source)
        if batch.errors:
            batch.become("failed", self.clock.now())
            return
        if batch.status == "validating":
            batch.become("in_progress", self.clock.now())
        output, errors = self.files.new_path(), self.files.new_path()
        with source.open("rb") as rows, output[1].open("wb") as done, errors[1].open("wb") as failed:
            end = await self._answer_rows(batch, starts, rows, done, failed)
        if end != "completed":
            await self.clock.sleep(settings.cancelling_s)
        else:
            batch.become("finalizing", self.clock.now())
            await self.clock.sleep(settings.finalizing_s)
        if output[1].stat().st_size:
            batch.output_file_id = self.files.add(output[0], f"{batch.id}_output.jsonl", "batch_output").id
        if errors[1].stat().st_size:
            batch.error_file_id = self.files.add(errors[0], f"{batch.id}_error.jsonl", "batch_output").id
        batch.become(end, self.clock.now())

    async def _answer_rows(
        self, batch: Batch, starts: list[int], rows: IO[bytes], done: IO[bytes], failed: IO[bytes]
    ) -> str:
        """Process the rows in arbitrary order; return the state in which the batch ends."""
        random.Random(len(starts)).shuffle(starts)  # noqa: S311 (a test's shuffle)
        for index, start in enumerate(starts):
            rows.seek(start)
            row = json.loads(rows.readline())
            await self.clock.sleep(self.config.batches.row_s)
            while self._stalls(batch, index):
                await self.clock.sleep(0.02)
            why = "batch_cancelled" if batch.status == "cancelling" else None
            if self.clock.now() >= batch.expires:
                why = "batch_expired"
            if why is not None:
                batch.failed += 1
                error = {"code": why, "message": NOT_DONE[why]}
                failed.write(_line(row["custom_id"], None, error))
                continue
            await self._answer(batch, row, done, failed)
        if batch.status == "cancelling":
            return "cancelled"
        return "expired" if self.clock.now() >= batch.expires else "completed"

    def _stalls(self, batch: Batch, done: int) -> bool:
        stall = self.config.batches.stall_after
        if stall is None or done < stall:
            return False
        return batch.status != "cancelling" and self.clock.now() < batch.expires

    async def _answer(self, batch: Batch, row: dict[str, Any], done: IO[bytes], failed: IO[bytes]) -> None:
        body, body_digest = row["body"], digest(row["body"])
        attempt = self.books.asked(body_digest)
        faults = self.config.faults
        fault = choose(faults.rows, ROWS, faults, body_digest, attempt)
        if fault == "missing":
            return
        if fault in ERRORS:
            done.write(_line(row["custom_id"], (200, ERRORS[fault]), None))
            return
        try:
            check(body, self.config)
            self.mind.check_room(body)
            _fail(fault)
        except ApiError as error:
            batch.failed += 1
            failed.write(_line(row["custom_id"], (error.status, error.body), None))
            return
        text = await self.mind.text(body, body_digest)
        answer = self.mind.completion(body, text, fault, self.clock.now())
        self.books.bill(
            id=answer["id"],
            mode="batch",
            batch_id=batch.id,
            custom_id=row["custom_id"],
            model=body["model"],
            digest=body_digest,
            usage=answer["usage"],
            fault=fault,
            nano_usd=nano_usd(self.config, body["model"], answer["usage"], batch=True),
        )
        batch.count(answer["usage"])
        done.write(_line(row["custom_id"], (200, twisted(fault, answer)), None))

    async def _validate(self, batch: Batch, source: Path) -> list[int]:
        """Return where each row starts; faults go to `batch.errors`."""
        starts, seen, position = [], set[str](), 0
        if self.config.batches.fail:
            code = self.config.batches.fail.pop(0)
            batch.errors.append(_error(code, f"The batch failed: {code}.", None))
            return []
        if not source.exists():
            batch.errors.append(_error("invalid_file", "The input file was deleted.", None))
            return []
        with source.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                start, position = position, position + len(line)
                if number % 200 == 0:
                    await asyncio.sleep(0)
                if not line.strip():
                    continue
                try:
                    self._validate_row(batch, line, seen)
                except _BadRowError as bad:
                    batch.errors.append(_error(bad.code, str(bad), number))
                starts.append(start)
        batch.total = len(starts)
        if not starts:
            batch.errors.append(_error("empty_file", "The input file is empty.", None))
        if batch.total > (most := self.config.batches.max_requests):
            message = f"The batch input file contains more than the maximum of {most} requests."
            batch.errors.append(_error("too_many_tasks", message, None))
        enqueued = self.batches.enqueued_tokens(batch.model or "")  # including this batch
        if not batch.errors and enqueued > self.config.enqueued_tokens:
            message = (
                f"Enqueued token limit reached for {batch.model} in organization org-stand-in. Limit: "
                f"{self.config.enqueued_tokens:,} enqueued tokens. Please try again once some in_progress "
                "batches have been completed."
            )
            batch.errors.append(_error("token_limit_exceeded", message, None))
        return starts

    def _validate_row(self, batch: Batch, line: bytes, seen: set[str]) -> None:
        try:
            row = json.loads(line)
            custom_id, body = row["custom_id"], row["body"]
            model = body["model"]
        except (ValueError, KeyError, TypeError) as error:
            raise _BadRowError("invalid_json_line", "This line is not parseable as valid JSON.") from error
        if row.get("method") != "POST":
            raise _BadRowError("invalid_method", "Only POST is supported.")
        if row.get("url") != ENDPOINT:
            raise _BadRowError("invalid_url", "The URL provided for this request does not match the batch's.")
        if custom_id in seen:
            raise _BadRowError("duplicate_custom_id", f"The custom_id '{custom_id}' is not unique.")
        seen.add(custom_id)
        batch.model = batch.model or model
        if model != batch.model:
            raise _BadRowError("mismatched_model", "All requests in a batch must be for the same model.")
        if model not in self.config.models:
            raise _BadRowError("model_not_found", f"The provided model '{model}' is not supported.")
        if isinstance(body.get("messages"), list):
            batch.tokens += self.mind.prompt_tokens(body)


class _BadRowError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _fail(fault: str | None) -> None:
    match fault:
        case "row_400":
            raise ApiError(400, "Invalid request.", code="invalid_value")
        case "row_429":
            raise rate_limited("requests", None)
        case "row_500":
            raise server_error(500)
        case "row_quota":
            raise ApiError(
                429, "You exceeded your current quota.", type_="insufficient_quota", code="insufficient_quota"
            )


def _error(code: str, message: str, line: int | None) -> dict[str, Any]:
    return {"code": code, "line": line, "message": message, "param": None}


def _line(custom_id: str, response: tuple[int, Any] | None, error: dict[str, str] | None) -> bytes:
    answered = response and {
        "status_code": response[0],
        "request_id": secrets.token_hex(16),
        "body": response[1],
    }
    row_id = f"batch_req_{secrets.token_hex(12)}"
    line = {"id": row_id, "custom_id": custom_id, "response": answered, "error": error}
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
