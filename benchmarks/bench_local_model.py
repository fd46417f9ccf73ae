"""Speed of a local model, and what reuse and batching save. Needs the extra `local` and weights.

    python benchmarks/bench_local_model.py --model smollm2
    python benchmarks/bench_local_model.py --model models/mine.gguf --threads 2 --all

Prints JSON. `prompt` and `generated` are tokens per second of one call, at a short and at a long
prompt. `reuse` is two conversations about retail at the same time: tokens that were evaluated, and
tokens that would be if every call evaluated its whole prompt. `batch` is the generated tokens per
second of 8 calls at the same time as a multiple of one call's; no batch can gain more than the
ratio of `prompt` to `generated`, since a prompt is the largest of batches. `start` is the first
answer of a process, with the policy evaluated and read from disk. `--all` also plays `reuse` with
every prompt evaluated anew, which takes minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from common import report, rounded, rss_mb

from tau2.config import models_dir
from tau2.llm.backends.local import engine_of
from tau2.llm.local import chat
from tau2.llm.local.engine import Engine, Generated, Sampling, close_engines
from tau2.llm.local.slots import Call
from tau2.registry import registry

TURNS = (
    "Hello, my order #W0000417 has not arrived. My name is Nora Feldt, zip code 40412.",
    "I would like to exchange the keyboard in it for one with clicky switches.",
    "And the thermostat for one that works with Google Home, if there is any.",
    "No, leave the keyboard as it is then. Only the thermostat.",
    "Yes, please go ahead.",
    "That is all, thank you.",
)
ANSWER = "Certainly. Let me check that for you, one moment please."
ANSWER_TOKENS = 24
CONCURRENT = 8
TIMED_TOKENS = 48
MOST_EVALUATED = 0.2  # of the tokens that would be evaluated without reuse


def conversation() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the beginning of a conversation about retail, and its tools."""
    environment = registry.get_env_constructor("retail")()
    tools = [tool.openai_schema for tool in environment.get_tools()]
    return [{"role": "system", "content": environment.get_policy()}], tools


def at_once(work: Callable[[int], Any], count: int) -> float:
    """Return the seconds that so many calls take in threads of their own."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - began


def generate(engine: Engine, prompt: str, prefix: str = "", tokens: int = TIMED_TOKENS) -> float:
    sampling = Sampling(max_tokens=tokens, extra={"ignore_eos": True})
    began = time.monotonic()
    engine.generate(prompt, sampling, prefix=prefix)
    return time.monotonic() - began


def speed(engine: Engine, prompt: str, prefix: str) -> tuple[float, float]:
    """Return tokens per second of evaluating a new prompt, and of generating after it."""
    seconds = generate(engine, prompt, prefix, tokens=1)
    evaluated = len(engine.tokens_of(prompt))
    again = generate(engine, prompt, prefix)
    return evaluated / seconds, TIMED_TOKENS / again


def batched(engine: Engine, prompts: list[str], prefix: str) -> float:
    """Return generated tokens per second of all prompts at once."""
    for prompt in prompts:
        generate(engine, prompt, prefix, tokens=1)
    seconds = at_once(lambda number: generate(engine, prompts[number], prefix), len(prompts))
    return TIMED_TOKENS * len(prompts) / seconds


def talk(engine: Engine, number: int, *, reuses: bool) -> list[Generated]:
    """Play one conversation; the assistant's answers are fixed, so that runs compare."""
    messages, tools = conversation()
    generated = []
    for turn in TURNS:
        messages.append({"role": "user", "content": f"{turn} (customer {number})"})
        asked = chat.ask(engine, messages, tools, {"max_tokens": ANSWER_TOKENS})
        if not reuses:
            extra = {"cache_prompt": False}
            asked = replace(asked, prefix="", sampling=replace(asked.sampling, extra=extra))
        generated.append(chat.generate(engine, asked, Call()))
        messages.append({"role": "assistant", "content": ANSWER})
    return generated


def two_conversations(engine: Engine, *, reuses: bool) -> dict[str, float]:
    played: list[Generated] = []
    seconds = at_once(lambda number: played.extend(talk(engine, number, reuses=reuses)), 2)
    prompts = sum(one.prompt_tokens for one in played)
    return {
        "seconds": rounded(seconds),
        "prompt_tokens": prompts,
        "evaluated": prompts - sum(one.reused_tokens for one in played),
    }


def first_answer(model: str, args: dict[str, Any]) -> None:
    """Print the seconds from loading to an answer, and the tokens that were evaluated."""
    began = time.monotonic()
    engine = engine_of(f"local/{model}", args)
    messages, tools = conversation()
    messages.append({"role": "user", "content": TURNS[0]})
    asked = chat.ask(engine, messages, tools, {"max_tokens": 1})
    generated = chat.generate(engine, asked, Call())
    evaluated = generated.prompt_tokens - generated.reused_tokens
    seconds = rounded(time.monotonic() - began)
    sys.stdout.write(json.dumps({"seconds": seconds, "evaluated": evaluated}))
    close_engines()


def started() -> dict[str, Any]:
    command = [sys.executable, __file__, *sys.argv[1:], "--first-answer"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="smollm2", help="a name, or a path that ends in .gguf")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--all", action="store_true", help="also without reuse")
    parser.add_argument("--first-answer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    args = {"n_threads": options.threads, "n_parallel": CONCURRENT, "n_ctx": 6144}
    if options.first_answer:
        first_answer(options.model, args)
        return
    # Weights stay where they are; evaluated prompts begin from nothing.
    os.environ["TAU2_MODELS_DIR"] = str(models_dir())
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TAU2_CACHE_DIR"] = folder
        start = {"cold": started(), "warm": started()}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TAU2_CACHE_DIR"] = folder
        measure(options, args, start)


def measure(options: argparse.Namespace, args: dict[str, Any], start: dict[str, Any]) -> None:
    began = time.monotonic()
    engine = engine_of(f"local/{options.model}", args)
    load_seconds = time.monotonic() - began
    reuse = two_conversations(engine, reuses=True)
    short = [f"<|im_start|>user\nCount from {n}.<|im_end|>\n" for n in range(CONCURRENT)]
    messages, tools = conversation()
    asked = [
        chat.ask(engine, [*messages, {"role": "user", "content": f"Hello, I am {n}."}], tools, {})
        for n in range(CONCURRENT)
    ]
    long = [one.prompt for one in asked]
    short_speed = speed(engine, " ".join(short) * 4, "")
    one_short = batched(engine, short[:1], "")
    all_short = batched(engine, short, "")
    one_long = batched(engine, long[:1], asked[0].prefix)
    all_long = batched(engine, long, asked[0].prefix)
    anew = two_conversations(engine, reuses=False) if options.all else None
    figures = {
        "load_seconds": rounded(load_seconds),
        "rss_mb": rounded(rss_mb()),
        "prompt": rounded(short_speed[0]),
        "generated": rounded(one_short),
        "generated_long": rounded(one_long),
        "batch": rounded(all_short / one_short),
        "batch_long": rounded(all_long / one_long),
        "evaluated": rounded(reuse["evaluated"] / reuse["prompt_tokens"]),
    }
    close_engines()
    report(
        "local_model",
        figures,
        {"evaluated": MOST_EVALUATED},
        model=options.model,
        threads=options.threads,
        long_prompt=reuse["prompt_tokens"] // (2 * len(TURNS)),
        reuse=reuse,
        without_reuse=anew,
        start=start,
    )


if __name__ == "__main__":
    main()
