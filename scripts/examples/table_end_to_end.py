"""A table from file to file: text columns and gaps, split, training, judgement, prediction.

The built-in diabetes data become CSV files with text and empty cells, as tables are in life:
`patients.csv` to learn from, `new_patients.csv` that comes later, and `a_year_later.csv`, the same
patients when it is known how they fared. Reading CSV needs the extra `data`. `--folder FOLDER`
keeps the files; on the command line the same is

    fastnn train patients.csv --target progression --hidden 32 --patience 20 --out patients.fastnn
    fastnn predict patients.fastnn new_patients.csv -o predicted.csv
    fastnn evaluate patients.fastnn a_year_later.csv
"""

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np

import fastnn
from fastnn.datasets.builtin import load


def write_tables(folder: Path) -> None:
    """397 patients to learn from and 45 new ones; 4 % of the cells are empty."""
    data = load("diabetes")
    rng = np.random.default_rng(0)
    names = [*data.table.names, "weight"]
    rows = []
    for x, y in zip(data.table.numeric, data.target, strict=True):
        row = dict(zip(data.table.names, (f"{value:g}" for value in x), strict=True))
        row["sex"] = {"1": "one", "2": "two"}[row["sex"]]  # which is which is not known
        row["weight"] = "normal" if x[2] < 25 else "high" if x[2] < 30 else "very high"
        row = {name: value if rng.random() > 0.04 else "" for name, value in row.items()}
        rows.append({**row, "progression": f"{y:g}"})
    new = rows[::10]
    write(folder / "patients.csv", [row for row in rows if row not in new], [*names, "progression"])
    write(folder / "new_patients.csv", new, names)
    write(folder / "a_year_later.csv", new, [*names, "progression"])


def write(path: Path, rows: list[dict[str, str]], names: list[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def work(folder: Path) -> None:
    write_tables(folder)
    print((folder / "patients.csv").read_text(encoding="utf-8")[:230] + "...\n")

    # One call reads, splits 60-20-20, fills gaps, encodes text, standardises, trains until the
    # validation part gets no better, and judges each part; the test part only here (N18, N19).
    training = fastnn.train(
        folder / "patients.csv", "progression", hidden_layer_sizes=[32], patience=20, seed=0
    )
    model = training.model
    print(f"{len(model.features.columns)} columns become {model.features.n_features} inputs:")
    print(f"  text: {dict(model.features.categories)}")
    print(
        f"  with gaps, each with an input that marks them: {', '.join(model.features.indicators)}"
    )
    for part, metrics in training.report.items():
        print(f"  {part:10}  " + "  ".join(f"{n} {v:7.3f}" for n, v in metrics.items()))

    # All of that is in the file, so new rows are read as the old ones were.
    model.save(folder / "patients.fastnn")
    model = fastnn.load(folder / "patients.fastnn")
    predicted = model.predict(folder / "new_patients.csv")
    print(f"\nnew patients: {', '.join(f'{value:.0f}' for value in predicted[:8])}, ...")
    judged = model.evaluate(folder / "a_year_later.csv")
    print(f"a year later: R2 {judged['r2']:.3f}, mean error {judged['mae']:.1f}")

    # A row as a program has it; None is a gap.
    row = {name: [None] for name in model.features.columns}
    row |= {"bmi": [31.5], "weight": ["very high"], "bp": [110]}
    print(f"a patient of whom little is known: {model.predict(row)[0]:.0f}")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, help="where the files go; default: nowhere")
    folder = parser.parse_args(arguments).folder
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        work(folder)
        return
    with tempfile.TemporaryDirectory() as made:
        work(Path(made))


if __name__ == "__main__":
    main()
