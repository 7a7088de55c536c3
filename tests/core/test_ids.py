"""Ids are hashes of content: equal inputs have equal ids on every machine, different inputs do not."""

import re

from hypothesis import given
from hypothesis import strategies as st

from drp.core import ids

TEXT = st.text()


@given(TEXT, TEXT, TEXT)
def test_an_id_is_32_hex_characters_and_deterministic(split, question, gold):
    first = ids.question_id(split, question, gold)
    assert re.fullmatch(r"[0-9a-f]{32}", first)
    assert first == ids.question_id(split, question, gold)


@given(st.lists(TEXT, min_size=1, max_size=4), st.lists(TEXT, min_size=1, max_size=4))
def test_parts_are_never_run_together(one, other):
    assert (ids.content_id("x", *one) == ids.content_id("x", *other)) == (one == other)


def test_the_order_of_keys_does_not_matter():
    one = ids.sampled_rollout_id("q", "s", "p", {"temperature": 0.6, "top_p": 0.95}, 0)
    assert one == ids.sampled_rollout_id("q", "s", "p", {"top_p": 0.95, "temperature": 0.6}, 0)
    assert one != ids.sampled_rollout_id("q", "s", "p", {"top_p": 0.95, "temperature": 0.6}, 1)


def test_ids_do_not_change_between_versions_of_drp():
    """With a changed id, every row of every lake would count as new."""
    assert ids.question_id("train", "1 + 1?", "2") == "0b39763bce8327edab0fba51e9fa333a"
    assert ids.imported_rollout_id("q", "s", "t\ud800", "r") == "58814da9c7a04a748a50b4010876547a"
