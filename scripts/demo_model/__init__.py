"""The recipe of the demo model: data generators, tokenizer, training, export and evaluation."""
