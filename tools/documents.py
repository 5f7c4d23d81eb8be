"""The documents that the service answers with, as typed dictionaries: what `tools/reference.py` gives the client.

Written from the OpenAPI document alone, so that a client's types are what the service promises.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

HEADER = '''\
"""What the service answers; written by ``make docs`` from its OpenAPI document, and compared with it by a test."""

from __future__ import annotations

from typing import {names}

__all__ = {exported}
'''

PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


def written(document: Mapping[str, Any]) -> str:
    """The module, formatted."""
    schemas = _schemas(document)
    names = sorted(answered(document))
    classes = [_class(name, schemas[name]) for name in names]
    body = "\n\n".join(classes)
    needed = [name for name in ("Any", "Literal", "NotRequired", "TypedDict") if name in body]
    text = HEADER.format(names=", ".join(needed), exported=names) + "\n\n" + body
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", "src/mien/client/documents.py", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def answered(document: Mapping[str, Any]) -> set[str]:
    """Names of the schemas of every answer that is a success, and of those within them."""
    schemas = _schemas(document)
    contents = [
        content["schema"]
        for methods in document["paths"].values()
        for operation in methods.values()
        for status, response in operation["responses"].items()
        if status.startswith("2")
        for content in response.get("content", {}).values()
        if "schema" in content
    ]
    found: set[str] = set()
    waiting = {name for content in contents for name in _names(content)}
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= {*_names(schemas[name])} - found
    return found


def type_of(schema: Mapping[str, Any]) -> str:
    """A schema as a type."""
    if "$ref" in schema:
        return _name(schema["$ref"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(type_of(one) for one in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return f"Literal[{', '.join(map(repr, schema.get('enum', [schema.get('const')])))}]"
    kind = schema.get("type")
    if kind == "array":
        return f"list[{type_of(schema.get('items', {}))}]"
    if kind == "object":
        values = schema.get("additionalProperties", True)
        return f"dict[str, {type_of(values) if isinstance(values, dict) else 'Any'}]"
    return PLAIN.get(str(kind), "Any")


def _schemas(document: Mapping[str, Any]) -> dict[str, Any]:
    return {_name(name): schema for name, schema in document["components"]["schemas"].items()}


def _class(name: str, schema: Mapping[str, Any]) -> str:
    if schema.get("type") != "object":
        return f"{name} = {type_of(schema)}\n"
    said = " ".join(schema.get("description", f"{name}.").split())
    fields = schema.get("properties", {})
    told = [_wrapped(f"{key}: {one['description']}") for key, one in fields.items() if "description" in one]
    attributes = ["", "    Attributes:", *told, "    "] if told else []
    opened = "\n".join([f'    """{said}', *attributes]).rstrip("\n")
    required = {*schema.get("required", ()), *(key for key, one in fields.items() if "default" in one)}
    lines = [f"    {key}: {_field(one, present=key in required)}" for key, one in fields.items()]
    return "\n".join([f"class {name}(TypedDict):", f'{opened}"""', "", *lines, ""])


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 120, initial_indent=" " * 8, subsequent_indent=" " * 12, break_on_hyphens=False)


def _field(schema: Mapping[str, Any], *, present: bool) -> str:
    return type_of(schema) if present else f"NotRequired[{type_of(schema)}]"


def _names(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            yield _name(schema["$ref"])
        for value in schema.values():
            yield from _names(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _names(value)


def _name(reference: str) -> str:
    return reference.rpartition("/")[2].replace("-", "")
