"""Screens own their layout, the keys that work there and the order of what happens."""
