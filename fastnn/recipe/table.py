"""The table of options: a row for each choice that a training has, written once.

An option is an entry of one of the `TypedDict` classes below: its name, its type, and an `Option`
row with the default, the check, a line of help, how it is written on the command line, and when
it has an effect. From this come the flags of ``fastnn train`` and ``fastnn search``, the arguments
and the documentation of `train`, `train_many`, `search`, `Sequential` and the estimators, and
every check of one option. A new option is an entry here, with its field in `RecipeFields`, and
its use.

The module is imported by every ``fastnn --help``: it imports neither NumPy nor the networks. A row
starts with the default and the check, since these are what a reader looks for first.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from fastnn.errors import arg
from fastnn.recipe import checks, forms
from fastnn.recipe.rows import Effect, Flag, Option

if TYPE_CHECKING:
    from fastnn.nn.groups import ParameterGroup
    from fastnn.nn.optimizers import OptimizerRule
    from fastnn.nn.schedules import ScheduleRule

ClassWeight = str | Mapping[Any, float] | Sequence[float] | None


def _hidden(options: Mapping[str, Any]) -> bool:
    return bool(options["hidden_layer_sizes"])


def _watched(options: Mapping[str, Any]) -> bool:
    return options["patience"] is not None


def _random(options: Mapping[str, Any]) -> bool:
    return not str(options["split"]).startswith("time:")


_RANDOM_SPLIT = Effect(_random, f" with a {arg('split')} by time")
_NO_HIDDEN = Effect(_hidden, ": there is no hidden layer")
_NO_PATIENCE = Effect(_watched, f" without {arg('patience')}: set {arg('patience')} too")


# fmt: off
class DataOptions(TypedDict, total=False):
    """What the columns are."""
    task: Annotated[str, Option(
        "auto", checks.one_of("auto", "binary", "multiclass", "multilabel", "regression"),
        "auto (by the target), binary, multiclass, multilabel or regression",
        Flag("NAME"),
    )]
    categorical: Annotated[Collection[str], Option(
        (), checks.listed,
        "numeric columns to take as categories",
        Flag("COL[,COL]", forms.columns, repeat=True, example="month"),
    )]
    dates: Annotated[Collection[str], Option(
        (), checks.listed,
        "columns to take as dates or times, numbers such as 20240131 too",
        Flag("COL[,COL]", forms.columns, name="date", repeat=True, example="day"),
        more="text in the usual notations is recognised, as are the dates of data frames",
    )]
    drop: Annotated[Collection[str], Option(
        (), checks.listed,
        "columns to leave out",
        Flag("COL[,COL]", forms.columns, repeat=True, example="id"),
        more="of every part",
    )]
    cache: Annotated[str | None, Option(
        None, checks.optional(checks.folder),
        "a folder, made if it is not there, where the table that is read is kept on disk, for "
        "later trainings, too",
        Flag("DIR", example="."),
        more="a table that would take more than a quarter of the free memory is on disk anyway, in "
             "temporary files",
        shown="none; what is too large for the memory is in temporary files",
    )]
    keep_text: Annotated[Collection[str], Option(
        (), checks.listed,
        "columns of text to keep, even if nearly every row has another one",
        Flag("COL[,COL]", forms.columns, repeat=True, example="surname"),
        more="without it they are left out where at least half of the values in the training part "
             "occur only once, which is said",
    )]
    missing_target: Annotated[str, Option(
        "drop", checks.one_of("drop", "error"),
        "rows without a target: drop leaves them out and says how many, error refuses them",
        Flag("WHAT"),
    )]


class ReadingOptions(TypedDict, total=False):
    """How text is read; their checks are those of `fastnn.data.cells.Reading`."""

    delimiter: Annotated[str | None, Option(
        None, checks.anything,
        "the sign between the columns of text files",
        Flag(
            "C", forms.sign, remark="tab for a tab, whitespace for runs of spaces and tabs",
            example="tab",
        ),
        more="'whitespace': runs of spaces and tabs",
        shown="found: a comma, a semicolon, a tab or |",
    )]
    encoding: Annotated[str | None, Option(
        None, checks.anything,
        "how the characters of text files are written, such as cp1252, latin-1 or utf-16",
        Flag("NAME", example="cp1252"),
        shown="utf-8, or what a byte order mark says",
    )]
    header: Annotated[bool | None, Option(
        None, checks.anything,
        "whether the first line of text files names the columns; False: they are x0, x1, ...",
        Flag("", negated=True, help="text files have no line of names: columns are x0, x1, ..."),
        more="the model reads new files alike",
        shown="it does, and numbers there are refused",
    )]
    sheet: Annotated[str | None, Option(
        None, checks.anything,
        "the sheet of an Excel file that holds the table",
        Flag("NAME", example="2024"),
        shown="the first that is not empty",
    )]
    bad_rows: Annotated[str | None, Option(
        None, checks.anything,
        "error or skip: what becomes of rows of text files with too few or too many cells",
        Flag("WHAT", example="skip"),
        shown="error",
    )]
    decimal: Annotated[str | None, Option(
        None, checks.anything,
        "the decimal sign of numbers in text",
        Flag("C", forms.sign, example=","),
        more="the model reads text of new data alike",
        shown="a point",
    )]
    thousands: Annotated[str | None, Option(
        None, checks.anything,
        "the sign between the thousands of numbers in text, as in 1,234",
        Flag("C", forms.sign, remark="space for a space", example="."),
        shown="none",
    )]
    missing: Annotated[Collection[str] | None, Option(
        None, checks.anything,
        "further texts that mean no value, besides NA, nan, null, none and ?",
        Flag(
            "TEXT[,TEXT]", forms.markers,
            remark="write --missing=- for a dash; none: only an empty cell means none",
            example="unknown,nil",
        ),
        more="an empty list: no text does but an empty cell",
        shown="no further",
    )]
    date_format: Annotated[str | Mapping[str, str] | None, Option(
        None, checks.anything,
        "how dates are written in text, in the codes of strptime, or s, ms, us or ns since 1970",
        Flag(
            "FORMAT", forms.formats, remark="COL=FORMAT,COL=FORMAT says it of single columns",
            example="%d/%m/%Y",
        ),
        more="or a format for each of some columns",
        shown="recognised",
    )]


class PartOptions(TypedDict, total=False):
    """How the examples are divided, prepared and judged."""
    fractions: Annotated[Sequence[float] | None, Option(
        None, checks.optional(checks.fractions),
        "shares of training, validation and test",
        Flag("A,B,C", forms.shares, example=".7,.15,.15"),
        shown=".6,.2,.2, and .98,.01,.01 from a million rows on",
    )]
    split: Annotated[str | None, Option(
        None, checks.optional(checks.split_rule),
        "how the parts are told apart: time:COL, the last rows by this column are the test part "
        "and those before them the validation part; group:COL, rows with the same value are in the "
        "same part, and the column is no input",
        Flag("RULE", example="time:day"),
        shown="at random, classes in equal shares",
    )]
    split_seed: Annotated[int | None, Option(
        None, checks.optional(checks.seed),
        "seed of the split into parts",
        Flag("N", forms.whole, example="1"), _RANDOM_SPLIT,
        shown="the seed of the training",
    )]
    fold: Annotated[tuple[int, int] | None, Option(
        None, checks.optional(checks.fold),
        "(i, k) for cross-validation: after a fifth is split off as the test part, the i-th (from "
        "0) of k parts of equal size is the validation part, and the others train",
        None, _RANDOM_SPLIT,
    )]
    standardize: Annotated[bool, Option(
        True, checks.flag,
        "inputs to mean 0 and deviation 1 (N19)",
        Flag("", negated=True, help="leave the inputs as they are, not at mean 0 and deviation 1"),
    )]
    standardize_target: Annotated[bool | None, Option(
        None, checks.optional(checks.flag),
        "the same for a regression target",
        shown="unless the loss needs counts (Poisson), or an output activation other than "
              "identity is chosen",
    )]
    class_weight: Annotated[ClassWeight, Option(
        None, checks.Told(checks.anything, words=("balanced",)),
        "balanced: every class counts the same, however many examples it has",
        Flag("NAME", example="balanced"),
        more="or a weight per label (a list for multilabel). In training weights are scaled to "
             "the mean 1",
        shown="every example counts the same",
    )]
    metrics: Annotated[Sequence[object] | None, Option(
        None, checks.Told(checks.optional(checks.listed), kind="metric"),
        "metrics to report",
        Flag("NAME[,NAME]", forms.split_list, example="accuracy,f1"),
        shown="by the task",
    )]


class NetworkOptions(TypedDict, total=False):
    """The network."""
    hidden_layer_sizes: Annotated[Sequence[int] | int, Option(
        (128,), checks.hidden_layer_sizes,
        "units of the hidden layers",
        Flag(
            "N[,N]", forms.layers, name="hidden", remark="none: logistic or linear regression",
            example="256,128",
        ),
        more="() is logistic or linear regression",
        shown="128",
    )]
    activation: Annotated[object, Option(
        "relu", checks.each_layer(checks.known("activation")),
        "activation of the hidden layers, one for all or one for each",
        Flag("NAME[,NAME]", forms.one_or_list(str)), _NO_HIDDEN,
    )]
    output_activation: Annotated[object, Option(
        None, checks.optional(checks.known("activation")),
        "activation of the output layer",
        Flag("NAME", example="softmax"),
        shown="by the loss; sigmoid for a classifier with a loss such as squared error",
    )]
    initializer: Annotated[object, Option(
        None, checks.each_layer(checks.optional(checks.known("initializer"))),
        "how the first weights are drawn, one for all layers or one for each",
        Flag("NAME[,NAME]", forms.one_or_list(str), example="he_normal"),
        shown="by the activation",
    )]
    loss: Annotated[object, Option(
        None, checks.optional(checks.known("loss")),
        "what is minimised",
        Flag("NAME", example="categorical_crossentropy"),
        shown="by the task",
    )]
    label_smoothing: Annotated[float, Option(
        0.0, checks.share,
        "share by which the targets of a cross-entropy move towards uniform",
        Flag("S", forms.real, example="0.1"),
    )]
    dropout: Annotated[float | Sequence[float], Option(
        0.0, checks.each_layer(checks.share),
        "share of the hidden units left out in training, one for all layers or one for each",
        Flag("P[,P]", forms.one_or_list(forms.real), example="0.2"), _NO_HIDDEN,
    )]
    batch_normalization: Annotated[object, Option(
        None, checks.Told(checks.anything, kind="batch_normalization"),
        "normalise the hidden layers over the batch, before or after their activation; one for all "
        "or one for each",
        Flag("WHERE[,WHERE]", forms.one_or_list(forms.unless_none(str)), example="before"),
        _NO_HIDDEN,
        shown="none",
    )]


class OptimizerOptions(TypedDict, total=False):
    """The update rule."""
    optimizer: Annotated[object, Option(
        "adam", checks.known("optimizer", made=True),
        "the update rule",
        Flag("NAME"),
    )]


class DescentOptions(TypedDict, total=False):
    """How the cost is brought down."""
    learning_rate: Annotated[float | None, Option(
        None, checks.optional(checks.above_0),
        "size of the steps",
        Flag("R", forms.real, example="0.01"),
        shown="by the optimizer",
    )]
    schedule: Annotated[object, Option(
        "constant", checks.known("schedule", made=True),
        "course of the learning rate over the training",
        Flag("NAME"),
    )]
    l2: Annotated[float, Option(
        0.0, checks.number,
        "penalty on the squares of the weights (N11)",
        Flag("LAMBDA", forms.real, example="1"),
    )]
    l1: Annotated[float, Option(
        0.0, checks.number,
        "penalty on the absolute values of the weights",
        Flag("LAMBDA", forms.real, example="0.1"),
    )]
    gradient_clip: Annotated[float | None, Option(
        None, checks.optional(checks.above_0),
        "largest norm of the gradient, over all parameters",
        Flag("NORM", forms.real, example="1"),
        shown="no limit",
    )]
    groups: Annotated[Sequence["ParameterGroup"], Option(
        (), checks.groups,
        "parameters with a learning-rate factor or weight decay of their own, as `ParameterGroup` "
        "objects",
    )]


class FitOptions(TypedDict, total=False):
    """How long, in which order, and in batches of which size."""
    batch_size: Annotated[int | str | None, Option(
        None, checks.optional(checks.size("auto", "full")),
        "examples per step (N26), or full for all of them, or auto (N27) for all up to 2,000 and "
        "else 64 to 1,024",
        Flag("M", forms.batch_size, example="64"),
        shown="32, from 10,000 examples on 128, from a million on 512",
        more="small data sets are learnt better in small batches, large ones faster in large",
    )]
    micro_batch_size: Annotated[int | str, Option(
        "auto", checks.size("auto"),
        "examples of a mini-batch that are computed at once, to save memory: the gradients of "
        "such parts are added up; auto takes all if they fit",
        Flag("M", forms.batch_size),
    )]
    epochs: Annotated[int, Option(
        100, checks.whole,
        "passes through the training examples, at most",
        Flag("N", forms.whole),
    )]
    patience: Annotated[int | None, Option(
        10, checks.optional(checks.whole),
        "stop when N epochs brought nothing better on the validation part, and go back to the "
        "best one's weights; none: train to the end",
        Flag("N", forms.unless_none(forms.whole)),
    )]
    monitor: Annotated[str | None, Option(
        None, checks.Told(checks.optional(checks.monitor), words=("loss",), kind="metric"),
        "what patience watches on the validation part: loss, or a metric",
        Flag("NAME", example="accuracy"), _NO_PATIENCE,
        shown="loss",
    )]
    min_delta: Annotated[float, Option(
        0.0, checks.number,
        "by how much an epoch must be better, to count as such",
        Flag("D", forms.real, example="0.001"), _NO_PATIENCE,
    )]
    tolerance: Annotated[float | None, Option(
        None, checks.optional(checks.above_0),
        "stop when the cost changes by less than this share of itself, three epochs running (N25)",
        Flag("T", forms.real, example="1e-4"),
        shown="never",
    )]
    time_limit: Annotated[float | str | None, Option(
        None, checks.optional(checks.duration),
        "stop before an epoch that would end later than so many seconds after the first began",
        Flag("TIME", forms.seconds, remark="or a time such as 90s, 10m or 1h30m", example="10m"),
        more="one epoch is always trained. A text such as '90s', '10m' or '1h30m' is a time, too",
        shown="none",
    )]
    shuffle: Annotated[bool, Option(
        True, checks.flag,
        "new order of the examples in each epoch",
        Flag("", negated=True, help="keep the order of the examples, not a new one in each epoch"),
    )]


class SeedOptions(TypedDict, total=False):
    """What is random."""
    seed: Annotated[int, Option(
        0, checks.seed,
        "seed of weights, order, dropout and split: the same seed, the same model",
        Flag("N", forms.whole),
    )]


class DeviceOptions(TypedDict, total=False):
    """Where it is computed."""
    device: Annotated[str, Option(
        "cpu", checks.Told(checks.anything, words=("cpu", "cuda", "auto")),
        "cpu, cuda, cuda:N, or auto: the GPU if it is usable",
        Flag("NAME"),
    )]


class EngineOptions(TypedDict, total=False):
    """How it is computed there; of predictions, too."""
    engine: Annotated[str, Option(
        "auto", checks.one_of("numpy", "compiled", "auto"),
        "what computes on the CPU: numpy, compiled (needs llvmlite), or auto: compiled where that "
        "is faster",
        Flag("NAME"),
    )]
    capture: Annotated[str, Option(
        "auto", checks.one_of("auto", "never", "always"),
        "on a GPU: auto starts each step as one CUDA graph where that works, never kernel by "
        "kernel, always fails where it does not work",
        Flag("WHEN"),
    )]
    precision: Annotated[str, Option(
        "full", checks.one_of("full", "tf32"),
        "on a GPU: full, or tf32: faster products of float32 with 10 bits of mantissa instead of "
        "23",
        Flag("NAME"),
    )]


class RunOptions(DeviceOptions, EngineOptions, total=False):
    """Where and how it is computed; the result is the same but for rounding."""
    dtype: Annotated[str, Option(
        "float32", checks.one_of("float32", "float64"),
        "type of the numbers, float32 or float64",
        Flag("NAME"),
    )]


class RecipeOptions(
    PartOptions,
    NetworkOptions,
    OptimizerOptions,
    DescentOptions,
    FitOptions,
    SeedOptions,
    total=False,
):
    """What to train: everything that differs between the trainings of `train_many`."""


@dataclass(frozen=True, kw_only=True)
class RecipeFields:
    """The `RecipeOptions` after their checks, one field for each: what `Recipe` holds."""

    # how the examples are divided, prepared and judged
    fractions: tuple[float, ...] | None
    split: str | None
    split_seed: int
    fold: tuple[int, int] | None
    standardize: bool
    standardize_target: bool | None
    class_weight: ClassWeight
    metrics: Sequence[object] | None
    # the network
    hidden_layer_sizes: tuple[int, ...]
    activation: object
    output_activation: object
    initializer: object
    loss: object
    label_smoothing: float
    dropout: float | Sequence[float]
    batch_normalization: object
    # how the cost is brought down
    optimizer: "OptimizerRule"
    learning_rate: float
    schedule: "ScheduleRule"
    l2: float
    l1: float
    gradient_clip: float | None
    groups: tuple["ParameterGroup", ...]
    # how long, in which order, in which batches
    batch_size: int | str | None
    micro_batch_size: int | str
    epochs: int
    patience: int | None
    monitor: str
    min_delta: float
    tolerance: float | None
    time_limit: float | None
    shuffle: bool
    seed: int


class SourceOptions(DataOptions, ReadingOptions, total=False):
    """What is in the data, and how it is read."""


class TrainOptions(SourceOptions, RecipeOptions, RunOptions, total=False):
    """Every option of a training."""


#: The groups in the order in which they are shown.
GROUPS = (
    DataOptions,
    ReadingOptions,
    PartOptions,
    NetworkOptions,
    OptimizerOptions,
    DescentOptions,
    FitOptions,
    SeedOptions,
    RunOptions,
)
