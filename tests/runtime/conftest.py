"""The nights of tests/helpers/nights.py, as fixtures."""

from tests.helpers.nights import lake, night, published, recipe_file, traces_file

__all__ = ["lake", "night", "published", "recipe_file", "traces_file"]
