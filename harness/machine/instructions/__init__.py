"""Encoding classes of A64 instructions: the fields of a word, and the accesses that they mean."""
