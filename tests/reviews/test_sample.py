"""The sample: the same for everyone, in proportion to its strata, without what the reviewer knows."""

from collections import Counter
from contextlib import closing

import pytest

from drp.core.errors import BadInputError
from drp.lake.lake import Lake
from drp.lake.runs import Run, UnknownRunError
from drp.reviews.pairs import read_pairs
from drp.reviews.sample import Selection, find_revision, night_of, open_night, sample
from tests.helpers.lake_runs import publish
from tests.helpers.reviewed_nights import NIGHT, night_tables, published_night, quarantined_night
from tests.helpers.row_factories import THINKING, Row, make_revision, make_rollout

ACCEPTED = Selection()


def draw(lake: Lake, night: Run, count: int = 20, known=(), chosen: Selection = ACCEPTED) -> list[str]:
    with closing(open_night(lake, night)) as con:
        return sample(con, night, chosen, known, count)


def many(students: dict[str, int]) -> dict[str, list[Row]]:
    """Revisions of several students whose rollouts have all lengths from 1 to their number."""
    tables: dict[str, list[Row]] = night_tables(0)
    for student, count in students.items():
        for number in range(count):
            name = f"{student}-{number:04d}"
            tables["rollouts"].append(
                make_rollout(rollout_id=name, student=student, think_tokens=number, total_tokens=number + 1)
            )
            tables["revisions"].append(make_revision(revision_id=f"v-{name}", rollout_id=name))
    return tables


def test_a_prefix_of_any_length_has_each_stratum_in_proportion(lake):
    publish(lake, NIGHT, many({"large": 300, "small": 60}))
    drawn = draw(lake, lake.run(NIGHT), 360)
    assert len(set(drawn)) == 360
    for size in (12, 18, 36, 90, 180):
        strata = Counter()
        for revision_id in drawn[:size]:
            _, student, number = revision_id.split("-")
            strata[student, int(number) * 3 // {"large": 300, "small": 60}[student]] += 1
        for (student, _), count in strata.items():
            expected = size * (5 / 6 if student == "large" else 1 / 6) / 3
            assert abs(count - expected) <= 1, (size, strata)
        assert len(strata) == 6 or size < 18


def test_the_order_within_a_stratum_is_neither_that_of_ids_nor_of_lengths(lake):
    publish(lake, NIGHT, many({"s": 90}))
    short = [int(r.rsplit("-", 1)[1]) for r in draw(lake, lake.run(NIGHT), 90)]
    short = [number for number in short if number < 30]
    assert sorted(short) == list(range(30))
    assert short != sorted(short)
    assert short != sorted(short, reverse=True)


def test_every_reviewer_gets_the_same_sample_and_another_night_another_one(lake):
    tables = many({"s": 60})
    publish(lake, NIGHT, tables)
    first = draw(lake, lake.run(NIGHT), 10)
    assert draw(lake, lake.run(NIGHT), 10) == first
    other = "2026-11-21-drp"
    publish(lake, other, tables)
    assert draw(lake, lake.run(other), 10) != first


def test_what_is_known_is_left_out_and_the_rest_keeps_its_order(lake):
    night = published_night(lake, 12)
    all_of_them = draw(lake, night, 12)
    assert draw(lake, night, 5, known=all_of_them[:3]) == all_of_them[3:8]
    assert draw(lake, night, 5, known=all_of_them) == []


def test_only_accepted_revisions_unless_others_are_asked_for(lake):
    night = published_night(lake, 3, rejected=2)
    assert set(draw(lake, night)) == {"v0", "v1", "v2"}
    assert set(draw(lake, night, chosen=Selection(rejected=True))) == {"vno0", "vno1"}
    assert set(draw(lake, night, chosen=Selection(reason="rollout_wrong"))) == {"vno0", "vno1"}
    assert draw(lake, night, chosen=Selection(reason="hollow")) == []
    with closing(open_night(lake, night)) as con:
        (pair,) = read_pairs(con, ["vno0"], with_originals=True)
    assert (pair.thinking, pair.tokens_after, pair.saving, pair.steps) == (None, None, None, [])
    assert (pair.original_thinking, list(pair.reject_reasons)) == (THINKING, ["rollout_wrong"])


def test_a_quarantined_night_can_be_read_and_other_nights_are_not_mixed_in(lake):
    published_night(lake, 2, "2026-11-19-drp", prefix="old")
    night = quarantined_night(lake, 3)
    assert set(draw(lake, night)) == {"v0", "v1", "v2"}
    assert find_revision(lake, "v1").run_id == NIGHT
    assert find_revision(lake, "vold1").run_id == "2026-11-19-drp"
    assert night_of(lake, None).run_id == "2026-11-19-drp"
    assert night_of(lake, NIGHT).run_id == NIGHT


def test_a_revision_or_night_that_is_not_there_is_refused(lake):
    with pytest.raises(BadInputError, match="no night yet"):
        night_of(lake, None)
    published_night(lake)
    with pytest.raises(UnknownRunError):
        night_of(lake, "2026-11-21-drp")
    with pytest.raises(BadInputError, match="'; DROP"):
        find_revision(lake, "'; DROP")
    publish(lake, "2026-11-20-train-drp", {})
    with pytest.raises(BadInputError, match="not a night"):
        night_of(lake, "2026-11-20-train-drp")


def test_a_pair_has_the_original_the_decisions_and_the_result(lake):
    night = published_night(lake, 2)
    with closing(open_night(lake, night)) as con:
        pairs = read_pairs(con, ["v1", "v0"], with_originals=True)
    assert [pair.revision_id for pair in pairs] == ["v1", "v0"]
    (pair, _) = pairs
    assert "".join(step.original for step in pair.steps) == pair.original_thinking == THINKING
    assert [step.action for step in pair.steps] == ["KEEP", "DELETE"]
    assert pair.ref.run_id == NIGHT
    assert 0 < pair.saving < 1
