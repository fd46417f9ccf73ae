"""What a participant driven by a language model is configured with."""

from __future__ import annotations

from typing import Any

from tau2.llm.request import CompletionFn
from tau2.utils.json_types import JsonMapping, JsonObject


class LLMConfigMixin:
    """Holds the model, its arguments and an optional completion function.

    Put it first among the base classes.

    `llm_args` are passed to `tau2.llm` as they are; with `keep_reasoning` among them, the model
    receives its earlier reasoning again.
    """

    def __init__(
        self,
        *args: Any,
        llm: str,
        llm_args: JsonMapping | None = None,
        completion_fn: CompletionFn | None = None,
        **kwargs: Any,
    ) -> None:
        """Keep a private copy of `llm_args`; everything else goes to the next base class."""
        super().__init__(*args, **kwargs)
        self.llm = llm
        self.llm_args: JsonObject = dict(llm_args or {})
        self.completion_fn = completion_fn

    def set_seed(self, seed: int) -> None:
        """Send `seed` with every model call from now on.

        The caller's `llm_args` stay as they are.
        """
        self.llm_args = {**self.llm_args, "seed": seed}
