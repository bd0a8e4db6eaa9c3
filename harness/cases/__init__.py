"""Case files: one translation a line, as JSON, with its expected answer if it has one.

Numbers that are addresses or register values are strings in hexadecimal; memory is 64-bit
little-endian words at 8-byte-aligned physical addresses, and zero elsewhere. Answers come one a
line in the order of the cases, with every key that applies.
"""

from harness.cases.answers import (
    Answer,
    Difference,
    Unsupported,
    answer_document,
    answer_line,
    compare,
    compare_documents,
)
from harness.cases.case import Case, Document
from harness.cases.parse import parse_case
from harness.cases.reading import name_of, read_cases, read_lines
from harness.cases.writing import case_document, case_line

__all__ = [
    "Answer",
    "Case",
    "Difference",
    "Document",
    "Unsupported",
    "answer_document",
    "answer_line",
    "case_document",
    "case_line",
    "compare",
    "compare_documents",
    "name_of",
    "parse_case",
    "read_cases",
    "read_lines",
]
