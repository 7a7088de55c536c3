"""Pre-training from scratch writes a readable model folder, and the same one for the same seed."""

import hashlib
import json

import pytest

torch = pytest.importorskip("torch", reason="needs the training environment: make test-training")
transformers = pytest.importorskip(
    "transformers", reason="needs the training environment: make test-training"
)

from drp.student import small  # noqa: E402
from drp.student.small import pretrain  # noqa: E402

pytestmark = pytest.mark.training


FILES = {
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
}


class Killed(BaseException):
    """Stands for a signal."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The student, made twice: in one go, and by a training that was killed and started again."""
    one, other = (tmp_path_factory.mktemp("student") / name for name in "ab")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pretrain, "_PROBES", 2)  # an undertrained student does not stop by itself
        patched.setattr(pretrain, "_REPORTS", 1)
        patched.setattr(pretrain, "_POOL", 64)
        pretrain.main(["--out", str(one), "--tokens", "60000"])
        save = pretrain.PretrainingProgress.save

        def save_and_die(progress):
            save(progress)
            if progress.seen > 30_000:
                raise Killed

        with patched.context() as killing:
            killing.setattr(pretrain.PretrainingProgress, "save", save_and_die)
            with pytest.raises(Killed):
                pretrain.main(["--out", str(other), "--tokens", "60000"])
        assert not other.exists()
        with pytest.raises(SystemExit, match="is the progress of"):
            pretrain.main(["--out", str(other), "--tokens", "70000"])
        pretrain.main(["--out", str(other), "--tokens", "60000"])
    assert [file.name for file in other.parent.iterdir()] == ["b"], "the progress is deleted"
    return [one, other]


def test_a_training_that_was_killed_gives_the_same_files(folders):
    one, other = (
        {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}
        for folder in folders
    )
    assert one == other
    assert one.keys() == FILES


def test_it_learns(folders, capsys):
    tokens = transformers.AutoTokenizer.from_pretrained(folders[0])
    rng = pretrain.random.Random(1)
    batch = next(pretrain.batches(tokens, pretrain.CURRICULUM[-1], rng, pretrain.SHIPPED))
    torch.manual_seed(0)
    fresh = transformers.Qwen2ForCausalLM(pretrain.config(len(tokens)))
    taught = transformers.AutoModelForCausalLM.from_pretrained(folders[0], dtype=torch.float32)
    with torch.inference_mode():
        computing = pretrain.computing_tokens(tokens)
        assert (
            computing.sum() == 16
        )  # ten digits, five signs with a blank before them, the blank before a number
        assert pretrain.loss_of(taught, batch, computing) < 0.6 * pretrain.loss_of(fresh, batch, computing)


@pytest.mark.skipif(not small.WEIGHTS.is_dir(), reason="no pre-trained weights yet")
def test_what_ships_was_made_with_this_tokenizer_and_is_small(folders):
    shipped = {file.name: file for file in small.WEIGHTS.iterdir()}
    assert shipped.keys() == FILES
    assert sum(file.stat().st_size for file in shipped.values()) < 2_000_000
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json", "generation_config.json"):
        assert json.loads(shipped[name].read_text()) == json.loads((folders[0] / name).read_text())


def test_what_is_read_from_the_folder_cuts_text_as_it_was_taught(folders):
    taught = pretrain.tokenizer.train_tokenizer(0)
    read = transformers.AutoTokenizer.from_pretrained(folders[0])
    text = taught.apply_chat_template(
        [{"role": "user", "content": "Mia has 12 books. How many?"}],
        tokenize=False,
        add_generation_prompt=True,
    )
    text += "So 12 + 5 = 17 books, I think.\n</think>\n\nThe answer is $\\boxed{17}$."
    assert (
        read(text, add_special_tokens=False)["input_ids"]
        == taught(text, add_special_tokens=False)["input_ids"]
    )


def test_every_digit_is_a_token_and_text_comes_back(folders):
    tokens = transformers.AutoTokenizer.from_pretrained(folders[0])
    text = "12 + 345 = 357 marbles, so $\\boxed{357}$.\n\nÜber 日本?"
    ids = tokens(text, add_special_tokens=False)["input_ids"]
    assert tokens.decode(ids) == text
    assert all(sum(character.isdigit() for character in tokens.decode([token])) <= 1 for token in ids)
    prompt = tokens.apply_chat_template(
        [{"role": "user", "content": "1 + 1?"}], tokenize=False, add_generation_prompt=True
    )
    assert prompt == "<｜begin▁of▁sentence｜><｜User｜>1 + 1?<｜Assistant｜><think>\n"
