"""The example on the real `areal` package, without GPUs: `make test-areal` runs this in an
environment of its own.

AReaL's inference engine is the only part that is played: it "generates" what a reference run said.
Its configuration classes, its parser, its proxy server, its workflow and its trajectories are its
own.
"""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.areal.example import CONFIG, cast_of, lines_of, reference_run, script, state_after
from tests.guides.test_areal_training import GUIDE, TRAINING
from tests.stub import StubServer, failing

from tau2.data_model.message import AssistantMessage
from tau2.errors import ConfigError

areal = pytest.importorskip(
    "areal", reason="areal 1.0.4 is not installed here; `make test-areal` installs it"
)

allocation, agent = script("tau2_allocation"), script("tau2_agent")
train, utils = script("tau2_train"), script("tau2_utils")


@pytest.fixture
def places(tmp_path):
    """Overrides that keep AReaL's files in the test's own folder."""
    return [
        f"cluster.fileroot={tmp_path}/runs",
        f"cluster.name_resolve.nfs_record_root={tmp_path}/names",
    ]


def words_of(body: str) -> list[str]:
    """Return the words after the launcher on a guide's command line."""
    line = next(line for line in body.replace("\\\n", " ").splitlines() if "tau2_train.py" in line)
    words = shlex.split(line)
    return words[words.index("examples/tau2/tau2_train.py") :]


def test_the_file_loads_as_it_stands(places):
    config = train.load_config(["--config", str(CONFIG), *places])
    assert (config.rollout.backend, config.actor.backend, config.ref.backend) == (
        "sglang:d4t2",
        "archon:d4p2t1",
        "archon:d4p2t1",
    )
    agent_config = config.rollout.agent
    assert (agent_config.mode, agent_config.tool_call_parser, agent_config.export_style) == (
        "inline",
        "qwen25",
        "individual",
    )
    assert config.econfig == utils.Tau2EnvConfig(
        domain="airline",
        add_thinking_tool=False,
        user_llm="openai/gpt-4.1",
        user_llm_args={"temperature": 0.0, "max_completion_tokens": 512},
    )
    assert (config.actor.reward_norm.group_size, config.eval_gconfig.temperature) == (16, 0.6)
    saved = next(Path(places[0].partition("=")[2]).rglob("config.yaml")).read_text(encoding="utf-8")
    assert agent_config.admin_api_key not in saved


@pytest.mark.skipif(not GUIDE.is_file(), reason="the guides are not beside this checkout")
@pytest.mark.parametrize("block", TRAINING, ids=lambda block: block.heading)
def test_the_guides_commands_load(block, places, monkeypatch):
    monkeypatch.chdir(CONFIG.parents[2])
    config = train.load_config([*words_of(block.body), *places])
    generator, trainer = re.findall(r"allocation_mode=(\S+)", block.body)[0].split("+")
    assert (config.rollout.backend, config.actor.backend) == (generator, trainer)
    assert config.econfig.domain == "airline"


def test_the_current_form_loads(places):
    current = [
        "rollout.backend=vllm:d2",
        "actor.backend=fsdp:d2c2",
        "scheduler.type=slurm",
        "do_eval=true",
    ]
    config = train.load_config(["--config", str(CONFIG), *current, *places])
    assert (config.rollout.backend, config.actor.backend, config.scheduler.type) == (
        "vllm:d2",
        "fsdp:d2c2",
        "slurm",
    )
    rows, valid = train.datasets_of(config)
    assert len(rows) >= train.FEWEST_ROWS
    assert set(valid["split"]) == {"test"}


def test_one_discount_serves_the_episode_and_the_proxy(places):
    config = train.load_config(["--config", str(CONFIG), "econfig.turn_discount=0.9", *places])
    assert config.rollout.agent.turn_discount == 0.9
    older = train.load_config(
        ["--config", str(CONFIG), "rollout.openai.turn_discount=0.8", *places]
    )
    assert older.econfig.turn_discount == 0.8


def test_an_older_file_loads(tmp_path, places):
    content = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    content["rollout"]["openai"] = content["rollout"].pop("agent")
    del content["rollout"]["backend"], content["actor"]["backend"]
    content["allocation_mode"] = "sglang:d1+megatron:(attn:d4p4t2|ffn:d2p4e4)"
    older = tmp_path / "older.yaml"
    older.write_text(yaml.safe_dump(content), encoding="utf-8")
    config = train.load_config(["--config", str(older), *places])
    assert config.actor.backend == "megatron:(attn:d4p4t2|ffn:d2p4e4)"
    assert config.rollout.agent.reasoning_parser == "qwen3"


def test_a_key_that_does_not_exist_is_refused(places):
    with pytest.raises(Exception, match="econfig"):
        train.load_config(["--config", str(CONFIG), "econfig.max_step=3", *places])


def sizes(letters: str) -> st.SearchStrategy[str]:
    one = st.tuples(st.sampled_from(letters), st.integers(0, 8)).map(
        lambda pair: f"{pair[0]}{pair[1]}"
    )
    return st.lists(one, min_size=1, max_size=4, unique_by=lambda size: size[0]).map("".join)


EXPERTS = st.builds("(attn:{}|ffn:{})".format, sizes("dtpc"), sizes("dtpe"))
GENERATORS = st.builds("{}:{}".format, st.sampled_from(["sglang", "vllm", "fsdp"]), sizes("dtp"))
TRAINERS = st.builds(
    "{}{}:{}".format,
    st.sampled_from(["archon", "fsdp", "megatron"]),
    st.sampled_from(["", "", "[actor]"]),
    st.one_of(sizes("dtpce"), sizes("dtpce"), EXPERTS),
)


@settings(max_examples=100)
@given(st.builds("{}+{}".format, GENERATORS, TRAINERS))
def test_our_parser_is_areals(text):
    from areal.api.alloc_mode import _AllocationMode

    try:
        theirs = [
            (one.backend, one.parallel.world_size)
            for one in _AllocationMode.from_str(text).allocations
        ]
    except Exception:  # noqa: BLE001  -- AReaL's refusals have no common class
        theirs = None
    try:
        ours = [(one.backend, one.world_size) for one in allocation.parse_allocation(text)]
    except ConfigError:
        ours = None
    assert ours == theirs


def byte_tokenizer(folder: Path) -> Any:
    """Save a tokenizer of single bytes with a plain chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {
        letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))
    }
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token="<|end|>", pad_token="<|pad|>"
    )
    tokenizer.chat_template = (
        "{% for m in messages %}<<{{ m.role }}>>{{ m.content or '' }}"
        "{% if m.tool_calls %}{{ m.tool_calls | tojson }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<<assistant>>{% endif %}"
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


class PlayedEngine:
    """Generates what a reference run said, turn by turn."""

    def __init__(self, folder: Path, lines: list[dict[str, Any]], **agent_config: Any) -> None:
        from areal.api.cli_args import AgentConfig

        self.lines, self.tokenizer, self.generations = lines, byte_tokenizer(folder), 0
        settings = AgentConfig(
            agent_cls_path=train.WORKFLOW, admin_api_key="of this test", **agent_config
        )
        self.config = SimpleNamespace(tokenizer_path=str(folder), agent=settings, lora_name="")

    async def agenerate(self, request: Any) -> Any:
        from areal.api.io_struct import ModelResponse

        self.generations += 1
        place = self.tokenizer.decode(request.input_ids).count("<<assistant>>") - 1
        line = (
            self.lines[place]
            if place < len(self.lines)
            else {"content": "###STOP###", "tool_calls": []}
        )
        calls = "".join(f"<tool_call>{json.dumps(call)}</tool_call>" for call in line["tool_calls"])
        tokens = [
            *self.tokenizer.encode(f"{line['content'] or ''}{calls}"),
            self.tokenizer.eos_token_id,
        ]
        return ModelResponse(
            input_tokens=list(request.input_ids),
            output_tokens=tokens,
            output_logprobs=[-0.5] * len(tokens),
            output_versions=[0] * len(tokens),
            tokenizer=self.tokenizer,
        )


def qwen_calls(
    text: str, _tools: Any, _parser: str, _reasoning: str, reason: str, **_: Any
) -> tuple[Any, str, str]:
    """Parse tool calls as Qwen writes them; AReaL leaves that to sglang or vllm, which need a
    GPU."""
    from openai.types.chat.chat_completion_message_function_tool_call import (
        ChatCompletionMessageFunctionToolCall,
        Function,
    )

    found = [
        json.loads(call) for call in re.findall(r"<tool_call>(.*?)</tool_call>", text, re.DOTALL)
    ]
    calls = [
        ChatCompletionMessageFunctionToolCall(
            type="function",
            id=call["id"],
            function=Function(name=call["name"], arguments=json.dumps(call["arguments"])),
        )
        for call in found
    ]
    return calls or None, re.sub(r"<tool_call>.*?</tool_call>", "", text, flags=re.DOTALL), reason


@contextmanager
def served(engine: PlayedEngine, monkeypatch: Any) -> Any:
    """Serve AReaL's proxy over an engine from loopback; yield its address."""
    import uvicorn
    from areal.experimental.openai import client
    from areal.experimental.openai.proxy import proxy_rollout_server as proxy

    monkeypatch.setenv(
        "OPENAI_API_KEY", "unused"
    )  # AReaL's client is made from OpenAI's, which insists on one
    monkeypatch.setattr(client, "process_tool_calls", qwen_calls)
    monkeypatch.setattr(proxy, "_engine", engine)
    monkeypatch.setattr(proxy, "_server_host", "127.0.0.1")
    proxy._setup_openai_client()
    server = uvicorn.Server(
        uvicorn.Config(proxy.app, host="127.0.0.1", port=0, log_level="warning", loop="asyncio")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive(), "AReaL's proxy did not start"
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


async def trajectory(address: str, flow: Any, data: dict[str, Any], discount: float = 1.0) -> Any:
    """Play an episode through AReaL's own workflow and return what it would train on."""
    from areal.experimental.openai import OpenAIProxyWorkflow
    from areal.infra import workflow_context

    workflow_context.set(workflow_context.WorkflowContext(is_eval=False, task_id=7))
    wrapped = OpenAIProxyWorkflow(
        mode="inline",
        agent=flow,
        proxy_addr=address,
        admin_api_key="of this test",
        discount=discount,
    )
    return await wrapped.arun_episode(None, data)


def flow_for(domain: str, user: StubServer, *, solo: bool = False, **econfig: Any) -> Any:
    users = {} if solo else {"user_llm": "openai/customer", "user_llm_base_url": user.base_url}
    return agent.Tau2AgentWorkflow(
        {
            "domain": domain,
            "solo_mode": solo,
            "add_thinking_tool": False,
            "max_steps": 200,
            **users,
            **econfig,
        },
        gen_args={"temperature": 1.0, "max_new_tokens": 512},
    )


EPISODES = [
    ("mock", "create_task_1", False),
    ("airline", None, False),
    ("retail", None, False),
    ("telecom", None, False),
    ("telecom", None, True),
]


@pytest.mark.parametrize(("domain", "task_id", "solo"), EPISODES)
def test_an_episode_through_areals_proxy(domain, task_id, solo, tmp_path, monkeypatch):
    task_id = task_id or utils.dataset_rows(domain, "test")[0]["task_id"]
    run = reference_run(domain, task_id, solo=solo)
    engine = PlayedEngine(tmp_path, lines_of(run, AssistantMessage))
    data = {"task_id": task_id}
    with cast_of(run) as (_, user), served(engine, monkeypatch) as address:
        interactions = asyncio.run(
            trajectory(address, flow_for(domain, user, solo=solo), data, discount=0.9)
        )
    messages, reference = data["_run_info"].messages, run.get_messages()
    assert data["_run_info"].reward == 1.0
    assert [(m.role, m.content or None) for m in messages] == [
        (m.role, m.content or None) for m in reference
    ]
    assert state_after(domain, task_id, messages, solo=solo) == state_after(
        domain, task_id, reference, solo=solo
    )
    rewards = [interaction.reward for interaction in interactions.values()]
    assert len(rewards) == engine.generations
    assert rewards == pytest.approx([0.9**turn for turn in reversed(range(len(rewards)))])
    tensors = next(iter(interactions.values())).to_tensor_dict()
    assert tensors["loss_mask"].sum() > 0
    assert utils.worth_training({"rewards": tensors["rewards"]})


def test_a_broken_customer_leaves_no_trajectory(tmp_path, monkeypatch):
    run = reference_run("mock", "create_task_1")
    engine = PlayedEngine(tmp_path, lines_of(run, AssistantMessage))
    with StubServer(failing(401)) as user, served(engine, monkeypatch) as address:
        playing = trajectory(address, flow_for("mock", user), {"task_id": "create_task_1"})
        with pytest.raises(agent.UserSimulatorFailed):
            asyncio.run(playing)


def test_malformed_calls_lower_what_areal_trains_on(tmp_path, monkeypatch):
    run = reference_run("mock", "create_task_1")
    lines = lines_of(run, AssistantMessage)
    lines.insert(
        1, {"content": None, "tool_calls": [{"id": "x", "name": "no_such_tool", "arguments": {}}]}
    )
    engine = PlayedEngine(tmp_path, lines)
    with cast_of(run) as (_, user), served(engine, monkeypatch) as address:
        flow = flow_for("mock", user, invalid_format_penalty=0.25)
        interactions = asyncio.run(trajectory(address, flow, {"task_id": "create_task_1"}))
    assert {interaction.reward for interaction in interactions.values()} == {0.75}


def test_a_conversation_that_outgrows_the_engine_is_a_reward(tmp_path, monkeypatch):
    run = reference_run("mock", "create_task_1")
    engine = PlayedEngine(tmp_path, lines_of(run, AssistantMessage), engine_max_tokens=1)
    data: dict[str, Any] = {"task_id": "create_task_1"}

    async def play(address: str) -> float:
        from areal.experimental.openai.proxy.client_session import OpenAIProxyClient
        from areal.infra import workflow_context

        session = await workflow_context.get_aiohttp_session()
        headers = {"Authorization": "Bearer of this test"}
        async with session.post(f"{address}/grant_capacity", headers=headers) as response:
            response.raise_for_status()
        async with OpenAIProxyClient(session, address, "7", "of this test") as proxy:
            return await flow_for("mock", user).run(
                data, base_url=address, api_key=proxy.session_api_key
            )

    with cast_of(run) as (_, user), served(engine, monkeypatch) as address:
        assert asyncio.run(play(address)) == 0.0
    assert "context window" in data["_run_info"].error


def test_areal_accepts_the_workflow_by_name():
    from areal.utils.dynamic_import import import_from_string

    assert import_from_string(train.WORKFLOW) is agent.Tau2AgentWorkflow
    assert import_from_string(train.FILTER) is utils.worth_training
    assert asyncio.iscoroutinefunction(agent.Tau2AgentWorkflow.run)
