"""Validate `response_format` as the API does: a strict schema requires every property and allows no other."""

import re
from collections.abc import Mapping
from typing import Any

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""Names of schemas that the API accepts."""
UNSUPPORTED = frozenset({"allOf", "oneOf", "not", "if", "then", "else", "patternProperties", "uniqueItems"})


def fault_of(response_format: Any) -> str | None:
    """Return why the API would answer 400, or None."""
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
    json_schema = response_format.get("json_schema")
    if not isinstance(json_schema, Mapping) or not NAME.fullmatch(str(json_schema.get("name", ""))):
        return "Missing or invalid parameter: 'response_format.json_schema.name'."
    schema = json_schema.get("schema")
    if not isinstance(schema, Mapping):
        return "Missing required parameter: 'response_format.json_schema.schema'."
    if not json_schema.get("strict"):
        return None
    if schema.get("type") != "object":
        why: str | None = "schema must be a JSON Schema of 'type: \"object\"'"
    else:
        why = _strict(schema, "()")
    return why and f"Invalid schema for response_format '{json_schema['name']}': {why}."


def _strict(schema: Any, where: str) -> str | None:
    if not isinstance(schema, Mapping):
        return None
    if unsupported := UNSUPPORTED & set(schema):
        return f"In context={where}, '{min(unsupported)}' is not permitted"
    properties = schema.get("properties", {})
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            return f"In context={where}, 'additionalProperties' is required to be supplied and to be false"
        if set(schema.get("required", ())) != set(properties):
            return (
                f"In context={where}, 'required' is required to be supplied and to be an array including "
                "every key in properties"
            )
    parts = [(f"{where}.{name}", part) for name, part in properties.items()]
    parts += [(f"$defs.{name}", part) for name, part in schema.get("$defs", {}).items()]
    parts += [(f"{where}.anyOf", part) for part in schema.get("anyOf", ())]
    parts += [(f"{where}.items", schema.get("items"))]
    return next((why for at, part in parts if (why := _strict(part, at))), None)
