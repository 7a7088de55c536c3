"""Batches keep to limits on requests, bytes and enqueued tokens, in order, and are not needlessly small."""

import pytest

from drp.teacher.transport.batch.packing import BatchLimits, Size, cut

pytestmark = pytest.mark.services


TEN = [(str(number), Size(100, 10)) for number in range(10)]


@pytest.mark.parametrize(
    ("limits", "enqueued", "taken"),
    [
        (BatchLimits(None), 10**9, 10),
        (BatchLimits(None, requests=4), 0, 4),
        (BatchLimits(None, bytes=550), 0, 5),
        (BatchLimits(None, bytes=500), 0, 5),
        (BatchLimits(65), 0, 6),
        (BatchLimits(65), 5, 6),
        (BatchLimits(65), 30, 3),
        (BatchLimits(65), 50, 0),  # one alone: wait for more room
        (BatchLimits(65), 65, 0),
        (BatchLimits(10), 0, 1),  # no batch is pending: always one
        (BatchLimits(140), 40, 10),  # all the rest fits
        (BatchLimits(5), 0, 1),
        (BatchLimits(5), 1, 0),
    ],
)
def test_a_batch_is_the_front_of_what_waits(limits, enqueued, taken):
    assert cut(TEN, limits, enqueued=enqueued) == [name for name, _ in TEN[:taken]]


def test_the_last_ones_need_no_full_batch():
    assert cut(TEN[:1], BatchLimits(1000), enqueued=900) == ["0"]


@pytest.mark.parametrize(
    ("size", "fits"),
    [(Size(100, 65), True), (Size(101, 1), False), (Size(1, 66), False)],
)
def test_a_request_too_large_for_any_batch_is_reported(size, fits):
    assert (BatchLimits(65, bytes=100).too_large(size) is None) == fits
