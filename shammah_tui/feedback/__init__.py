"""From a rating to rows for training: the rule it stands for, where it applies, a verified rewrite. No screen.

`service.Feedback` is what the rest of the client sees.
"""
