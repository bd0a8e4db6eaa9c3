"""Translation tables: built from mappings, edited, read back. Bits only, no software meaning."""
