"""A tool: one callable with a schema made from its signature and docstring.

Arguments that come from a model are checked and coerced here, once, against that schema.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from typing import Any, NoReturn, TypeAlias, TypedDict, get_type_hints

from docstring_parser import Docstring
from docstring_parser import parse as parse_docstring
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    create_model,
    field_serializer,
)
from pydantic.errors import PydanticInvalidForJsonSchema

from tau2.environment.json_text import decoded_by_schema
from tau2.environment.tool_pickle import RECIPE, portable, portable_model
from tau2.errors import ArgumentError
from tau2.utils.json_types import JsonMapping, JsonObject

ToolResult: TypeAlias = Any
"""What a tool returns: text, a number, a model, or a container of them."""
ToolFunction: TypeAlias = Callable[..., ToolResult]

_VARIADIC = frozenset({inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD})
_BREAK_IN_PARAGRAPH = re.compile(r"(?<!\n)\n[ \t]*(?![-*\n \t]|\d+\.)")
_MODELS = ("params", "returns")
_DESCRIBED = "described"  # in a pickle: the model that the function's signature describes
_MOST_KEPT = 1024  # schemas of distinct functions kept; far more than any set of domains has


class AnnotatedText(str):
    """A text result with facts of how it was found, for the metadata of the tool message."""

    metadata: JsonObject

    def __new__(cls, text: str, metadata: JsonObject) -> AnnotatedText:
        """Return `text` with its metadata."""
        made = super().__new__(cls, text)
        made.metadata = metadata
        return made

    def __getnewargs__(self) -> tuple[str, JsonObject]:  # type: ignore[override]  # two arguments
        """Return the arguments of `__new__`, for pickle."""
        return str(self), self.metadata


class ToolDescription(TypedDict):
    """The fields of a Tool that its function's signature and docstring say."""

    name: str
    short_desc: str
    long_desc: str
    params: type[BaseModel]
    returns: type[BaseModel] | None
    raises: list[dict[str, str | None]]
    examples: list[str]


class Tool(BaseModel):
    """One callable with its schema; call it like the function."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    name: str
    short_desc: str = ""
    long_desc: str = ""
    params: type[BaseModel]
    """A pydantic model of the arguments."""
    returns: type[BaseModel] | None = None
    raises: list[dict[str, str | None]] = Field(default_factory=list)
    examples: list[str] = Field(default_factory=list)
    info: JsonObject = Field(default_factory=dict)
    use_short_desc: bool = False
    """The model is told the short part of the docstring alone."""

    _func: ToolFunction = PrivateAttr()
    _predefined: dict[str, object] = PrivateAttr(default_factory=dict)
    _schema: JsonObject | None = PrivateAttr(default=None)

    def __init__(self, func: ToolFunction | None = None, **fields: Any) -> None:
        """Make the tool of `func`.

        Arguments of `func` among `fields`, and those in the mapping `predefined`, are filled in and
        hidden from the schema. The others override what the signature and the docstring say. Raise
        TypeError for one that is neither an argument nor a field.
        """
        predefined = dict(fields.pop("predefined", {}))
        if func is not None:
            own = _arguments_among(fields, func)
            predefined |= {name: fields.pop(name) for name in own}
            fields = {**describe(func, frozenset(predefined)), **fields}
        super().__init__(**fields)
        self._func = func if func is not None else _not_callable
        self._predefined = predefined

    def __call__(self, *args: object, **kwargs: object) -> ToolResult:
        """Call the function; predefined arguments are filled in."""
        return self._func(*args, **{**self._predefined, **kwargs})

    def bind(self, func: ToolFunction) -> Tool:
        """Return this tool over another function with the same signature; shares the schema."""
        schema = self.openai_schema
        kind = type(self)
        bound = kind.__new__(kind)
        # Pydantic's own attribute access costs more than the rest of building an environment: slots
        # are set directly.
        _put(bound, "__dict__", self.__dict__.copy())
        _put(bound, "__pydantic_fields_set__", self.__pydantic_fields_set__)
        _put(bound, "__pydantic_extra__", None)
        private = {"_func": func, "_predefined": _private(self)["_predefined"], "_schema": schema}
        _put(bound, "__pydantic_private__", private)
        return bound

    def __reduce__(self) -> tuple[Any, ...]:
        func = portable(self._func, self.name)
        # Models that the function itself describes are made from it again, once per process.
        known: JsonMapping = {}
        if func is self._func:
            known = {**describe(self._func, frozenset(self._predefined))}
        state = dict(self.__dict__)
        for name in _MODELS:
            made = name in known and state[name] is known[name]
            state[name] = _DESCRIBED if made else portable_model(state[name])
        return _restored, (type(self), func, self._predefined, state)

    @field_serializer("params", "returns")
    def _as_schema(self, model: type[BaseModel] | None) -> JsonObject | None:
        return model.model_json_schema() if model is not None else None

    @property
    def __name__(self) -> str:
        """The name of the tool."""
        return self.name

    @property
    def description(self) -> str:
        """What the tool does: the short and the long part of the docstring."""
        return self._get_description()

    @property
    def parameters(self) -> JsonObject:
        """The JSON schema of the arguments."""
        schema: JsonObject = self.openai_schema["function"]["parameters"]
        return schema

    @property
    def openai_schema(self) -> JsonObject:
        """The tool as OpenAI's chat completions API describes it. Shared: do not mutate."""
        private = _private(self)
        schema: JsonObject | None = private["_schema"]
        if schema is None:
            schema = private["_schema"] = {
                "type": "function",
                "function": {
                    "name": self.name,
                    "description": self._get_description(),
                    "parameters": self.params.model_json_schema(),
                },
            }
        return schema

    def _get_description(self) -> str:
        if not self.long_desc or self.use_short_desc:
            return self.short_desc
        return f"{self.short_desc}\n\n{self.long_desc}" if self.short_desc else self.long_desc

    def coerce(self, arguments: JsonObject) -> JsonObject:
        """Return the arguments as the types of the signature.

        Raise ArgumentError naming every problem.
        """
        return coerce_arguments(self.name, self.params, arguments)

    def __eq__(self, other: object) -> bool:
        """Return whether both have the same name and schema; the bound function does not count."""
        if not isinstance(other, Tool):
            return NotImplemented
        return self.name == other.name and self.openai_schema == other.openai_schema

    __hash__ = None  # type: ignore[assignment]  # mutable, like every pydantic model

    def __str__(self) -> str:
        try:
            signature = str(inspect.signature(self._func))
        except (TypeError, ValueError):
            signature = "(...)"
        return f'def {self.name}{signature}:\n    """{self._get_description()}"""'


_put = object.__setattr__
_private: Callable[[Tool], dict[str, Any]] = attrgetter("__pydantic_private__")


def _restored(
    kind: type[Tool], func: ToolFunction, predefined: dict[str, object], state: dict[str, Any]
) -> Tool:
    """Return a tool that has been pickled."""
    known: JsonMapping = {}
    if _DESCRIBED in (state["params"], state["returns"]):
        known = {**describe(func, frozenset(predefined))}
    for name in _MODELS:
        model = state[name]
        if model == _DESCRIBED:
            state[name] = known[name]
        elif isinstance(model, tuple):
            state[name] = _model(*model)
    tool = kind.__new__(kind)
    _put(tool, "__dict__", state)
    _put(tool, "__pydantic_fields_set__", set(state))
    _put(tool, "__pydantic_extra__", None)
    private = {"_func": func, "_predefined": predefined, "_schema": None}
    _put(tool, "__pydantic_private__", private)
    return tool


def _arguments_among(fields: JsonMapping, func: ToolFunction) -> list[str]:
    """Return the names that are arguments of `func`.

    Raise TypeError for one that is no field of a tool either.
    """
    parameters = inspect.signature(func).parameters
    takes_more = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    arguments = []
    for name in fields:
        if name in parameters:
            arguments.append(name)
        elif name not in Tool.model_fields:
            if not takes_more:
                raise TypeError(f"{getattr(func, '__name__', func)}() has no argument {name!r}")
            arguments.append(name)
    return arguments


def _not_callable(*_args: object, **_kwargs: object) -> NoReturn:
    raise ArgumentError("this tool was described without a function; it cannot be called")


def coerce_arguments(name: str, params: type[BaseModel], arguments: JsonObject) -> JsonObject:
    """Return `arguments` validated against `params`; only what was given comes back.

    Text that spells a number or truth value becomes one, and JSON text a list or an object, where
    the schema wants them; an integer becomes a float, and a number becomes text. Raise
    ArgumentError with one line per problem.
    """
    try:
        checked = _validated(params, arguments)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, problem['loc'])) or 'arguments'}: {problem['msg'].lower()}"
            for problem in error.errors(include_url=False)
        ]
        raise ArgumentError(f"invalid arguments for {name}: " + "; ".join(problems)) from error
    # Defaults are left out: the tool's own function fills them in, and stored calls keep showing
    # what the model wrote.
    given = checked.model_fields_set
    return {key: value for key, value in checked.__dict__.items() if key in given} | (
        checked.model_extra or {}
    )


def _validated(params: type[BaseModel], arguments: JsonObject) -> BaseModel:
    try:
        return params.model_validate(arguments)
    except ValidationError as as_given:
        decoded = decoded_by_schema(arguments, _schema_of(params))
        if decoded == arguments:
            raise
        try:
            return params.model_validate(decoded)
        except ValidationError:
            # What is wrong with the arguments as they were given says more.
            raise as_given from None


@lru_cache(maxsize=_MOST_KEPT)
def _schema_of(params: type[BaseModel]) -> JsonObject:
    """Return a schema of the arguments; an empty one for types that have none."""
    try:
        return params.model_json_schema()
    except PydanticInvalidForJsonSchema:
        return {}


@lru_cache(maxsize=_MOST_KEPT)
def _described(func: ToolFunction, hidden: frozenset[str]) -> ToolDescription:
    doc = parse_docstring(inspect.getdoc(func) or "")
    return {
        "name": getattr(func, "__name__", type(func).__name__),
        "short_desc": doc.short_description or "",
        "long_desc": _without_line_breaks(doc.long_description or ""),
        "params": _params_model(func, doc, hidden),
        "returns": _returns_model(func, doc),
        "raises": [{"type": r.type_name, "desc": r.description} for r in doc.raises],
        "examples": [e.description or "" for e in doc.examples],
    }


def _without_line_breaks(text: str) -> str:
    """Return a description without the line breaks that only keep the source narrow.

    Paragraphs, and lines that begin with a bullet, stay apart.
    """
    return _BREAK_IN_PARAGRAPH.sub(" ", text)


def describe(func: ToolFunction, hidden: frozenset[str] = frozenset()) -> ToolDescription:
    """Return the fields of a Tool made from `func`.

    Parsed once per function, not per bound method.
    """
    return ToolDescription(**_described(getattr(func, "__func__", func), hidden))


def _hints(func: ToolFunction) -> dict[str, Any]:
    try:
        return get_type_hints(func, include_extras=True)
    except (NameError, TypeError):
        # A name of a local scope cannot be resolved here; pydantic resolves what it can.
        return dict(getattr(func, "__annotations__", {}))


def _params_model(func: ToolFunction, doc: Docstring, hidden: frozenset[str]) -> type[BaseModel]:
    described = {p.arg_name: p for p in doc.params}
    hints = _hints(func)
    parameters = [
        p
        for p in inspect.signature(func).parameters.values()
        if p.name not in {*hidden, "self", "cls"}
    ]
    fields: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.kind in _VARIADIC:
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        entry = described.get(parameter.name)
        text = _without_line_breaks(entry.description) if entry and entry.description else None
        fields[parameter.name] = (hints.get(parameter.name, Any), Field(default, description=text))
    takes_more = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    config = ConfigDict(
        extra="allow" if takes_more else "forbid",
        arbitrary_types_allowed=True,
        coerce_numbers_to_str=True,  # models write an id such as 123 without quotes
        protected_namespaces=(),
    )
    return _model("parameters", fields, config)


def _model(name: str, fields: dict[str, Any], config: ConfigDict) -> type[BaseModel]:
    with warnings.catch_warnings():
        # An argument may be named `copy` or `schema`: the model is only validated, its methods are
        # never called.
        warnings.filterwarnings("ignore", message=".*shadows an attribute", category=UserWarning)
        model: type[BaseModel] = create_model(name, __config__=config, **fields)
    setattr(model, RECIPE, (name, fields, config))
    return model


def _returns_model(func: ToolFunction, doc: Docstring) -> type[BaseModel] | None:
    annotation = _hints(func).get("return")
    if annotation is None:
        return None
    text = doc.returns.description if doc.returns else None
    if text is not None:
        text = _without_line_breaks(text)
    config = ConfigDict(arbitrary_types_allowed=True)
    return _model("returns", {"returns": (annotation, Field(..., description=text))}, config)


def as_tool(func: ToolFunction, **predefined: object) -> Tool:
    """Return the tool of `func`.

    Arguments in `predefined` are filled in and hidden from the schema.
    """
    return Tool(func, predefined=predefined)
