"""Whoever answers: the local engine and servers like it, Claude; and the router, which decides between them."""
