"""Write the built-in data sets of fastnn/datasets/builtin_data from scikit-learn's copies.

Each value is a decimal number with few digits: column j is stored as whole numbers q with a number
of decimals d, and q / 10**d (one correctly rounded division) is the very same float64 again.

Usage: python scripts/encode_builtin_data.py [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

MOST_DECIMALS = 9


def encode_column(values: np.ndarray) -> tuple[np.ndarray, int]:
    for decimals in range(MOST_DECIMALS + 1):
        whole = np.rint(values * 10.0**decimals)
        if np.array_equal(whole / 10.0**decimals, values):
            return whole.astype(np.int64), decimals
    raise SystemExit(f"no decimal form with {MOST_DECIMALS} decimals for {values[:3]} ...")


def smallest(values: np.ndarray) -> np.ndarray:
    for dtype in (np.uint8, np.int16, np.int32):
        if np.array_equal(values.astype(dtype), values):
            return values.astype(dtype)
    return values


def main(folder: Path) -> None:
    sets = {
        "digits": load_digits(),
        "breast_cancer": load_breast_cancer(),
        "diabetes": load_diabetes(scaled=False),
    }
    for name, bunch in sets.items():
        columns, decimals = zip(*map(encode_column, bunch.data.T), strict=True)
        target, target_decimals = encode_column(bunch.target.astype(np.float64))
        if target_decimals:
            raise SystemExit(f"{name}: the target is not whole numbers")
        path = folder / f"{name}.npz"
        np.savez_compressed(
            path,
            columns=smallest(np.array(columns)),  # (p, N): a column compresses better than a row
            decimals=np.array(decimals, np.uint8),
            target=smallest(target),
            names=np.array(list(bunch.feature_names)),
        )
        print(f"{path}: {bunch.data.shape}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    default = Path(__file__).parent.parent / "fastnn" / "datasets" / "builtin_data"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
