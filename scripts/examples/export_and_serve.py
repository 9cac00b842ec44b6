"""Export a model to ONNX, and serve its predictions over HTTP.

    python scripts/examples/export_and_serve.py               # serves, asks, and ends by itself
    python scripts/examples/export_and_serve.py --keep 8000   # serves on that port until Ctrl-C

    curl -d '[[2.0, 0.1], [0, 3]]' http://127.0.0.1:8000/predict

The server is the standard library's; onnxruntime computes the answers, where it is installed, or
else fastnn itself. Only this machine can reach it: for others, use a server made for that.
"""

import argparse
import json
import tempfile
import threading
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

import fastnn

MOST_BYTES = 1_000_000  # of a question


def trained() -> fastnn.Model:
    """Three kinds of points in a plane, called by names."""
    rng = np.random.default_rng(0)
    centres = {"left": (-2, 0), "right": (2, 0), "top": (0, 3)}
    X = np.vstack([rng.normal(centre, 0.7, size=(100, 2)) for centre in centres.values()])
    y = np.repeat(list(centres), 100)
    return fastnn.train(X, y, hidden_layer_sizes=[16], epochs=30, seed=0).model


def predictor(folder: Path, model: fastnn.Model) -> tuple[str, Callable[[np.ndarray], list]]:
    """What computes the answers, and the function that does: rows to labels and probabilities."""
    model.save(folder / "model.fastnn")
    try:
        import onnxruntime

        model.to_onnx(folder / "model.onnx")
    except (ImportError, fastnn.ArgumentError):  # without the extra onnx
        loaded = fastnn.load(folder / "model.fastnn")
        return "fastnn", lambda X: [loaded.predict(X), loaded.predict_proba(X)]
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    dtype = np.float64 if "double" in session.get_inputs()[0].type else np.float32
    return "onnxruntime", lambda X: session.run(["label", "probabilities"], {"X": X.astype(dtype)})


def server(predict: Callable[[np.ndarray], list], port: int) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if self.path != "/predict":
                self.answer(404, {"error": "POST rows to /predict"})
                return
            try:
                size = int(self.headers.get("Content-Length", 0))
                if not 0 < size <= MOST_BYTES:
                    raise ValueError(f"the body must have 1 to {MOST_BYTES} bytes, found {size}")
                X = np.asarray(json.loads(self.rfile.read(size)), np.float64)
                if X.ndim != 2 or X.shape[1] != 2 or not np.isfinite(X).all():
                    raise ValueError(f"needs rows of 2 numbers, found shape {X.shape}")
            except (ValueError, TypeError) as error:
                self.answer(400, {"error": str(error)})
                return
            labels, probabilities = predict(X)
            self.answer(200, {"labels": list(map(str, labels)),
                              "probabilities": np.round(probabilities, 4).tolist()})  # fmt: skip

        def answer(self, status: int, document: dict) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is written for each question."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def ask(port: int, body: object) -> tuple[int, dict]:
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/predict", json.dumps(body))
    with connection.getresponse() as answer:
        return answer.status, json.load(answer)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--keep", type=int, metavar="PORT", help="serve until Ctrl-C; 0 takes any port that is free"
    )
    keep = parser.parse_args(arguments).keep
    with tempfile.TemporaryDirectory() as folder:
        model = trained()
        name, predict = predictor(Path(folder), model)
        with server(predict, keep or 0) as running:
            port = running.server_port
            print(f"{name} answers at http://127.0.0.1:{port}/predict", flush=True)
            if keep is not None:
                try:
                    running.serve_forever()
                except KeyboardInterrupt:
                    return
            thread = threading.Thread(target=running.serve_forever)
            thread.start()
            try:
                rows = [[-2.0, 0.1], [2.2, -0.3], [0.0, 2.5]]
                status, answer = ask(port, rows)
                print(f"{status}: {answer['labels']}")
                same = model.predict(np.array(rows)).tolist() == answer["labels"]
                print(f"as Model.predict: {'yes' if same else 'no'}")
                status, answer = ask(port, [[1.0]])
                print(f"a row too short: {status}: {answer['error']}")
            finally:
                running.shutdown()
                thread.join()


if __name__ == "__main__":
    main()
