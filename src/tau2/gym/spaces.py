"""The space of texts."""

from __future__ import annotations

from typing import Any, NoReturn

from tau2.errors import ConfigError, needs_extra

with needs_extra("gym", "gymnasium"):
    from gymnasium.spaces import Space
    from gymnasium.vector.utils import create_shared_memory

_SAMPLES = (
    "Could you tell me a little more about that?",
    "One moment, please.",
    "I am looking into it.",
    "Is there anything else that I can do for you?",
    "Thank you for your patience.",
)


class TauSpace(Space[str]):
    """All texts: the space of actions and of observations."""

    def contains(self, x: object) -> bool:
        """Return whether `x` is text."""
        return isinstance(x, str)

    def sample(self, mask: object = None, probability: object = None) -> str:
        """Return one of a few fixed sentences; `mask` and `probability` are ignored."""
        return _SAMPLES[int(self.np_random.integers(len(_SAMPLES)))]

    @property
    def is_np_flattenable(self) -> bool:
        """Texts do not flatten into a box."""
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TauSpace)

    __hash__ = None  # type: ignore[assignment]  # as Gymnasium's own spaces

    def __repr__(self) -> str:
        return "TauSpace()"


@create_shared_memory.register(TauSpace)
def _not_in_shared_memory(*_args: Any, **_kwargs: Any) -> NoReturn:
    """Say what to do instead: Gymnasium's own message does not."""
    raise ConfigError(
        "observations are texts without a fixed length, which shared memory cannot hold: use "
        "AsyncVectorEnv(..., shared_memory=False), or "
        'gymnasium.make_vec(..., vector_kwargs={"shared_memory": False})'
    )
