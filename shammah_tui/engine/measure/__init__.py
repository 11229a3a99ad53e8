"""Measures a GGUF in llama.cpp, with and without an adapter: what the gate of `learning` asks, in its own process.

`python -m shammah_tui.engine.measure MODEL.gguf [--threads N] [--context N]` reads one JSON request a line and
answers each with one JSON line; `{"error": …}` where it cannot. Tokens are lists of ids, a row is
`{"prompt": ids, "answer": ids}`.

| request `op` | other keys | answer |
|---|---|---|
| (on start) | | `ready`, `chat_template`, `eos`, `bos`, `vocabulary`, `context`, `parameters`, `architecture` |
| `tokenize` | `texts` | `tokens`: one list a text |
| `adapter` | `path` (null: none), `scale` | `set` |
| `answer` | `prompts`, `max_tokens`, `temperature`, `seed` | `answers`: `tokens`, `text`, `ended` each |
| `score` | `rows` | `scores`: `logprob`, `tokens`, `greedy` (each token was the likeliest) each |
| `divergence` | `rows`, `path`, `scales` | `tokens`, `nll` of the base, and `nll`, `kl` at each scale, nats a token |
"""
