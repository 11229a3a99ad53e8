"""The conversation: the system prompt, one turn as a generator of events, and what was said so far. No screen."""
