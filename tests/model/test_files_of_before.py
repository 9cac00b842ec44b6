"""Model files that an earlier fastnn wrote load, and predict what they predicted there."""

import json
from pathlib import Path

import numpy as np
import pytest

from fastnn.model.files import load

FOLDER = Path(__file__).parent / "before"
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_file_of_version_0_1_predicts_what_it_did(name: str, tmp_path: Path) -> None:
    model, said = load(FOLDER / f"{name}.fastnn"), EXPECTED[name]
    rows = said["rows"]
    if isinstance(rows, dict):
        rows = {column: np.array(values, object) for column, values in rows.items()}
    predicted = model.predict(rows)
    if predicted.dtype.kind == "f":
        np.testing.assert_allclose(predicted, said["predictions"], rtol=1e-6)
    else:
        assert predicted.tolist() == said["predictions"]
    if "outputs" in said:
        np.testing.assert_allclose(model.outputs(rows), said["outputs"], rtol=1e-5)
    assert model.history.epochs
    model.save(tmp_path / "again.fastnn")
    again = load(tmp_path / "again.fastnn")
    np.testing.assert_array_equal(again.predict(rows), predicted)
