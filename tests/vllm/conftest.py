"""One server for all tests here; what it said last is shown with a test that fails."""

from collections.abc import Iterator

import pytest

from tests.vllm.server import Server, vllm

_SERVER = pytest.StashKey[Server]()


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running `vllm serve`."""
    with vllm(tmp_path_factory.mktemp("vllm")) as running:
        request.config.stash[_SERVER] = running
        yield running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed and (running := item.config.stash.get(_SERVER, None)):
        report.sections.append(("log of vllm serve", running.said()))
    return report
