"""The guarantees of every object store. The test class of a store inherits them and provides `store`."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from drp.storage.store import PIECE, ObjectStore

MB = 2**20


class StoreContract:
    """The guarantees for one writer."""

    def test_an_object_can_be_read_listed_and_digested(self, store: ObjectStore) -> None:
        store.put("a/x.json", b"some")
        (stored,) = store.listed("a")
        assert (stored.key, stored.bytes) == ("a/x.json", 4)
        assert store.get("a/x.json") == b"some"
        assert store.digest("a/x.json") == hashlib.sha256(b"some").hexdigest()
        store.put("a/x.json", b"other")
        assert store.get("a/x.json") == b"other"

    def test_an_object_may_be_empty(self, store: ObjectStore) -> None:
        store.put("empty", b"")
        assert store.get("empty") == b""
        assert not store.create("empty", b"1")

    def test_a_missing_object_is_none_and_may_be_deleted(self, store: ObjectStore) -> None:
        assert (store.get("a/b"), store.digest("a/b"), list(store.listed("a"))) == (None, None, [])
        store.delete("a/b")
        store.put("a/b", b"1")
        store.delete("a/b")
        assert (store.get("a/b"), store.digest("a/b"), list(store.listed(""))) == (None, None, [])

    @pytest.mark.parametrize("key", ["a b/c d.json", "run_date=2026-11-20/x.parquet", "é/日本+&%25#~.txt"])
    def test_a_key_may_have_any_characters(self, store: ObjectStore, key: str) -> None:
        with store.writing(key) as stream:
            stream.write(b"1")
        assert [stored.key for stored in store.listed(key.split("/")[0])] == [key]
        assert store.get(key) == b"1"
        assert not store.create(key, b"2")

    def test_a_folder_does_not_list_its_neighbours(self, store: ObjectStore) -> None:
        for key in ("a/1", "a/b/2", "ab/3", "a.json"):
            store.put(key, b"")
        assert [stored.key for stored in store.listed("a")] == ["a/1", "a/b/2"]
        assert [stored.key for stored in store.listed("a/b")] == ["a/b/2"]
        assert [stored.key for stored in store.listed("")] == ["a.json", "a/1", "a/b/2", "ab/3"]

    def test_a_listing_over_several_pages_is_complete_and_in_order(self, store: ObjectStore) -> None:
        keys = [f"many/{i % 7}/{i:05d}" for i in range(1100)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda key: store.put(key, b""), keys))
        assert [stored.key for stored in store.listed("many")] == sorted(keys)

    def test_create_does_not_overwrite(self, store: ObjectStore) -> None:
        assert store.create("x", b"first")
        assert not store.create("x", b"second")
        assert not store.create("x", b"first"), "an equal object is not taken for its own"
        assert store.get("x") == b"first"

    def test_swap_replaces_only_what_was_expected(self, store: ObjectStore) -> None:
        assert store.swap("p", b"1", None)
        assert not store.swap("p", b"2", None)
        assert not store.swap("p", b"2", b"0")
        assert not store.swap("p", b"1", b"0")
        assert store.get("p") == b"1"
        assert store.swap("p", b"2", b"1")
        assert store.get("p") == b"2"
        assert not store.swap("q", b"1", b"0")
        assert store.get("q") is None

    def test_an_object_is_not_there_before_it_is_complete(self, store: ObjectStore) -> None:
        with store.writing("a/b") as stream:
            stream.write(b"x" * 20 * MB)
            stream.flush()
            assert list(store.listed("a")) == []
            assert store.get("a/b") is None
        assert [(stored.key, stored.bytes) for stored in store.listed("a")] == [("a/b", 20 * MB)]

    @pytest.mark.parametrize("size", [0, 4, 20 * MB])
    @pytest.mark.parametrize("error", [RuntimeError, BrokenPipeError, KeyboardInterrupt])
    def test_an_error_while_writing_leaves_nothing(
        self, store: ObjectStore, size: int, error: type[BaseException]
    ) -> None:
        store.put("a/old", b"old")
        with pytest.raises(error, match="half-way"), store.writing("a/b") as stream:
            stream.write(b"x" * size)
            raise error("half-way")
        assert store.get("a/b") is None
        assert list(store.unfinished()) == []
        assert [stored.key for stored in store.listed("")] == ["a/old"]

    def test_an_error_leaves_the_object_that_was_there(self, store: ObjectStore) -> None:
        store.put("x", b"old")
        with pytest.raises(RuntimeError), store.writing("x") as stream:
            stream.write(b"new")
            raise RuntimeError
        assert store.get("x") == b"old"

    def test_a_large_object_is_written_in_pieces(self, store: ObjectStore) -> None:
        pieces = [bytes([i]) * MB for i in range(30)]
        with store.writing("large") as stream:
            for piece in pieces:
                assert stream.write(piece) == MB
        assert store.digest("large") == hashlib.sha256(b"".join(pieces)).hexdigest()

    def test_a_large_object_is_read_in_pieces(self, store: ObjectStore) -> None:
        data = b"".join(i.to_bytes(4, "big") for i in range(700_001))
        store.put("large", data)
        store.put("empty", b"")
        pieces = list(store.pieces("large") or ())
        assert b"".join(pieces) == data
        assert 0 < max(map(len, pieces)) <= PIECE
        assert list(store.pieces("empty") or ["none"]) == []
        assert (store.pieces("large/b"), store.pieces("a/b")) == (None, None)

    def test_several_objects_are_written_at_once(self, store: ObjectStore) -> None:
        with store.writing("a") as first, store.writing("b") as second:
            for _ in range(10):
                first.write(b"1" * MB)
                second.write(b"2" * MB)
        assert store.get("a") == b"1" * 10 * MB
        assert store.get("b") == b"2" * 10 * MB

    def test_objects_are_stamped_by_the_clock_that_now_reads(self, store: ObjectStore) -> None:
        second = timedelta(seconds=1.1)  # S3 stamps whole seconds
        before = store.now()
        store.put("x", b"")
        (stored,) = store.listed("")
        assert before - second <= stored.written_at <= store.now() + second


class ConditionalContract(StoreContract):
    """The guarantees for many writers."""

    def test_it_says_that_it_is_conditional(self, store: ObjectStore) -> None:
        assert store.is_conditional
        assert list(store.listed("")) == [], "the probe leaves nothing behind"

    def test_of_many_creates_at_once_one_wins(self, store: ObjectStore) -> None:
        for round_ in range(10):
            with ThreadPoolExecutor(8) as pool:
                won = list(pool.map(lambda i: store.create(f"{round_}", b"%d" % i), range(8)))  # noqa: B023
            assert won.count(True) == 1
            assert store.get(f"{round_}") == b"%d" % won.index(True)

    def test_of_many_swaps_at_once_each_counts(self, store: ObjectStore) -> None:
        def count() -> None:
            for _ in range(25):
                while True:
                    seen = store.get("n")
                    if store.swap("n", str(int(seen or b"0") + 1).encode(), seen):
                        break

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.get("n") == b"100"
