"""Programs of a `Stack` as compiled code: each thread trains whole networks.

The step of the first network is compiled once. Where its text names an address of memory that
every network has for itself, the code adds the distance to the network that it works on. One
network does all its steps before the next begins, so that what it works on stays in the cache, and
threads never wait for each other.
"""

from __future__ import annotations

import ctypes
import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from fastnn.backend.compiled.blas import NO_BLAS, ONE_THREAD, find_blas
from fastnn.backend.compiled.executor import STRETCH, linked
from fastnn.backend.compiled.llvm_engine import NotCompilableError, compile_module, target
from fastnn.backend.compiled.lowering import Lowered, lower_program
from fastnn.backend.compiled.threads import in_shelter, run_together
from fastnn.backend.program import Program
from fastnn.backend.stack import Stack

_ADDRESS = re.compile(r"ptr inttoptr \(i64 (\d+) to ptr\)")
_LOOP = """
define void @run{thread}(i64 %n, i64 %network) {{
entry:
{places}
  br label %step
step:
  %s = phi i64 [ 0, %entry ], [ %s.next, %step ]
{body}
  %s.next = add i64 %s, 1
  %more = icmp slt i64 %s.next, %n
  br i1 %more, label %step, label %end
end:
  ret void
}}
"""


class StackedCompiledExecutable:
    """A program made ready for every network of a stack: ``run(n)`` executes it n times.

    Raises NotCompilableError for a program, or on a machine, that compiled code cannot serve.
    """

    def __init__(self, program: Program, stack: Stack, threads: int = 1) -> None:
        blas = find_blas()
        if blas is None:
            raise NotCompilableError(NO_BLAS)
        target()
        self.threads, self._blas = max(1, min(threads, len(stack))), blas
        self._stack, self._program = stack, program  # kept alive: the code has their addresses
        self._stretch = 1
        # Each thread has scratch memory, random streams and therefore code of its own.
        self._lowered = [lower_program(program, 1, blas, stack) for _ in range(self.threads)]
        loops = [self._loop(t, lowered) for t, lowered in enumerate(self._lowered)]
        self._engine: Any = compile_module("\n".join(loops), optimize=False)
        prototype = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)
        self._functions: list[Callable[[int, int], None]] = [
            prototype(self._engine.get_function_address(f"run{t}")) for t in range(self.threads)
        ]

    def run(self, n: int = 1) -> None:
        """Execute the program ``n`` times, in stretches short enough to notice Ctrl-C."""
        holder = object()
        try:
            ONE_THREAD.enter(holder, self._blas)
            while n > 0:
                steps = min(self._stretch, n)
                start = time.perf_counter()
                self._run(steps)
                n -= steps
                fitting = int(steps * STRETCH / max(time.perf_counter() - start, 1e-9))
                self._stretch = max(1, min(64 * self._stretch, fitting))
        finally:
            ONE_THREAD.leave(holder, self._blas)

    def _run(self, n: int) -> None:
        waiting = iter(list(range(len(self._stack))))

        def take(function: Callable[[int, int], None]) -> None:
            for g in waiting:  # a list's iterator gives each network to one thread
                function(n, g)

        works = [partial(take, function) for function in self._functions]
        if self.threads == 1 and not self._lowered[0].calls_back:
            works[0]()
        else:
            in_shelter(partial(run_together, works))
        for lowered in self._lowered:
            if lowered.errors:
                raise lowered.errors.pop()

    def _loop(self, thread: int, lowered: Lowered) -> str:
        """Return the loop over the steps of one network, which the text is told by its number."""
        lines = [line for task in lowered.tasks for line in task.lines[0]]
        body, places = linked("\n".join(lines), lowered), []
        for name in dict.fromkeys(_ADDRESS.findall(body)):
            offsets = self._stack.offsets_at(int(name))
            if not offsets.any():
                continue
            table = offsets.ctypes.data  # the stack keeps it
            places += [
                f"%w{name} = getelementptr i64, ptr inttoptr (i64 {table} to ptr), i64 %network",
                f"%o{name} = load i64, ptr %w{name}",
                f"%i{name} = add i64 %o{name}, {name}",
                f"%p{name} = inttoptr i64 %i{name} to ptr",
            ]
            body = body.replace(f"ptr inttoptr (i64 {name} to ptr)", f"ptr %p{name}")
        return _LOOP.format(thread=thread, places="\n".join(places), body=body)
