"""The guide "tau2-bench Online Environment".

Its two command lines, word for word but for the interpreter.

See tests/train/place.py for what surrounds them; tests/train/test_main.py also resumes them.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

_NAMED = os.environ.get("TAU2_GUIDES_DIR")
_FOLDER = Path(_NAMED) if _NAMED else Path(__file__).resolve().parents[3] / "shared" / "guides"
GUIDE = _FOLDER / "online-environment.md"

if not GUIDE.is_file():
    pytest.skip(
        "the guides are not beside this checkout (set TAU2_GUIDES_DIR to their folder)",
        allow_module_level=True,
    )
for package in ("yaml", "torch", "transformers", "peft"):
    pytest.importorskip(package, reason=f"training needs {package}")

from tests.train.place import install_model, placed  # noqa: E402  -- what is missing is said first

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def hf_home(tmp_path_factory):
    return install_model(tmp_path_factory.mktemp("hf"))


def commands() -> list[str]:
    """Return the command lines that start a program, without what starts Python."""
    blocks = re.findall(
        r"^```bash\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    starts = "CUDA_VISIBLE_DEVICES=0 uv run python "
    return [
        shlex.join(shlex.split(line.removeprefix(starts)))
        for line in lines
        if line.startswith(starts)
    ]


def test_there_are_two_of_them():
    assert [command.split()[0] for command in commands()] == ["main.py", "main_pytorch.py"]


@pytest.mark.parametrize(("number", "trainer"), [(0, "qwen3_4b_aprm"), (1, "aprm_for_sft100")])
def test_a_command_of_the_guide_trains(tmp_path, hf_home, number, trainer):
    with placed(tmp_path, hf_home) as place:
        place.write_small(trainer)
        code, told = place.interrupted_after(commands()[number], 1)
    assert code == 130, told
    assert place.rows()[-1]["phase"] == "act_prm"
