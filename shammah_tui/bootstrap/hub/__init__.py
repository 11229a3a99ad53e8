"""The child process that talks to the model hub: the only place that imports huggingface_hub.

`python -m shammah_tui.bootstrap.hub` reads one request from its standard input and writes one JSON object a line on its
standard output (`protocol`). It ends by itself when its standard input closes, so it never outlives the engine.

The library gives what is the hub's own: endpoint, token, client, metadata, errors, the lock of the cache. The bytes are
moved here (`transfer`), because since 2.0 the library writes each attempt into a new temporary file and drops it when
the attempt fails: a download that was cut at 99 % would start again.
"""
