"""The registry on a real PostgreSQL, and what is PostgreSQL's own: connections that are lost."""

import pytest

from drp.registry.registry import open_registry
from tests.helpers.checkpoints import make_checkpoint
from tests.helpers.postgres import Postgres
from tests.registry.contract import AliasContract, CheckpointContract, MigrationContract

pytestmark = pytest.mark.services


class TestPostgres(CheckpointContract, AliasContract, MigrationContract):
    """The promises, on PostgreSQL."""


def test_lost_connections_lose_nothing_and_move_nothing_twice(server: Postgres, url: str) -> None:
    with open_registry(url) as registry:
        server.cut_connections()
        assert registry.register(make_checkpoint(1))
        server.cut_connections()
        registry.promote(make_checkpoint(1).checkpoint_id, "champion", "first")
        assert [move.number for move in registry.history("champion")] == [1]
