"""Saved models: the round trip, every kind of damage, and a process that is killed."""

import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save as to_safetensors

from fastnn.api.train import train
from fastnn.backend.backend import get_backend
from fastnn.errors import ArgumentError, DataError, DeviceError, ModelFileError
from fastnn.formats.document import _digest
from fastnn.model.files import load, save
from fastnn.nn.groups import ParameterGroup
from fastnn.recipe.config import Config

ROOT = Path(__file__).resolve().parents[2]
RNG = np.random.default_rng(3)
TABLE = {
    "age": np.where(np.arange(90) % 7 == 0, np.nan, RNG.normal(40, 9, 90)),
    "town": [["Ulm", "Bonn", None][i % 3] for i in range(90)],
    "rich": np.arange(90) % 2 == 0,
}
LABELS = np.array(["no", "yes", "maybe"])[np.arange(90) // 30]

# name: (data, target, options)
TRAININGS = {
    "frame of all kinds": (TABLE, LABELS, {"dropout": 0.2, "label_smoothing": 0.1}),
    "binary": ("breast_cancer", None, {"dtype": "float64", "l2": 0.1, "class_weight": "balanced"}),
    "regression": ("diabetes", None, {"loss": "huber(delta=2)", "monitor": "rmse"}),
    "several outputs": (
        TABLE,
        RNG.normal(size=(90, 3)),
        {"task": "regression", "schedule": "cosine(warm_up=1)", "batch_size": np.int64(16)},
    ),
    "multilabel": (TABLE, RNG.integers(0, 2, (90, 2)), {"initializer": ["normal(scale=.1)", None]}),
    "own expressions": (
        TABLE,
        RNG.normal(size=90),
        {
            "activation": [lambda z: z / (1 + abs(z)), "elu(alpha=0.5)"],
            "hidden_layer_sizes": [5, 4],
            "loss": lambda a, y: np.log1p((a - y) ** 2),
            "optimizer": "adamw(weight_decay=0.1)",
            "groups": [ParameterGroup("weights", 1, np.float32(0.5))],
        },
    ),
    "several columns": ({**TABLE, "old": TABLE["rich"]}, ["old", "rich"], {}),
    "batch normalisation": (
        TABLE,
        LABELS,
        {
            "hidden_layer_sizes": [6, 5, 4],
            "batch_normalization": ["before", None, "after(momentum=0.9)"],
            "groups": [ParameterGroup("gammas", 3, 0.5)],
        },
    ),
    "no hidden layer": ("diabetes", None, {"hidden_layer_sizes": [], "patience": None}),
}


def small(data, target, options):
    chosen = {"hidden_layer_sizes": [6], "epochs": 3, "seed": 5, **options}
    return train(data, target, **chosen).model


@pytest.fixture(scope="module")
def model():
    return small(*TRAININGS["frame of all kinds"])


@pytest.fixture(scope="module")
def whole(model, tmp_path_factory) -> bytes:
    """The bytes of a sound model file."""
    path = tmp_path_factory.mktemp("sound") / "model"
    save(model, path)
    return path.read_bytes()


def taken_apart(content: bytes, folder: Path):
    """Return the document and the tensors of a model file."""
    (folder / "apart").write_bytes(content)
    with safe_open(folder / "apart", framework="np") as file:
        return (
            json.loads(file.metadata()["fastnn"]),
            {name: file.get_tensor(name) for name in file.keys()},  # noqa: SIM118
        )


def assert_refused(path: Path, content: bytes, said: str = "damaged") -> None:
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=said) as caught:
        load(path)
    assert str(caught.value).startswith(f"model file '{path}'")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", TRAININGS)
def test_the_round_trip_is_exact(name, tmp_path):
    data, target, options = TRAININGS[name]
    model = small(data, target, options)
    path = tmp_path / "model.fastnn"
    model.save(path)
    again = load(path)
    assert again.parameters.dtype == model.parameters.dtype
    assert again.parameters.theta.tobytes() == model.parameters.theta.tobytes()
    X = (
        {name: data[name] for name in model.features.columns}
        if isinstance(data, dict)
        else RNG.normal(size=(7, model.features.n_features))
    )
    assert again.outputs(X).tobytes() == model.outputs(X).tobytes()
    assert again.predict(X).tolist() == model.predict(X).tolist()
    assert again.predict(X).dtype == model.predict(X).dtype
    for old, new in zip(model.history.epochs, again.history.epochs, strict=True):
        same = ("epoch", "loss", "validation_loss", "learning_rate", "metrics")
        assert [getattr(old, n) for n in same] == [getattr(new, n) for n in same]
    for item in ("monitor", "best_epoch", "stopped"):
        assert getattr(again.history, item) == getattr(model.history, item)
    assert again.report == model.report
    assert again.options == model.options
    assert again.prior.tolist() == model.prior.tolist()
    assert again.target_name == model.target_name
    assert again.network.to_json() == model.network.to_json()
    assert again.features.names == model.features.names
    again.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_an_undefined_metric_is_null_in_the_file_and_nan_in_the_model(model, tmp_path):
    odd = load_copy(model, tmp_path)
    odd.report = {"test": {"roc_auc": float("nan")}}
    odd.save(tmp_path / "odd")
    assert taken_apart((tmp_path / "odd").read_bytes(), tmp_path)[0]["report"] == {
        "test": {"roc_auc": None}
    }
    assert np.isnan(load(tmp_path / "odd").report["test"]["roc_auc"])


def load_copy(model, folder: Path):
    save(model, folder / "copy")
    return load(folder / "copy")


def test_what_a_file_holds_is_open_to_other_readers(whole, model, tmp_path):
    document, tensors = taken_apart(whole, tmp_path)
    assert sorted(tensors) == [
        *("W1", "W2", "b1", "b2"),
        *("features.fill", "features.mean", "features.scale"),
    ]
    assert tensors["W1"].shape == (6, model.features.n_features)
    assert tensors["b2"].shape == (3, 1)
    assert document["format"] == "fastnn model"
    assert document["network"]["sizes"] == [model.features.n_features, 6, 3]
    assert document["targets"]["classes"] == ["maybe", "no", "yes"]


def test_same_seed_two_processes_same_bytes(tmp_path, run_python):
    code = """
from fastnn.api.train import train
train("digits", hidden_layer_sizes=[16], epochs=2, dropout=0.1, seed=7).model.save({!r})
"""
    for name in ("a", "b"):
        done = run_python("-c", code.format(str(tmp_path / name)), PYTHONHASHSEED=str(ord(name)))
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_file_cut_short_anywhere(whole, tmp_path):
    for part in range(20):
        assert_refused(
            tmp_path / "cut", whole[: len(whole) * part // 20], "damaged, or not a model file"
        )
    assert_refused(tmp_path / "cut", whole[:-1])
    assert_refused(tmp_path / "cut", whole + b"\0")


def test_no_flipped_bit_goes_unseen(whole, tmp_path):
    """In the header, and in the numbers: a single wrong weight would be a wrong model."""
    n_header = 8 + int.from_bytes(whole[:8], "little")
    chance = random.Random(1)
    places = [*range(8), *(chance.randrange(8, n_header) for _ in range(150))]
    places += [chance.randrange(n_header, len(whole)) for _ in range(50)]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << chance.randrange(8)
        (tmp_path / "flipped").write_bytes(damaged)
        try:
            again = load(tmp_path / "flipped")
        except ModelFileError:
            continue
        # a space of the header's padding may become another sign without meaning
        again.save(tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == whole


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "damaged, or not a model file of fastnn"),
        (b"age,town\n31,Ulm\n" * 50, "damaged, or not a model file of fastnn"),
        (pickle.dumps({"W1": [1.0] * 100}), "damaged, or not a model file of fastnn"),
        (to_safetensors({"W1": np.zeros(3)}), "a safetensors file, but not a model file of fastnn"),
        (
            to_safetensors({"W1": np.zeros(3)}, {"format": "pt"}),
            "a safetensors file, but not a model file of fastnn",
        ),
        (to_safetensors({}, {"fastnn": "[1]"}), "but not a model file of fastnn"),
        (to_safetensors({}, {"fastnn": "{"}), "its description is not JSON"),
        (to_safetensors({}, {"fastnn": '{"a": NaN}'}), "its description is not JSON.*NaN"),
        (to_safetensors({}, {"fastnn": "[" * 100_000}), "its description is not JSON"),
    ],
)
def test_foreign_files(content, said, tmp_path):
    assert_refused(tmp_path / "foreign", content, said)


def edit(*keys, to):
    """Return a change of one place in the document."""

    def change(document, tensors):
        place = document
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to

    return change


def add_tensor(document, tensors):
    tensors["W3"] = np.zeros(2, np.float32)


def remove_tensor(document, tensors):
    del tensors["b2"]


def transpose(document, tensors):
    tensors["W2"] = np.ascontiguousarray(tensors["W2"].T)


def widen(document, tensors):
    tensors["W1"] = tensors["W1"].astype(np.float64)


def shorten(document, tensors):
    tensors["W1"] = tensors["W1"].astype(np.float16)


def spoil(document, tensors):
    tensors["b1"][2] = np.nan


def spoil_mean(document, tensors):
    tensors["features.mean"][0] = np.inf


def odd_scale(document, tensors):
    tensors["features.scale"][0] = 0


def nudge(document, tensors):
    tensors["W1"][0, 0] += 1


DAMAGE = [
    (edit("extra", to=1), "model: unknown entries extra"),
    (lambda d, t: d.pop("report"), "model: entries report are missing"),
    (edit("version", to=7), "its format has version 7, this fastnn .* knows up to 6;.*update"),
    (edit("version", to=0), "model: 'version' has the value '0'"),
    (edit("version", to=True), "model: 'version' has the value 'True'"),
    (edit("format", to="other model"), "not a model file of fastnn"),
    (edit("fastnn", to=3), "model: 'fastnn'"),
    (edit("dtype", to="float16"), "model: 'dtype' has the value 'float16'"),
    (edit("dtype", to="float64"), "tensor 'W1' is float32 .* the network needs float64"),
    (edit("target_name", to=None), "model: 'target_name'"),
    (edit("target_name", to="other"), "do not match their checksum"),
    (edit("sha256", to="0" * 64), "do not match their checksum"),
    (edit("prior", to=[1]), "model: 'prior' has the value"),
    (edit("prior", to=[0.5]), "the prior must be 3 finite numbers, found 0.5"),
    (edit("prior", to=[0.0, 2.0, -1.0]), "the prior must be shares from 0 to 1, found 0.0, 2.0"),
    (edit("prior", to=[0.1, 0.1, 0.1]), "the shares of the classes must sum up to 1, found 0.1"),
    (edit("network", to=[]), "model: 'network'"),
    (edit("network", "extra", to=1), "network: a network is described by"),
    (edit("network", "sizes", 1, to=7), r"tensor 'W1' is float32 \(6, 6\), the network needs"),
    (edit("network", "sizes", 1, to=10**12), "tensor 'W1' is float32"),
    (edit("network", "sizes", 1, to=6.0), "network: layer sizes must be whole numbers"),
    (edit("network", "sizes", to=[]), "network: "),
    (edit("network", "activations", to=[]), "network: "),
    (edit("network", "activations", 0, to={"name": "rellu"}), "unknown activation 'rellu'"),
    (edit("network", "activations", 0, to="relu"), "network: not in the form that fastnn writes"),
    (edit("network", "activations", 0, to={"name": "custom"}), "network: "),
    (edit("network", "dropout", 0, to=0), "network: not in the form that fastnn writes"),
    (edit("network", "dropout", 0, to=1.5), r"network: dropout must be in \[0, 1\)"),
    (edit("network", "loss", "label_smoothing", to=2.0), "network: loss"),
    (edit("network", "loss", to={"name": "quantile", "quantile": 0.5}), "softmax|does not fit"),
    (edit("features", "numeric", to="age"), "features: 'numeric'"),
    (edit("features", "columns", to=[]), "features: the lists of columns contradict each other"),
    (
        edit("features", "categories", "town", to=["Ulm"]),
        "the network has 6 inputs, but the features are 5",
    ),
    (edit("features", "dtype", to="float64"), "features are float64, the weights float32"),
    (edit("targets", "dtype", to="float64"), "targets are float64, the weights float32"),
    (edit("targets", "task", to="regression"), "targets: "),
    (edit("targets", "classes", to=["a", "b"]), "targets: n_outputs=3 does not fit"),
    (edit("history", "stopped", to="bored"), "history: 'stopped' has the value 'bored'"),
    (edit("history", "monitor", to=3), "history: 'monitor'"),
    (edit("history", "best_epoch", to=9), "history: there is no epoch 9"),
    (edit("history", "epochs", 0, "loss", to="1"), "history, epoch 1: 'loss'"),
    (edit("history", "epochs", 1, "epoch", to=7), "history: the epochs are not numbered from 1"),
    (edit("history", "epochs", 0, "extra", to=1), "history, epoch 1: unknown entries extra"),
    (edit("history", "epochs", 1, "metrics", to={}), "the epochs have different metrics"),
    (edit("history", "epochs", to=3), "history: 'epochs'"),
    (edit("history", "epochs", to=[3]), "history, epoch 1: expected a mapping"),
    (edit("options", "seed", to="5"), "options: seed must be a whole number"),
    (edit("options", "extra", to=1), "options: .*extra"),
    (lambda d, t: d["options"].pop("epochs"), "options: not in the form that fastnn writes"),
    (lambda d, t: d["options"].pop("initializer"), "options: not in the form that fastnn writes"),
    (lambda d, t: d["options"].pop("groups"), "options: .*groups"),
    (edit("options", "groups", to=[{"kind": 3}]), "options: "),
    (edit("options", "groups", to=[3]), "options: "),
    (edit("options", "initializer", to={"name": "hee"}), "options: unknown initializer 'hee'"),
    (edit("options", "initializer", to="zero"), "options: not in the form that fastnn writes"),
    (edit("options", "optimizer", "momentum", to=0.9), "options: optimizer 'adam' has no option"),
    (edit("report", "dev", to={"loss": 1.0}), "report: 'dev', 'loss' cannot be 1.0"),
    (edit("report", "test", "loss", to="low"), "report: 'test', 'loss' cannot be 'low'"),
    (edit("report", to={"test": 3}), "model: 'report'"),
    (add_tensor, "unknown tensor 'W3'; a newer or foreign file"),
    (remove_tensor, "tensor 'b2' is missing"),
    (transpose, r"tensor 'W2' is float32 \(6, 3\), the network needs float32 \(3, 6\)"),
    (widen, "tensor 'W1' is float64 .* the network needs float32"),
    (shorten, "tensor 'W1' is F16"),
    (spoil, "tensor 'b1' holds values that are not finite numbers"),
    (spoil_mean, "features: array 'mean' must be 2 finite numbers"),
    (odd_scale, "features: array 'scale' must be positive"),
    (nudge, "do not match their checksum"),
]


@pytest.mark.parametrize(("change", "said"), DAMAGE)
def test_the_schema_is_closed(change, said, whole, tmp_path):
    document, tensors = taken_apart(whole, tmp_path)
    change(document, tensors)
    assert_refused(
        tmp_path / "changed", to_safetensors(tensors, {"fastnn": json.dumps(document)}), said
    )


def test_a_file_of_a_fastnn_without_micro_batches(model, whole, tmp_path):
    document, tensors = taken_apart(whole, tmp_path)
    del document["options"]["micro_batch_size"]
    document["sha256"] = _digest(document, tensors)
    path = tmp_path / "older"
    path.write_bytes(to_safetensors(tensors, {"fastnn": json.dumps(document)}))
    again = load(path)
    assert again.options == model.options
    save(again, tmp_path / "again")
    assert load(tmp_path / "again").options["micro_batch_size"] == "auto"


def test_a_second_entry_of_the_metadata_is_refused(whole, tmp_path):
    document, tensors = taken_apart(whole, tmp_path)
    content = to_safetensors(tensors, {"fastnn": json.dumps(document), "note": "mine"})
    assert_refused(tmp_path / "two", content, "not a model file of fastnn")


def test_paths_that_are_no_model_file(tmp_path):
    for path, said in (
        (tmp_path, "it is not a file"),
        (tmp_path / "missing", "does not exist; check the path"),
        ("/dev/null", "it is not a file"),
    ):
        with pytest.raises(ModelFileError, match=f"model file '{path}'.*{said}"):
            load(path)
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelFileError, match="cannot be read: Not a directory"):
        load(tmp_path / "file" / "model")
    with pytest.raises(ArgumentError, match="path must be the name of a file"):
        load(3)


def test_a_device_that_is_not_there(model, tmp_path):
    save(model, tmp_path / "m")
    assert load(tmp_path / "m", device="cpu").device == "cpu"
    with pytest.raises(ArgumentError, match="unknown device 'gpu'"):
        load(tmp_path / "m", device="gpu")
    with pytest.raises(DeviceError, match="cuda:99"):
        load(tmp_path / "m", device="cuda:99")


def test_a_model_trained_on_cuda_loads_on_the_cpu_and_the_other_way_round(tmp_path):
    try:
        get_backend("cuda")
    except DeviceError as error:
        pytest.skip(str(error))
    for trained, used in (("cuda", "cpu"), ("cpu", "cuda")):
        model = train(TABLE, LABELS, hidden_layer_sizes=[6], epochs=2, device=trained).model
        model.save(tmp_path / "model")
        again = load(tmp_path / "model", device=used)
        assert again.device.startswith(used)
        np.testing.assert_allclose(again.outputs(TABLE), model.outputs(TABLE), rtol=1e-5)
        again.save(tmp_path / "again")
        assert (tmp_path / "again").read_bytes() == (tmp_path / "model").read_bytes()


def test_a_save_that_fails_changes_nothing(model, tmp_path):
    path = tmp_path / "model"
    mine = load_copy(model, tmp_path)
    mine.save(path)
    before, outputs = path.read_bytes(), mine.outputs(TABLE).tobytes()
    with pytest.raises(DataError, match=r"cannot write file '.*': there is no folder"):
        mine.save(tmp_path / "missing" / "model")
    with pytest.raises(ArgumentError, match="path must be the name of a file"):
        mine.save(3)
    mine.options = {"hidden": object()}
    with pytest.raises(ArgumentError, match=r"the model cannot be saved: .*not JSON serializable"):
        mine.save(path)
    mine.options = {}
    assert mine.outputs(TABLE).tobytes() == outputs
    mine.parameters.W[1][0, 0] = np.nan
    with pytest.raises(
        ArgumentError, match="the model cannot be saved: tensor 'W2' holds values that are not fin"
    ):
        mine.save(path)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy", "model"]


def test_a_killed_process_never_leaves_a_file_that_cannot_be_read(model, tmp_path):
    source, path = tmp_path / "source", tmp_path / "model"
    save(model, source)
    code = """
import sys
from fastnn.model.files import load
model = load(sys.argv[1])
history = list(model.history.epochs)
while True:
    for n in (3, 1):  # files of two sizes, one after the other
        model.history.epochs[:], model.history.best_epoch = history[:n], 1
        model.save(sys.argv[2])
        print(n, flush=True)
"""
    chance = random.Random(2)
    for _ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(source), str(path)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        for _ in range(2):
            assert child.stdout.readline(), "the child could not save"
        time.sleep(chance.uniform(0, 0.02))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert len(load(path).history.epochs) in (1, 3)
        for left in tmp_path.glob(".fastnn-*.tmp"):
            left.unlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model", "source"]


def test_batch_normalisation_has_tensors_of_its_own_and_a_version(tmp_path):
    plain, normal = (
        small(*TRAININGS[name]) for name in ("frame of all kinds", "batch normalisation")
    )
    found = {}
    for name, model in (("plain", plain), ("normal", normal)):
        model.config, model.prior = Config(), None  # else versions 4 and 5
        model.save(tmp_path / name)
        with safe_open(tmp_path / name, framework="np") as file:
            document = json.loads(file.metadata()["fastnn"])
            found[name] = document["version"], set(file.keys())
    assert found["plain"][0] == 1, "an older fastnn can read it"
    assert "batch_norm" not in plain.network.to_json()
    assert found["normal"][0] == 2
    names = {f"{kind}{l}" for kind in ("gamma", "beta", "mean", "variance") for l in (1, 3)}
    assert names == found["normal"][1] & {n for n in found["normal"][1] if n[0] in "gbmv"} - {
        "b1", "b2", "b3", "b4",
    }  # fmt: skip
    again = load(tmp_path / "normal")
    for l, norm in normal.parameters.norms.items():
        for kind in ("gamma", "beta", "mean", "variance"):
            value = getattr(again.parameters.norms[l], kind)
            np.testing.assert_array_equal(value, getattr(norm, kind))


def test_a_file_of_an_earlier_fastnn_does_not_have_the_quantile(tmp_path):
    """There the prior of a model of a quantile was the mean, which it is not taken for."""
    x = np.arange(40.0)
    model = train(x, x, loss="quantile(quantile=0.9)", epochs=1, hidden_layer_sizes=[2]).model
    model.save(tmp_path / "m")
    assert load(tmp_path / "m").prior.tolist() == model.prior.tolist()
    document, tensors = taken_apart((tmp_path / "m").read_bytes(), tmp_path)
    assert document["version"] == 6
    document["version"] = 5
    document["sha256"] = _digest(document, tensors)
    (tmp_path / "old").write_bytes(to_safetensors(tensors, {"fastnn": json.dumps(document)}))
    assert load(tmp_path / "old").prior is None


def test_a_negative_running_variance_is_refused():
    model = small(*TRAININGS["batch normalisation"])
    model.parameters.norms[3].variance[1] = -0.5
    with pytest.raises(ArgumentError, match="tensor 'variance3' holds negative values"):
        model.save("never written")
