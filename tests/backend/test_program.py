"""The recorder notes every call, and a program prints like the notes."""

import numpy as np
import pytest

from fastnn.backend.kernel import Kernel
from fastnn.backend.program import (
    Advance,
    Apply,
    Dot,
    Gather,
    Load,
    Recorder,
    Reduce,
    Store,
    Uniform,
    address,
    check_operands,
    same_elements,
    same_line,
)
from fastnn.errors import ArgumentError

RELU = Kernel("relu", lambda z: np.maximum(z, 0.0))


def test_every_call_is_noted_and_nothing_is_computed() -> None:
    xp, Z, A = Recorder(), np.full((2, 3), -1.0), np.full((2, 3), 7.0)
    one, table, count = np.zeros((1, 1)), np.zeros((4, 1)), np.array([0])
    assert xp.dot(A, A.T, out=one) is one
    assert xp.apply(RELU, Z, out=A) is A
    xp.sum(Z, axis=1, keepdims=True, out=one)
    xp.max(Z, axis=None, keepdims=True, out=one)
    xp.gather(Z, count, count, out=A)
    xp.load(table, count, out=one)
    xp.store(one, count, table=table)
    xp.advance(count, 2)
    xp.uniform(0, 1, count, out=A)
    program = xp.program()
    kinds = [Dot, Apply, Reduce, Reduce, Gather, Load, Store, Advance, Uniform]
    assert [type(i) for i in program.instructions] == kinds
    assert len(program) == 9
    assert (A == 7.0).all(), "nothing was computed"
    assert not one.any()
    assert count.tolist() == [0]


def test_a_program_keeps_what_it_was() -> None:
    xp, Z = Recorder(), np.zeros((2, 2))
    xp.apply(RELU, Z, out=Z)
    program = xp.program()
    xp.apply(RELU, Z, out=Z)
    assert len(program) == 1
    assert len(xp.program()) == 2


def test_the_print_reads_like_the_notes() -> None:
    xp = Recorder()
    W, A, Z = np.zeros((3, 2)), np.zeros((2, 5)), np.zeros((3, 5))
    order, position, J = np.zeros(9, int), np.zeros(1, int), np.zeros((1, 1))
    costs, U, X = np.zeros(4), np.zeros((3, 5), np.float32), np.zeros((9, 2))
    names = {"W[1]": W, "A[0]": A, "Z[1]": Z, "order": order, "position": position}
    names |= {"J": J, "costs": costs, "U[1]": U, "X": X}
    for name, array in names.items():
        xp.name(array, name)
    xp.gather(X, order, position, out=A.T)
    xp.dot(W, A, out=Z)
    xp.apply(Kernel("pair", lambda z: (z, z + 1)), Z, out=(Z, np.zeros((3, 5))))
    xp.dot(W.T, Z, out=A)
    xp.sum(Z, axis=None, keepdims=True, out=J)
    xp.uniform(3, 1, position, out=U)
    xp.load(costs.reshape(4, 1), position, out=J.reshape(1))
    xp.store(J[:], position, table=costs)
    xp.advance(position, 5)
    assert str(xp.program()).splitlines() == [
        "A[0].T = X[order[position + j]]",
        "Z[1] = dot(W[1], A[0])",
        "Z[1], array(3, 5) = pair(Z[1])",
        "A[0] = dot(W[1].T, Z[1])",
        "J = sum(Z[1], axis=None)",
        "U[1] = uniform(layer=1, step=position)",
        "J = costs[position]",
        "costs[position] = J",
        "position += 5",
    ]


def test_the_later_name_of_an_array_counts() -> None:
    xp, Z = Recorder(), np.zeros((2, 2))
    xp.name(Z, "first")
    xp.name(Z, "second")
    xp.apply(RELU, Z, out=Z)
    assert str(xp.program()) == "second = relu(second)"


def test_when_arrays_are_the_same_elements() -> None:
    a = np.zeros((3, 4))
    assert same_elements(a, a[:])
    assert same_elements(a.T.T, a)
    assert not same_elements(a, a.T)
    assert not same_elements(a, a.copy())
    assert not same_elements(a[0], a[1])
    assert same_line(a, a.reshape(1, 12))
    assert not same_line(a, a.T), "not in the same order"
    assert not same_line(a, a[:2])
    assert not same_line(a, a.view(np.int64))
    assert address(a[1]) - address(a) == 32


@pytest.mark.parametrize(
    ("args", "outs", "said"),
    [
        ([(2, 3), (2, 4)], [(2, 3)], r"kernel 'k': shapes \(2, 3\), \(2, 4\) do not broadcast"),
        ([(2, 3)], [(2, 4)], r"out has shape \(2, 4\), needs \(2, 3\)"),
        ([(1, 3)], [(2, 3)], r"out has shape \(2, 3\), needs \(1, 3\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(args, outs, said) -> None:
    with pytest.raises(ArgumentError, match=said):
        check_operands("k", [np.zeros(s) for s in args], [np.zeros(s) for s in outs])


def test_partial_overlap_is_refused() -> None:
    x = np.zeros(10)
    with pytest.raises(ArgumentError, match="kernel 'k': out overlaps an argument only in part"):
        check_operands("k", [x[:6]], [x[2:8]])
    with pytest.raises(ArgumentError, match="only in part"):
        check_operands("k", [x[::-1]], [x])
    with pytest.raises(ArgumentError, match="two outputs overlap"):
        check_operands("k", [np.zeros(10)], [x, x])
    check_operands("k", [x, x[:]], [x])


@pytest.mark.parametrize("dtypes", [("int64",), ("bool",), ("float16",), ("float32", "float64")])
def test_outputs_that_are_no_floats_are_refused(dtypes) -> None:
    with pytest.raises(ArgumentError, match=rf"dtype .*{dtypes[0]}.*, needs float32 or float64"):
        check_operands("k", [np.zeros(3)], [np.zeros(3, d) for d in dtypes])
