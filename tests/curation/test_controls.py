"""The control arms train on the same rollouts as `drp`, with other texts of the stated length."""

import re
from collections.abc import Callable

import pytest

from drp.curation import Candidate, drp_revisions, summary_only, truncate_head, truncate_tail, unpruned_sft
from drp.student.small import WEIGHTS
from drp.traces import TokenCounter

THINKING = (
    "Okay, what is asked? There are 6 boxes of 7 pens, and 5 are lost.\n\nFirst the pens. So 6 * 7 = 42 pens."
    " Let me check that: 42 / 7 = 6. Good.\n\nNow the lost ones. So 42 - 5 = 37 pens.\n\nSo the answer is 37."
)
REVISED = "First the pens. So 6 * 7 = 42 pens.\n\nSo 42 - 5 = 37 pens."
RESPONSE = "6 * 7 = 42\n42 - 5 = 37\n\nThe answer is $\\boxed{37}$ pens."


def candidate(name: str = "r1", count: Callable[[str], int] = len, **texts: str | None) -> Candidate:
    values: dict[str, str | None] = {
        "thinking": THINKING,
        "response": RESPONSE,
        "revised_thinking": REVISED,
        "revised_response": "It is $\\boxed{37}$.",
        **texts,
    }
    return Candidate(name, "q", "How many?", total_tokens=99, count=count, **values)  # type: ignore[arg-type]


def words(text: str) -> int:
    return len(text.split())


def tokens(text: str) -> int:
    counter = TokenCounter(WEIGHTS)
    return counter.of(text, "", counter.name).thinking


def is_whole_units(part: str) -> bool:
    """Whether a part of THINKING begins and ends where a sentence does."""
    start = THINKING.index(part)
    before, after = THINKING[:start].rstrip(), THINKING[start + len(part) :]
    return (not before or before[-1] in ".?") and part[-1] in ".?" and (not after or after[0] in " \n")


@pytest.mark.parametrize("count", [len, words, tokens])
@pytest.mark.parametrize("revised", [REVISED, "So 37.", "So 6 * 7 = 42 pens and 42 - 5 = 37 pens. " * 3])
def test_the_end_and_the_beginning_are_as_long_as_the_revision(
    count: Callable[[str], int], revised: str
) -> None:
    pruned = candidate(count=count, revised_thinking=revised)
    for curation, is_part in ((truncate_head, THINKING.endswith), (truncate_tail, THINKING.startswith)):
        (example,) = curation([pruned])
        assert is_part(example.thinking)
        assert is_whole_units(example.thinking)
        assert example.response == pruned.revised_response
        excess = abs(count(example.thinking) - count(revised))
        longest_unit = max(count(unit) for unit in re.split(r"(?<=[.?])\s+", THINKING))
        assert excess <= max(longest_unit / 2, count(THINKING) - longest_unit - count(revised)) + 1


def test_of_all_parts_the_nearest_is_taken() -> None:
    ends = [match.end() for match in re.finditer(r"[.?](?=\s|$)", THINKING)]
    for length in range(1, words(THINKING) + 5):
        pruned = candidate(count=words, revised_thinking="word " * length)
        (example,) = truncate_tail([pruned])
        nearest = min(abs(words(THINKING[:end]) - length) for end in ends)
        assert abs(words(example.thinking) - length) == nearest
        assert example.thinking


def test_the_unit_of_length_is_that_of_the_student() -> None:
    revised = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20."  # many words in few characters
    by_characters, by_words = (
        next(truncate_tail([candidate(count=count, revised_thinking=revised)])) for count in (len, words)
    )
    assert len(by_characters.thinking) < len(by_words.thinking)


@pytest.mark.parametrize("curation", [truncate_head, truncate_tail, summary_only])
def test_they_train_on_the_rollouts_whose_revision_was_accepted(
    curation: Callable[..., list[object]],
) -> None:
    rollouts = [
        candidate("r1"),
        candidate("r2", revised_thinking=None, revised_response=None),
        candidate("r3", thinking="One sentence without an end"),
    ]
    trained = [example.example_id for example in drp_revisions(rollouts)]
    assert [example.example_id for example in curation(rollouts)] == trained == ["r1", "r3"]  # type: ignore[attr-defined]
    assert list(curation(rollouts)) == list(curation(rollouts))


def test_only_the_summary_survives() -> None:
    (example,) = summary_only([candidate()])
    (whole,) = unpruned_sft([candidate()])
    assert (example.thinking, example.response) == ("", RESPONSE)
    assert whole.response == example.response
