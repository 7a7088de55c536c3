"""Files: POST, GET and DELETE /v1/files. A new file may not be visible at once."""

import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from tests.fake_provider.clock import Clock
from tests.fake_provider.config import Config
from tests.fake_provider.http_responses import ApiError, json_response


@dataclass(frozen=True)
class Stored:
    """A file that the provider has."""

    id: str
    name: str
    path: Path
    purpose: str
    created: float
    since: float
    """Real seconds (monotonic)."""

    def shown(self, processed: bool) -> dict[str, Any]:
        """Return the file as the API shows it."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": self.path.stat().st_size,
            "created_at": int(self.created),
            "expires_at": None,
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed" if processed else "uploaded",
            "status_details": None,
        }


class Files:
    """All files, in `folder`."""

    def __init__(self, folder: Path, config: Config, clock: Clock) -> None:
        self.folder, self.config, self.clock = folder, config, clock
        self.folder.mkdir(exist_ok=True)
        self._files: dict[str, Stored] = {}

    def new_path(self) -> tuple[str, Path]:
        """Return the id and the path of a file to be written."""
        file_id = f"file-{secrets.token_hex(12)}"
        return file_id, self.folder / file_id

    def add(self, file_id: str, name: str, purpose: str) -> Stored:
        """Add a file that has been written to its path."""
        stored = Stored(file_id, name, self.folder / file_id, purpose, self.clock.now(), time.monotonic())
        self._files[file_id] = stored
        return stored

    def get(self, file_id: str) -> Stored:
        """Return a file, if it is visible by now."""
        stored = self._files.get(file_id)
        if stored is None or time.monotonic() - stored.since < self.config.file_delay_s:
            raise ApiError(404, f"No such File object: {file_id}", param="id")
        return stored

    async def upload(self, request: Request) -> Response:
        """POST /v1/files."""
        async with request.form() as form:
            upload, purpose = form.get("file"), form.get("purpose")
            if not isinstance(upload, UploadFile):
                raise ApiError(400, "'file' is a required property")
            if purpose != "batch":
                raise ApiError(400, f"'{purpose}' is not one of ['batch']", param="purpose")
            if (upload.size or 0) > self.config.batches.max_bytes:
                raise ApiError(413, f"File is too large: at most {self.config.batches.max_bytes} bytes")
            file_id, path = self.new_path()
            with path.open("wb") as out:
                shutil.copyfileobj(upload.file, out)
            return json_response(self._shown(self.add(file_id, upload.filename or "file", "batch")))

    async def show(self, request: Request) -> Response:
        """GET /v1/files/{id}."""
        return json_response(self._shown(self.get(request.path_params["id"])))

    async def content(self, request: Request) -> Response:
        """GET /v1/files/{id}/content."""
        stored = self.get(request.path_params["id"])
        return FileResponse(stored.path, media_type="application/octet-stream", filename=stored.name)

    async def delete(self, request: Request) -> Response:
        """DELETE /v1/files/{id}."""
        stored = self.get(request.path_params["id"])
        del self._files[stored.id]
        stored.path.unlink()
        return json_response({"id": stored.id, "object": "file", "deleted": True})

    def count(self) -> int:
        """Return the number of files."""
        return len(self._files)

    def _shown(self, stored: Stored) -> dict[str, Any]:
        return stored.shown(time.monotonic() - stored.since >= self.config.file_processing_s)
