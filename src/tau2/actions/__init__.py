"""Text to tool calls and back: every syntax is read and written here, once.

parse          texts as messages: JSON, functional form, calls between tags, or plain text
message        structured actions (messages, tool calls, dictionaries of OpenAI's API) as messages
tool_calls     tool calls and their arguments from JSON
functional     `name(key=value, ...)`
written_calls  calls in whatever form a model writes them, where the tools are known
tagged         `<tool_call>{...}</tool_call>`
reasoning      the text of a message, separate from its reasoning
signatures     tools as one line each, for prompts
plain_chat     messages and tools as turns that any chat template renders
chat_tokens    conversations as token ids, and which of them are replies to imitate
chat_template  what a tokenizer's template can render, and conversations as its text
"""
