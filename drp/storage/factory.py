"""Open the object store at an address."""

from functools import cache
from pathlib import Path

from drp.core import BadInputError
from drp.storage.folder import FolderStore
from drp.storage.store import ObjectStore


@cache
def open_store(address: str) -> ObjectStore:
    """Open the store at `s3://bucket/prefix` or in a folder.

    Each address has one store per process, because S3 clients are expensive to make.

    Raises:
        BadInputError: the address is of another kind.
    """
    scheme, separator, _ = address.partition("://")
    if not separator:
        return FolderStore(Path(address))
    if scheme != "s3":
        raise BadInputError(
            f"a lake at {scheme}:// is not supported: DRP_LAKE must be a folder or s3://bucket/prefix",
            state="Nothing was read or written",
            next_command="DRP_LAKE=s3://bucket/prefix drp corpus list",
        )
    from drp.storage.s3 import S3Store  # here, because importing boto3 takes half a second

    return S3Store(address)
