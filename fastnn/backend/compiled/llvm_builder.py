"""LLVM text of a function, written statement by statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_BITS = {"float": 32, "double": 64}


class Function:
    """A function under construction: every method adds statements, most return a name.

    >>> f = Function("define void @NAME(ptr %x, i64 %n)")
    >>> with f.loop("%n") as i:
    ...     f.do(f"store float 0.0, ptr {f.place('float', '%x', i)}")
    >>> f.text().count("getelementptr")
    1
    """

    def __init__(self, head: str) -> None:
        self._lines = [f"{head} #1 {{", "entry:"]
        self._block, self._n = "entry", 0

    def text(self) -> str:
        """Return the text of the whole function."""
        return "\n".join([*self._lines, "  ret void", "}"])

    def do(self, statement: str) -> None:
        """Add a statement."""
        self._lines.append(f"  {statement}")

    def new(self, expression: str) -> str:
        """Add a statement with a result; return its name."""
        name = self._name("v")
        self.do(f"{name} = {expression}")
        return name

    def integer(self, operation: str, a: str | int, b: str | int) -> str:
        """Compute with two integers, all of them of 64 bits."""
        return self.new(f"{operation} i64 {a}, {b}")

    def smaller(self, a: str | int, b: str | int) -> str:
        """Return the smaller of two integers."""
        return self.new(f"call i64 @llvm.smin.i64(i64 {a}, i64 {b})")

    def place(self, t: str, start: str, *offsets: str | int) -> str:
        """Return the address of an element: ``start`` plus ``offsets`` in elements."""
        for offset in offsets:
            start = self.new(f"getelementptr inbounds {t}, ptr {start}, i64 {offset}")
        return start

    @contextmanager
    def loop(
        self, stop: str | int, step: int = 1, carried: Sequence[tuple[str, str, str, str]] = ()
    ) -> Iterator[str]:
        """Repeat what follows for 0, step, ... below ``stop``, but at least once.

        ``carried``: values that go on from turn to turn: (type, name, first value, the name
        that the loop gives to the next one).
        """
        body, end = self._name("loop")[1:], self._name("end")[1:]
        before, i, following = self._block, self._name("i"), self._name("next")
        self.do(f"br label %{body}")
        self._begin(body)
        heads = len(self._lines)
        yield i
        self.do(f"{following} = add nuw nsw i64 {i}, {step}")
        more = self.new(f"icmp slt i64 {following}, {stop}")
        self.do(f"br i1 {more}, label %{body}, label %{end}")
        self._lines[heads:heads] = [
            f"  {name} = phi {t} [ {first}, %{before} ], [ {last}, %{self._block} ]"
            for t, name, first, last in (("i64", i, "0", following), *carried)
        ]
        self._begin(end)

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """Do what follows if ``condition`` holds."""
        body, end = self._name("then")[1:], self._name("end")[1:]
        self.do(f"br i1 {condition}, label %{body}, label %{end}")
        self._begin(body)
        yield
        self.do(f"br label %{end}")
        self._begin(end)

    # Vectors

    def first(self, lanes: int, count: str) -> str:
        """Return the mask of the first ``count`` lanes."""
        numbers = ", ".join(f"i64 {lane}" for lane in range(lanes))
        return self.new(f"icmp slt <{lanes} x i64> <{numbers}>, {self.spread('i64', lanes, count)}")

    def spread(self, t: str, lanes: int, value: str) -> str:
        """Return the vector that has ``value`` in every lane."""
        v = f"<{lanes} x {t}>"
        one = self.new(f"insertelement {v} poison, {t} {value}, i64 0")
        return self.new(f"shufflevector {v} {one}, {v} poison, <{lanes} x i32> zeroinitializer")

    def load(self, t: str, lanes: int, place: str, mask: str = "") -> str:
        """Load a vector; the lanes that ``mask`` leaves out are 0 and may lie anywhere."""
        v, size = f"<{lanes} x {t}>", _BITS[t] // 8
        if not mask:
            return self.new(f"load {v}, ptr {place}, align {size}")
        return self.new(
            f"call {v} @llvm.masked.load.v{lanes}f{_BITS[t]}.p0(ptr {place}, i32 {size}, "
            f"<{lanes} x i1> {mask}, {v} zeroinitializer)"
        )

    def store(self, t: str, lanes: int, value: str, place: str, mask: str = "") -> None:
        """Store a vector, or the lanes of it that ``mask`` names."""
        v, size = f"<{lanes} x {t}>", _BITS[t] // 8
        if not mask:
            return self.do(f"store {v} {value}, ptr {place}, align {size}")
        self.do(
            f"call void @llvm.masked.store.v{lanes}f{_BITS[t]}.p0({v} {value}, ptr {place}, "
            f"i32 {size}, <{lanes} x i1> {mask})"
        )

    def fetch(self, place: str, *, write: bool = False) -> None:
        """Have the line of an address brought into the cache; any address will do."""
        self.do(f"call void @llvm.prefetch.p0(ptr {place}, i32 {int(write)}, i32 3, i32 1)")

    def _name(self, kind: str) -> str:
        self._n += 1
        return f"%{kind}{self._n}"

    def _begin(self, label: str) -> None:
        self._lines.append(f"{label}:")
        self._block = label


def declarations() -> str:
    """Return what the texts may call, and their attributes.

    Vectors of 512 bits stay whole: some processors are given halves by default.
    """
    lines = [
        'attributes #1 = { nounwind noinline "no-trapping-math"="true" '
        '"prefer-vector-width"="512" "min-legal-vector-width"="512" }',
        "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)",
    ]
    for t, bits in _BITS.items():
        for lanes in (8, 16, 32):
            v, mask, suffix = f"<{lanes} x {t}>", f"<{lanes} x i1>", f"v{lanes}f{bits}"
            lines += [
                f"declare {v} @llvm.masked.load.{suffix}.p0(ptr, i32, {mask}, {v})",
                f"declare void @llvm.masked.store.{suffix}.p0({v}, ptr, i32, {mask})",
                f"declare {v} @llvm.fma.{suffix}({v}, {v}, {v})",
            ]
    return "\n".join(lines)
