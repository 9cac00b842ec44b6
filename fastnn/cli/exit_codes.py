"""What the exit codes mean, and which error has which."""

from __future__ import annotations

from collections.abc import Mapping

from fastnn.errors import (
    ArgumentError,
    DataError,
    DeviceError,
    DivergenceError,
    FastnnError,
)

#: The first that fits gives the exit code.
EXIT_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (DivergenceError, 1),
    (DeviceError, 4),
    (DataError, 3),
    (ArgumentError, 2),
    (FastnnError, 1),
)

#: What each means, for people.
MEANINGS: Mapping[int, str] = {
    0: "all went well",
    1: "training diverged or a check failed",
    2: "wrong argument",
    3: "data or file that cannot be used or results that cannot be written",
    4: "device that cannot be used",
    130: "interrupted (a training saves its best epoch, a search the best of what is done; so they "
    "do on kill: 143)",
}
