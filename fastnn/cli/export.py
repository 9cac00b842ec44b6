"""``fastnn export``: a saved model for other programs."""

from __future__ import annotations

import argparse
from typing import Any

from fastnn.cli.messages import check_output, note
from fastnn.cli.parser import Parser
from fastnn.errors import ArgumentError
from fastnn.extras import pip_install


def add_export(commands: Any) -> Parser:
    """Add the command to the subparsers."""
    p: Parser = commands.add_parser(
        "export",
        help="write a saved model as ONNX, for other programs",
        description="Write a model as ONNX: preprocessing, network and labels in one graph. "
        "A graph cannot read text: give it categories as training knew them, without spaces around "
        "them, 1 for 1.0 and true; common spellings of these are known, any other text is unknown. "
        f"It needs onnx: {pip_install('onnx')}.",
    )
    p.set_defaults(run=export)
    p.add_argument("model", metavar="MODEL", help="a model file")
    p.add_argument("out", metavar="OUT", help="the file to write; its name ends in .onnx")
    return p


def export(arguments: argparse.Namespace) -> int:
    """Write the file; print the names, types and shapes of what goes in and what comes out."""
    from fastnn.model.files import load

    out = arguments.out
    if not out.lower().endswith(".onnx"):
        raise ArgumentError(f"OUT: the name must end in .onnx, found {out!r}")
    check_output(out, "OUT", {"MODEL": arguments.model})
    model = load(arguments.model)
    model.to_onnx(out)
    note(f"the model of {arguments.model} is written to {out}")
    print(_inputs_and_outputs(out))
    return 0


def _inputs_and_outputs(path: str) -> str:
    from fastnn.formats.onnx_graph import import_onnx
    from fastnn.text import table

    onnx = import_onnx()
    graph = onnx.load(path).graph
    rows = [["", "type", "shape"]]
    for kind, values in (("input", graph.input), ("output", graph.output)):
        for value in values:
            tensor = value.type.tensor_type
            text = tensor.elem_type == onnx.TensorProto.STRING
            dtype = "text" if text else onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
            sizes = [size.dim_param or str(size.dim_value) for size in tensor.shape.dim]
            shape = f"({sizes[0]},)" if len(sizes) == 1 else f"({', '.join(sizes)})"
            rows.append([f"{kind} {value.name}", str(dtype), shape])
    return table(rows)
