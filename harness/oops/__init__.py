"""A fault report of the kernel becomes facts, and the facts become a scenario."""
