"""T-SQL as people write it: without a semicolon between statements, which no parser that expects them reads.

Enters: the tokens of a text. Leaves: where statements begin that nothing sets apart from the one before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot.tokenizer_core import Token, TokenType

_BEGIN = frozenset(
    """ALTER BEGIN COMMIT CREATE DECLARE DELETE DROP EXEC EXECUTE IF INSERT MERGE PRINT RAISERROR RETURN ROLLBACK SELECT
    SET THROW TRUNCATE UPDATE WHILE WITH""".split()
)
_GO_ON = frozenset(
    "; , . ( = AFTER ALL AS BEGIN ELSE EXCEPT FOR INSTEAD INTERSECT OF OR THEN TRY CATCH UNION WITH".split()
)
"""After these words and marks no statement begins, or one that they open."""
_MADE = frozenset("FUNCTION INDEX PROC PROCEDURE SCHEMA TABLE TRIGGER TYPE USER VIEW".split())
_OPTIONS = frozenset(
    """ANSI_DEFAULTS ANSI_NULLS ANSI_PADDING ANSI_WARNINGS ARITHABORT CONCAT_NULL_YIELDS_NULL DATEFIRST DATEFORMAT
    DEADLOCK_PRIORITY IDENTITY_INSERT LANGUAGE LOCK_TIMEOUT NOCOUNT NOEXEC QUOTED_IDENTIFIER ROWCOUNT STATISTICS
    TRANSACTION XACT_ABORT""".split()
)
_QUOTED = {TokenType.IDENTIFIER, TokenType.STRING}


def unseparated(tokens: Sequence[Token]) -> Iterator[int]:
    """Places in the text where a statement begins without a semicolon before it."""
    depth = cases = 0
    current = ""
    waits = False
    """For its query, or for what a WITH stands before."""
    words = [
        ""
        if each.token_type in _QUOTED
        else ";"
        if each.token_type is TokenType.SEMICOLON
        else each.text.upper()
        for each in tokens
    ]
    for at, word in enumerate(words):
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
        elif word == ";":
            current, waits = "", False
        cases += word == "CASE"
        if word == "END" and cases:
            cases -= 1
        if word == "ELSE" and not cases and not depth and words[at - 1] not in (";", "END"):
            yield tokens[at].start
        if depth or word not in _BEGIN:
            waits = waits and word not in ("VALUES", "DEFAULT")
            continue
        before, after = words[at - 1] if at else ";", words[at + 1] if at + 1 < len(words) else ""
        if not _may_begin(word, before, after, current):
            continue
        opened = current in ("IF", "WHILE") or waits or before in _GO_ON
        waits = word in ("INSERT", "WITH")
        current = word
        if not opened:
            yield tokens[at].start


def _may_begin(word: str, before: str, after: str, current: str) -> bool:
    if before == "." or (before == "THEN" and current == "MERGE"):
        return False
    if word == "SET":
        return after in _OPTIONS or (after.startswith("@") and current not in ("UPDATE", "MERGE"))
    if word == "WITH":
        return before in (";", "AS", "BEGIN", "ELSE", "")
    if word == "IF":
        return not (before in _MADE and after == "EXISTS")
    if word in ("INSERT", "UPDATE", "DELETE"):
        if before == "ON":
            return current == "SET"
        return before not in ("FOR", "AFTER", "OF", ",") and after != "("
    if word == "MERGE":
        return after != "JOIN" and before not in ("INNER", "LEFT", "RIGHT", "FULL")
    if word in ("ALTER", "DROP"):
        return current != "ALTER"
    return not (word in ("EXEC", "EXECUTE") and (before == "WITH" or after == "AS"))


def ends_of_blocks(tokens: Sequence[Token]) -> Iterator[int]:
    """Places of the END of each block with no semicolon before it, which a parser takes for an alias of a table."""
    opened: list[TokenType] = []
    for at, token in enumerate(tokens):
        kind = token.token_type
        if kind is TokenType.CASE:
            opened.append(kind)
        elif kind is TokenType.BEGIN:
            following = tokens[at + 1].text.upper() if at + 1 < len(tokens) else ""
            if following not in ("TRAN", "TRANSACTION", "DISTRIBUTED"):
                opened.append(kind)
        elif (
            kind is TokenType.END
            and opened
            and opened.pop() is TokenType.BEGIN
            and tokens[at - 1].token_type is not TokenType.SEMICOLON
        ):
            yield token.start
