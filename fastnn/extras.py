"""What each extra brings, and the command that installs it, for every message that names one.

The command names the packages, not the extra: what the public index calls fastnn is another
author's, so ``pip install`` of an extra of fastnn's would bring that.
"""

from __future__ import annotations

import re

#: The extras that a message can name, as pyproject.toml has them; a test compares the two.
EXTRAS: dict[str, tuple[str, ...]] = {
    "data": ("pyarrow>=15", "narwhals>=1.20"),
    "excel": ("python-calamine>=0.3",),
    "images": ("pillow>=10",),
    "jit": ("llvmlite>=0.45",),
    "sklearn": ("scikit-learn>=1.9",),
    "cuda12": ("cupy-cuda12x[ctk]>=14",),
    "cuda13": ("cupy-cuda13x[ctk]>=14",),
    "onnx": ("onnx>=1.17", "onnxruntime>=1.20"),
    "plot": ("resvg-py>=0.3",),
    "search": ("joblib>=1.4",),
    "completion": ("shtab>=1.7",),
    "dask": ("dask[distributed]>=2024.8",),
}

#: Packages that pip calls otherwise than ``import`` does.
_PACKAGES = {
    "sklearn": "scikit-learn",
    "resvg_py": "resvg-py",
    "python_calamine": "python-calamine",
    "PIL": "pillow",
}


def pip_install(extra: str, *options: str) -> str:
    """Return the command that installs what an extra brings, to be typed into any shell.

    >>> pip_install("data"), pip_install("dask")
    ('pip install pyarrow narwhals', "pip install 'dask[distributed]'")
    >>> pip_install("jit", "-U")
    'pip install -U llvmlite'
    """
    names = (re.split("[<>=]", requirement)[0] for requirement in EXTRAS[extra])
    return " ".join(["pip install", *options, *map(_quoted, names)])


def packages(extra: str) -> list[str]:
    """Return the names of the packages that an extra brings.

    >>> packages("data"), packages("dask")
    (['pyarrow', 'narwhals'], ['dask'])
    """
    return [re.split(r"[\[<>=]", requirement)[0] for requirement in EXTRAS[extra]]


def package_of(module: str) -> str:
    """Return what pip calls the package of a module.

    >>> package_of("sklearn.base"), package_of("safetensors")
    ('scikit-learn', 'safetensors')
    """
    top = module.partition(".")[0]
    return _PACKAGES.get(top, top)


def _quoted(name: str) -> str:
    """In quotes where a shell would take the brackets for a pattern (zsh does)."""
    return f"'{name}'" if "[" in name else name
