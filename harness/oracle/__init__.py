"""Holding what happened against what the architecture permits."""
