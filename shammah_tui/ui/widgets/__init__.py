"""Widgets draw themselves, and tell their screen by messages what the person did."""
