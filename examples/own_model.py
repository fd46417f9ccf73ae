"""A model that is a Python function: the standard agent asks it, with its usual prompt and tools.

    python own_model.py

A server that speaks OpenAI's protocol needs only its address (`api_base`). For a model that other
people install, `tau2 new backend NAME` writes a package.
"""

from tau2 import TextRunConfig
from tau2.llm.backends.scripted import register_script
from tau2.runner import get_tasks, run_tasks


def desk(messages, tools, args):
    """Return a text or tool calls. Put your model here.

    The messages and tools are in OpenAI's form; `args` are the arguments of the run.
    """
    if messages[-1]["role"] == "tool":
        return "It is on your list. Is there anything else?"
    title = args.get("title", "Important Meeting")
    return {"name": "create_task", "arguments": {"user_id": "user_1", "title": title}}


def main():
    """Play a task on this model, with two values of an argument."""
    tasks = get_tasks("mock", task_ids=["create_task_1"])
    with register_script("desk", desk) as model:
        for title in ("Important Meeting", "Meeting"):
            config = TextRunConfig(
                domain="mock",
                llm_agent=model,
                llm_args_agent={"title": title},
                user="scripted_user",
            )
            results = run_tasks(config, tasks, console_display=False)
            print(f"{model} with title={title!r}: reward {results.average_reward():.1f}")


if __name__ == "__main__":
    main()
