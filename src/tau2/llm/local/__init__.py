"""Models that run in this process: llama.cpp, its weights, and what is asked of it.

engine       one llama.cpp per weights and adapter, loaded on first use
library      the only module that knows the package `xllamacpp`
gguf         what the header of a file of weights says
slots        which conversation is in which part of the engine's memory
prefixes     evaluated prompts on disk, so that no process evaluates them again
chat         requests in OpenAI's form as prompts, and generated text as completions
"""
