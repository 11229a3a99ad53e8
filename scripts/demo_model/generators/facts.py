"""Built-in help: what Shammah's keys, modes, ratings, commands and files are.

One fact, one answer, many ways to ask: by the thing ("What does Esc do?") or by the wish ("How do I stop the
answer?"). Of the pairs of sentence and phrase a part is held out; `unseen` holds whole phrasings never trained on.
"""

from __future__ import annotations

from dataclasses import dataclass

from scripts.demo_model.exchange import Context, Exchange, assistant, user
from scripts.demo_model.vocabulary import is_heldout


# fmt: off
@dataclass(frozen=True)
class Fact:
    answer: str
    things: tuple[str, ...] = ()
    wishes: tuple[str, ...] = ()
    """Infinitives: "stop the answer"."""
    whole: tuple[str, ...] = ()
    """Complete questions."""
    unseen: tuple[str, ...] = ()


FACTS = (
    Fact("Enter sends your prompt.", ("Enter", "the Enter key", "Return"), ("send a prompt", "send my message", "send my question", "submit the prompt"), (), ("which key sends what I typed?",)),
    Fact("Ctrl+J or Shift+Enter starts a new line in the prompt.", ("Ctrl+J", "Shift+Enter"), ("start a new line", "type several lines", "write a prompt of several lines", "insert a newline"), (), ("multi-line prompt: which key?",)),
    Fact("Esc interrupts the answer; what was said stays.", ("Esc", "the Esc key", "Escape"), ("interrupt the answer", "stop the answer", "stop the model", "stop it while it answers"), (), ("how can the answer be stopped?",)),
    Fact("Shift+Tab cycles the permission modes: ask, accept edits, plan, auto.", ("Shift+Tab",), ("change the permission mode", "switch the mode", "cycle the permission modes", "change the mode"), ("Which permission modes are there?", "What are the permission modes?", "which modes are there", "List the modes."), ("which key goes to the next mode?",)),
    Fact("In ask mode Shammah asks before it changes a file or runs a command.", ("ask mode", "the ask mode", "the mode ask"), (), ("What happens in ask mode?",), ("tell me what the ask mode means",)),
    Fact("In plan mode Shammah only reads: it changes nothing and runs nothing.", ("plan mode", "the plan mode", "the mode plan"), ("let it read only", "let Shammah plan without changing anything"), ("What happens in plan mode?", "Can it write files in plan mode?"), ("does plan mode change my files?",)),
    Fact("In accept edits mode file edits go through without a question; commands still ask.", ("accept edits mode", "accept edits", "the accept edits mode"), ("let file edits through without a question", "accept all edits"), ("What happens in accept edits mode?",), ("what does the mode accept edits allow?",)),
    Fact("Auto mode runs tools without asking, but only inside the sandbox.", ("auto mode", "the auto mode", "the mode auto"), ("run tools without being asked", "let it work without questions"), ("What happens in auto mode?", "When does auto mode work?"), ("is auto mode safe?",)),
    Fact("Ctrl+G opens your prompt in $EDITOR.", ("Ctrl+G",), ("open my editor", "edit the prompt in my editor", "open $EDITOR", "write the prompt in an external editor"), (), ("which key opens the editor?",)),
    Fact("Ctrl+R searches your prompt history.", ("Ctrl+R",), ("search the history", "search my prompt history", "find an earlier prompt", "search old prompts"), (), ("which key searches the history?",)),
    Fact("Ctrl+O shows or hides the output of tools.", ("Ctrl+O",), ("hide the tool output", "show the tool output", "see what a tool printed", "fold the output of tools"), (), ("which key hides tool output?",)),
    Fact("Ctrl+P opens the command palette.", ("Ctrl+P",), ("open the command palette", "open the palette", "find a command"), (), ("which key opens the palette?",)),
    Fact("Ctrl+C interrupts the answer, then clears the prompt, and quits on a second press.", ("Ctrl+C",), ("clear the prompt",), ("What happens if I press Ctrl+C twice?",), ("does Ctrl+C quit?",)),
    Fact("Ctrl+D on an empty prompt leaves Shammah; so does /quit.", ("Ctrl+D", "/quit"), ("quit", "leave Shammah", "exit", "close Shammah", "quit the program"), (), ("how can I get out of here?", "how to exit Shammah?")),
    Fact("F1 or ? opens the help.", ("F1", "?", "/help", "the /help command"), ("open the help", "get help", "see all keys", "show the keys"), ("Where is the help?", "help", "help me"), ("which key shows the help?",)),
    Fact("F2 shows the chat.", ("F2",), ("go to the chat", "get back to the chat", "open the chat screen"), ("Where is the chat?",), ("which key shows the chat?",)),
    Fact("F3 shows the model screen, where a model is downloaded and loaded.", ("F3", "the model screen"), ("open the model screen", "see the download", "watch the model load"), ("Where is the model screen?",), ("which key shows the model screen?",)),
    Fact("F4 shows the learning screen: ratings, training runs and adapters.", ("F4", "the learning screen"), ("open the learning screen", "see the training runs", "watch the training"), ("Where is the learning screen?",), ("which key shows the learning screen?",)),
    Fact("F5 opens the settings.", ("F5",), ("open the settings", "change a setting", "change the settings"), ("Where are the settings?",), ("which key opens the settings?",)),
    Fact("F6 rates the answer green: exactly right, weight 1.", ("F6", "green", "a green rating", "the green rating", "/good"), ("rate an answer as good", "rate an answer green", "say that an answer is right"), ("What weight has green?",), ("which key means exactly right?",)),
    Fact("F7 rates the answer yellow: prefer something else, weight 3.", ("F7", "yellow", "a yellow rating", "the yellow rating", "/medium"), ("rate an answer yellow", "say that I prefer something else", "rate an answer as medium"), ("What weight has yellow?",), ("which key means prefer something else?",)),
    Fact("F8 rates the answer red: a critical error, weight 10.", ("F8", "red", "a red rating", "the red rating", "/critical"), ("rate an answer red", "report a critical error", "mark a critical error", "say that an answer is wrong"), ("What weight has red?",), ("which key means critical error?",)),
    Fact("Rate an answer with F6 (green, weight 1), F7 (yellow, weight 3) or F8 (red, weight 10), or with /feedback.", ("/feedback", "the rating keys", "a rating"), ("rate an answer", "give feedback", "rate what you said"), ("Which ratings are there?", "What do the colours mean?", "What are the rating keys?", "How do ratings work?"), ("which keys rate an answer?",)),
    Fact("@ attaches a file to your prompt: type @ and a part of its name.", ("@", "the @ sign", "@ in the prompt"), ("attach a file", "add a file to my prompt", "mention a file"), (), ("which sign attaches a file?",)),
    Fact("! at the start of the prompt runs a shell command.", ("!", "the ! sign", "! in the prompt"), ("run a shell command myself", "use the shell from the prompt", "run a command from the prompt"), (), ("which sign runs a shell command?",)),
    Fact("/new starts a new conversation.", ("/new", "the /new command"), ("start a new conversation", "begin a new chat", "start over"), (), ("which command starts a fresh conversation?",)),
    Fact("/model shows the models and switches to another one.", ("/model", "the /model command"), ("switch the model", "change the model", "use another model", "choose a model"), (), ("which command switches models?",)),
    Fact("/sessions lists your earlier conversations.", ("/sessions", "the /sessions command"), ("list my conversations", "see earlier conversations", "see old sessions", "list the sessions"), (), ("which command lists the sessions?",)),
    Fact("/resume opens an earlier conversation again; from the shell: `shammah --resume`.", ("/resume", "--resume", "the /resume command", "shammah --resume"), ("resume a conversation", "resume a session", "open an old conversation again", "go on with an earlier conversation"), (), ("which command resumes a session?",)),
    Fact("`shammah --continue` goes on with the last conversation.", ("--continue", "shammah --continue", "the --continue flag"), ("continue the last conversation", "go on with the last conversation", "continue where I stopped"), (), ("which flag continues the last session?",)),
    Fact("/theme changes the colours.", ("/theme", "the /theme command"), ("change the theme", "change the colours", "use a dark theme", "switch to a light theme"), (), ("which command changes the colours?",)),
    Fact("/copy copies the last answer.", ("/copy", "the /copy command"), ("copy an answer", "copy the last answer", "put the answer on the clipboard"), (), ("which command copies the answer?",)),
    Fact("/export writes the conversation to a file.", ("/export", "the /export command"), ("export the conversation", "save the conversation to a file", "write the conversation to a file"), (), ("which command exports the chat?",)),
    Fact("/local sends your questions to the local model only.", ("/local", "the /local command"), ("use the local model only", "stay local", "use only the local model"), (), ("which command keeps everything local?",)),
    Fact("/cloud sends your questions to Claude.", ("/cloud", "the /cloud command"), ("use Claude", "ask Claude", "send a question to Claude", "use the cloud"), (), ("which command goes to Claude?",)),
    Fact("/privacy shows what may leave your machine and lets you change it.", ("/privacy", "the /privacy command"), ("see what leaves my machine", "change the privacy settings", "control what is sent"), (), ("which command is about privacy?",)),
    Fact("Your files, ratings and training stay on your machine; Claude is asked only where you allow it. /privacy shows it.", ("the privacy policy",), (), ("Is my data private?", "Do you send my code anywhere?", "Does my code leave my machine?", "What about privacy?", "Where does my data go?", "Is anything sent to the cloud?", "Are my files uploaded?"), ("do you upload my code?", "is my code kept private?")),
    Fact("/adapter lists the adapters, switches between them and rolls back.", ("/adapter", "the /adapter command"), ("switch the adapter", "list the adapters", "choose another adapter"), (), ("which command lists adapters?",)),
    Fact("/compact shortens the conversation so that it fits the context again.", ("/compact", "the /compact command"), ("shorten the conversation", "free some context", "make room in the context"), ("What do I do when the context is full?",), ("which command shortens the chat?",)),
    Fact("/edit opens your last prompt again so that you can change it.", ("/edit", "the /edit command"), ("edit my last prompt", "change my last prompt", "correct my last question"), (), ("which command edits the last prompt?",)),
    Fact("The commands are /help /new /model /sessions /resume /theme /copy /export /feedback /critical /medium /good /local /cloud /privacy /adapter /compact /edit /quit.", (), ("list the commands", "see all commands"), ("Which commands are there?", "What commands do you know?", "Which slash commands exist?", "List the slash commands."), ("name all slash commands",)),
    Fact("The configuration is in ~/.shammah/config.toml.", ("config.toml", "~/.shammah/config.toml", "the config file", "the configuration file"), ("edit the configuration", "find the config file", "change the configuration"), ("Where is the configuration?", "Where is the config file?", "Where are my settings stored?"), ("which file holds the configuration?",)),
    Fact("Adapters are stored in ~/.shammah/adapters.", ("~/.shammah/adapters", "the adapters folder"), ("find my adapters",), ("Where are the adapters?", "Where are adapters stored?", "Which folder holds the adapters?"), ("in which folder are adapters?",)),
    Fact("Sessions and ratings are stored in ~/.shammah/shammah.db.", ("shammah.db", "~/.shammah/shammah.db", "the database"), ("find my sessions on disk", "find my ratings on disk"), ("Where are my conversations stored?", "Where are the ratings stored?", "Where is the database?", "Where are sessions saved?"), ("which file holds my sessions?",)),
    Fact("Metrics are written to ~/.shammah/metrics, one file a day.", ("~/.shammah/metrics", "the metrics folder"), ("find the metrics", "see the metrics"), ("Where are the metrics?", "Where are metrics stored?"), ("in which folder are metrics?",)),
    Fact("Saved permission patterns are in ~/.shammah/tool_patterns.json.", ("tool_patterns.json", "the tool patterns file"), ("find the saved permissions", "remove a saved permission", "change what I always allowed"), ("Where are permissions saved?", "Where are the permission patterns?"), ("which file holds the allowed patterns?",)),
    Fact("SHAMMAH_HOME moves Shammah's home folder; the default is ~/.shammah.", ("SHAMMAH_HOME", "the variable SHAMMAH_HOME", "~/.shammah", "the Shammah home"), ("move the home folder", "use another home folder", "store everything in another folder"), ("Where is the home folder?",), ("which variable moves the home?",)),
    Fact('`shammah query "…"` answers one question in the shell, also with text from a pipe.', ("shammah query", "the query command"), ("ask one question from the shell", "use Shammah in a script", "pipe text into Shammah", "ask without the screen"), (), ("which command answers one question in the shell?",)),
    Fact("`shammah models` lists the models that you can use.", ("shammah models", "the models command"), ("list the models", "see which models I can use", "see all models"), ("Which models are there?", "What models can I use?"), ("which command lists the models?",)),
    Fact("`shammah doctor` checks what is installed, what is missing and what to do.", ("shammah doctor", "the doctor command"), ("check my installation", "find out what is missing", "diagnose a problem"), ("What can I do if something does not work?",), ("which command checks the installation?",)),
    Fact("`shammah config` shows and changes the configuration.", ("shammah config", "the config command"), ("show the configuration", "change the configuration from the shell"), (), ("which command shows the configuration?",)),
    Fact("`shammah daemon start`, `stop` and `status` control the engine in the background.", ("shammah daemon", "the daemon", "shammah daemon start", "shammah daemon stop", "shammah daemon status", "the engine"), ("start the daemon", "stop the daemon", "stop the engine", "start the engine", "see whether the engine runs"), ("Is the daemon running?",), ("which command stops the engine?",)),
    Fact("`shammah train` starts a training run by hand.", ("shammah train", "the train command"), ("start a training", "train the model", "start a training run", "train by hand"), (), ("which command starts training?",)),
    Fact("`shammah feedback list` shows your ratings.", ("shammah feedback list", "shammah feedback"), ("list my ratings", "see my ratings", "show the feedback"), (), ("which command lists my ratings?",)),
    Fact("`shammah --model 1.5b` chooses the model, by size, hub name or path.", ("--model", "the --model flag", "shammah --model"), ("choose a model on the command line", "start with another model", "start with a bigger model"), (), ("which flag chooses the model?",)),
    Fact("`shammah --plain` prints plain text without the full screen.", ("--plain", "the --plain flag", "shammah --plain"), ("use plain text", "turn off the full screen", "use Shammah without the screen"), (), ("which flag gives plain text?",)),
    Fact("Shammah runs Qwen models with llama.cpp on your own machine.", ("llama.cpp",), (), ("Which model does Shammah use?", "How does Shammah run models?", "Does it run locally?", "Do you run locally?", "Does Shammah need the internet?", "Which engine runs the model?"), ("does the model run on my machine?",)),
    Fact("While the model is not ready your questions wait in a queue, or go to Claude if you allow it.", ("the queue",), ("ask before the model is ready",), ("What happens while the model loads?", "What happens while the model downloads?", "Can I ask before the model is ready?", "What happens to my question while it loads?"), ("what if the model is not ready yet?",)),
    Fact("Training starts by itself after 10 new ratings (auto_train_threshold).", ("auto_train_threshold",), ("change when training starts",), ("When does training start?", "How many ratings are needed for training?", "When does it train?", "When do you learn?"), ("after how many ratings does it train?",)),
    Fact("Training makes a LoRA adapter of rank 16 and alpha 32.", ("LoRA", "the LoRA rank", "the LoRA alpha", "an adapter"), (), ("Which LoRA rank is used?", "What is the LoRA rank?", "What is the LoRA alpha?", "What does training make?"), ("what rank and alpha has the adapter?",)),
    Fact("The gate measures a new adapter before it is used; if it made something worse, it is refused.", ("the gate", "the training gate"), (), ("What does the gate do?", "When is an adapter refused?", "Why was my adapter rejected?", "How is a new adapter checked?"), ("who checks a new adapter?",)),
    Fact("Roll back with /adapter or on the learning screen (F4): the last 5 adapters are kept.", ("a rollback", "rollback"), ("roll back", "go back to the old adapter", "undo a training", "return to an earlier adapter"), ("How many adapters are kept?",), ("how can a training be undone?",)),
    Fact("Shammah learns from your ratings: a rating becomes a rule at once, and after 10 of them a training run changes the model.", ("learning",), ("teach you something", "make the model better"), ("How do you learn?", "How does Shammah learn?", "Do you learn from me?", "How does learning work?", "What happens with my ratings?"), ("in what way do you learn?",)),
    Fact("I am the small demo model inside Shammah. `shammah models` lists real ones; `shammah --model 1.5b` or F3 gets one.", ("the demo model", "this model", "demo"), ("get a real model", "get a better model", "download a model", "install a real model"), ("Who are you?", "What are you?", "who are you", "Which model are you?", "What am I talking to?", "What model is this?", "Are you a real model?", "Are you ChatGPT?", "Are you Qwen?", "Are you Claude?", "Why are you so small?", "How big are you?"), ("who am I talking to?", "tell me who you are")),
    Fact("Shammah is a coding assistant in your terminal that runs a Qwen model on your machine and learns from your ratings.", ("Shammah", "this program"), (), ("What is Shammah?", "what is this", "What is this program?", "Tell me about Shammah.", "What does Shammah do?"), ("describe Shammah in one sentence",)),
    Fact("Shammah is an old word for a watchman, a servant who keeps a house in order.", ("the name Shammah", "the word Shammah"), (), ("What does Shammah mean?", "What does the name mean?", "Why is it called Shammah?", "Where does the name come from?", "what does your name mean"), ("why the name Shammah?",)),
    Fact("I answer questions about Shammah, write small functions in Python, JavaScript and Rust, and use tools on your files.", (), (), ("What can you do?", "what can you do", "What are you good for?", "How can you help me?", "What can I ask you?", "What do you know?"), ("tell me what you can do",)),
    Fact("The tools are Read, Glob, Grep, Edit, Write, Bash, WebFetch and Restart.", ("the tools",), (), ("Which tools do you have?", "What tools are there?", "Which tools can you use?", "List your tools."), ("name your tools",)),
    Fact("Restart starts Shammah again in the same conversation.", ("the Restart tool",), (), ("What does the Restart tool do?",), ("what is Restart for?",)),
    Fact("Set `api_key` in ~/.shammah/config.toml to use Claude.", ("api_key", "the API key"), ("set my API key", "add an API key", "connect Claude"), ("Where do I put my API key?",), ("in which file goes the API key?",)),
    Fact("Shammah is free software under the MIT licence.", ("the licence", "the license"), (), ("Which licence has Shammah?", "Is Shammah free?", "Is it open source?", "What does Shammah cost?"), ("under which licence is it?",)),
)

THING_SENTENCES = ("What does {x} do?", "What is {x}?", "what is {x}", "What is {x} for?", "what does {x} do", "Explain {x}.", "Tell me about {x}.", "What does {x} mean?", "{x}?", "What happens with {x}?", "In Shammah, what is {x}?", "Can you explain {x}?", "what's {x}?", "I do not understand {x}.", "tell me what {x} means", "what is {x} about?", "describe {x}", "{x} means what?", "why is there {x}?")
KEY_SENTENCES = ("What happens when I press {x}?", "What does pressing {x} do?", "what does the key {x} do?", "{x} does what?", "What is the key {x} for?", "If I press {x}, what happens?")
WISH_SENTENCES = ("How do I {x}?", "how do I {x}", "How can I {x}?", "how can i {x}?", "I want to {x}.", "What do I press to {x}?", "How to {x}?", "Is there a way to {x}?", "Tell me how to {x}.", "In Shammah, how do I {x}?", "Can I {x}?", "I would like to {x}, how?", "What must I do to {x}?", "How does one {x} here?", "Please tell me how to {x}.", "What is the way to {x}?", "What lets me {x}?", "Which key or command is there to {x}?", "I need to {x}.", "{x}, how?", "{x}", "how would I {x}?", "show me how to {x}", "Which key or command lets me {x}?", "what do I type to {x}?", "{x}: which key or command?")
THIRD_SENTENCES = ("Which key or command {x}?", "which command {x}?", "What {x}?", "which key {x}", "Which one {x}?", "Is there a key that {x}?", "Is there a command that {x}?")
# fmt: on


def third_person(wish: str) -> str:
    """ "open the help" to "opens the help"."""
    verb, space, rest = wish.partition(" ")
    ending = "es" if verb.endswith(("s", "sh", "ch", "o", "x")) else "s"
    return f"{verb}{ending}{space}{rest}"


def _is_key(thing: str) -> bool:
    return thing in {"Enter", "Return", "Esc", "Escape", "Shift+Tab"} or thing.startswith(("Ctrl+", "Shift+", "F"))


def questions(fact: Fact) -> tuple[str, ...]:
    """Every way to ask for a fact, apart from `unseen`."""
    made = [sentence.format(x=thing) for thing in fact.things for sentence in THING_SENTENCES]
    made += [sentence.format(x=thing) for thing in fact.things if _is_key(thing) for sentence in KEY_SENTENCES]
    made += [sentence.format(x=wish) for wish in fact.wishes for sentence in WISH_SENTENCES]
    made += [sentence.format(x=third_person(wish)) for wish in fact.wishes for sentence in THIRD_SENTENCES]
    return (*made, *fact.whole)


def _untidy(question: str, chance: float) -> str:
    """As people type: lower case, without the mark at the end."""
    if chance < 0.1:
        return question.rstrip("?.")
    if chance < 0.2:
        return question[0].lower() + question[1:]
    if chance < 0.25:
        return question.lower().rstrip("?.") if "ctrl" not in question.lower() else question
    return question


_CACHE: dict[tuple[int, bool], tuple[str, ...]] = {}


def _part(index: int, heldout: bool) -> tuple[str, ...]:
    key = (index, heldout)
    if key not in _CACHE:
        fact = FACTS[index]
        # Complete questions are hand-made, one of a kind: all of them are learned.
        part = [q for q in questions(fact) if (q not in fact.whole and is_heldout(q, 7)) == heldout]
        _CACHE[key] = tuple(part or questions(fact))
    return _CACHE[key]


def exchange(context: Context) -> Exchange:
    draw = context.draw
    index = draw.rng.randrange(len(FACTS))
    fact = FACTS[index]
    part = _part(index, draw.heldout)
    if not draw.heldout and fact.whole and draw.chance(0.35):
        part = fact.whole
    question = draw.choice(part)
    if not draw.heldout:
        question = _untidy(question, draw.rng.random())
    return Exchange("fact", str(index), (user(question), assistant(fact.answer)))


def unseen_exchanges() -> list[Exchange]:
    """The phrasings that no training sentence was built from."""
    return [
        Exchange("fact, new phrasing", str(index), (user(question), assistant(fact.answer)))
        for index, fact in enumerate(FACTS)
        for question in fact.unseen
    ]
