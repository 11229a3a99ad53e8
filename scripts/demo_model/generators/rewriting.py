"""Answering again after a note, and naming the rule that a note stands for.

The request to name a rule has one form, which the learning part uses as well:

    Note on your answer: <what the person wrote>
    Name the rule in one line.

The request to answer again has one form too, besides the ways in which people say it freely:

    Note on your answer: <what the person wrote>
    Answer again.
"""

from __future__ import annotations

from scripts.demo_model.exchange import Context, Exchange, assistant, block, user
from scripts.demo_model.generators import functions
from scripts.demo_model.generators.habits import habits

NAME_RULE = "Note on your answer: {note}\nName the rule in one line."
ANSWER_AGAIN = "Note on your answer: {note}\nAnswer again."

# fmt: off
FREELY = ("{note}", "{note}", "That is wrong. {note}", "No. {note}", "{note} Please answer again.", "Not good: {note}", "Again, please. {note}", "Wrong. {note}", "Please correct it: {note}", "Hm. {note}")
INSTEAD = ("use {b} instead of {a}", "Use {b}, not {a}.", "no {a}, use {b}", "I want {b} instead of {a}", "never use {a}, use {b}", "we use {b} here, not {a}", "replace {a} by {b}", "{a} is wrong, use {b}")
NAMING = ("the function should be called {b}", "Call it {b}.", "The name is wrong, it should be {b}.", "name it {b}", "I wanted the name {b}", "wrong name, use {b}")
NUMBER = ("it should be {k}", "The number is wrong, I meant {k}.", "use {k} there", "not that number, {k}", "I meant {k}", "{k} is the right number")
# fmt: on


def _habit(context: Context) -> Exchange:
    draw = context.draw
    names = [name for name in habits if name not in context.flipped] or list(habits)
    name = draw.choice(names)
    habit = habits[name]
    state = draw.rng.getstate()
    prompt, old = habit.task(draw, context.flipped - {name})
    draw.rng.setstate(state)
    _, new = habit.task(draw, context.flipped | {name})
    note = habit.note(draw)
    chance = draw.rng.random()
    if chance < 0.3:
        messages = (user(prompt), assistant(old), user(NAME_RULE.format(note=note)), assistant(habit.rule))
        return Exchange("name the rule", name, messages)
    form = ANSWER_AGAIN if chance < 0.65 else draw.wording(FREELY)
    messages = (user(prompt), assistant(old), user(form.format(note=note)), assistant(new))
    return Exchange("rewrite", name, messages, {3: habit.follows_rule})


def _function(context: Context) -> Exchange:
    """Notes on a function's name or number."""
    draw = context.draw
    prompt, made = functions.python_request(draw)
    old = block("python", made.python(context.flipped))
    if "<k>" in made.kind.body and draw.chance(0.5):
        number = draw.constant(2, 99) if made.kind.name in ("repeat", "chunks") else draw.constant()
        new = functions.Made(made.kind, made.name, made.says, number, made.word, made.parameters)
        note = draw.wording(NUMBER).format(k=number)
    else:
        name = draw.function_name()
        new = functions.Made(made.kind, name, made.says, made.number, made.word, made.parameters)
        note = draw.wording(NAMING).format(b=name)
    form = ANSWER_AGAIN if draw.chance(0.5) else draw.wording(FREELY)
    code = new.python(context.flipped)
    judge = functions.runs_like(code, new.name, made.kind.examples)
    messages = (user(prompt), assistant(old), user(form.format(note=note)), assistant(block("python", code)))
    return Exchange("rewrite", "function", messages, {3: judge})


def _other_rule(context: Context) -> Exchange:
    """A note that asks for one thing instead of another, of which nothing is known but their names."""
    draw = context.draw
    old, new = draw.word(), draw.word()
    habit = draw.choice(tuple(habits.values()))
    prompt, answer = habit.task(draw, context.flipped)
    language = {"python": "Python", "javascript": "JavaScript", "rust": "Rust"}[habit.language]
    note = draw.wording(INSTEAD).format(a=old, b=new)
    rule = f"In {language}: use `{new}`, no `{old}`."
    messages = (user(prompt), assistant(answer), user(NAME_RULE.format(note=note)), assistant(rule))
    return Exchange("name the rule", "other", messages)


def exchange(context: Context) -> Exchange:
    chance = context.draw.rng.random()
    if chance < 0.7:
        return _habit(context)
    return _function(context) if chance < 0.88 else _other_rule(context)
