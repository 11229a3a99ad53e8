"""Claude by Anthropic's own library: keys, forms, streams, troubles, prices. The library loads on first use alone."""
