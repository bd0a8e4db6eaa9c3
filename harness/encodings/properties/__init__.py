"""Properties of an encoding, one file a group; each holds at a place or has a counterexample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from harness.encodings.properties.claim import Claim, Property, Scene
from harness.encodings.properties.copying import COPYING
from harness.encodings.properties.hardware import HARDWARE
from harness.encodings.properties.invalidation import INVALIDATION
from harness.encodings.properties.maintenance import MAINTENANCE
from harness.encodings.properties.seeing import SEEING
from harness.encodings.properties.splitting import SPLITTING
from harness.encodings.properties.states import STATES
from harness.errors import ValueSyntaxError, did_you_mean

__all__ = ["PROPERTIES", "Claim", "Property", "Scene", "properties_named"]

PROPERTIES: Mapping[str, Property] = MappingProxyType(
    {
        one.name: one
        for one in (
            *STATES,
            *HARDWARE,
            *INVALIDATION,
            *SPLITTING,
            *SEEING,
            *COPYING,
            *MAINTENANCE,
        )
    }
)
"""Every property by its name, in the order of reports."""


def properties_named(names: Sequence[str]) -> tuple[Property, ...]:
    """Return the properties of those names, all for none; ValueSyntaxError for another name."""
    for name in names:
        if name not in PROPERTIES:
            raise ValueSyntaxError(
                f"no property is called {name!r}{did_you_mean(name, PROPERTIES)}"
            )
    return tuple(PROPERTIES[name] for name in names or PROPERTIES)
