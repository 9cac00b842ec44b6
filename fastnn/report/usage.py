"""How to load a model and serve it: listings that can be copied as they are."""

from __future__ import annotations

import json
import shlex
from typing import Any

from fastnn.data.dates import written
from fastnn.model.model import Model
from fastnn.pictures.page import chapter, code, paragraph
from fastnn.report.judged import Judged
from fastnn.report.subject import Subject

#: A row is written out if it has so many columns at the most.
MOST_COLUMNS = 12


def usage(subject: Subject) -> str:
    """Return the chapter: in Python, on the command line, over HTTP.

    >>> from fastnn.api.train import train
    >>> "fastnn.load" in usage(Subject(train("digits", hidden_layer_sizes=[], epochs=1).model))
    True
    """
    file = subject.file or "model.fastnn"
    said = "" if subject.file else f" {file} is what model.save({file!r}) has written."
    rows = (
        "list of rows, each a list"
        if subject.model.features.positional
        else ("object of columns, each a list")
    )
    return chapter(
        "Load and serve",
        paragraph(f"In Python.{said}"),
        code(in_python(subject)),
        paragraph("On the command line; CSV, Parquet, Excel, NPZ and other files are read:"),
        code(on_the_command_line(subject)),
        paragraph(
            f"Over HTTP, with nothing but Python's own library. A request is a JSON {rows}; the "
            "answer is a list of predictions:"
        ),
        code(server(file)),
        anchor="use",
    )


def in_python(subject: Subject) -> str:
    """Return how a model is loaded and asked for predictions."""
    row = example_row(subject.model, subject.judged)
    rows = '"new.csv"' if row is None else "rows"
    lines = ["import fastnn", "", f"model = fastnn.load({subject.file or 'model.fastnn'!r})"]
    if row is not None:
        lines += ["rows = {", *(f"    {name!r}: [{value!r}]," for name, value in row.items()), "}"]
    lines.append(f"print(model.predict({rows}))")
    if subject.model.task != "regression":
        lines.append(f"print(model.predict_proba({rows}))")
    return "\n".join(lines) + "\n"


def on_the_command_line(subject: Subject) -> str:
    """Return the commands for a saved model."""
    file = shlex.quote(subject.file or "model.fastnn")
    proba = "" if subject.model.task == "regression" else " --proba"
    return (
        f"fastnn predict {file} new.csv -o predictions.csv{proba}\n"
        f"fastnn evaluate {file} labelled.csv\n"
        f"fastnn export {file} model.onnx\n"
    )


def server(file: str) -> str:
    """Return a server of predictions, whole."""
    return f"""import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import fastnn

model = fastnn.load({file!r})


class Predict(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        try:
            columns = json.loads(self.rfile.read(length))
            code, answer = 200, model.predict(columns).tolist()
        except (fastnn.FastnnError, ValueError) as error:
            code, answer = 400, {{"error": str(error)}}
        body = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", 8000), Predict).serve_forever()
"""


def example_row(model: Model, judged: Judged | None) -> dict[str, Any] | None:
    """Return a row that the model takes, None if there is none at hand or it is long.

    Of data without names it is none, too.
    """
    columns = model.features.columns
    if judged is None or model.features.positional or len(columns) > MOST_COLUMNS:
        return None
    table = judged.examples.table
    if table.positional:
        return None
    row: dict[str, Any] = {}
    for name in columns:
        value = table.column(name)[0]
        if name in table.dates:
            row[name] = written(float(value), table.dates[name].of_day) or None
            continue
        row[name] = value if value is None or isinstance(value, str) else float(f"{value:.6g}")
        if isinstance(row[name], float) and row[name] != row[name]:
            row[name] = None
    return row if len(json.dumps(row)) < 2000 else None
