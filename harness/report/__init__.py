"""Traces and verdicts for people and programs: text, JSON."""
