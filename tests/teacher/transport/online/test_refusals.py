"""When failures are the requests' own, and when the provider refuses everything."""

from drp.teacher.transport.online.refusals import Refusals
from drp.teacher.transport.retry_policy import SAME_REFUSALS


def test_an_answer_to_a_later_request_shows_that_the_provider_works():
    refusals = Refusals()
    refusals.failed("flagged", now=10.0)
    assert not refusals.answered(sent_at=9.0)
    assert refusals.answered(sent_at=10.0)
    for at in range(20):
        refusals.failed("flagged", now=float(at))
        assert refusals.answered(sent_at=at + 0.5)
    assert not refusals.are_general


def test_many_with_the_same_words_are_general_until_something_is_answered():
    refusals = Refusals()
    for at in range(SAME_REFUSALS):
        assert not refusals.are_general
        refusals.failed("gone", now=float(at))
    assert refusals.are_general
    refusals.answered(sent_at=-1.0)
    assert refusals.are_general
    refusals.answered(sent_at=99.0)
    assert not refusals.are_general


def test_failures_with_different_words_are_the_requests_own():
    refusals = Refusals()
    for number in range(3 * SAME_REFUSALS):
        refusals.failed(f"cause {number % SAME_REFUSALS}", now=float(number))
    assert not refusals.are_general
