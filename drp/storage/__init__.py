"""Object stores in a folder or in S3, behind one protocol with compare-and-swap."""

from drp.storage.factory import open_store
from drp.storage.folder import FolderStore
from drp.storage.s3 import S3Access, S3Store
from drp.storage.store import (
    PIECE,
    LakeRefusedError,
    LakeUnavailableError,
    LakeUnwritableError,
    ObjectStore,
    Sha256Stream,
    StoredObject,
    Unfinished,
)
from drp.storage.writer_lease import SecondWriterError, WriterLease

__all__ = [
    "PIECE",
    "FolderStore",
    "LakeRefusedError",
    "LakeUnavailableError",
    "LakeUnwritableError",
    "ObjectStore",
    "S3Access",
    "S3Store",
    "SecondWriterError",
    "Sha256Stream",
    "StoredObject",
    "Unfinished",
    "WriterLease",
    "open_store",
]
