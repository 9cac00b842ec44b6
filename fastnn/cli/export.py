"""``fastnn export``: a saved model for other programs."""

from __future__ import annotations

import argparse
from typing import Any

from fastnn.cli.messages import check_output, note
from fastnn.cli.parser import Parser
from fastnn.errors import ArgumentError


def add_export(commands: Any) -> Parser:
    """Add the command to the subparsers."""
    p: Parser = commands.add_parser(
        "export",
        help="write a saved model as ONNX, for other programs",
        description="Write a model as ONNX: preprocessing, network and labels in one graph. "
        "It needs the extra onnx.",
    )
    p.set_defaults(run=export)
    p.add_argument("model", metavar="MODEL", help="a model file")
    p.add_argument("out", metavar="OUT", help="the file to write; its name ends in .onnx")
    return p


def export(arguments: argparse.Namespace) -> int:
    """Write the file, and say what goes in and what comes out."""
    from fastnn.model.files import load

    out = arguments.out
    if not out.lower().endswith(".onnx"):
        raise ArgumentError(f"OUT: the name must end in .onnx, found {out!r}")
    check_output(out, "OUT", {"MODEL": arguments.model})
    model = load(arguments.model)
    model.to_onnx(out)
    note(f"the model of {arguments.model} is written to {out}")
    return 0
