"""A PostgreSQL for the tests of one file, and an empty database for each test."""

from collections.abc import Iterator

import pytest

from tests.helpers.postgres import Postgres, postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A PostgreSQL."""
    with postgres() as running:
        yield running


@pytest.fixture
def url(server: Postgres) -> Iterator[str]:
    """Address of an empty database."""
    with server.database() as address:
        yield address
