"""Which image processors of transformers do no more than what `photo` does. Light."""

from __future__ import annotations

import json
import re
from pathlib import Path

PLAIN = re.compile("(ViT|DeiT|Beit|CLIP|Bit)(ImageProcessor(Fast|Pil)?|FeatureExtractor)")
"""Classes that resize, crop and normalise, in this order."""
SIDES = {"height", "width", "shortest_edge"}


def is_plain(settings: Path | None) -> bool:
    """Return whether a processor's settings, or the usual ones if there is no file, are those of a plain processor."""
    if settings is None:
        return True
    try:
        known = json.loads(settings.read_text(encoding="utf-8"))
        name = str(known.get("image_processor_type") or known.get("feature_extractor_type") or "ViTImageProcessor")
        size = known.get("size")
    except (ValueError, AttributeError, RecursionError):  # A damaged file, which `fit` refuses by name.
        return False
    return (
        bool(PLAIN.fullmatch(name)) and not known.get("do_pad") and (not isinstance(size, dict) or set(size) <= SIDES)
    )
