"""Shares of a task that several machines do at once. It imports the standard library only."""
from __future__ import annotations

import re

from data.errors import UserError

SHARD = re.compile(r"([1-9]\d{0,5})/([1-9]\d{0,5})", re.ASCII)


def shard_rows(shard: str, count: int) -> range:
    """The rows of `count` that are the share of --shard=`shard`, "K/N" with K from 1 to N; all of them where it is "".

    Raises UserError where it is neither.
    """
    found = SHARD.fullmatch(shard)
    if not shard:
        return range(count)
    if not found or int(found[1]) > int(found[2]):
        raise UserError(f"--shard={shard} is no share: write K/N, the K-th of N, for example 3/16")
    number, of = int(found[1]), int(found[2])
    return range(count * (number - 1) // of, count * number // of)
