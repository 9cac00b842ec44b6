"""Values as they are written on a command line, or in a file of settings."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fastnn.errors import shown
from fastnn.registry import call_text

T = TypeVar("T")


def split_list(text: str, mark: str = ",") -> list[str]:
    """Split at the commas, or other marks, that are not inside brackets.

    >>> split_list("leaky_relu(slope=0.2, x=1),tanh"), split_list("a=[1;2];b=3", ";")
    (['leaky_relu(slope=0.2, x=1)', 'tanh'], ['a=[1;2]', 'b=3'])
    """
    parts, depth, start = [], 0, 0
    for i, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == mark and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    parts.append(text[start:].strip())
    if "" in parts:
        raise ArgumentTypeError(f"has an empty entry in {shown(text)}")
    return parts


def columns(text: str) -> list[str]:
    """Read names of columns: commas part them but in brackets, and in quotation marks around one.

    >>> columns("age,town"), columns('"a,b",c'), columns("size (cm, inch)")
    (['age', 'town'], ['a,b', 'c'], ['size (cm, inch)'])
    """
    quoted = re.findall(r'(?:^|,)\s*("(?:[^"]|"")*")\s*(?=,|$)', text)
    signs = text
    for k, name in enumerate(quoted):  # out of the way, since their commas do not part
        signs = signs.replace(name, f"\x00{k}\x00", 1)
    return [
        quoted[int(part[1:-1])][1:-1].replace('""', '"') if part.startswith("\x00") else part
        for part in split_list(signs)
    ]


def one_or_list(convert: Callable[[str], T]) -> Callable[[str], T | list[T]]:
    """Return a converter: one value, or with commas a list with one for each layer.

    >>> one_or_list(str)("relu"), one_or_list(str)("relu,tanh")
    ('relu', ['relu', 'tanh'])
    """

    def read(text: str) -> T | list[T]:
        values = [convert(part) for part in split_list(text)]
        return values[0] if len(values) == 1 else values

    return read


def whole(text: str) -> int:
    """Read a whole number.

    >>> whole("100")
    100
    """
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError(f"needs a whole number, found {shown(text)}") from None


def real(text: str) -> float:
    """Read a number.

    >>> real("1e-3")
    0.001
    """
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError(f"needs a number, found {shown(text)}") from None


def seconds(text: str) -> float | str:
    """Read seconds, or a text such as 10m that says hours, minutes and seconds.

    >>> seconds("90"), seconds("10m")
    (90.0, '10m')
    """
    try:
        return float(text)
    except ValueError:
        return text


def truth(text: str) -> bool:
    """Read yes or no.

    >>> truth("no"), truth("True")
    (False, True)
    """
    words = {"yes": True, "true": True, "no": False, "false": False}
    if text.lower() not in words:
        raise ArgumentTypeError(f"needs yes or no, found {shown(text)}")
    return words[text.lower()]


def sign(text: str) -> str:
    r"""Read a sign of a text file; a tab can be written as tab or \\t, a space as space.

    >>> sign(";"), sign("tab"), sign("\\t"), sign("space")
    (';', '\t', '\t', ' ')
    """
    return {"tab": "\t", "\\t": "\t", "space": " "}.get(text, text)


def formats(text: str) -> str | dict[str, str]:
    """Read a format of dates, or one for each of some columns.

    >>> formats("%b %d, %Y"), formats("born=%b %d, %Y,hired=%Y%m")
    ('%b %d, %Y', {'born': '%b %d, %Y', 'hired': '%Y%m'})
    """
    parts = [part.partition("=") for part in re.split(r",\s*(?=[^,=%]+=)", text)]
    if all(sign and name and "%" not in name for name, sign, _ in parts):
        return {name.strip(): form for name, _, form in parts}
    return text


def markers(text: str) -> list[str]:
    """Read texts that mean no value, as `columns` are; none: there are none but the empty one.

    >>> markers("-,nil"), markers("none"), markers('"none"')
    (['-', 'nil'], [], ['none'])
    """
    return [] if text.strip() == "none" else columns(text)


def layers(text: str) -> tuple[int, ...]:
    """Read the sizes of the hidden layers; nothing or 'none' is no hidden layer.

    >>> layers("256,128"), layers("none")
    ((256, 128), ())
    """
    if text.strip() in ("", "none"):
        return ()
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise ArgumentTypeError(f"needs layer sizes such as 256,128, or none; found {shown(text)}")
    return sizes


def batch_size(text: str) -> int | str:
    """Read a whole number, or a word such as 'full'.

    >>> batch_size("64"), batch_size("full")
    (64, 'full')
    """
    try:
        return int(text)
    except ValueError:
        return text


def unless_none(convert: Callable[[str], T]) -> Callable[[str], T | None]:
    """Return a converter that takes 'none', too.

    >>> unless_none(whole)("none") is None, unless_none(whole)("3")
    (True, 3)
    """

    def read(text: str) -> T | None:
        try:
            return None if text.strip() == "none" else convert(text)
        except ArgumentTypeError as error:
            raise ArgumentTypeError(f"{error}; or write none") from None

    return read


def shares(text: str) -> tuple[float, ...]:
    """Read three shares.

    >>> shares(".6,.2,.2")
    (0.6, 0.2, 0.2)
    """
    return tuple(real(part) for part in split_list(text))


def written(value: Any) -> str:
    """Return a choice as a command line takes it, lists in brackets, a mapping by its name.

    >>> written((64, 32)), written({"name": "adam", "beta1": 0.9}), written(0.001)
    ('[64,32]', 'adam(beta1=0.9)', '0.001')
    """
    if isinstance(value, Mapping):
        options = {name: option for name, option in value.items() if name != "name"}
        return call_text(str(value.get("name", "")), options)
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(written, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)
