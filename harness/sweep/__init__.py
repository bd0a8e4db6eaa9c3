"""Campaigns: many cases, made here from a seed, for translators to be held against each other."""

from harness.sweep.generate import CATEGORIES, generate_case, generate_cases

__all__ = ["CATEGORIES", "generate_case", "generate_cases"]
