"""The learning screen: what was rated, what became of it, and how the model changed by it."""
