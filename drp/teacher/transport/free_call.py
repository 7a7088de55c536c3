"""One free call to a provider: its list of models. It tells whether address, key and model are right."""

import openai

from drp.core import DrpError

_TIMEOUT_S = 20.0
_LONGEST = 200


class FreeCallError(DrpError):
    """The provider did not answer the free call as it should."""


def list_models(who: str, base_url: str, key: str) -> list[str] | None:
    """Return the names of the models that a provider lists; None if it has no such list.

    Args:
        who: what the provider is for, such as `teacher openai`.
        base_url: its address.
        key: its key, or any text if it needs none. No message has it.

    Raises:
        FreeCallError: the provider does not answer, or refuses the key.
    """
    try:
        with openai.OpenAI(api_key=key, base_url=base_url, max_retries=0, timeout=_TIMEOUT_S) as client:
            return [str(model.id) for model in client.models.list().data or []]
    except openai.APIStatusError as error:
        if error.status_code in (404, 405, 501):
            return None
        why = f"answers with status {error.status_code}: {error.message}"
    except openai.APIConnectionError as error:
        why = f"does not answer: {error.__cause__ or error}"
    except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
        why = f"has a list of models that cannot be read: {error}"
    raise FreeCallError(
        f"{who}: {base_url} {why.replace(key, '***')[:_LONGEST]}",
        state="Nothing was sent or paid",
        next_command="check its base_url and its key",
    )
