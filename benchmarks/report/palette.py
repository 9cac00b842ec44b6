"""Colours, on light and on dark paper: Okabe and Ito's, which the colour-blind can tell apart.

fastnn is blue everywhere and drawn thicker; floors are grey and dashed. Two variants of one library
share a hue. No chart needs its colours: every line has its name at its end.
"""

from __future__ import annotations

#: key: (light, dark)
COLOURS = {
    "fastnn_compiled": ("#0072b2", "#4db5f5"),
    "fastnn_numpy": ("#3f9fd8", "#9ad6fb"),
    "fastnn_model": ("#7fbde6", "#c4e5fb"),
    "fastnn": ("#0072b2", "#4db5f5"),
    "pytorch": ("#d55e00", "#ff8a3d"),
    "torch": ("#d55e00", "#ff8a3d"),
    "pytorch_compile": ("#e59866", "#ffbc8f"),
    "jax_scan": ("#009e73", "#35cfa0"),
    "jax": ("#009e73", "#35cfa0"),
    "jax_step": ("#66bfa3", "#9de8cf"),
    "sklearn_mlp": ("#c2579a", "#ee93c6"),
    "sklearn": ("#c2579a", "#ee93c6"),
    "keras_fit": ("#b08900", "#e8c547"),
    "keras": ("#b08900", "#e8c547"),
    "thinc_model": ("#7a6a58", "#bba88f"),
    "thinc": ("#7a6a58", "#bba88f"),
    "floor": ("#5f6670", "#a7afba"),
    "products": ("#5f6670", "#a7afba"),
    "bytes_moved": ("#9aa1ab", "#6f7884"),
    "numpy": ("#5f6670", "#a7afba"),
    "training_step": ("#0072b2", "#4db5f5"),
    "dense_forward": ("#009e73", "#35cfa0"),
    "dense_backward": ("#d55e00", "#ff8a3d"),
    "categorical_crossentropy": ("#c2579a", "#ee93c6"),
    "tanh_forward": ("#b08900", "#e8c547"),
    "relu_backward": ("#5f6670", "#a7afba"),
}


def light(key: str) -> str:
    """Return the colour on light paper.

    >>> light("fastnn_compiled")
    '#0072b2'
    """
    return COLOURS[key][0]


def style_sheet() -> str:
    """Return the colours as CSS: one variable for each key, set anew where it is dark."""
    pale = "".join(f"--{key}:{a};" for key, (a, _) in COLOURS.items())
    dark = "".join(f"--{key}:{b};" for key, (_, b) in COLOURS.items())
    classes = "".join(f".c-{key}{{--c:var(--{key})}}" for key in COLOURS)
    return f":root{{{pale}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}{classes}"
