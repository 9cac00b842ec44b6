"""``fastnn train``: from a table to a model file."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

from fastnn.cli.config import add_config, configured, print_config
from fastnn.cli.findings import say_diagnosis, tell, warn
from fastnn.cli.inputs import stem, words_of
from fastnn.cli.messages import check_output, note
from fastnn.cli.parser import Parser, joined
from fastnn.cli.results import quality_text, read_document, read_text
from fastnn.cli.signals import unhurried
from fastnn.cli.standard_input import data_of, standard_input
from fastnn.cli.train_arguments import (
    LISTS,
    add_arguments,
    as_flag,
    hint,
    names,
    one_or_several,
    reading_of,
)
from fastnn.errors import ArgumentError, DivergenceError, ModelFileError, arg
from fastnn.version import __version__

if TYPE_CHECKING:
    from fastnn.api.train import Training

#: Options that are not passed on to `fastnn.api.train.train` as they are.
_OWN = {"command", "run", "traceback", "data", "out", "json", "quiet", "report", "spooled"}

#: Parts of the data that can be files of the user's own.
PARTS = ("validation", "test")

_DESCRIPTION = """\
Train a network on a built-in data set or on a table, and save it. The data are
split into 60% training, 20% validation, 20% test: the validation part decides
when to stop, the test part is used once, at the end."""


def add_train(commands: Any) -> Parser:
    """Add the command to the subparsers.

    What the user does not give is not passed on, so that an option without effect is an error
    only where he asked for it.
    """
    p: Parser = commands.add_parser(
        "train",
        help="train a network on a data set or a file, and save it",
        description=_DESCRIPTION,
        usage="fastnn train DATA [--target COL] [options]",
        late_epilog=names,
        late_hint=hint,
        argument_default=argparse.SUPPRESS,
    )
    p.set_defaults(run=run, json=False, quiet=False, out=None)
    add_arguments(p)
    add_config(p)
    p.add_argument(
        "--dry-run", action="store_true",
        help="read, check and prepare everything, say how much memory and about how much time the "
        "training would take, and end",
    )  # fmt: skip
    p.add_argument(
        "--doctor", action="store_true",
        help="look at signals and gradients of every layer before, during and after the training, "
        "and say what is wrong, why, and what to do",
    )  # fmt: skip
    return p


def run(arguments: argparse.Namespace) -> int:
    """Train, save, report; return 0, or 130 when interrupted with something saved."""
    with configured(arguments) as both, standard_input(both):
        if getattr(arguments, "print_config", False):
            return print_config(both, as_given(both))
        if vars(both).pop("dry_run", False):
            return _rehearse(both)
        return _run(both)


def _run(arguments: argparse.Namespace) -> int:
    out = check_out(arguments)
    _check_picture(arguments, out)
    report = check_report(arguments, out)
    from fastnn.api.train import train
    from fastnn.training.loop import TrainingInterrupted

    started = time.perf_counter()
    code, given = 0, given_arguments(arguments)
    looks = "doctor" in given
    if looks and not arguments.quiet:
        given["doctor"] = tell
    try:
        training = train(data_of(arguments), verbose=not arguments.quiet, **given)
    except DivergenceError as error:
        if looks:
            say_diagnosis(error.result.diagnosis)
        left = "; nothing is saved"
        if report and error.result is not None:
            error.result.save_report(report, spelling=as_flag)
            left += f" but its report, {report}"
        raise error.within(after=left) from error
    except TrainingInterrupted as stop:
        if stop.result is None or not stop.history.epochs:
            note("interrupted before the first epoch ended: nothing is saved")
            return 130
        training, code = stop.result, 130
    replaced = os.path.exists(out)

    def save() -> None:
        training.model.save(out)
        if report:
            training.save_report(report, file=os.path.basename(out), spelling=as_flag)

    if unhurried(save):
        code = 130
    arguments.saved = out
    if replaced:
        note(f"the model that was in {out} is replaced")
    if code:
        epoch = training.history.best_epoch
        note(f"interrupted: the model with the weights of epoch {epoch} is saved in {out}")
    seconds = time.perf_counter() - started
    if arguments.json:
        from fastnn.cli.text import print_json

        more = {"report": report} if report else {}
        print_json({**_document(training, out, seconds), **more})
    else:
        print(_summary(training, out, seconds) + (f"\nreport: {report}" if report else ""))
    if looks:
        say_diagnosis(training.diagnosis)
    else:
        warn(training.findings)
    return code


def _rehearse(arguments: argparse.Namespace) -> int:
    """Do all of a training but the training, and say what it would take."""
    out = check_out(arguments)
    _check_picture(arguments, out)
    report = check_report(arguments, out)
    from fastnn.api.estimate import estimate
    from fastnn.api.find_learning_rate import check_wish

    given = given_arguments(arguments)
    given.pop("doctor", None)
    check_wish(given.pop("find_learning_rate", False), given.get("learning_rate"))
    found = estimate(data_of(arguments), **given)
    if arguments.json:
        from fastnn.cli.text import print_json

        print_json({**found.to_json(), "model": out, "fastnn": __version__})
        return 0
    files = f"{out} and {report}" if report else out
    print(f"{found}\n\nnothing is trained or written: --dry-run\nit would write {files}")
    return 0


def default_out(data: str | Sequence[str]) -> str:
    """Return the name of the model file: that of the data, in the current folder.

    >>> default_out("digits"), default_out("tables/flats.csv.gz")
    ('digits.fastnn', 'flats.fastnn')
    """
    return f"{stem(data)}.fastnn"


def check_out(arguments: argparse.Namespace) -> str:
    """Return where the model goes, after a look whether it can; a foreign file is not replaced.

    >>> check_out(argparse.Namespace(data="digits", out=None))
    'digits.fastnn'
    """
    out: str = default_out(arguments.data) if arguments.out is None else arguments.out
    inputs = {"DATA": arguments.data}
    inputs |= {f"--{p}": getattr(arguments, p) for p in PARTS if hasattr(arguments, p)}
    check_output(out, "--out", inputs)
    if os.path.exists(out):
        from fastnn.formats.document import unpack

        try:
            unpack(out)
        except ModelFileError:
            raise ArgumentError(
                f"--out: file '{out}' is there already and is not a model that this fastnn can "
                "read, so it is not overwritten: remove it, or name another file"
            ) from None
    return out


def _check_picture(arguments: argparse.Namespace, out: str) -> None:
    """Take ``--rate-picture`` into what `train` is asked for, after a look whether it can be."""
    path = vars(arguments).pop("rate_picture", None)
    if path is None:
        return
    if not hasattr(arguments, "find_learning_rate"):
        raise ArgumentError(
            f"{arg('rate_picture')} has no effect without {arg('find_learning_rate')}: set it too"
        )
    from fastnn.pictures.files import ending_of

    ending_of(path, "rate_picture")
    check_output(path, "--rate-picture", {"--out": out})
    arguments.find_learning_rate = path


def check_report(arguments: argparse.Namespace, out: str) -> str:
    """Return where the report goes, after a look whether it can; '' if none is asked for.

    >>> check_report(argparse.Namespace(data="digits", report=""), "digits.fastnn")
    'digits.html'
    """
    given = getattr(arguments, "report", None)
    if given is None:
        return ""
    from fastnn.cli.report import check_page

    path = given or f"{out.removesuffix('.fastnn')}.html"
    check_page(path, "--report", {"DATA": arguments.data, "--out": out})
    return path


def as_given(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what the user gave, as the arguments of `fastnn.api.train.train`.

    >>> as_given(argparse.Namespace(data="digits", command="train", drop=[["a"], ["b"]]))
    {'drop': ('a', 'b')}
    """
    given = {name: value for name, value in vars(arguments).items() if name not in _OWN}
    given |= {n: joined(given[n]) for n in LISTS if n in given}
    if "target" in given:
        given["target"] = one_or_several(given["target"])
    return given


def given_arguments(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return `as_given`, after a look whether a file has its target.

    >>> given_arguments(argparse.Namespace(data="digits", command="train", epochs=3))
    {'epochs': 3}
    """
    from fastnn.data.table import listed
    from fastnn.preparation.examples import check_there, is_built_in
    from fastnn.reading.files import read_table
    from fastnn.reading.images import has_classes

    given, data = as_given(arguments), arguments.data
    if "target" not in given and not is_built_in(data) and not has_classes(data):
        check_there(data)
        columns: Any = {
            name: given[name] for name in ("categorical", "dates", "drop") if name in given
        }
        known = read_table(data, **reading_of(arguments), **columns).names
        raise ArgumentError(
            f"'{words_of(data)}' needs --target COL, the column to predict "
            f"(columns: {listed(known)})"
        )
    return given


_ENDINGS = {
    "epochs": "trained all of the {n} epochs",
    "early_stopping": "stopped after epoch {n} of {most}: nothing got better",
    "converged": "converged after epoch {n} of {most}",
    "time_limit": "stopped after epoch {n} of {most}: another one would take longer than "
    "--time-limit",
    "interrupted": "interrupted after epoch {n} of {most}",
}


def _summary(training: Training, out: str, seconds: float) -> str:
    from fastnn.text import WIDTH, engine_text

    model, history, found = training.model, training.history, training.range_test
    ending = _ENDINGS.get(history.stopped, "ended after epoch {n} of {most}").format(
        n=len(history.epochs), most=model.options.get("epochs", "?")
    )
    if history.best_epoch not in (None, len(history.epochs)):
        ending += f"; kept epoch {history.best_epoch}, the best"
    return "\n".join(
        [
            f"{model.task} of {model.target_name!r}, {seconds:.1f} s on {model.device}",
            fill(str(model.network), WIDTH),
            fill(engine_text(training.engine), WIDTH),
            ending,
            *([] if found is None else [fill(f"{found.lines[0]}: {found.reason}", WIDTH)]),
            "",
            *([read_text(training), ""] if training.record is not None else []),
            quality_text(training),
            "",
            f"model: {out}",
        ]
    )


def _document(training: Training, out: str, seconds: float) -> dict[str, Any]:
    model, history, found = training.model, training.history, training.range_test
    steps = sum(epoch.seconds for epoch in history.epochs)
    return {
        "task": model.task,
        "target": model.target_name,
        "network": str(model.network),
        "parameters": model.network.n_parameters,
        "device": model.device,
        "engine": training.engine,
        "dtype": model.parameters.dtype.name,
        "seed": model.options.get("seed"),
        "learning_rate": model.options.get("learning_rate"),
        "learning_rate_found": None if found is None else found.reason,
        "epochs": len(history.epochs),
        "best_epoch": history.best_epoch,
        "stopped": history.stopped,
        "seconds": round(seconds, 3),
        "training_seconds": round(steps, 3),
        **training.report,
        **read_document(training),
        **{
            name: found
            for name, found in training.diagnosis.to_json(as_flag).items()
            if found or name == "findings"
        },
        "model": out,
        "fastnn": __version__,
    }
