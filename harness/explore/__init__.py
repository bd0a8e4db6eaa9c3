"""Exploration: every execution that the architecture permits of a program, one after the other."""
