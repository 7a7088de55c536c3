"""An object store in an S3 bucket, or on a server that speaks S3.

boto3 finds the endpoint, region and keys as usual: AWS_* variables, profiles, roles.

The S3 streams of pyarrow cannot be aborted: when they are closed or collected, they publish what they have,
complete or not. So this module writes through boto3, whose multipart uploads publish the whole object or
nothing.
"""

import fcntl
import hashlib
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

import boto3
from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
    SSLError,
)

from drp.core import BadInputError, DrpError
from drp.storage.store import (
    PIECE,
    LakeRefusedError,
    LakeUnavailableError,
    LakeUnwritableError,
    StoredObject,
    Unfinished,
)

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_ATTEMPTS = 8
"""Attempts at each request. Waits double up to 20 s, so a minute of 503 responses goes unnoticed."""
_TRANSFER = TransferConfig(multipart_chunksize=8 * 2**20, max_concurrency=4)
_CONDITION_FAILED = {"PreconditionFailed", "NoSuchKey"}
"""Codes of a conditional write that lost against another writer (412, 404)."""
_CONFLICT = "ConditionalRequestConflict"
"""Code of a conditional write that ran into a concurrent one, before either was done (409)."""
_CONFLICT_WAIT_S = 0.2
_REFUSED = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "NoSuchBucket"}
_ABSENT = {"NoSuchKey", "404"}
_BUSY = {"SlowDown", "RequestTimeout"}
_CONNECTION_ERRORS = (ConnectionError, HTTPClientError, ResponseStreamingError, IncompleteReadError)
"""Errors of a server that is down, or stops in the middle of a response."""


@dataclass(frozen=True)
class S3Access:
    """How DuckDB reaches the store: with the same endpoint, region and keys as boto3."""

    key_id: str
    secret: str
    session_token: str | None
    region: str
    endpoint: str
    use_ssl: bool
    path_style: bool


class S3Store:
    """An object store below a prefix of a bucket, at an address such as `s3://bucket/prefix`."""

    def __init__(self, address: str) -> None:
        # Not parsed as a URL, because a prefix may contain # or ?.
        self._bucket, _, prefix = address.removeprefix("s3://").partition("/")
        if not self._bucket:
            raise BadInputError(
                f"{address!r} does not name a bucket",
                state="Nothing was read or written",
                next_command="DRP_LAKE=s3://bucket/prefix drp corpus list",
            )
        self._prefix = f"{prefix.strip('/')}/".lstrip("/")
        with self._translated_errors():
            self._session = boto3.Session()

    @property
    def root(self) -> str:
        """The address of the store."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    @cached_property
    def is_conditional(self) -> bool:
        """Whether the store honours conditional writes. Found by trial, as some servers ignore conditions."""
        key = f"_probe/{uuid.uuid4().hex}"
        try:
            first = self._write_if(key, b"1", IfNoneMatch="*")
            return first and not (
                self._write_if(key, b"2", IfNoneMatch="*") or self._write_if(key, b"3", IfMatch='"0"')
            )
        finally:
            self.delete(key)

    @cached_property
    def access(self) -> S3Access:
        """How DuckDB reaches the store.

        Raises:
            LakeRefusedError: there are no keys.
        """
        credentials = self._session.get_credentials()
        if credentials is None:
            raise LakeRefusedError(self.root, "there are no keys (AWS_ACCESS_KEY_ID, a profile, a role)")
        keys = credentials.get_frozen_credentials()
        endpoint = urlsplit(self._client.meta.endpoint_url)
        return S3Access(
            keys.access_key or "",
            keys.secret_key or "",
            keys.token,
            self._client.meta.region_name,
            endpoint.netloc,
            endpoint.scheme == "https",
            not endpoint.netloc.endswith(".amazonaws.com"),
        )

    def uri(self, key: str) -> str:
        """Return the address of an object."""
        return f"s3://{self._bucket}/{self._prefix}{key}"

    def get(self, key: str) -> bytes | None:
        """Return the object, or None."""
        object_ = self._read(key)
        return object_ and object_[0]

    def put(self, key: str, data: bytes) -> None:
        """Write the object, replacing any earlier one."""
        with self._translated_errors(writes=True):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=data)

    def create(self, key: str, data: bytes) -> bool:
        """Write the object unless it exists. Return False if it does."""
        if not self.is_conditional and self._metadata(key) is not None:
            return False
        return self._write_if(key, data, IfNoneMatch="*")

    def swap(self, key: str, data: bytes, expected: bytes | None) -> bool:
        """Replace `expected` by `data` on its ETag. Return False if the object is not `expected`."""
        if expected is None:
            return self.create(key, data)
        object_ = self._read(key)
        if object_ is None or object_[0] != expected:
            return False
        return self._write_if(key, data, IfMatch=object_[1])

    def listed(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the complete objects below the folder `prefix`, in order of their keys."""
        folder = f"{self._prefix}{prefix}".rstrip("/") + "/" if prefix else self._prefix
        with self._translated_errors():
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=folder
            ):
                for item in page.get("Contents", ()):
                    if not item["Key"].endswith("/"):  # a "folder" that an S3 console has made
                        key = item["Key"].removeprefix(self._prefix)
                        yield StoredObject(key, item["Size"], item["LastModified"])

    def delete(self, key: str) -> None:
        """Remove the object if it exists."""
        with self._translated_errors(writes=True):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    @contextmanager
    def writing(self, key: str) -> Iterator[BinaryIO]:
        """Open a stream. Its object appears on a clean exit, and never after an error."""
        with self._translated_errors(writes=True):
            upload = _Upload(
                partial(
                    self._client.upload_fileobj,
                    Bucket=self._bucket,
                    Key=self._prefix + key,
                    Config=_TRANSFER,
                )
            )
            try:
                yield upload.stream
            except BaseException as error:
                cause = upload.abort()
                if cause is not None and isinstance(error, BrokenPipeError):
                    raise cause from error  # the upload had failed, which broke the pipe
                raise
            upload.finish()

    def pieces(self, key: str) -> Iterator[bytes] | None:
        """Return the object in pieces, or None if it does not exist."""
        with self._translated_errors():
            try:
                body = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)["Body"]
            except ClientError as error:
                if error.response["Error"]["Code"] in _ABSENT:
                    return None
                raise
        return self._pieces(body.iter_chunks(PIECE))

    def _pieces(self, body: Iterable[bytes]) -> Iterator[bytes]:
        with self._translated_errors():
            yield from body

    def digest(self, key: str) -> str | None:
        """Return the SHA-256 of the object, or None if it does not exist."""
        pieces = self.pieces(key)
        if pieces is None:
            return None
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
        return digest.hexdigest()

    def unfinished(self) -> Iterator[Unfinished]:
        """Yield the multipart uploads that did not end or are still in progress."""
        no_uploads = self._client.exceptions.NoSuchUpload  # how rclone answers when there are none
        with self._translated_errors(), suppress(no_uploads):
            pages = self._client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
                for upload in page.get("Uploads", ()):
                    name = f"upload of {upload['Key'].removeprefix(self._prefix)}"
                    discard = partial(self._abort, upload["Key"], upload["UploadId"])
                    yield Unfinished(name, upload["Initiated"], discard)

    def now(self) -> datetime:
        """Return the time of the server."""
        with self._translated_errors():
            response = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)
            return parsedate_to_datetime(response["ResponseMetadata"]["HTTPHeaders"]["date"])

    @cached_property
    def _client(self) -> "S3Client":
        config = Config(
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            connect_timeout=10,
            read_timeout=60,
            # Other servers refuse the trailing checksums of newer SDKs. Manifests hold the SHA-256 of parts.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        with self._translated_errors():
            # Servers other than AWS have no regions, but boto3 requires one.
            region = self._session.region_name or "us-east-1"
            try:
                return self._session.client("s3", region_name=region, config=config)
            except ValueError as error:  # AWS_ENDPOINT_URL is not a URL
                raise LakeRefusedError(self.root, str(error)) from error

    def _read(self, key: str) -> tuple[bytes, str] | None:
        """Return the object and its ETag."""
        with self._translated_errors():
            try:
                response = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
                return response["Body"].read(), response["ETag"]
            except ClientError as error:
                if error.response["Error"]["Code"] in _ABSENT:
                    return None
                raise

    def _metadata(self, key: str) -> dict[str, str] | None:
        """Return the metadata of the object, or None if it does not exist."""
        with self._translated_errors():
            try:
                return self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)["Metadata"]
            except ClientError as error:
                if error.response["Error"]["Code"] in _ABSENT:
                    return None
                raise

    def _write_if(self, key: str, data: bytes, **condition: str) -> bool:
        """Write if a condition holds. Return whether the write succeeded."""
        # If the response to a successful write is lost, the retry fails: then the mark shows that we won.
        mark = {"drp-write": uuid.uuid4().hex}
        with self._translated_errors(writes=True):
            for attempt in range(_ATTEMPTS):
                try:
                    self._client.put_object(
                        Bucket=self._bucket,
                        Key=self._prefix + key,
                        Body=data,
                        Metadata=mark,
                        **condition,  # type: ignore[arg-type]
                    )
                    return True
                except ClientError as error:
                    code = error.response["Error"]["Code"]
                    if code in _CONDITION_FAILED:
                        return self._metadata(key) == mark
                    if code != _CONFLICT or attempt == _ATTEMPTS - 1:
                        raise
                    time.sleep(_CONFLICT_WAIT_S * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _abort(self, key: str, upload_id: str) -> None:
        with self._translated_errors(writes=True), suppress(self._client.exceptions.NoSuchUpload):
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)

    @contextmanager
    def _translated_errors(self, *, writes: bool = False) -> Iterator[None]:
        """Raise the errors of boto3 as errors of DRP."""
        try:
            yield
        except ClientError as error:
            raise self._translated(error, writes) from error
        except BotoCoreError as error:
            is_unavailable = isinstance(error, _CONNECTION_ERRORS) and not isinstance(error, SSLError)
            error_class = LakeUnavailableError if is_unavailable else LakeRefusedError
            raise error_class(self.root, str(error)) from error
        except S3UploadFailedError as error:  # wraps the actual error
            cause = error.__context__
            raise (
                self._translated(cause, writes)
                if isinstance(cause, ClientError)
                else LakeUnavailableError(self.root, str(error))
            ) from error

    def _translated(self, error: ClientError, writes: bool) -> DrpError:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = error.response["Error"]["Code"]
        cause = f"{code}: {error.response['Error'].get('Message') or 'no reason given'}"
        if status in (408, 409, 429) or (status >= 500 and status != 501) or code in _BUSY:
            return LakeUnavailableError(self.root, cause)
        if status == 403 and writes and code not in _REFUSED:
            return LakeUnwritableError(self.root, f"{cause} (the keys may only read)")
        return LakeRefusedError(self.root, cause)


class _Upload:
    """An upload as a writable stream. A thread runs `upload_fileobj`, which reads from the stream's pipe."""

    def __init__(self, upload: Callable[["_Source"], None]) -> None:
        read_end, write_end = os.pipe()
        # Only Linux has this. A larger pipe than the usual 64 KiB needs fewer switches between the threads.
        with suppress(AttributeError, OSError):
            fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, PIECE)
        self.stream: BinaryIO = os.fdopen(write_end, "wb", buffering=PIECE)
        self._source = _Source(os.fdopen(read_end, "rb", buffering=0))
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(upload,), daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait until the object exists."""
        self._close()
        if self._error is not None:
            raise self._error

    def abort(self) -> BaseException | None:
        """Make sure that no object appears. Return the error if the upload had already failed."""
        cause = self._error
        self._source.is_aborted = True
        self._close()
        return cause

    def _close(self) -> None:
        with suppress(BrokenPipeError):  # the upload has failed; `_error` says why
            self.stream.close()
        self._thread.join()

    def _run(self, upload: Callable[["_Source"], None]) -> None:
        try:
            upload(self._source)
        except BaseException as error:  # raised again in the writing thread
            self._error = error
        finally:
            self._source.pipe.close()  # so that further writes fail with a broken pipe


class _Source:
    """The read end of the pipe. It raises at the end of an aborted stream: then boto3 aborts the upload."""

    def __init__(self, pipe: BinaryIO) -> None:
        self.pipe = pipe
        self.is_aborted = False

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, or fewer at the end of the stream. A negative size reads everything."""
        pieces = []
        remaining = float("inf") if size < 0 else size
        while remaining > 0 and (piece := self.pipe.read(int(min(remaining, PIECE)))):
            pieces.append(piece)
            remaining -= len(piece)
        if remaining > 0 and self.is_aborted:
            raise InterruptedError("the writer aborted the upload")
        return b"".join(pieces)
