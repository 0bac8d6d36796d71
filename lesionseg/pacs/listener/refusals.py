"""C-STORE statuses (PS3.4 table B.2-1) and the refusal that carries one."""

from __future__ import annotations

from typing import Final

SUCCESS: Final = 0x0000
PROCESSING_FAILURE: Final = 0x0110
OUT_OF_RESOURCES: Final = 0xA700
DOES_NOT_MATCH: Final = 0xA900
CANNOT_UNDERSTAND: Final = 0xC000


class RefusedError(Exception):
    """An object that is answered with a failure; nothing of it is kept.

    Attributes
    ----------
    status : int
    reason : str
        For the sender's ErrorComment and for our own record.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
