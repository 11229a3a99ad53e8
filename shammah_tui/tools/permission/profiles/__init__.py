"""What each known program may be given: a profile accepts every flag by exact spelling, and every operand, or refuses.

A program that is not here can be allowed by its exact arguments alone.
"""
