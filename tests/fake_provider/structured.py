"""What the API demands of `response_format`: a strict schema names every property and allows no other."""

import re
from collections.abc import Mapping
from typing import Any

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""Names of schemas that the API takes."""
UNSUPPORTED = frozenset({"allOf", "oneOf", "not", "if", "then", "else", "patternProperties", "uniqueItems"})


def fault_of(response_format: Any) -> str | None:
    """Why the API would answer 400, or None."""
    if response_format is None:
        return None
    if not isinstance(response_format, Mapping) or response_format.get("type") not in (
        "text",
        "json_object",
        "json_schema",
    ):
        return (
            "Invalid value: 'response_format.type'. Supported values: 'text', 'json_object', 'json_schema'."
        )
    if response_format["type"] != "json_schema":
        return None
    asked = response_format.get("json_schema")
    if not isinstance(asked, Mapping) or not NAME.fullmatch(str(asked.get("name", ""))):
        return "Missing or invalid parameter: 'response_format.json_schema.name'."
    schema = asked.get("schema")
    if not isinstance(schema, Mapping):
        return "Missing required parameter: 'response_format.json_schema.schema'."
    if not asked.get("strict"):
        return None
    if schema.get("type") != "object":
        why: str | None = "schema must be a JSON Schema of 'type: \"object\"'"
    else:
        why = _strict(schema, "()")
    return why and f"Invalid schema for response_format '{asked['name']}': {why}."


def _strict(schema: Any, where: str) -> str | None:
    if not isinstance(schema, Mapping):
        return None
    if found := UNSUPPORTED & set(schema):
        return f"In context={where}, '{min(found)}' is not permitted"
    properties = schema.get("properties", {})
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            return f"In context={where}, 'additionalProperties' is required to be supplied and to be false"
        if set(schema.get("required", ())) != set(properties):
            return (
                f"In context={where}, 'required' is required to be supplied and to be an array including "
                "every key in properties"
            )
    below = [(f"{where}.{name}", part) for name, part in properties.items()]
    below += [(f"$defs.{name}", part) for name, part in schema.get("$defs", {}).items()]
    below += [(f"{where}.anyOf", part) for part in schema.get("anyOf", ())]
    below += [(f"{where}.items", schema.get("items"))]
    return next((why for at, part in below if (why := _strict(part, at))), None)
