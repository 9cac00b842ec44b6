"""One network and its trainer, for tests that look inside."""

from collections.abc import Sequence
from typing import Any

from fastnn.training.callbacks import CallbackLike
from fastnn.training.course import Entry
from fastnn.training.history import History
from fastnn.training.loop import Trainer


class Alone:
    """What a learner does in one training, with its plan in sight."""

    def __init__(
        self, backend: Any, network: Any, parameters: Any, train: Any, options: Any, **given: Any
    ) -> None:
        self.entry = Entry(parameters, options, train, **given)
        self.trainer = Trainer(backend, network, [self.entry])
        self.backend, self.network, self.parameters = backend, network, parameters
        self.plan, self.evaluation = self.trainer.plan, self.trainer.evaluation

    @property
    def history(self) -> History:
        return self.entry.history

    def run(self, callbacks: Sequence[CallbackLike] = ()) -> History:
        self.entry.callbacks = callbacks
        self.trainer.run()
        if self.entry.error is not None:
            raise self.entry.error
        return self.history
