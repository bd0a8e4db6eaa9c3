"""What software means by the bits of a descriptor: Linux's encodings, and the hardware's own."""

from harness.encodings.definition import Encoding, LevelEncoding, StateName, WalkDecision
from harness.encodings.hardware import resolve_fields
from harness.encodings.registry import bits_named, encoding, names, resolve_attributes

__all__ = [
    "Encoding",
    "LevelEncoding",
    "StateName",
    "WalkDecision",
    "bits_named",
    "encoding",
    "names",
    "resolve_attributes",
    "resolve_fields",
]
