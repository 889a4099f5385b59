"""The data of a page as text that stands in an HTML file: JSON, compressed with gzip, in base64."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from tlbench.results.escapes import plain


def packed(data: Any) -> str:
    """Return a JSON value as text of letters, digits, `+`, `/` and `=`; `js/data.js` unpacks it.

    The same value gives the same text. Texts in it become printable and stand on one line.

    Raises:
        ValueError: If a number is not finite, for JSON has none.
    """
    text = json.dumps(_printable(data), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _printable(value: Any) -> Any:
    """Return a JSON value in which every text is printable and on one line."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain(name): _printable(part) for name, part in value.items()}
    return [_printable(part) for part in value] if isinstance(value, list | tuple) else value
