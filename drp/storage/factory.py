"""The object store at an address."""

from functools import cache
from pathlib import Path

from drp.core import BadInputError
from drp.storage.folder import FolderStore
from drp.storage.store import ObjectStore


@cache
def open_store(address: str) -> ObjectStore:
    """The store at `s3://bucket/prefix` or in a folder; one for each address, as S3 clients are dear.

    Raises:
        BadInputError: an address of another kind.
    """
    scheme, separator, _ = address.partition("://")
    if not separator:
        return FolderStore(Path(address))
    if scheme != "s3":
        raise BadInputError(
            f"a lake at {scheme}:// is not known: DRP_LAKE is a folder or s3://bucket/prefix",
            state="Nothing was read or written",
            next_command="DRP_LAKE=s3://bucket/prefix drp corpus list",
        )
    from drp.storage.s3 import S3Store  # boto3 takes half a second

    return S3Store(address)
