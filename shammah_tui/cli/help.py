"""What `shammah --help` prints. A text of its own, so that it is there without importing argparse."""

COMMANDS = {
    "query": "ask one question, from the arguments and standard input",
    "models": "the models that Shammah knows, what fits here, what would be chosen and why",
    "doctor": "look for what is missing or broken, and say what to do",
    "config": "show and change settings",
    "permissions": "the saved rules, and why a tool call would be asked",
    "privacy": "what left this machine: to whom, how much, and why",
    "daemon": "the engine: the model behind an OpenAI-compatible API",
    "feedback": "your ratings: list, add, change, export, import",
    "rules": "the rules that your ratings stand for",
    "train": "train an adapter from a file of rows, measure it, and write it to a folder",
    "adapters": "what was learned: list, use, roll back, compare, export and import",
    "completion": "print the completions for bash, zsh or fish",
}

EXIT_CODES = """\
exit codes:
  0 done   1 failed   2 wrong arguments, input or settings   75 try again later
  130 interrupted   141 the reader of the output went away   143 ended by a signal
"""

HELP = f"""\
usage: shammah [options]
       shammah COMMAND [options] …

A terminal assistant that runs a Qwen model on your own machine and learns from your ratings.

commands ("shammah COMMAND --help" tells more):
{"".join(f"  {name:<12}{words}{chr(10)}" for name, words in COMMANDS.items())}
options:
  -m, --model MODEL   "auto", "demo", a size such as 1.5b, a hub name or the path of a GGUF
      --local         the local model answers, and nobody else
      --cloud         Claude answers: the conversation is sent to it
  -c, --continue      go on with this folder's last conversation
  -r, --resume [ID]   go on with a conversation; without ID the screen lists them
      --plain         line by line, for screen readers and simple terminals
  -p, --prompt TEXT   answer TEXT and leave, as "shammah query" does, with its options
  --debug             show the trace of an error
  -V, --version       print the version
  -h, --help          print this

examples:
  shammah                                  the full-screen program
  shammah --model demo                     with the small model that is built in
  shammah query "what does errno 28 mean?"
  git diff | shammah query "review this"

settings: ~/.shammah/config.toml, SHAMMAH_<SECTION>_<KEY> in the environment, flags; "shammah config" shows them.

{EXIT_CODES}"""
