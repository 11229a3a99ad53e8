"""Shammah (שָׁמָה, "watchman"): a terminal assistant that runs a Qwen model locally and learns from its person."""

__version__ = "0.1.0"
