"""One free call to a provider: its list of models. It tells whether address, key and model are right."""

from dataclasses import dataclass

from drp.teacher.transport.error_bodies import without_secret

_TIMEOUT_S = 20.0
_LONGEST = 200


@dataclass(frozen=True)
class FreeCall:
    """What came of the call."""

    models: list[str] | None
    """Names of the models; None if the provider has no such list, or does not answer."""
    fault: str = ""
    """Why it does not answer, or that it refuses the key. It never has the key."""


def list_models(base_url: str, key: str) -> FreeCall:
    """Ask a provider for its models.

    Args:
        base_url: its address.
        key: its key, or any text if it needs none.
    """
    import openai  # here, because the environments of jobs import this package and lack it

    try:
        with openai.OpenAI(api_key=key, base_url=base_url, max_retries=0, timeout=_TIMEOUT_S) as client:
            return FreeCall([str(model.id) for model in client.models.list().data or []])
    except openai.APIStatusError as error:
        if error.status_code in (404, 405, 501):
            return FreeCall(None)
        fault = f"answers with status {error.status_code}: {error.message}"
    except openai.APIConnectionError as error:
        fault = f"does not answer: {error.__cause__ or error}"
    except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
        fault = f"has a list of models that cannot be read: {error}"
    return FreeCall(None, without_secret(fault, key)[:_LONGEST])
