"""The command line: arguments, exit codes, and one module a command. What a command needs is imported when it runs.

Exit codes: 0 done; 1 it failed; 2 wrong arguments, input or settings; 75 try again later (the time was up, the
engine is busy); 130 interrupted (Ctrl+C), 143 ended (SIGTERM), both with what was said so far
kept; 141 the reader of the output went away.
"""
