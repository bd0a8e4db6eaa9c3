"""What the PE's own explicit reads of a descriptor may find, where hardware updates it.

An update of AF or the dirty state is a write of its own: the PE's own later loads may miss it
until a DSB of all access types. AF may be set spontaneously on a valid leaf wherever hardware
manages it. The dirty state is set for a store only; but that store's update may precede earlier
reads of the PE, so that they find it.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.vmsa.descriptor import ACCESS_FLAG, DIRTY_BIT_MODIFIER, NOT_DIRTY
from harness.vmsa.parameters import Stage1Parameters
from harness.vmsa.tlb.choice import HardwareUpdate, ReadChoice
from harness.vmsa.tlb.state import Promise, TranslationState


def unseen_values(state: TranslationState, address: int) -> tuple[int, ...]:
    """Return what a load may find at `address` instead of what memory holds, newest first."""
    for each in state.unseen:
        if each.address == address:
            return tuple(reversed(each.values))
    return ()


def read_choices(
    state: TranslationState,
    parameters: Stage1Parameters | None,
    address: int,
    current: int,
    *,
    atomic: bool,
) -> Iterator[ReadChoice]:
    """Yield what an explicit read of the word may find, what memory holds first.

    `parameters`: of the regime if the word is a leaf that translation may use now, else None.
    `atomic`: the instruction also writes the word, so that it sees every update there was.
    """
    yield ReadChoice("memory", current, "what memory holds")
    if not atomic:
        for value in unseen_values(state, address):
            yield ReadChoice(
                f"unseen {value:#x}",
                value,
                "hardware has updated the descriptor, and no DSB of all access types has made the "
                "PE's own loads see it",
            )
    if parameters is None:
        return
    flagged = current | ACCESS_FLAG if parameters.access_flag_updates else current
    if flagged != current:
        yield ReadChoice(
            "access flag",
            flagged,
            "hardware has set AF without an access of the program",
            HardwareUpdate(address, current, flagged),
        )
    dirty = flagged & ~NOT_DIRTY
    managed = parameters.indirect is not None or current & DIRTY_BIT_MODIFIER
    if parameters.dirty_updates and managed and dirty != flagged:
        yield ReadChoice(
            "dirty",
            dirty,
            "hardware has set the dirty state for a later store whose update came first",
            HardwareUpdate(address, current, dirty),
            Promise(address, dirty),
        )


def spontaneous_update(
    parameters: Stage1Parameters, address: int, current: int
) -> HardwareUpdate | None:
    """Return the setting of AF that hardware may do at any time to a leaf, if there is one."""
    if not parameters.access_flag_updates or current & ACCESS_FLAG:
        return None
    return HardwareUpdate(address, current, current | ACCESS_FLAG)
