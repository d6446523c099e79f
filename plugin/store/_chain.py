"""What audit log and ledger share: entries that hang on each other by hash, and a head marked with the workspace's key.

An entry's hash is the SHA-256 of the hash before it and the entry's canonical JSON. Altering an entry breaks its own
hash, removing or inserting one breaks the numbers and the next entry's link, reordering both. The head holds the last
number and hash with a mark made by the workspace's key, so that a cut tail shows as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Insert, bindparam, insert, select, update

from plugin.errors import NotFound
from plugin.store._context import Context
from plugin.store._models.governance import ChainHeadRow

START = "0" * 64


def canonical(value: Mapping[str, Any]) -> str:
    """One JSON text for one value, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON object as it comes back from the database, so that what is hashed is what will be read."""
    read: dict[str, Any] = json.loads(json.dumps(value, default=str, allow_nan=False))
    return read


def link(previous: str, entry: Mapping[str, Any]) -> str:
    """The hash of an entry that follows `previous`."""
    return hashlib.sha256(f"{previous}\n{canonical(entry)}".encode()).hexdigest()


def moment_text(moment: datetime) -> str:
    """A time as it is hashed and stored: ISO 8601 in UTC with microseconds."""
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:  # somebody asks from the year 1 or up to 9999, some hours beyond what UTC has
        moment = moment.replace(tzinfo=UTC)
    return moment.isoformat(timespec="microseconds")


_heads = ChainHeadRow.__table__
LAST = (
    select(_heads.c.seq, _heads.c.hash)
    .where(_heads.c.workspace_id == bindparam("workspace"), _heads.c.chain == bindparam("name"))
    .with_for_update()
)
ADVANCE = (
    update(ChainHeadRow)
    .where(_heads.c.workspace_id == bindparam("workspace"), _heads.c.chain == bindparam("name"))
    .values(seq=bindparam("number"), hash=bindparam("digest"), mark=bindparam("signed"))
)


def extend(context: Context, chain: str, table: Any, entry: Mapping[str, Any]) -> int:
    """Put an entry at a chain's end and return its number.

    The head is held until the transaction ends: entries of one workspace are written one after another.
    """
    context.begin_write()
    connection = context.session.connection()
    which = {"workspace": context.workspace_id, "name": chain}
    head = connection.execute(LAST, which).one_or_none()
    if head is None:
        raise NotFound("no such workspace")
    seq = head.seq + 1
    fields = {**entry, "seq": seq}
    digest = link(head.hash, fields)
    row = {**fields, "workspace_id": context.workspace_id, "previous_hash": head.hash, "hash": digest}
    connection.execute(_entry(table), row)
    mark = context.vault.mark(f"chain:{chain}", f"{seq}:{digest}")
    connection.execute(ADVANCE, {**which, "number": seq, "digest": digest, "signed": mark})
    return int(seq)


@cache
def _entry(table: Any) -> Insert:
    """Built once: a question waits for its entry before it leaves."""
    return insert(table)


def verify(
    context: Context,
    chain: str,
    entries: Iterable[tuple[int, str, str, Mapping[str, Any]]],
    name: str,
    faults: list[str],
) -> tuple[bool, str]:
    """Check a chain's entries (number, previous hash, own hash, hashed fields) and its head; say what is wrong.

    `faults` are what the caller found in entries itself. Returns whether all is well, and one sentence.
    """
    previous, expected, count = START, 1, 0
    for seq, previous_hash, own_hash, fields in entries:
        count += 1
        if seq != expected:
            if seq > expected:
                gone = f"{expected}" if seq == expected + 1 else f"{expected} to {seq - 1}"
                faults.append(f"entry {gone} was removed")
            else:
                faults.append(f"entry {seq} was inserted or repeated")
        elif previous_hash != previous:
            faults.append(
                f"entry {seq} does not follow entry {seq - 1}: it was inserted, reordered or replaced"
            )
        if link(previous_hash, fields) != own_hash:
            faults.append(f"entry {seq} was altered")
        previous, expected = own_hash, seq + 1
    head = context.session.scalar(
        select(ChainHeadRow)
        .where(ChainHeadRow.workspace_id == context.workspace_id, ChainHeadRow.chain == chain)
        .execution_options(populate_existing=True)
    )
    if head is None:
        faults.append(f"the head of the {name} is missing")
    else:
        marked = head.seq == 0 or context.vault.mark_holds(
            f"chain:{chain}", f"{head.seq}:{head.hash}", head.mark
        )
        if not marked:
            faults.append(f"the head of the {name} was altered")
        if head.seq != expected - 1:
            if head.seq > expected - 1:
                faults.append(f"the last entries are missing: {expected} to {head.seq}")
            else:
                faults.append(f"entries after {head.seq} were added past the head")
        elif head.hash != previous:
            faults.append(f"the last entry, {head.seq}, is not the one that was written")
    if faults:
        shown = "; ".join(faults[:5]) + (f"; and {len(faults) - 5} more" if len(faults) > 5 else "")
        return False, f"The {name} was tampered with: {shown}."
    return True, f"The {name} is whole: {count:,} entries, head {previous[:16]}."


def export_head(context: Context, chain: str) -> dict[str, Any]:
    """The signed head, to keep elsewhere and check later with `check_head`."""
    head = context.session.scalar(
        select(ChainHeadRow).where(
            ChainHeadRow.workspace_id == context.workspace_id, ChainHeadRow.chain == chain
        )
    )
    if head is None:
        raise NotFound("no such workspace")
    taken = moment_text(datetime.now(UTC))
    body = {
        "chain": chain,
        "workspace_id": context.workspace_id,
        "seq": head.seq,
        "hash": head.hash,
        "at": taken,
    }
    return {**body, "signature": context.vault.mark("head", canonical(body))}


def check_head(
    context: Context, chain: str, table: Any, name: str, head: Mapping[str, Any]
) -> tuple[bool, str]:
    """Does a chain still hold the entry that an exported head signed? Returns that, and one sentence."""
    body = {key: head.get(key) for key in ("chain", "workspace_id", "seq", "hash", "at")}
    signed = context.vault.mark_holds("head", canonical(body), str(head.get("signature", "")))
    if not signed or body["chain"] != chain or body["workspace_id"] != context.workspace_id:
        return (
            False,
            f"This head was not signed by this workspace for its {name}, or by a key that was retired since.",
        )
    if body["seq"] == 0:
        return True, f"The head is that of an empty {name}."
    found = context.session.scalar(
        select(table.hash).where(table.workspace_id == context.workspace_id, table.seq == body["seq"])
    )
    if found != body["hash"]:
        return False, f"Entry {body['seq']} is not the one that this head signed: the {name} was rewritten."
    return True, f"The {name} still holds entry {body['seq']} as this head signed it on {body['at']}."
