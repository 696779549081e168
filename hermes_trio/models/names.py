"""One spelling for the names of models, so that tables of data find them. Pure."""

from __future__ import annotations

import re

_SUFFIX = re.compile(r"(-(latest|preview|exp|20\d{6}|20\d\d-\d\d-\d\d|\d\d-20\d\d|[0-3]\d-[0-3]\d))+$")


def plain_model_name(model: str) -> str:
    """A model's name without its vendor, variant, date and stage, with dashes for dots.

    ``anthropic/claude-sonnet-4.5-20250929:beta`` gives ``claude-sonnet-4-5``.
    """
    name = model.strip().lower().rpartition("/")[2].partition(":")[0].partition("@")[0]
    return _SUFFIX.sub("", name.replace(".", "-").replace("_", "-"))
