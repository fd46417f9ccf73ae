"""A tiny model, built once for all tests of training.

Without torch these tests are skipped, module by module.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from act_prm.llm_handlers.lora import LoraSettings

_ADAPTERS = LoraSettings(r=4, alpha=8)
_HERE = Path(__file__).parent
_FOREIGN_WARNINGS = (
    # Peft asks transformers by the old name.
    "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning",
)


def pytest_collection_modifyitems(items):
    for item in items:
        if _HERE in item.path.parents:
            for one in _FOREIGN_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(one), append=False)


@pytest.fixture(scope="session", autouse=True)
def _no_monitor():
    """Progress bars start a thread that watches over them and outlives the test.

    Nobody needs it here.
    """
    with pytest.MonkeyPatch.context() as patch:
        if (tqdm := sys.modules.get("tqdm")) is not None:
            patch.setattr(tqdm.tqdm, "monitor_interval", 0)
        yield


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """A folder with the smallest model that has everything: its replies have about eight tokens."""
    from act_prm.llm_handlers.tiny import build_tiny_model

    return build_tiny_model(
        tmp_path_factory.mktemp("models") / "tiny", hidden=32, layers=2, vocab=512, eos_bias=4.0
    )


@pytest.fixture
def tiny(tiny_folder):
    """Makes models of that folder, closed after the test; `lora=None` trains all of it."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from act_prm.llm_handlers.lora import attach_lora
    from act_prm.llm_handlers.torch_model import TorchModel, TorchSettings

    made = []

    def make(*, lora=_ADAPTERS, **settings):
        model = AutoModelForCausalLM.from_pretrained(tiny_folder)
        if lora is not None:
            model = attach_lora(model, lora, seed=0)
        settings = TorchSettings(**settings)
        made.append(
            TorchModel(
                model, AutoTokenizer.from_pretrained(tiny_folder), name="tiny", settings=settings
            )
        )
        return made[-1]

    yield make
    for one in made:
        asyncio.run(one.close())
