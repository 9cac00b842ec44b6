"""What programs read: results as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastnn.cli.messages import told


def plain(value: Any) -> Any:
    """Return ``value`` in what JSON knows: no NumPy types, and null for NaN and infinities.

    >>> plain({"loss": np.float32(0.5), "auc": float("nan"), "parts": (1, np.int64(2))})
    {'loss': 0.5, 'auc': None, 'parts': [1, 2]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document, with the warnings and notes that there were in "notes".

    >>> print_json({"test": {"loss": float("nan")}})
    {
      "test": {
        "loss": null
      }
    }
    """
    print(json.dumps(plain({**document, **told()}), indent=2, allow_nan=False))
