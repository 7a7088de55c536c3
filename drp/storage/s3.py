"""An object store in an S3 bucket, or in a server that speaks S3. boto3 finds endpoint, region and keys the
AWS way: AWS_* variables, profiles, roles.

pyarrow's own S3 streams cannot be aborted: they publish what they have, complete or not, when they are closed
or collected. So bytes go through boto3, whose multipart uploads end in an object or in nothing.
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
"""Of each request, with waits that double up to 20 s: a minute of 503 passes unseen."""
_TRANSFER = TransferConfig(multipart_chunksize=8 * 2**20, max_concurrency=4)
_LOST = {"PreconditionFailed", "NoSuchKey"}
"""Codes of a conditional write that somebody else won (412, 404)."""
_CONFLICT = "ConditionalRequestConflict"
"""Code of a conditional write that met another one: nobody has won yet (409)."""
_CONFLICT_WAIT_S = 0.2
_REFUSED = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "NoSuchBucket"}
_ABSENT = {"NoSuchKey", "404"}
_BUSY = {"SlowDown", "RequestTimeout"}
_SILENT = (ConnectionError, HTTPClientError, ResponseStreamingError, IncompleteReadError)
"""A server that is not there, or stops in the middle of an answer."""


@dataclass(frozen=True)
class S3Access:
    """How DuckDB reaches the store: the same endpoint, region and keys as boto3."""

    key_id: str
    secret: str
    session_token: str | None
    region: str
    endpoint: str
    use_ssl: bool
    path_style: bool


class S3Store:
    """An object store below a prefix of a bucket, from an address such as `s3://bucket/prefix`."""

    def __init__(self, address: str) -> None:
        # Not a URL to be parsed: a prefix may have a # or a ?
        self._bucket, _, prefix = address.removeprefix("s3://").partition("/")
        if not self._bucket:
            raise BadInputError(
                f"{address!r} names no bucket",
                state="Nothing was read or written",
                next_command="DRP_LAKE=s3://bucket/prefix drp corpus list",
            )
        self._prefix = f"{prefix.strip('/')}/".lstrip("/")
        with self._named_faults():
            self._session = boto3.Session()

    @property
    def root(self) -> str:
        """The address."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    @cached_property
    def is_conditional(self) -> bool:
        """Asks the store, as some servers accept the conditions and ignore them."""
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
        """For DuckDB.

        Raises:
            LakeRefusedError: there are no keys.
        """
        found = self._session.get_credentials()
        if found is None:
            raise LakeRefusedError(self.root, "there are no keys (AWS_ACCESS_KEY_ID, a profile, a role)")
        keys = found.get_frozen_credentials()
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
        """Address of an object."""
        return f"s3://{self._bucket}/{self._prefix}{key}"

    def get(self, key: str) -> bytes | None:
        """The object, or None."""
        found = self._read(key)
        return found and found[0]

    def put(self, key: str, data: bytes) -> None:
        """Write the object, replacing what was there."""
        with self._named_faults(writes=True):
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=data)

    def create(self, key: str, data: bytes) -> bool:
        """Write the object unless it exists; False if it does."""
        if not self.is_conditional and self._metadata(key) is not None:
            return False
        return self._write_if(key, data, IfNoneMatch="*")

    def swap(self, key: str, data: bytes, expected: bytes | None) -> bool:
        """Replace `expected` by `data` where its ETag still stands; False if something else is there."""
        if expected is None:
            return self.create(key, data)
        found = self._read(key)
        if found is None or found[0] != expected:
            return False
        return self._write_if(key, data, IfMatch=found[1])

    def listed(self, prefix: str) -> Iterator[StoredObject]:
        """The complete objects below the folder `prefix`, in order of their keys."""
        folder = f"{self._prefix}{prefix}".rstrip("/") + "/" if prefix else self._prefix
        with self._named_faults():
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=folder
            ):
                for found in page.get("Contents", ()):
                    if not found["Key"].endswith("/"):  # a console's "folder"
                        key = found["Key"].removeprefix(self._prefix)
                        yield StoredObject(key, found["Size"], found["LastModified"])

    def delete(self, key: str) -> None:
        """Remove the object if it is there."""
        with self._named_faults(writes=True):
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    @contextmanager
    def writing(self, key: str) -> Iterator[BinaryIO]:
        """A stream whose object appears on a clean exit, and never on an error."""
        with self._named_faults(writes=True):
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
                    raise cause from error  # the upload failed meanwhile
                raise
            upload.finish()

    def pieces(self, key: str) -> Iterator[bytes] | None:
        """The object in pieces; None if it is not there."""
        with self._named_faults():
            try:
                body = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)["Body"]
            except ClientError as error:
                if error.response["Error"]["Code"] in _ABSENT:
                    return None
                raise
        return self._pieces(body.iter_chunks(PIECE))

    def _pieces(self, body: Iterable[bytes]) -> Iterator[bytes]:
        with self._named_faults():
            yield from body

    def digest(self, key: str) -> str | None:
        """SHA-256 of the object; None if it is not there."""
        pieces = self.pieces(key)
        if pieces is None:
            return None
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
        return digest.hexdigest()

    def unfinished(self) -> Iterator[Unfinished]:
        """Multipart uploads that did not end, or are still going on."""
        none = self._client.exceptions.NoSuchUpload  # as rclone puts it
        with self._named_faults(), suppress(none):
            pages = self._client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
                for found in page.get("Uploads", ()):
                    name = f"upload of {found['Key'].removeprefix(self._prefix)}"
                    discard = partial(self._abort, found["Key"], found["UploadId"])
                    yield Unfinished(name, found["Initiated"], discard)

    def now(self) -> datetime:
        """The time of the server."""
        with self._named_faults():
            answer = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)
            return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])

    @cached_property
    def _client(self) -> "S3Client":
        config = Config(
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            connect_timeout=10,
            read_timeout=60,
            # Other servers refuse the trailing checksums of newer SDKs; a part's SHA-256 is in its manifest.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        with self._named_faults():
            # A server of one's own has no regions, and boto3 wants one.
            region = self._session.region_name or "us-east-1"
            try:
                return self._session.client("s3", region_name=region, config=config)
            except ValueError as error:  # AWS_ENDPOINT_URL is no address
                raise LakeRefusedError(self.root, str(error)) from error

    def _read(self, key: str) -> tuple[bytes, str] | None:
        """The object and its ETag."""
        with self._named_faults():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
                return answer["Body"].read(), answer["ETag"]
            except ClientError as error:
                if error.response["Error"]["Code"] in _ABSENT:
                    return None
                raise

    def _metadata(self, key: str) -> dict[str, str] | None:
        """What was written beside the object; None if it is not there."""
        with self._named_faults():
            try:
                return self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)["Metadata"]
            except ClientError as error:
                if error.response["Error"]["Code"] in _ABSENT:
                    return None
                raise

    def _write_if(self, key: str, data: bytes, **condition: str) -> bool:
        """Write on a condition; False if it does not hold, unless by an attempt whose answer was lost."""
        mark = {"drp-write": uuid.uuid4().hex}
        with self._named_faults(writes=True):
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
                    if code in _LOST:
                        return self._metadata(key) == mark
                    if code != _CONFLICT or attempt == _ATTEMPTS - 1:
                        raise
                    time.sleep(_CONFLICT_WAIT_S * 2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _abort(self, key: str, upload_id: str) -> None:
        with self._named_faults(writes=True), suppress(self._client.exceptions.NoSuchUpload):
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)

    @contextmanager
    def _named_faults(self, *, writes: bool = False) -> Iterator[None]:
        """What boto3 raises, as our errors."""
        try:
            yield
        except ClientError as error:
            raise self._named(error, writes) from error
        except BotoCoreError as error:
            is_silent = isinstance(error, _SILENT) and not isinstance(error, SSLError)
            raise (LakeUnavailableError if is_silent else LakeRefusedError)(self.root, str(error)) from error
        except S3UploadFailedError as error:  # carries the real one
            cause = error.__context__
            raise (
                self._named(cause, writes)
                if isinstance(cause, ClientError)
                else LakeUnavailableError(self.root, str(error))
            ) from error

    def _named(self, error: ClientError, writes: bool) -> DrpError:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = error.response["Error"]["Code"]
        said = f"{code}: {error.response['Error'].get('Message') or 'no reason given'}"
        if status in (408, 409, 429) or (status >= 500 and status != 501) or code in _BUSY:
            return LakeUnavailableError(self.root, said)
        if status == 403 and writes and code not in _REFUSED:
            return LakeUnwritableError(self.root, f"{said} (the keys may only read)")
        return LakeRefusedError(self.root, said)


class _Upload:
    """Feeds `upload_fileobj`, which reads, through a pipe to which we write."""

    def __init__(self, upload: Callable[["_Source"], None]) -> None:
        reading, writing = os.pipe()
        with suppress(AttributeError, OSError):  # of Linux, where 64 KiB cost many turns between two threads
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIECE)
        self.stream: BinaryIO = os.fdopen(writing, "wb", buffering=PIECE)
        self._source = _Source(os.fdopen(reading, "rb", buffering=0))
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(upload,), daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait until the object is there."""
        self._close()
        if self._error is not None:
            raise self._error

    def abort(self) -> BaseException | None:
        """Make sure that there will be no object; gives why the upload had failed already, if it had."""
        cause = self._error
        self._source.is_aborted = True
        self._close()
        return cause

    def _close(self) -> None:
        with suppress(BrokenPipeError):  # the upload has failed, and says why
            self.stream.close()
        self._thread.join()

    def _run(self, upload: Callable[["_Source"], None]) -> None:
        try:
            upload(self._source)
        except BaseException as error:  # raised again in the thread that writes
            self._error = error
        finally:
            self._source.pipe.close()  # a writer that goes on gets a broken pipe


class _Source:
    """The reading end of the pipe. An aborted stream raises at its end: boto3 then aborts its upload."""

    def __init__(self, pipe: BinaryIO) -> None:
        self.pipe = pipe
        self.is_aborted = False

    def read(self, size: int = -1) -> bytes:
        """`size` bytes, fewer only at the end; all when negative."""
        pieces = []
        left = float("inf") if size < 0 else size
        while left > 0 and (piece := self.pipe.read(int(min(left, PIECE)))):
            pieces.append(piece)
            left -= len(piece)
        if left > 0 and self.is_aborted:
            raise InterruptedError("the writer gave up")
        return b"".join(pieces)
