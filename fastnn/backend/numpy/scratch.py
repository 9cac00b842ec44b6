"""Memory for what lies between the operations of a kernel."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Register:
    """A place in scratch memory, seen with a shape and a dtype."""

    index: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def view(self, dtype: Any) -> Register:
        return Register(self.index, self.shape, np.dtype(dtype))


@dataclass
class Scratch:
    """Memory for registers; shared by all kernels of a program, since they run in turn."""

    sizes: list[int] = field(default_factory=list)
    memory: list[npt.NDArray[np.uint8]] = field(default_factory=list)

    def need(self, register: Register) -> None:
        size = int(np.prod(register.shape, dtype=np.int64)) * register.dtype.itemsize
        self.sizes += [0] * (register.index + 1 - len(self.sizes))
        self.sizes[register.index] = max(self.sizes[register.index], size)

    def resolve(self, operand: Any) -> Any:
        if not isinstance(operand, Register):
            return operand
        while len(self.memory) < len(self.sizes):
            self.memory.append(np.empty(self.sizes[len(self.memory)], np.uint8))
        size = int(np.prod(operand.shape, dtype=np.int64)) * operand.dtype.itemsize
        return self.memory[operand.index][:size].view(operand.dtype).reshape(operand.shape)
