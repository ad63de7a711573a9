"""A trace as the fields of what is derived from it."""

from dataclasses import fields
from typing import Any

import gpt


def fields_of(trace: gpt.Trace) -> dict[str, Any]:
    """What a trace holds, by name."""
    return {field.name: getattr(trace, field.name) for field in fields(gpt.Trace)}
