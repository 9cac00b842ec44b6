"""What people want to see or do, in their words, and the command that does it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastnn.cli.entries import Entry

#: Words of a question that say nothing of what it is about.
_SMALL = frozenset((
    "a", "an", "all", "am", "and", "any", "are", "at", "can", "could", "do", "does", "for", "from",
    "get", "give", "have", "how", "i", "if", "in", "is", "it", "its", "know", "like", "look",
    "make", "me", "my", "of", "on", "or", "our", "out", "see", "show", "shown", "some", "that",
    "the", "their", "them", "there", "these", "this", "to", "use", "view", "want", "we", "what",
    "when", "where", "which", "who", "why", "will", "with", "would", "you", "your",
))  # fmt: skip


def _row(name: str, words: str, says: str, example: str, guide: str = "", **facts: str) -> Entry:
    """A row; ``words``: what people call it, with commas; ``facts``: lines by what they are."""
    facts = {name.replace("_", " "): fact for name, fact in facts.items()}
    where = {"guide": f"fastnn/guide/{guide}"} if guide else {}
    called = tuple(words.split(", "))
    return Entry(name, "how to", says, facts={**facts, **where}, example=example, words=called)


_PAGE = "fastnn report MODEL DATA; fastnn train DATA --report"
_SEEING = "seeing.md#a-page-of-a-training"
_WRONG = "seeing.md#what-is-wrong-with-it"
_REPORT = "fastnn report digits.fastnn more_digits.csv"


def how_to() -> list[Entry]:
    """Return the rows.

    >>> row = how_to()[0]
    >>> row.name, row.example
    ('confusion-matrix', 'fastnn evaluate digits.fastnn more_digits.csv')
    """
    return [
        _row(
            "confusion-matrix", "confusion, confusions, confusion table, matrix",
            "Which class is taken for which: the numbers as a table, or the picture on a page.",
            "fastnn evaluate digits.fastnn more_digits.csv",
            _SEEING, on_a_page=_PAGE,
        ),
        _row(
            "learning-curve", "learning curves, loss curve, curve, curves, history, progress, "
            "training loss, validation loss",
            "The loss and the metrics over the epochs, of the training and the validation part.",
            "fastnn inspect digits.fastnn",
            _SEEING, on_a_page=_PAGE, in_Python="training.history",
        ),
        _row(
            "roc", "roc curve, precision recall curve, precision-recall, pr curve",
            "True against false positives at every threshold, and precision against recall.",
            _REPORT, _SEEING, in_Python="training.save_report(PATH)",
        ),
        _row(
            "calibration", "calibrated, reliability, reliability diagram, calibration curve",
            "Whether what is said to be 80 % probable comes true in 80 % of the cases.",
            _REPORT, _SEEING, in_Python="training.save_report(PATH)",
        ),
        _row(
            "threshold", "thresholds, cutoff, decision threshold",
            "From which probability on it is a yes: chosen on the validation part.",
            _REPORT, _SEEING, in_Python="training.save_report(PATH)",
        ),
        _row(
            "classes", "per class, each class, class report, classification report",
            "Precision, recall and F1 of each class by itself.",
            _REPORT, _SEEING, in_Python="training.save_report(PATH)",
        ),
        _row(
            "importance", "importances, feature importance, permutation importance, "
            "columns matter, features matter, variables matter, important columns, shap",
            "Which columns matter: how much worse a model gets when one is shuffled.",
            "fastnn explain flats.fastnn more_flats.csv",
            "seeing.md", on_a_page=_PAGE, in_Python="fastnn.explain(MODEL, DATA)",
        ),
        _row(
            "residuals", "residual, residual plot, predicted against true, predicted vs true, "
            "predicted values",
            "Predicted against true values, and what is left between them.",
            "fastnn report flats.fastnn more_flats.csv",
            _SEEING, in_Python="training.save_report(PATH)",
        ),
        _row(
            "worst-errors", "mistakes, errors, largest errors, wrong rows, misclassified, "
            "wrong predictions",
            "The rows that a model gets most wrong, with what it said of them.",
            _REPORT, _SEEING, in_Python="training.save_report(PATH)",
        ),
        _row(
            "baseline", "dummy, constant prediction, good enough, better than guessing",
            "What the best constant prediction reaches, beside what the model does.",
            _REPORT, _SEEING, in_Python="training.save_report(PATH)",
        ),
        _row(
            "compare-models", "compare, comparison, side by side, several models",
            "Several models on the same rows, on one page.",
            "fastnn report small.fastnn large.fastnn more_digits.csv -o both.html", _SEEING,
        ),
        _row(
            "not-learning", "learn, does not learn, diagnosis, diagnose, stuck, "
            "vanishing, vanishing gradients, gradients vanish, exploding gradients, "
            "gradients explode, dead units, dead relu, dead relu units, saturated units, "
            "zero initialisation, "
            "zero initialization, unscaled inputs, unscaled targets, learning rate too high, "
            "learning rate too low, loss at chance, at chance, overconfident, "
            "overconfident predictions, "
            "nan loss, loss is nan, diverges, diverged, divergence",
            "What keeps a network from learning, with the cure: signals and gradients of every "
            "layer are looked at.",
            "fastnn train digits --doctor",
            _WRONG, of_a_model="fastnn inspect MODEL --weights DATA",
            in_Python="fastnn.train(..., doctor=True), fastnn.diagnose(MODEL, DATA)",
        ),
        _row(
            "learning-rate-finder", "lr finder, rate finder, the learning rate, range test",
            "A learning rate, found by trying on mini-batches, and its picture.",
            "fastnn train digits --find-learning-rate --rate-picture rate.svg",
            "seeing.md", in_Python="fastnn.find_learning_rate(DATA)",
        ),
        _row(
            "overfitting", "overfit, overfits, regularisation, regularization, regularise, "
            "regularize, generalisation, generalization",
            "The training part gets better and the validation part does not: the curves show it; "
            "stop earlier, penalise weights, or drop units at random.",
            "fastnn train digits --patience 10 --l2 1 --dropout 0.2",
            seen_on=_PAGE, see="fastnn help patience l2 l1 dropout",
        ),
        _row(
            "early-stopping", "stop early, stop training, stopping",
            "A training ends when the validation part has not got better for so many epochs, and "
            "keeps the weights of the best one.",
            "fastnn train digits --patience 10", "command-line.md",
            see="fastnn help patience min_delta monitor time_limit",
        ),
        _row(
            "first-weights", "xavier, glorot, he, kaiming, lecun, initialisation, initialization, "
            "initial weights",
            "The first weights are drawn for the activation: by He (Kaiming) for ReLU and its "
            "kin, by Glorot (Xavier) for the others, each as a normal or a uniform draw.",
            "fastnn train digits --initializer glorot_uniform",
            see="fastnn help initializers he_normal glorot_normal",
        ),
        _row(
            "gpu", "nvidia, graphics card, accelerator, cupy",
            "The same training on a GPU; and whether there is one that can be used, and if not, "
            "why and what to do.",
            "fastnn info", "devices.md",
            train_on_it="fastnn train DATA --device cuda", see="fastnn help devices",
        ),
        _row(
            "speed", "slow, fast, faster, benchmark, benchmarks, threads, cores, parallel",
            "How long everything takes on this machine: loops, NumPy, compiled code, a GPU.",
            "fastnn bench", see="fastnn help engines batch_size",
        ),
        _row(
            "memory", "out of memory, too large, large data, big data",
            "Whether a training fits into the memory, and about how long it takes, without it.",
            "fastnn train digits --dry-run", see="fastnn help batch_size micro_batch_size",
        ),
        _row(
            "categories", "category, text columns, one-hot, encoding, encode, codes of "
            "categories",
            "Text columns become a column of 0 and 1 for each value; numbers that are codes must "
            "be named.",
            "fastnn train flats.csv --target price --categorical district",
            see="fastnn help categorical", what_was_read=_PAGE,
        ),
        _row(
            "missing-values", "missing value, missing cells, empty cells, gaps, nan, nans, na, "
            "imputation, impute",
            "Empty cells of a column of numbers are filled with its median of the training part; "
            "what else means 'no value' can be said.",
            "fastnn train flats.csv --target price --missing -",
            see="fastnn help missing", what_was_read=_PAGE,
        ),
        _row(
            "scaling", "scale inputs, standardise, standardisation, standardization, normalise "
            "inputs, normalize inputs",
            "Inputs, and the target of a regression, get the mean 0 and the deviation 1 by "
            "themselves (N19).",
            "fastnn demo normalisation", see="fastnn help standardize standardize_target",
        ),
        _row(
            "imbalance", "imbalanced, unbalanced, imbalanced classes, rare class, class weights, "
            "class weight",
            "Classes that are rare count for more.",
            "fastnn train flats.csv --target sold --class-weight balanced",
            see="fastnn help class_weight",
        ),
        _row(
            "split", "train test split, test part, validation part, test set, validation set, "
            "hold out",
            "How the rows are shared out to training, validation and test part (N18).",
            "fastnn train digits --fractions 0.7,0.15,0.15", "command-line.md",
            see="fastnn help fractions split_seed validation test",
        ),
        _row(
            "tuning", "tune, hyperparameters, hyperparameter, hyperparameter search, parameter "
            "search, best network, cross-validation, folds of a search",
            "Many trainings on the same data, and the best of them.",
            'fastnn search digits --grid "activation=relu,tanh;learning_rate=1e-3,1e-2"',
            "searches.md", in_Python="fastnn.search",
        ),
        _row(
            "predictions", "predict new data, apply, new data, probabilities, probability",
            "What a model says of new rows; --proba gives probabilities.",
            "fastnn predict digits.fastnn more_digits.csv --proba",
            "command-line.md", in_Python="model.predict, model.predict_proba",
        ),
        _row(
            "reproduce", "reproducible, reproducibility, same result, same numbers, train again",
            "The same seed gives the same bits; a model file keeps what its training was given.",
            "fastnn train digits --config digits.fastnn", see="fastnn help seed config",
        ),
        _row(
            "deploy", "deployment, serve, serving, production, save, saving, save model, "
            "load model",
            "A model is one file, without code in it; as ONNX other programs run it.",
            "fastnn export digits.fastnn digits.onnx", "exchange.md",
            in_Python="model.save(PATH), fastnn.load(PATH).predict(DATA)",
        ),
    ]  # fmt: skip


def asked(question: str) -> list[str]:
    """Return the names of the rows that a question in words is about.

    >>> asked("how do I see the confusion matrix of my model?")
    ['confusion-matrix']
    >>> asked("fill missing values, encode categories")
    ['categories', 'missing-values']
    >>> asked("how do I get home")
    []
    """
    words = _words(question)
    there = {
        entry.name: [n for n in map(_words, entry.names) if n and n <= words] for entry in how_to()
    }
    every = [name for names in there.values() for name in names]
    # 'learning curve' is not also a question about 'learning'.
    return [
        row for row, names in there.items()
        if any(not any(name < other for other in every) for name in names)
    ]  # fmt: skip


def _words(text: str) -> frozenset[str]:
    """The words of a text that say what it is about; "curves" as "curve"."""
    words = re.findall(r"[a-z0-9]+", text.lower().replace("'", ""))
    return frozenset(re.sub(r"(?<=..)s$", "", word) for word in words if word not in _SMALL)


def is_question(names: Sequence[str]) -> bool:
    """Return whether what is asked for is a text rather than a list of names.

    >>> is_question(["how", "do", "I", "see", "it"]), is_question(["relu", "N2"])
    (True, False)
    """
    words = " ".join(names).lower().split()
    return len(words) > max(1, len(names)) or (len(words) > 1 and not _SMALL.isdisjoint(words))
