"""Lakes for reviews: in a folder and on S3."""

from tests.lake.conftest import lake

__all__ = ["lake"]
