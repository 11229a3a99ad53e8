"""The second layer under Bash: a command that was allowed runs where the system itself keeps it in bounds.

Inside: the project can be written, `.git` and what other programs run by themselves only read, keys and our own home
not at all, and there is no network. What an allowed command needs beyond that (`Need`) is given to that command alone.
The folder for temporary files is its own. bubblewrap does it on Linux, sandbox-exec on macOS.
"""
