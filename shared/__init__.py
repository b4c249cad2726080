"""The product: domain, decisions and adapters; `functions/` is the only caller."""
