"""What to train: every choice, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from fastnn.data.batches import batch_size_for
from fastnn.errors import ArgumentError, arg
from fastnn.nn.groups import ParameterGroup
from fastnn.nn.initializers import initializer_form
from fastnn.recipe.choices import checked, options, refuse_unknown
from fastnn.recipe.table import RecipeFields, RecipeOptions

#: From so many examples on, the mini-batch size unless another is chosen.
_SIZES = ((1_000_000, 512), (10_000, 128), (1, 32))

#: What a model file keeps.
KEPT = (
    "epochs", "batch_size", "micro_batch_size", "optimizer", "learning_rate", "schedule", "l2",
    "l1", "gradient_clip", "groups", "patience", "min_delta", "monitor", "tolerance", "shuffle",
    "seed", "initializer",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Recipe(RecipeFields):
    """The choices of a training, made and checked by `Recipe.of`; a field for each option.

    What they mean is said in the table of options; what was None there is settled here where it
    does not depend on the examples: the learning rate by the optimiser, ``monitor`` as "loss",
    ``split_seed`` by ``seed``.
    """

    @staticmethod
    def of(**given: Unpack[RecipeOptions]) -> Recipe:
        """Return the checked choices.

        >>> Recipe.of(optimizer="momentum", learning_rate=0.05).learning_rate
        0.05
        >>> Recipe.of(epochs=0)
        Traceback (most recent call last):
        fastnn.errors.ArgumentError: epochs must be a whole number above 0, found 0

        Raises ArgumentError for what cannot be, and for what has no effect.
        """
        refuse_unknown("train", given, options(RecipeOptions))
        chosen = checked(given, RecipeOptions)
        rule = chosen["optimizer"]
        if chosen["learning_rate"] is None:
            chosen["learning_rate"] = rule.learning_rate
        if chosen["monitor"] is None:
            chosen["monitor"] = "loss"
        if chosen["split_seed"] is None:
            chosen["split_seed"] = chosen["seed"]
        recipe = Recipe(**chosen)
        recipe._check_micro_batches()
        recipe._check_warm_up()
        return recipe

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        # The fields have no defaults of their own: an option that is new does nothing unasked.
        vars(self).update({**vars(Recipe.of()), **state})

    def batch_size_for(self, n_examples: int) -> int:
        """Return the mini-batch size for so many training examples."""
        if self.batch_size is not None:
            return batch_size_for(n_examples, self.batch_size)
        return min(n_examples, next(m for n, m in _SIZES if n_examples >= n))

    def _check_micro_batches(self) -> None:
        micro, m = self.micro_batch_size, self.batch_size
        if isinstance(micro, int) and isinstance(m, int) and micro > m:
            raise ArgumentError(
                f"{arg('micro_batch_size', micro)} has no effect with {arg('batch_size', m)}: a "
                "micro-batch is a part of a mini-batch",
                value=micro,
            )

    def _check_warm_up(self) -> None:
        rule = self.schedule
        if rule.per == "epoch" and rule.warm_up > self.epochs:
            raise ArgumentError(
                f"{arg('schedule')} {rule.name!r}: its warm_up of {rule.warm_up:g} epochs is "
                f"longer than the training ({arg('epochs', self.epochs)})"
            )

    def check_end(self) -> None:
        """Raise ArgumentError for a step schedule whose first step comes after the last epoch.

        Not for a training that others go on with.

        >>> Recipe.of(schedule="step(every=2)", epochs=2).check_end()
        Traceback (most recent call last):
        fastnn.errors.ArgumentError: schedule 'step': every=2 epochs has no effect, since the ...
        """
        rule = self.schedule
        every, left = rule.options.get("every"), self.epochs - rule.warm_up
        if every is not None and rule.per == "epoch" and every >= left:
            raise ArgumentError(
                f"{arg('schedule')} {rule.name!r}: every={every:g} epochs has no effect, since the "
                f"schedule has {left:g} of them; take fewer, or leave the schedule out"
            )

    def to_json(self) -> dict[str, Any]:
        """Return what a model file keeps of them.

        >>> Recipe.of(schedule="cosine").to_json()["schedule"]["name"]
        'cosine'
        """
        return {
            **{name: getattr(self, name) for name in KEPT},
            "optimizer": self.optimizer.to_json(),
            "schedule": self.schedule.to_json(),
            "groups": [vars(group) for group in self.groups],
            "initializer": initializer_form(self.initializer),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Recipe:
        """Return the recipe of `to_json`; raise ArgumentError, KeyError or TypeError if it is none.

        >>> recipe = Recipe.of(schedule="cosine", patience=3)
        >>> Recipe.from_json(recipe.to_json()) == recipe
        True
        """
        given = {**data, "groups": [ParameterGroup(**group) for group in data["groups"]]}
        if data["patience"] is None and data["monitor"] == "loss":
            given["monitor"] = None  # what it is when nothing is watched
        return Recipe.of(**given)
