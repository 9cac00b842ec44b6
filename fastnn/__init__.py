"""fastnn: feed-forward neural networks on NumPy (CPU) and CUDA from kernels written once.

Public names load on first use, so that ``import fastnn`` stays light:

>>> import fastnn
>>> issubclass(fastnn.ArgumentError, fastnn.FastnnError)
True
"""

from typing import TYPE_CHECKING

from fastnn.version import __version__

if TYPE_CHECKING:  # the same names again for type checkers and editors; a test keeps them equal
    from fastnn.api.diagnose import diagnose as diagnose
    from fastnn.api.estimate import Estimate as Estimate
    from fastnn.api.estimate import estimate as estimate
    from fastnn.api.estimators.classifier import MLPClassifier as MLPClassifier
    from fastnn.api.estimators.regressor import MLPRegressor as MLPRegressor
    from fastnn.api.find_learning_rate import RangeTest as RangeTest
    from fastnn.api.find_learning_rate import find_learning_rate as find_learning_rate
    from fastnn.api.foreign import from_keras as from_keras
    from fastnn.api.foreign import from_pytorch as from_pytorch
    from fastnn.api.foreign import from_sklearn as from_sklearn
    from fastnn.api.search import search as search
    from fastnn.api.search_grid import LogUniform as LogUniform
    from fastnn.api.search_result import Search as Search
    from fastnn.api.sequential.layers import Activation as Activation
    from fastnn.api.sequential.layers import BatchNormalization as BatchNormalization
    from fastnn.api.sequential.layers import Dense as Dense
    from fastnn.api.sequential.layers import Dropout as Dropout
    from fastnn.api.sequential.layers import Flatten as Flatten
    from fastnn.api.sequential.layers import Input as Input
    from fastnn.api.sequential.layers import Normalization as Normalization
    from fastnn.api.sequential.model import Sequential as Sequential
    from fastnn.api.train import Training as Training
    from fastnn.api.train import train as train
    from fastnn.api.train_many import train_many as train_many
    from fastnn.backend.expression import erf as erf
    from fastnn.backend.kernel import Kernel as Kernel
    from fastnn.errors import ArgumentError as ArgumentError
    from fastnn.errors import DataError as DataError
    from fastnn.errors import DeviceError as DeviceError
    from fastnn.errors import DivergenceError as DivergenceError
    from fastnn.errors import FastnnError as FastnnError
    from fastnn.errors import MissingExtraError as MissingExtraError
    from fastnn.errors import ModelFileError as ModelFileError
    from fastnn.model.files import load as load
    from fastnn.model.files import save as save
    from fastnn.model.model import Model as Model
    from fastnn.nn.activations import custom_activation as custom_activation
    from fastnn.nn.gradient_check import GradientCheck as GradientCheck
    from fastnn.nn.gradient_check import gradient_check as gradient_check
    from fastnn.nn.groups import ParameterGroup as ParameterGroup
    from fastnn.nn.losses import custom_loss as custom_loss
    from fastnn.nn.network import Network as Network
    from fastnn.nn.network import network as network
    from fastnn.report.doors import report_html as report_html
    from fastnn.report.importance import Importance as Importance
    from fastnn.report.importance import explain as explain
    from fastnn.training.loop import TrainingInterrupted as TrainingInterrupted

# Every public name and the module that defines it.
_PUBLIC = {
    "ArgumentError": "fastnn.errors",
    "DataError": "fastnn.errors",
    "DeviceError": "fastnn.errors",
    "DivergenceError": "fastnn.errors",
    "FastnnError": "fastnn.errors",
    "MissingExtraError": "fastnn.errors",
    "ModelFileError": "fastnn.errors",
    "Activation": "fastnn.api.sequential.layers",
    "BatchNormalization": "fastnn.api.sequential.layers",
    "Dense": "fastnn.api.sequential.layers",
    "Dropout": "fastnn.api.sequential.layers",
    "Estimate": "fastnn.api.estimate",
    "GradientCheck": "fastnn.nn.gradient_check",
    "Importance": "fastnn.report.importance",
    "Flatten": "fastnn.api.sequential.layers",
    "Input": "fastnn.api.sequential.layers",
    "Kernel": "fastnn.backend.kernel",
    "LogUniform": "fastnn.api.search_grid",
    "MLPClassifier": "fastnn.api.estimators.classifier",
    "MLPRegressor": "fastnn.api.estimators.regressor",
    "Model": "fastnn.model.model",
    "Network": "fastnn.nn.network",
    "Normalization": "fastnn.api.sequential.layers",
    "ParameterGroup": "fastnn.nn.groups",
    "RangeTest": "fastnn.api.find_learning_rate",
    "Search": "fastnn.api.search_result",
    "Sequential": "fastnn.api.sequential.model",
    "Training": "fastnn.api.train",
    "TrainingInterrupted": "fastnn.training.loop",
    "custom_activation": "fastnn.nn.activations",
    "custom_loss": "fastnn.nn.losses",
    "diagnose": "fastnn.api.diagnose",
    "erf": "fastnn.backend.expression",
    "estimate": "fastnn.api.estimate",
    "explain": "fastnn.report.importance",
    "find_learning_rate": "fastnn.api.find_learning_rate",
    "from_keras": "fastnn.api.foreign",
    "from_pytorch": "fastnn.api.foreign",
    "from_sklearn": "fastnn.api.foreign",
    "gradient_check": "fastnn.nn.gradient_check",
    "load": "fastnn.model.files",
    "network": "fastnn.nn.network",
    "report_html": "fastnn.report.doors",
    "save": "fastnn.model.files",
    "search": "fastnn.api.search",
    "train": "fastnn.api.train",
    "train_many": "fastnn.api.train_many",
}

# The extras without which a public name cannot be loaded.
_NEEDED = ("sklearn",)

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        from importlib import import_module

        try:
            module = import_module(_PUBLIC[name])
        except ModuleNotFoundError as error:
            package = (error.name or "").partition(".")[0]
            if package not in _NEEDED:
                raise
            from fastnn.errors import MissingExtraError
            from fastnn.extras import package_of, pip_install

            raise MissingExtraError(
                f"fastnn.{name} needs {package_of(package)}, which is not installed: "
                f"{pip_install(package)}",
                name=package,
            ) from error
        value = globals()[name] = getattr(module, name)
        return value
    hint = ""
    if not name.startswith("_"):
        from fastnn.registry import did_you_mean

        hint = did_you_mean(name, _PUBLIC)
    raise AttributeError(f"module 'fastnn' has no attribute {name!r}{hint}", name=name)


def __dir__() -> list[str]:
    return sorted(__all__)
