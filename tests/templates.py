"""Chat templates of several kinds, and a tokenizer that renders them, for tests of prompts."""

from __future__ import annotations

import json
from importlib import resources
from types import SimpleNamespace
from typing import Any

import jinja2

# Turns between two marks, and a system turn of its own where none is given; tools are dropped.
TURNS = """{% for message in messages %}
{%- if loop.first and message.role != 'system' %}{{ '<|im_start|>system\\nBe kind.<|im_end|>\\n' }}
{%- endif %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""

CHATML = TURNS.replace("Be kind.", "")

# The assistant is a model, nobody is the system, turns alternate, and text is trimmed.
NO_SYSTEM = """{{ '<bos>' }}{% for message in messages %}
{%- if message.role == 'system' %}{{ raise_exception('no system turns') }}{% endif %}
{%- if (message.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate') }}
{%- endif %}
{%- set role = 'model' if message.role == 'assistant' else message.role %}
{{- '<start_of_turn>' + role + '\\n' + message.content | trim + '<end_of_turn>\\n' }}
{%- endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"""

# Instructions in brackets, replies end with </s>, turns alternate after the system prompt.
BRACKETS = """{{ '<s>' }}
{%- set told = messages[0].content + '\\n\\n' if messages[0].role == 'system' else '' %}
{%- set rest = messages[1:] if messages[0].role == 'system' else messages %}
{%- for message in rest %}
{%- if (message.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate') }}
{%- endif %}
{%- if message.role == 'user' %}
{{- '[INST] ' + (told if loop.first else '') + message.content + ' [/INST]' }}
{%- else %}{{ ' ' + message.content | trim + '</s>' }}{% endif %}
{%- endfor %}"""

# Renders tools, and calls in a syntax that nobody here reads.
OTHER_CALLS = """{% if tools %}{{ '[TOOLS]' + tools | tojson + '[/TOOLS]' }}{% endif %}
{%- for message in messages %}
{%- if message.tool_calls %}{{ '[CALLS]' + message.tool_calls | tojson + '</s>' }}
{%- else %}{{ '[' + message.role + ']' + message.content + '</s>' }}{% endif %}
{%- endfor %}{% if add_generation_prompt %}{{ '[assistant]' }}{% endif %}"""

NATIVE = (
    resources.files("act_prm.llm_handlers")
    .joinpath("tiny_chat_template.jinja")
    .read_text(encoding="utf-8")
)

ENDS = {
    TURNS: "<|im_end|>",
    CHATML: "<|im_end|>",
    NATIVE: "<|im_end|>",
    NO_SYSTEM: "<end_of_turn>",
    BRACKETS: "</s>",
    OTHER_CALLS: "</s>",
}
MARKS = ["<|im_start|>", "<|im_end|>", "<start_of_turn>", "<end_of_turn>", "<s>", "</s>", "<bos>"]
_FIRST_MARK = 1_114_112  # past every letter


class TemplateTokenizer:
    """A tokenizer of letters and marks, with a Jinja template as transformers renders it."""

    def __init__(self, template: str) -> None:
        self.chat_template = template
        self.all_special_tokens = list(MARKS)
        self.added_tokens_decoder = {
            1: SimpleNamespace(content="<repo_name>", special=True),
            2: SimpleNamespace(content="<tool_call>", special=True),
        }
        self.eos_token_id = _FIRST_MARK + MARKS.index(ENDS[template])

    def apply_chat_template(self, conversation: list[Any], **options: Any) -> str:
        def refuse(reason: str) -> None:
            raise jinja2.TemplateError(reason)

        assert options.pop("tokenize") is False
        environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
        environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
        template = environment.from_string(self.chat_template)
        return template.render(messages=conversation, raise_exception=refuse, **options)

    def encode(self, text: str, *, add_special_tokens: bool = False) -> list[int]:
        ids = []
        while text:
            mark = next((one for one in MARKS if text.startswith(one)), None)
            ids.append(ord(text[0]) if mark is None else _FIRST_MARK + MARKS.index(mark))
            text = text[len(mark or text[0]) :]
        return ids

    def decode(self, token_ids: Any, *, skip_special_tokens: bool = True) -> str:
        shown = []
        for one in token_ids:
            if one < _FIRST_MARK:
                shown.append(chr(one))
            elif not skip_special_tokens:
                shown.append(MARKS[one - _FIRST_MARK])
        return "".join(shown)
