"""The same training on the CPU or a GPU, by one flag (N33).

    python scripts/examples/cpu_or_gpu.py --device cpu      # or cuda, cuda:1, auto

Weights, order, dropout masks and split come from the seed alone, so both devices do the same: what
differs is rounding, and the time. `auto` takes the GPU if it can be used, and says what it took;
`cuda` without a usable GPU is an error that says why, and what to do.
"""

import argparse
import sys
import time

import numpy as np

import fastnn
from fastnn.datasets.builtin import load


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:N or auto")
    parser.add_argument("--hidden", type=int, default=256, help="units of each hidden layer")
    parser.add_argument("--epochs", type=int, default=10)
    chosen = parser.parse_args(arguments)

    def trained(device: str) -> fastnn.Training:
        started = time.perf_counter()
        training = fastnn.train(
            "digits", hidden_layer_sizes=[chosen.hidden] * 2, dropout=0.2, batch_size=64,
            epochs=chosen.epochs, patience=None, seed=0, device=device,
        )  # fmt: skip
        seconds = time.perf_counter() - started
        steps = sum(epoch.seconds for epoch in training.history.epochs)
        accuracy = training.report["test"]["accuracy"]
        print(f"{training.model.device}: accuracy {accuracy:.4f}; the steps took {steps:.2f} s, "
              f"all of it {seconds:.2f} s")  # fmt: skip
        return training

    try:
        training = trained(chosen.device)
    except fastnn.DeviceError as error:
        print(error, file=sys.stderr)
        return 4

    # Once more, on the CPU: the costs of every epoch, and the weights at the end.
    again = trained("cpu")
    costs = [[epoch.loss for epoch in one.history.epochs] for one in (training, again)]
    weights = [np.asarray(one.model.to("cpu").parameters.theta) for one in (training, again)]
    print(f"the two differ by {np.abs(np.subtract(*costs)).max():.1e} in a cost and by "
          f"{np.abs(np.subtract(*weights)).max():.1e} in a weight, at most")  # fmt: skip

    # A model goes from one device to the other; a file knows none.
    rows = load("digits").table.numeric[:5]
    there, here = training.model.predict(rows), training.model.to("cpu").predict(rows)
    print(f"it predicts {there.tolist()}, and {here.tolist()} when it is moved to the CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())
