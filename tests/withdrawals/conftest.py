"""The fixture `lake`, in a folder and on S3, and the nights of tests/helpers/nights.py."""

from tests.helpers.nights import recipe_file, traces_file
from tests.lake.conftest import lake

__all__ = ["lake", "recipe_file", "traces_file"]
