"""Records that only grow, on this machine alone: what left it (the ledger), what was asked and answered (metrics)."""
