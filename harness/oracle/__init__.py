"""What was seen against what the architecture permits, and translators held against each other."""
