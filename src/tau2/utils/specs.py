"""What specs of plug-ins check of themselves, so that a mistake is found where it was made."""

from __future__ import annotations

from tau2.errors import ConfigError


def check_spec(spec: object, functions: tuple[str, ...], optional: tuple[str, ...] = ()) -> None:
    """Raise ConfigError where a spec has no name, or something else than a function as one.

    Args:
        spec: A spec: an object with a `name`.
        functions: Fields that have to be functions, or anything else that can be called.
        optional: Fields that may be None instead.
    """
    kind = type(spec).__name__
    name = getattr(spec, "name", None)
    if not isinstance(name, str) or not name:
        raise ConfigError(f"{kind}: name has to be a text, not {name!r}")
    for field in (*functions, *optional):
        value = getattr(spec, field)
        if not callable(value) and not (value is None and field in optional):
            raise ConfigError(f"{kind} {name!r}: {field} has to be a function, not {value!r:.100}")
