"""Schema 1 of the row: what it calls by other names.

Rows of schema 1 are read by these tables. Keys and file names keep its spelling, so that a question that is asked today
has the key and the file that it had then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tlbench.errors import StoreError

FIELDS: Mapping[str, str] = {"sees": "access", "reference": "baseline"}
STRATEGIES: Mapping[str, str] = {"oracle": "all-labels", "majority": "constant"}
PLUGINS: Mapping[str, str] = {"references": "baselines"}
SELECTIONS: Mapping[tuple[str, str], str] = {("frozen", "target-validation"): "target-folds"}
# In both directions: a plugin's own "oracle" must not get the key of "all-labels".
SPELLINGS = {**{now: then for then, now in STRATEGIES.items()}, **STRATEGIES}


def spelling(strategy: str) -> str:
    """Return how keys and file names spell the name of a strategy; different names have different spellings."""
    return SPELLINGS.get(strategy, strategy)


def upgraded(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record of schema 1 as one of schema 2. Raises `StoreError` if it holds fields of schema 2."""
    if later := sorted(record.keys() & set(FIELDS.values())):
        raise StoreError(f'its schema is 1, which has no field "{later[0]}"')
    values = {FIELDS.get(name, name): value for name, value in record.items()}
    if isinstance(strategy := values.get("strategy"), str):
        values["strategy"] = STRATEGIES.get(strategy, strategy)
    for (strategy, before), now in SELECTIONS.items():
        if (values.get("strategy"), values.get("selection")) == (strategy, before):
            values["selection"] = now
    if isinstance(plugins := values.get("plugins"), dict):
        values["plugins"] = {role: _plugin(origin) for role, origin in plugins.items()}
    return {**values, "schema": 2}


def _plugin(origin: Any) -> Any:
    """Rename a plugin in text such as `references (tlbench 0.1.0)`."""
    name, space, distribution = origin.partition(" ") if isinstance(origin, str) else (origin, "", "")
    return f"{PLUGINS[name]}{space}{distribution}" if name in PLUGINS else origin
