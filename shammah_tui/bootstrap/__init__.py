"""From a fresh machine to a model file: what the machine has, what there is to choose, fetching and checking it.

`prepare.prepare` is the entrance for the engine, `report` for the command line, `state.advance` for whoever keeps the
state. Only the child process in `hub` imports huggingface_hub.
"""
