"""Encodings of a user's own, from a Python module or a TOML file."""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Iterable
from pathlib import Path

from harness.encodings.definition import Encoding
from harness.encodings.toml_form import encoding_of
from harness.errors import InputError, Location


def load(file: str | Path) -> tuple[Encoding, ...]:
    """Return the encodings of a file; InputError, with the place, where it holds none.

    `NAME.toml` is described in docs/encodings.md. `NAME.py` is run, and states `ENCODING`, an
    `Encoding`, or `ENCODINGS`, several.
    """
    path = Path(file)
    at = Location(str(path))
    if path.suffix == ".toml":
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", at) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"is no TOML: {error}", at) from None
        return (encoding_of(document, str(path)),)
    if path.suffix == ".py":
        return _from_module(path, at)
    raise InputError("an encoding is a .toml file or a Python module (.py)", at)


def _from_module(path: Path, at: Location) -> tuple[Encoding, ...]:
    if not path.is_file():
        raise InputError("cannot be read: no such file", at)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InputError("is no Python module", at)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"{type(error).__name__} in it: {error}", at) from error
    one = getattr(module, "ENCODING", None)
    found = getattr(module, "ENCODINGS", () if one is None else (one,))
    if not isinstance(found, Iterable):
        raise InputError("ENCODINGS is no sequence", at)
    encodings = tuple(found)
    if not encodings or not all(isinstance(each, Encoding) for each in encodings):
        raise InputError("it states neither ENCODING nor ENCODINGS of type Encoding", at)
    return encodings
