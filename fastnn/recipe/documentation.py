"""Functions that take options: their documentation and signature, from the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from inspect import Parameter, Signature, signature
from textwrap import fill, indent
from types import MappingProxyType
from typing import Any, TypeVar

from fastnn.recipe.choices import options
from fastnn.recipe.rows import Option

F = TypeVar("F", bound=Callable[..., Any])

#: Where the documentation of the options goes in a docstring.
PLACE = "{options}"


def documented(
    *groups: type, but: tuple[str, ...] = (), defaults: Mapping[str, Any] = MappingProxyType({})
) -> Callable[[F], F]:
    """Write the options that a function takes as ``**options`` into its docstring and signature.

    The docstring says ``{options}`` where they go; ``but`` are options that it does not take, and
    ``defaults`` those that are others here. So ``help`` and editors show each with its default,
    although it is written in the table alone.

    >>> from fastnn.recipe.table import RunOptions
    >>> @documented(RunOptions, but=("capture", "precision", "dtype"))
    ... def compute(x, **options):
    ...     '''Compute.
    ...
    ...     {options}
    ...     '''
    >>> signature(compute)
    <Signature (x, *, device: str = 'cpu', engine: str = 'auto')>
    >>> print(compute.__doc__)
    Compute.
    <BLANKLINE>
        device : str. Cpu, cuda, cuda:N, or auto: the GPU if it is usable. Default: cpu.
        ...
    """

    def write(function: F) -> F:
        rows = {name: row for name, row in options(*groups).items() if name not in but}
        rows |= {n: replace(rows[n], default=v, shown="") for n, v in defaults.items()}
        if function.__doc__:
            margin = function.__doc__.partition(PLACE)[0].rpartition("\n")[2]
            text = "\n".join(described(row) for row in rows.values())
            function.__doc__ = function.__doc__.replace(margin + PLACE, indent(text, margin), 1)
        function.__signature__ = with_options(signature(function), rows.values())  # type: ignore[attr-defined]
        return function

    return write


def described(row: Option, width: int = 92) -> str:
    """Return a row as a paragraph of a docstring.

    >>> from fastnn.recipe.choices import OPTIONS
    >>> print(described(OPTIONS["l1"]))
    l1 : float. Penalty on the absolute values of the weights. Default: 0.
    """
    form = "" if row.annotation is object else f"{type_text(row.annotation)}. "
    sentences = [_sentence(row.help), *([_sentence(row.more)] if row.more else [])]
    sentences.append(f"Default: {shown_default(row)}.")
    text = f"{row.name} : {form}{' '.join(sentences)}"
    return fill(text, width, subsequent_indent="    ", break_on_hyphens=False)


def shown_default(row: Option) -> str:
    """Return the default of an option, for people.

    >>> from fastnn.recipe.choices import OPTIONS
    >>> shown_default(OPTIONS["epochs"]), shown_default(OPTIONS["loss"])
    ('100', 'by the task')
    """
    if row.shown:
        return row.shown
    if isinstance(row.default, float):
        return f"{row.default:g}"
    return "none" if row.default in (None, ()) else str(row.default)


def type_text(annotation: Any) -> str:
    """Return a type as it is written in code.

    >>> type_text(int), type_text(str | None)
    ('int', 'str | None')
    """
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    for prefix in ("collections.abc.", "typing.", "ForwardRef('", "')"):
        text = text.replace(prefix, "")
    return text


def with_options(before: Signature, rows: Any) -> Signature:
    """Return a signature with the options in place of ``**options``.

    >>> from fastnn.recipe.choices import options
    >>> from fastnn.recipe.table import RunOptions
    >>> def f(x, **options): ...
    >>> [*with_options(signature(f), options(RunOptions).values()).parameters][:2]
    ['x', 'device']
    """
    kept = [p for p in before.parameters.values() if p.kind is not Parameter.VAR_KEYWORD]
    added = [
        Parameter(row.name, Parameter.KEYWORD_ONLY, default=row.default, annotation=row.annotation)
        for row in rows
    ]
    return before.replace(parameters=[*kept, *added])


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
