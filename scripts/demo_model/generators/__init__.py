"""One module a skill. Each offers `exchange(context)`: a short piece of conversation with the answers wanted."""
