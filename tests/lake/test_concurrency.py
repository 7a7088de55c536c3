"""Many processes publish at once while others read: no version is lost, and no reader sees a mixture."""

import io
import multiprocessing
import os
import threading
from multiprocessing.synchronize import Barrier

import pyarrow.parquet as pq
import pytest

from drp.lake.lake import open_lake
from drp.lake.parquet_parts import Part
from drp.lake.versions import PublishedPart
from tests.helpers.lake_runs import publish
from tests.helpers.row_factories import make_question, make_rollout
from tests.helpers.servers import forget

pytestmark = pytest.mark.services


@pytest.mark.parametrize(("lake", "processes", "times"), [("folder", 4, 10), ("s3", 8, 5)], indirect=["lake"])
def test_no_version_of_many_publishing_processes_is_lost(lake, processes, times):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["drp.lake.lake", "drp.storage.s3", __name__])
    start = context.Barrier(processes)
    writers = [
        context.Process(target=publish_often, args=(dict(os.environ), start, who, times))
        for who in range(processes)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * processes

    lineage = [lake.corpus.current()]
    while lineage[-1].number:
        lineage.append(lake.corpus.read(lineage[-1].parent))
    made = [version.run_id for version in lineage[:-1]]
    assert sorted(made) == sorted(f"run-{who}-{k}" for who in range(processes) for k in range(times))
    assert [len(version.parts) for version in lineage[::-1]] == list(range(processes * times + 1))
    assert [v.number for v in lineage[-2::-1]] == lake.corpus.numbers() == lake.corpus.written()


def publish_often(environment: dict[str, str], start: Barrier, who: int, times: int) -> None:
    """Publish `times` different runs, as soon as all processes have started."""
    os.environ.update(environment)
    forget()
    corpus = open_lake().corpus
    start.wait()
    for k in range(times):
        run = f"run-{who}-{k}"
        part = Part("questions", f"questions/{run}.parquet", 1, 1, "0" * 64)
        corpus.publish(run, [PublishedPart(part, run, "drp", "f")])


def test_every_reader_sees_exactly_one_version_while_others_are_published(lake):
    run_id, versions = "2026-11-20-drp", 10
    publish_both(lake, run_id, 0)
    ended = threading.Event()
    seen: list[tuple[str, str]] = []
    faults: list[Exception] = []

    def read() -> None:
        try:
            is_last = False
            while not is_last:
                is_last = ended.wait(0.2)
                published = lake.published()
                seen.append(
                    (only(published["rollouts"], "student"), only(published["questions"], "question"))
                )
        except Exception as error:
            faults.append(error)

    def only(addresses: list[str], column: str) -> str:
        (address,) = addresses  # one part of each table, or it is a mixture
        data = lake.store.get(address.removeprefix(f"{lake.store.root}/"))
        (value,) = pq.read_table(io.BytesIO(data), columns=[column])[column].to_pylist()
        return value

    readers = [threading.Thread(target=read) for _ in range(20)]
    for reader in readers:
        reader.start()
    for number in range(1, versions):
        publish_both(lake, run_id, number)
    ended.set()
    for reader in readers:
        reader.join()

    assert faults == []
    assert all(student == question for student, question in seen)
    assert len(seen) >= 20
    assert seen[-1] == (str(versions - 1),) * 2
    assert lake.corpus.numbers() == list(range(1, versions + 1))


def publish_both(lake, run_id: str, number: int) -> None:
    """Publish the run again, with one new row in each of its two tables instead of the old one."""
    tables = {
        "questions": [make_question(question=str(number))],
        "rollouts": [make_rollout(student=str(number))],
    }
    publish(lake, run_id, tables, shard=f"s{number}")
