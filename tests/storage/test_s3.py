"""The S3 store keeps the guarantees of an object store, and its errors say clearly what is wrong."""

import pytest
from botocore.exceptions import ClientError, IncompleteReadError
from botocore.response import StreamingBody

from drp.core.errors import BadInputError, TerminalError, TransientError
from drp.storage import s3
from drp.storage.factory import open_store
from drp.storage.s3 import S3Store
from drp.storage.store import LakeRefusedError, LakeUnavailableError, LakeUnwritableError, ObjectStore
from tests.helpers.servers import READ_ONLY, Fault
from tests.storage.contract import MB, ConditionalContract


@pytest.fixture
def store(s3_address: str) -> ObjectStore:
    return open_store(s3_address)


class TestS3(ConditionalContract):
    """The contract on moto."""


@pytest.mark.parametrize("prefix", ["", "a", "a/b", "what#is?this"])
def test_a_prefix_may_be_anything_and_hides_its_neighbours(moto, bucket, s3_address, prefix):
    store = S3Store(f"s3://{bucket}/{prefix}")
    store.put("x", b"1")
    assert S3Store(f"s3://{bucket}").get(f"{prefix}/x".lstrip("/")) == b"1"
    assert [stored.key for stored in store.listed("")] == ["x"]
    assert store.uri("x") == f"{store.root}/x"


def test_empty_folders_of_a_console_are_not_objects(bucket, store):
    S3Store(f"s3://{bucket}").put("a lake/_runs/", b"")
    assert list(store.listed("")) == []


@pytest.mark.parametrize("address", ["s3://", "s3:///prefix", "gs://bucket/prefix", "ftp://x"])
def test_an_address_without_a_bucket_or_of_another_kind_is_refused(address):
    with pytest.raises(BadInputError, match="DRP_LAKE=s3://bucket/prefix"):
        open_store(address)


def assert_refused(store: ObjectStore, *texts: str) -> None:
    """Check that every call raises a terminal error that says what is wrong and what to check."""
    for call in (lambda: store.get("x"), lambda: list(store.listed("")), lambda: store.put("x", b"1")):
        with pytest.raises(LakeRefusedError) as refusal:
            call()
        assert isinstance(refusal.value, TerminalError)
        for words in (*texts, "Nothing was read or changed", "DRP_LAKE", "AWS_"):
            assert words in str(refusal.value)


def test_a_missing_bucket_is_named(s3_address):
    assert_refused(S3Store("s3://there-is-no-such-bucket/x"), "there-is-no-such-bucket", "NoSuchBucket")


def test_the_error_for_missing_keys_says_where_they_are_looked_up(bucket, s3_address, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    store = S3Store(f"s3://{bucket}/x")
    assert_refused(store, "credentials")
    with pytest.raises(LakeRefusedError, match="AWS_ACCESS_KEY_ID"):
        _ = store.access


def test_an_unknown_profile_is_refused(bucket, s3_address, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(LakeRefusedError, match="nobody"):
        S3Store(f"s3://{bucket}/x")


@pytest.mark.parametrize("endpoint", ["not an address", "minio:9000", "ftp//x"])
def test_an_invalid_endpoint_is_refused(bucket, s3_address, monkeypatch, endpoint):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    assert_refused(S3Store(f"s3://{bucket}/x"), endpoint)


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"])
def test_keys_that_the_server_does_not_know_are_refused(proxy, bucket, code):
    proxy.faults.append(Fault(403, code))
    assert_refused(S3Store(f"s3://{bucket}/x"), code)


def test_keys_that_may_only_read_can_read_and_nothing_else(proxy, s3_address):
    store = open_store(s3_address)
    store.put("x", b"1")
    proxy.faults.append(READ_ONLY)
    reader = S3Store(s3_address)
    assert (reader.get("x"), [stored.key for stored in reader.listed("")]) == (b"1", ["x"])
    assert reader.digest("x")

    def write_much() -> None:
        with reader.writing("big") as stream:
            for _ in range(30):
                stream.write(b"x" * MB)

    writes = [
        lambda: reader.put("y", b"1"),
        lambda: reader.create("y", b"1"),
        lambda: reader.swap("x", b"2", b"1"),
        lambda: reader.delete("x"),
        write_much,
    ]
    for write in writes:
        with pytest.raises(LakeUnwritableError, match=r"may only read.*nothing is half-published.*writable"):
            write()
    proxy.faults.clear()
    assert [(stored.key, store.get(stored.key)) for stored in store.listed("")] == [("x", b"1")]


@pytest.mark.parametrize("fault", [(500, "InternalError"), (503, "SlowDown"), (0, "the answer is lost")])
def test_a_server_that_fails_for_a_while_is_not_noticed(proxy, store, fault):
    proxy.faults.append(Fault(*fault, times=2))
    assert store.create("x", b"1")
    proxy.faults.append(Fault(*fault, times=2))
    assert store.get("x") == b"1"
    proxy.faults.append(Fault(*fault, methods="PUT POST", times=2))
    with store.writing("large") as stream:
        stream.write(b"x" * 20 * MB)
    (large, _) = store.listed("")
    assert large.bytes == 20 * MB
    assert all(fault.times == 0 for fault in proxy.faults)


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_that_does_not_recover_is_a_transient_error(proxy, s3_address, monkeypatch, status):
    monkeypatch.setattr(s3, "_ATTEMPTS", 2)
    store = S3Store(s3_address)
    assert store.create("x", b"1")
    proxy.faults.append(Fault(status, "SlowDown"))

    def write() -> None:
        with store.writing("y") as stream:
            stream.write(b"x" * 20 * MB)

    for call in (
        lambda: store.get("x"),
        lambda: store.create("y", b"1"),
        lambda: list(store.listed("")),
        write,
    ):
        with pytest.raises(LakeUnavailableError, match=r"SlowDown.*run the same command again") as error:
            call()
        assert isinstance(error.value, TransientError)
    proxy.faults.clear()
    assert [stored.key for stored in store.listed("")] == ["x"]
    write()


def test_a_server_that_is_down_is_unavailable(s3_address, monkeypatch):
    monkeypatch.setattr(s3, "_ATTEMPTS", 2)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(LakeUnavailableError, match="does not answer"):
        S3Store(s3_address).get("x")


def test_a_response_that_breaks_off_is_unavailable(store, monkeypatch):
    store.put("x", b"x" * 3 * MB)
    pieces = store.pieces("x")
    assert next(pieces)

    def broken(*_: object) -> None:
        raise IncompleteReadError(actual_bytes=1, expected_bytes=2)

    monkeypatch.setattr(StreamingBody, "read", broken)
    with pytest.raises(LakeUnavailableError, match="run the same command again"):
        next(pieces)


def test_a_server_without_conditional_writes_is_not_tried_again(proxy, store):
    proxy.faults.append(Fault(501, "NotImplemented", "PUT"))
    with pytest.raises(LakeRefusedError, match="NotImplemented"):
        store.put("x", b"1")


def test_a_successful_write_whose_response_was_lost_succeeds(proxy, store):
    assert store.is_conditional
    proxy.faults.append(Fault(0, methods="PUT", key="/x", times=1))
    assert store.create("x", b"1")
    proxy.faults.append(Fault(0, methods="PUT", key="/x", times=1))
    assert store.swap("x", b"2", b"1")
    assert store.get("x") == b"2"
    assert [fault.times for fault in proxy.faults] == [0, 0]


def test_a_failed_write_whose_response_was_lost_fails(proxy, store):
    assert store.create("x", b"1")
    proxy.faults.append(Fault(0, methods="PUT", key="/x", times=1))
    assert not store.create("x", b"1")
    assert store.get("x") == b"1"


def test_a_write_in_conflict_with_another_is_tried_again(proxy, store, monkeypatch):
    monkeypatch.setattr(s3, "_CONFLICT_WAIT_S", 0.01)
    assert store.is_conditional
    proxy.faults.append(Fault(409, "ConditionalRequestConflict", "PUT", times=3))
    assert store.create("x", b"1")
    proxy.faults.append(Fault(409, "ConditionalRequestConflict", "PUT"))
    with pytest.raises(LakeUnavailableError):
        store.create("y", b"1")


@pytest.mark.parametrize("refused", ["POST", "PUT"], ids=["at once", "after some pieces"])
def test_an_upload_that_fails_leaves_nothing(proxy, store, refused):
    proxy.faults.append(Fault(403, "AccessDenied", refused))
    with pytest.raises(LakeUnwritableError, match="may only read"), store.writing("x") as stream:
        for _ in range(50):
            stream.write(b"x" * MB)
    proxy.faults.clear()
    assert list(store.unfinished()) == []
    assert list(store.listed("")) == []


def test_an_open_upload_is_found_and_discarded_and_its_neighbours_are_not(bucket, store):
    beside = S3Store(f"s3://{bucket}")
    for key in ("a lake/x.parquet", "another lake/y.parquet"):
        beside._client.create_multipart_upload(Bucket=bucket, Key=key)
    (left,) = store.unfinished()
    assert left.name == "upload of x.parquet"
    left.discard()
    left.discard()
    assert [left.name for left in beside.unfinished()] == ["upload of another lake/y.parquet"]


def test_an_error_of_another_client_passes_through(store):
    other = ClientError({"Error": {"Code": "Throttled"}}, "Invoke")
    with pytest.raises(RuntimeError, match="Throttled"), store.writing("x"):
        raise RuntimeError(str(other))
