"""Models that run in this process: llama.cpp, its weights, and what is asked of it.

engine       one llama.cpp per weights and adapter, loaded on first use
library      the only module that knows the package `xllamacpp`
gguf         what the header of a file of weights says
slots        which conversation is in which part of the engine's memory
prefixes     evaluated prompts on disk, so that no process evaluates them again
chat         requests in OpenAI's form as prompts, and generated text as completions

constraint       what a model may write next, as a grammar, and how it is read
offered          which tools may be called now
conversation     the texts, calls and results so far
seen             values that they have shown: ids, addresses, names
schema_grammar   JSON schemas as grammar
string_roles     what a string argument holds
number_grammar   numbers between bounds
gbnf             the notation of grammars
"""
