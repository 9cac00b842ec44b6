"""Run programs as compiled code: one function per program and thread, no Python per step.

Every instruction is a call with constant addresses: a fused loop from `elementwise_text`, or a
matrix product of NumPy's own BLAS. Several threads do their shares of each instruction and wait at
a barrier only where one needs what another made.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from fastnn.backend.compiled.barriers import waits
from fastnn.backend.compiled.llvm_engine import KERNELS, NotCompilableError, compile_module, target
from fastnn.backend.compiled.lowering import Lowered, lower_program
from fastnn.backend.compiled.products import pointer
from fastnn.backend.host.blas import NO_BLAS, ONE_THREAD, find_blas
from fastnn.backend.host.threads import Stretches, in_shelter, run_together
from fastnn.backend.program import Program
from fastnn.backend.protocols import EngineChoice

# Each thread announces how many barriers it has reached and waits for the others: a short spin,
# then it offers its core (sched_yield), then it sleeps: a core with nothing to run takes over the
# thread that is being waited for, if somebody else's work holds that one up. Flags lie 128 bytes
# apart.
_FLAG_STEP = 16
_BARRIER = """
define internal void @barrier(ptr %flags, i64 %me, i64 %other, i64 %value) noinline nounwind {{
entry:
  %my = getelementptr inbounds i64, ptr %flags, i64 %me
  store atomic i64 %value, ptr %my release, align 8
  %their = getelementptr inbounds i64, ptr %flags, i64 %other
  br label %spin
spin:
  %n = phi i64 [ 0, %entry ], [ %n.next, %again ]
  %seen = load atomic i64, ptr %their acquire, align 8
  %there = icmp sge i64 %seen, %value
  br i1 %there, label %end, label %wait
wait:
  %n.next = add i64 %n, 1
  %long = icmp ugt i64 %n, 2000
  br i1 %long, label %offer, label %again
offer:
  %longer = icmp ugt i64 %n, 2100
  br i1 %longer, label %sleep, label %yield
yield:
  call i32 inttoptr (i64 {sched_yield} to ptr)()
  br label %again
sleep:
  call i32 inttoptr (i64 {usleep} to ptr)(i32 50)
  br label %again
again:
  br label %spin
end:
  ret void
}}
"""
_LOOP = """
define void @run{thread}(i64 %n, i64 %reached) {{
entry:
  br label %step
step:
  %s = phi i64 [ 0, %entry ], [ %s.next, %step ]
  %base = phi i64 [ %reached, %entry ], [ %base.next, %step ]
{body}
  %s.next = add i64 %s, 1
  %base.next = add i64 %base, {n_barriers}
  %more = icmp slt i64 %s.next, %n
  br i1 %more, label %step, label %end
end:
  ret void
}}
"""


class CompiledExecutable:
    """A program made ready: ``run(n)`` executes it n times.

    Raises NotCompilableError for a program, or on a machine, that compiled code cannot serve.
    As in every executable, counters must stay inside their tables; here nothing checks that.
    """

    def __init__(self, program: Program, threads: int = 1) -> None:
        blas = find_blas()
        if blas is None:
            raise NotCompilableError(NO_BLAS)
        target()
        self.threads, self._blas, self._program = threads, blas, program
        self.choice = EngineChoice("compiled", threads, "")
        self._flags = np.zeros(_FLAG_STEP * threads, np.int64)
        self._reached = self.n_barriers = 0
        self._stretches = Stretches()
        self._lowered = lower_program(program, threads, blas)
        self._engine: Any = compile_module(self._text(self._lowered))
        prototype = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)
        self._functions: list[Callable[[int, int], None]] = [
            prototype(self._engine.get_function_address(f"run{t}")) for t in range(threads)
        ]

    def run(self, n: int = 1) -> None:
        """Execute the program ``n`` times, in stretches short enough to notice Ctrl-C."""
        with ONE_THREAD.held(self._blas):
            self._stretches.run(n, self._run)

    def _run(self, n: int) -> None:
        reached = self._reached
        self._reached += n * self.n_barriers
        if self.threads == 1 and not self._lowered.calls_back:
            self._functions[0](n, reached)  # no Python in it: Ctrl-C waits for its end
        else:
            in_shelter(partial(self._all, n, reached))
        if self._lowered.errors:
            raise self._lowered.errors.pop()

    def _all(self, n: int, reached: int) -> None:
        """Run every thread's share; return when all are done."""
        run_together([partial(f, n, reached) for f in self._functions])

    def _text(self, lowered: Lowered) -> str:
        """Return each thread's loop over the steps, with barriers where they are needed."""
        steps: list[list[str]] = [[] for _ in range(self.threads)]
        waiting = waits([task.touched for task in lowered.tasks])
        for task, wait in zip(lowered.tasks, waiting, strict=True):
            if wait:
                self._barrier(steps)
            for lines, share in zip(steps, task.lines, strict=True):
                lines += share
        if self.threads > 1:
            self._barrier(steps)  # the next step begins where all have ended
        loops = "\n".join(
            _LOOP.format(thread=t, body="\n".join(lines), n_barriers=self.n_barriers)
            for t, lines in enumerate(steps)
        )
        text = linked(loops, lowered)
        if self.threads > 1:
            library = ctypes.CDLL(None)
            calls = {
                name: ctypes.cast(getattr(library, name), ctypes.c_void_p).value
                for name in ("sched_yield", "usleep")
            }
            text = _BARRIER.format(**calls) + text
        return text

    def _barrier(self, steps: list[list[str]]) -> None:
        """All threads wait for each other."""
        self.n_barriers += 1
        flags, count = pointer(self._flags), f"%reached{self.n_barriers}"
        for t, lines in enumerate(steps):
            lines.append(f"{count} = add i64 %base, {self.n_barriers}")
            lines += [
                f"call void @barrier({flags}, i64 {_FLAG_STEP * t}, i64 {_FLAG_STEP * other}, "
                f"i64 {count})"
                for other in range(self.threads)
                if other != t
            ]


def linked(text: str, lowered: Lowered) -> str:
    """Return lines of a lowered program with the addresses of its kernels, compiled now."""
    places = KERNELS.addresses(lowered.texts)
    return re.sub(
        r"(void|ptr) \{(\d+)\}",
        lambda match: f"{match[1]} inttoptr (i64 {places[int(match[2])]} to ptr)",
        text,
    )
