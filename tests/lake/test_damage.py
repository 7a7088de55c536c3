"""Files that were cut, changed or lost are noticed before they do harm, and can be repaired."""

import pytest

from drp.core.errors import TerminalError
from drp.lake.versions import DamagedLakeError
from tests.helpers.lake_runs import publish, write
from tests.helpers.row_factories import make_question


def night(number: int) -> dict[str, list[dict[str, object]]]:
    return {"questions": [make_question(question_id=f"q{number}")]}


@pytest.fixture
def nights(lake):
    """Three published versions."""
    for number in (1, 2, 3):
        publish(lake, f"2026-11-2{number}-drp", night(number))
    return lake


def cut(lake, key: str) -> None:
    data = lake.store.get(key)
    lake.store.put(key, data[: len(data) // 2])


def test_a_manifest_cut_in_half_is_noticed_and_an_older_version_restored(nights):
    cut(nights, nights.corpus.key(3))
    with pytest.raises(DamagedLakeError, match=r"00000003\.json.*drp corpus rollback") as error:
        nights.corpus.current()
    assert isinstance(error.value, TerminalError)
    with pytest.raises(DamagedLakeError):
        publish(nights, "2026-11-24-drp", night(4))
    assert nights.corpus.read(2).rows() == {"questions": 2}
    nights.corpus.rollback(2)
    assert nights.corpus.current().number == 2
    assert publish(nights, "2026-11-24-drp", night(4)).rows() == {"questions": 3}


@pytest.mark.parametrize("rest", [b"", b"[]", b"{}", b"\x00\xff", b'{"version": "x", "kept": [1]}', None])
def test_a_damaged_pointer_is_repaired_by_the_command_in_the_error(nights, rest):
    pointer = "_pointers/corpus.json"
    if rest is None:
        cut(nights, pointer)
    else:
        nights.store.put(pointer, rest)
    fourth = lambda: publish(nights, "2026-11-24-drp", night(4))  # noqa: E731
    for ask in (nights.corpus.current, nights.corpus.numbers, fourth):
        with pytest.raises(
            DamagedLakeError, match=r"corpus\.json.*all versions are still there.*drp corpus rollback 3"
        ):
            ask()
    nights.corpus.rollback(3)
    assert (nights.corpus.current().number, nights.corpus.numbers()) == (3, [1, 2, 3])
    assert fourth().number == 4


def test_a_manifest_that_is_gone_is_noticed(nights):
    nights.store.delete(nights.corpus.key(3))
    with pytest.raises(TerminalError, match="version 3"):
        nights.corpus.current()
    nights.corpus.rollback(2)
    assert nights.corpus.current().number == 2


def harm(lake, key: str, how: str) -> None:
    data = lake.store.get(key)
    if how == "deleted":
        lake.store.delete(key)
    elif how == "cut":
        lake.store.put(key, data[:-1])
    else:
        lake.store.put(key, data[:-20] + bytes([data[-20] ^ 1]) + data[-19:])


@pytest.mark.parametrize(
    ("how", "said"), [("deleted", "missing"), ("cut", "changed"), ("one bit", "changed")]
)
def test_a_damaged_part_is_not_published(lake, how, said):
    publish(lake, "2026-11-21-drp", night(1))
    run = write(lake, "2026-11-22-drp", night(2))
    (done,) = run.shard_files()
    (part,) = done.parts
    harm(lake, part.key, how)
    with pytest.raises(DamagedLakeError, match=f"1 of 1 parts.*{part.key} (?:is|has) {said}.*rollback"):
        lake.publish(run, [done])
    assert lake.corpus.numbers() == [1]
    assert lake.corpus.written() == [1]


def test_verifying_names_only_the_damaged_parts(nights):
    published = [p.part for p in nights.corpus.current().parts]
    assert nights.verify(published) == 3
    harm(nights, published[1].key, "one bit")
    with pytest.raises(DamagedLakeError, match="1 of 3 parts") as error:
        nights.verify(published)
    assert published[1].key in str(error.value)
    assert published[0].key not in str(error.value)
