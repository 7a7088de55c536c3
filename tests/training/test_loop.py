"""The learning-rate schedule, the loss curve, and the distribution of batches over processes."""

import pytest

torch = pytest.importorskip("torch", reason="needs the training environment: make test-training")
pytest.importorskip("transformers", reason="needs the training environment: make test-training")

from drp.config.training import Sft  # noqa: E402
from drp.training.encode import Encoded  # noqa: E402
from drp.training.loop import Loop, learning_rate_at  # noqa: E402
from drp.training.resume_state import States  # noqa: E402
from drp.training.sequence_packing import collate  # noqa: E402

pytestmark = pytest.mark.training


def test_the_rate_rises_along_a_line_and_falls_along_a_cosine():
    settings = Sft(learning_rate=1.0, warmup=0.1)
    rates = [learning_rate_at(step, 100, settings) for step in range(100)]
    assert rates[:10] == pytest.approx([0.1 * n for n in range(1, 11)])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[55] == pytest.approx(0.5)
    assert 0 < rates[-1] < 0.001
    assert learning_rate_at(0, 1, settings) == 1.0
    assert learning_rate_at(0, 2, Sft(learning_rate=1.0, warmup=0)) == 1.0


class Recorder:
    """An engine whose loss is the summed weight of a batch, and which updates nothing."""

    def __init__(self, rank: int = 0, processes: int = 1) -> None:
        self.rank, self.processes = rank, processes
        self.losses: list[float] = []
        self.rates: list[float] = []

    def loss(self, batch) -> torch.Tensor:
        return batch.weights.sum()

    def train(self, is_training: bool) -> None:
        pass

    def backward(self, loss: torch.Tensor) -> None:
        self.losses.append(float(loss))

    def update(self, rate: float) -> float:
        self.rates.append(rate)
        return 1.0

    def total(self, *values: float) -> list[float]:
        return list(values)

    def save(self, folder) -> None:
        if self.rank == 0:  # rank 0 would create the folder for the other ranks
            (folder / "nothing").touch()


def example(number: int) -> Encoded:
    tokens = torch.arange(10 + number, dtype=torch.int32)
    return Encoded(str(number), tokens, 4, 1 + number % 3)


def run(engine: Recorder, tmp_path, validation=(), **settings: object):
    sft = Sft.model_validate(
        {"epochs": 1, "learning_rate": 1.0, "batch_size": 2, "accumulation": 3} | settings
    )
    loop = Loop(engine, sft, [example(n) for n in range(20)], validation, torch.device("cpu"))
    return loop, loop.run(States(tmp_path), "job", None)


@pytest.mark.parametrize("processes", [1, 2, 3, 5])
def test_processes_share_each_step_and_go_through_equally_many_batches(tmp_path, processes):
    engines = [Recorder(rank, processes) for rank in range(processes)]
    loops = [run(engine, tmp_path / str(engine.rank))[0] for engine in engines]
    assert len({len(engine.losses) for engine in engines}) == 1
    # the shares of a step add up to the mean, which is 1 because the loss is the weight itself
    assert sum(sum(engine.losses) for engine in engines) == pytest.approx(len(loops[0].steps))
    rounds = -(-3 // processes)
    for step in range(3):
        shares = [sum(engine.losses[step * rounds : (step + 1) * rounds]) for engine in engines]
        assert sum(shares) == pytest.approx(1)


def test_the_curve_has_means_over_the_steps_since_its_last_point(tmp_path):
    engine = Recorder()
    loop, at = run(engine, tmp_path, validation=[example(3), example(4)], eval_steps=3)
    assert [point["step"] for point in at.curve] == [1, 2, 3, 4]
    assert [point["validation_loss"] for point in at.curve] == [None, None, 1.0, 1.0]
    assert [point["loss"] for point in at.curve] == pytest.approx([1.0] * 4)
    assert [point["learning_rate"] for point in at.curve] == engine.rates
    assert loop.tokens_taught == sum(6 + n for n in range(20))
    assert loop.tokens_read == sum(10 + n for n in range(20))


def test_long_trainings_have_about_200_points(tmp_path):
    at = run(Recorder(), tmp_path, epochs=150)[1]
    assert at.step == 600
    assert [point["step"] for point in at.curve] == list(range(3, 601, 3))


def test_a_batch_goes_to_the_device_whole():
    batch = collate([example(1), example(2)], is_packed=True).to(torch.device("meta"))
    assert {part.device.type for part in batch} == {"meta"}
    assert collate([example(1)], is_packed=False).to(torch.device("meta")).positions is None
