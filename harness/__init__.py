"""arm64-mmu-harness: AArch64 snippets on real page tables, judged against the architecture.

Importing this package loads none of the engines: Unicorn, Keystone, Capstone and rich are
imported by the one file that uses each, when it is used.
"""

__version__ = "0.1.0"
