"""Programs of a `Stack` as compiled code: each thread trains whole networks.

The step of the first network is compiled once. Where its text names an address of memory that
every network has for itself, the code adds the distance to the network that it works on. One
network does all its steps before the next begins, so that what it works on stays in the cache, and
threads never wait for each other.
"""

from __future__ import annotations

import ctypes
import re
from functools import partial
from typing import Any

from fastnn.backend.compiled.executor import linked
from fastnn.backend.compiled.llvm_engine import NotCompilableError, compile_module, target
from fastnn.backend.compiled.lowering import lower_program
from fastnn.backend.host.blas import NO_BLAS, ONE_THREAD, find_blas
from fastnn.backend.host.threads import Stretches, in_shelter, run_together
from fastnn.backend.program import Program, address
from fastnn.backend.protocols import EngineChoice
from fastnn.backend.stack import Stack

_ADDRESS = re.compile(r"ptr inttoptr \(i64 (\d+) to ptr\)")
_LOOP = """
define void @run(i64 %n, i64 %network, i64 %thread) {{
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
        self.choice = EngineChoice("compiled", self.threads, "")
        self._stack, self._program = stack, program  # kept alive: the code has their addresses
        self._stretches = Stretches(growth=64)
        self._lowered = lower_program(program, 1, blas, stack, copies=self.threads)
        self._engine: Any = compile_module(self._loop())
        prototype = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
        self._function = prototype(self._engine.get_function_address("run"))

    def run(self, n: int = 1) -> None:
        """Execute the program ``n`` times, in stretches short enough to notice Ctrl-C."""
        with ONE_THREAD.held(self._blas):
            self._stretches.run(n, self._run)

    def _run(self, n: int) -> None:
        waiting = iter(list(range(len(self._stack))))

        def take(thread: int) -> None:
            for g in waiting:  # a list's iterator gives each network to one thread
                self._function(n, g, thread)

        if self.threads == 1 and not self._lowered.calls_back:
            take(0)
        else:
            in_shelter(partial(run_together, [partial(take, t) for t in range(self.threads)]))
        if self._lowered.errors:
            raise self._lowered.errors.pop()

    def _loop(self) -> str:
        """Return the loop over the steps of one network, by its number and that of the thread."""
        lines = [line for task in self._lowered.tasks for line in task.lines[0]]
        body, places = linked("\n".join(lines), self._lowered), []
        for name in dict.fromkeys(_ADDRESS.findall(body)):
            distance = self._distance(int(name))
            if distance:
                places += [
                    *(line.format(name) for line in distance),
                    f"%i{name} = add i64 %o{name}, {name}",
                    f"%p{name} = inttoptr i64 %i{name} to ptr",
                ]
                body = body.replace(f"ptr inttoptr (i64 {name} to ptr)", f"ptr %p{name}")
        return _LOOP.format(places="\n".join(places), body=body)

    def _distance(self, place: int) -> list[str]:
        """Return lines for ``%o{}``, how far from here the network or thread finds its own."""
        for base in self._lowered.private:
            if 0 <= place - address(base) < base.strides[0]:
                return [f"%o{{0}} = mul i64 %thread, {base.strides[0]}"]
        offsets = self._stack.offsets_at(place)
        if not offsets.any():
            return []
        table = f"ptr inttoptr (i64 {offsets.ctypes.data} to ptr)"  # the stack keeps it
        return [
            f"%w{{0}} = getelementptr i64, {table}, i64 %network",
            "%o{0} = load i64, ptr %w{0}",
        ]
