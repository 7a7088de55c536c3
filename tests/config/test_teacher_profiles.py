"""Teacher profiles: the built-in ones are complete, incomplete ones are refused, and no key is ever shown."""

from datetime import date
from decimal import Decimal

import pytest

from drp.config.recipe import load_recipe
from drp.config.settings import settings
from drp.config.teacher_profiles import BUILT_IN, Prices, _read, find_profile
from drp.core.errors import BadInputError
from drp.core.records import StudentTrace
from drp.ledger.completion_cost import Tariff
from drp.ledger.completions import Usage
from drp.runtime.hashes import revision_hash
from drp.teacher.llm.request_builder import RequestBuilder
from drp.teacher.transport.credentials import api_key, mend_of_refusal
from drp.teacher.transport.errors import TeacherRefusedError

MINE = """
teachers:
  mine:
    backend: online
    base_url: http://127.0.0.1:8000/v1
    model: my-model
    api_key_env: MY_KEY
    prices: {input: 2.5, cached_input: 1.25, output: 10.0, batch_discount: 0.5, read_on: 2026-11-01}
    limits: {requests_per_minute: 600, tokens_per_minute: 200000, enqueued_tokens: 2000000}
    supports: [json_schema, seed]
"""


@pytest.fixture
def teachers(tmp_path, monkeypatch):
    """Writes a teachers' file and points DRP_TEACHERS_FILE at it."""

    def write(text: str) -> None:
        path = tmp_path / f"teachers-{len(list(tmp_path.iterdir()))}.yaml"
        path.write_text(text)
        monkeypatch.setenv("DRP_TEACHERS_FILE", str(path))
        settings.cache_clear()

    yield write
    settings.cache_clear()


def set_up(monkeypatch, **variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()


def test_the_built_in_profiles_are_complete():
    profiles = _read(BUILT_IN)
    assert {"heuristic", "openai", "gemini", "deepseek", "vllm"} <= profiles.keys()
    assert all(profile.backend == "heuristic" or profile.prices for profile in profiles.values())


def test_teachers_of_the_user_are_added_to_the_built_in_ones(teachers):
    teachers(MINE)
    assert find_profile("mine").limits.enqueued_tokens == 2_000_000
    assert find_profile("openai").model == "gpt-4o"


def test_address_and_model_can_be_replaced(teachers, monkeypatch, caplog):
    teachers(MINE)
    set_up(monkeypatch, DRP_TEACHER_BASE_URL="http://127.0.0.1:9/v1/", DRP_TEACHER_MODEL="other")
    profile = find_profile("mine")
    assert (profile.base_url, profile.model) == ("http://127.0.0.1:9/v1", "other")
    assert "counted at the prices of my-model" in caplog.text


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("    prices:", "    # prices:", "without prices is refused"),
        ("input: 2.5", "input: -1", "greater than or equal to 0"),
        ("backend: online", "backend: batch", "`supports` has no batch"),
        ("http://127.0.0.1:8000/v1", "nowhere", "valid URL"),
        ("limits: {requests", "limits: {request", "request_per_minute"),
        ("    model: my-model\n", "", "needs a model"),
    ],
)
def test_an_invalid_profile_is_refused(teachers, old, new, says):
    teachers(MINE.replace(old, new, 1))
    with pytest.raises(BadInputError, match=says):
        find_profile("mine")


def test_a_bad_profile_spoils_no_other(teachers, caplog):
    teachers(MINE + "  bad: {backend: online, prices: nothing}\n  worse: 7\n")
    assert find_profile("mine").model == "my-model"
    assert find_profile("heuristic").backend == "heuristic"
    for name in ("bad", "worse"):
        with pytest.raises(BadInputError, match=f"teachers.{name}"):
            find_profile(name)
    assert "teachers.bad" in caplog.text


def test_extra_fields_go_into_each_request_and_its_identity(teachers):
    teachers(MINE + "    extra_body: {chat_template_kwargs: {enable_thinking: false}, top_k: 20}\n")
    profile = find_profile("mine")
    builder = RequestBuilder(profile, "fused", "skill")
    [request] = builder.expected(StudentTrace("r", "q", "So it is 5.", "5", "5"))
    assert request.body["chat_template_kwargs"] == {"enable_thinking": False}
    assert request.body["top_k"] == 20
    assert profile.identity["extra_body"] == profile.extra_body
    teachers(MINE)
    assert "extra_body" not in find_profile("mine").identity


@pytest.mark.parametrize("field", ["model", "messages", "stream", "max_tokens", "temperature"])
def test_extra_fields_cannot_replace_those_of_drp(teachers, field):
    teachers(MINE + f"    extra_body: {{{field}: 1}}\n")
    with pytest.raises(BadInputError, match=f"extra_body has {field}, which DRP sets itself"):
        find_profile("mine")


def test_an_unknown_teacher_of_a_recipe_is_refused(monkeypatch):
    with pytest.raises(BadInputError, match="no teacher 'nobody'"):
        load_recipe("drp", teacher="nobody")


def test_the_error_for_a_missing_key_names_its_variable(teachers, monkeypatch):
    teachers(MINE.replace("http://127.0.0.1:8000/v1", "https://teacher.example/v1"))
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(TeacherRefusedError, match="MY_KEY"):
        api_key("mine", "MY_KEY", find_profile("mine").base_url)
    assert mend_of_refusal("MY_KEY").startswith("export MY_KEY=")
    monkeypatch.setenv("MY_KEY", "a key")
    assert mend_of_refusal("MY_KEY").startswith("correct MY_KEY or the account behind it")


def test_costs_are_exact():
    prices = Prices(
        input="2.5", cached_input="1.25", output="10", batch_discount="0.5", read_on=date(2026, 11, 1)
    )
    usage = Usage(prompt_tokens=1001, cached_tokens=1, completion_tokens=7)
    assert Tariff(prices, in_batch=False).cost(usage) == Decimal("0.00257125")
    assert Tariff(prices, in_batch=True).cost(usage) == Decimal("0.001285625")


def test_the_recipe_hash_follows_what_can_change_an_answer_and_nothing_else(teachers):
    def hashed(text: str) -> str:
        teachers(text)
        return revision_hash(load_recipe("drp", teacher="mine"))

    first = hashed(MINE)
    for same in (("backend: online", "backend: batch"), ("2.5", "3.5"), ("600", "60"), ("MY_KEY", "A_KEY")):
        assert hashed(MINE.replace(*same, 1).replace("[json_schema, seed]", "[json_schema, batch]")) == first
    changes = [("my-model", "m2"), (":8000", ":8001"), ("[json_schema, seed]", "[seed]")]
    changes.append(("    limits", "    sampling: {temperature: 0.5}\n    limits"))
    assert len({hashed(MINE.replace(*change, 1)) for change in changes} | {first}) == 5
