"""Distinct types for names and keys, and keys that sort by the moment they were made.

A key is 16 characters of lower-case Crockford base32: 48 bits of Unix milliseconds and 32 bits that are
random at the first key of a millisecond and then grow by a random step. Text order is time order.
"""

import os
import threading
import time
from typing import NewType

EntityName = NewType("EntityName", str)
FieldName = NewType("FieldName", str)
StageName = NewType("StageName", str)
PipelineName = NewType("PipelineName", str)
PoolName = NewType("PoolName", str)
RoleName = NewType("RoleName", str)
ApprovalName = NewType("ApprovalName", str)
AutomationName = NewType("AutomationName", str)
ReportName = NewType("ReportName", str)
DocumentName = NewType("DocumentName", str)

RecordId = NewType("RecordId", str)
UserId = NewType("UserId", str)
TeamId = NewType("TeamId", str)
TaskId = NewType("TaskId", str)
ApprovalRunId = NewType("ApprovalRunId", str)
EventId = NewType("EventId", str)
JobId = NewType("JobId", str)
FileId = NewType("FileId", str)
TokenId = NewType("TokenId", str)
RevisionNumber = NewType("RevisionNumber", int)

ID_LENGTH = 16
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_VALID = frozenset(_ALPHABET)

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """Return a fresh key, greater as text than every key this process made before."""
    global _last
    noise = int.from_bytes(os.urandom(4), "big")
    with _lock:
        value = (time.time_ns() // 1_000_000) << 32 | noise
        if value >> 32 <= _last >> 32:
            # Same millisecond, or the clock went back: step on from the last key instead.
            value = _last + 1 + (noise & 0xFFFFF)
        _last = value
    return "".join([_PAIRS[value >> shift & 0x3FF] for shift in (70, 60, 50, 40, 30, 20, 10, 0)])


def is_id(text: str) -> bool:
    """Say whether `text` has the form of a key; it need not exist."""
    return len(text) == ID_LENGTH and _VALID.issuperset(text)


def _forget_last() -> None:
    # A forked child must not walk on from its parent's last key: both would make the same ones.
    global _last, _lock
    _lock = threading.Lock()
    _last = 0


os.register_at_fork(after_in_child=_forget_last)
