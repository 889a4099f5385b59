"""The JSON Schema of a row, made from its fields and their docstrings; `python -m tlbench.results.schema` prints it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from tlbench.results.files import SEAL
from tlbench.results.row import SCHEMA, Row

SEALED = "Of all other keys: SHA-256 of their canonical JSON, 32 digits. It is in the file alone; older files lack it."


def row_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `Row`.

    Every key is written, null where it does not apply. A key with a default may be absent: a row of an older tlbench.
    """
    from pydantic import ConfigDict, TypeAdapter

    Row.__pydantic_config__ = ConfigDict(use_attribute_docstrings=True)  # type: ignore[attr-defined]
    schema = TypeAdapter(Row).json_schema(mode="serialization")
    missing = dataclasses.MISSING
    required = [f.name for f in dataclasses.fields(Row) if f.default is missing and f.default_factory is missing]
    schema["properties"]["schema"]["const"] = SCHEMA
    schema["properties"][SEAL] = {"description": SEALED, "pattern": "^[0-9a-f]{32}$", "type": "string"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "required": required,
        "additionalProperties": False,
    }


if __name__ == "__main__":
    print(json.dumps(row_schema(), indent=1))
