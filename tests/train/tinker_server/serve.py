"""Start SkyRL's Tinker-compatible server without `uv` and on Python 3.11: `serve.py api ...`,
`serve.py engine ...`.

SkyRL 0.3.0 expects both; what is changed is how its types are declared and how its engine process
is started.
"""

from __future__ import annotations

import runpy
import sys
import typing

import typing_extensions


def main() -> None:
    """Run the named part of the server with the arguments that follow its name."""
    typing.TypedDict = (
        typing_extensions.TypedDict
    )  # pydantic refuses typing's own before Python 3.12
    part, *rest = sys.argv[1:]
    sys.argv = [f"skyrl.tinker.{part}", *rest]
    if part == "engine":
        runpy.run_module("skyrl.tinker.engine", run_name="__main__")
        return
    _serve()


def _serve() -> None:
    import argparse

    import uvicorn
    from skyrl.tinker import api
    from skyrl.tinker.config import EngineConfig, add_model, config_to_argv

    def engine_command(parent: list[str], config: EngineConfig) -> list[str]:
        return [sys.executable, __file__, "engine", *config_to_argv(config)]

    api._build_uv_run_cmd_engine = engine_command
    parser = argparse.ArgumentParser()
    add_model(parser, EngineConfig)
    parser.add_argument("--port", type=int, required=True)
    given = vars(parser.parse_args())
    port = given.pop("port")
    api.app.state.engine_config = EngineConfig.model_validate(given)
    uvicorn.run(api.app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
