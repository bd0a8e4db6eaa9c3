"""Fault reports of Linux arm64: from the bytes of a log to facts, and on to a replay."""
