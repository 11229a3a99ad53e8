"""llama.cpp: loading a model, and answering several requests at once from it. The only room that imports llama_cpp."""
