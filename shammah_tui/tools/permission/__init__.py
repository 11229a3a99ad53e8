"""Whether a tool call may run: `decide.decide` is the one door, and every path through the program goes by it.

The order is fixed: invalid input denies, then the hard floor, then deny rules; a shape that is not understood asks,
then allow rules; otherwise ask. Nothing here runs, fetches or opens anything.
"""
