"""A fake provider that answers at once, and an empty ledger."""

import pytest

from drp.ledger.ledger import open_ledger
from tests.fake_provider import provider
from tests.teacher.transport.batch.nights import PLAIN


@pytest.fixture(scope="package")
def _server():
    with provider(**PLAIN) as server:
        yield server


@pytest.fixture
def server(_server):
    """The fake provider; tests that need other settings restart it."""
    _server.restart(**PLAIN)
    return _server


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        yield ledger
