"""Large answers of the catalog's API travel packed to programs that take that; nothing else about them changes.

Enters: a finished answer. Leaves: the same, or its gzip. A table of 1,500 columns is a megabyte of JSON that says the
same names over and over. Packing tells of likeness: how long an answer is tells whether text that somebody else wrote,
or a search that somebody else began in this browser, is like a name beside it (BREACH). So only what a token asked for
is packed, which a foreign page cannot send; neither pages nor what a cookie vouches for.
Flask-Compress decides by type and length alone.
"""

from __future__ import annotations

import gzip

from flask import Response, request
from flask_login import current_user

LEAST = 32_000
"""Bytes from which on packing is worth its time."""
LEVEL = 1
"""Of 1,500 columns it leaves a thirtieth; the sixth level takes twice as long for a fifth less of that."""


def packed(answer: Response) -> Response:
    """The answer, packed if it is large and the request came with a token and takes gzip."""
    if answer.mimetype != "application/json" or answer.is_streamed or answer.status_code != 200:
        return answer
    answer.vary.add("Accept-Encoding")
    body = answer.get_data()
    if not getattr(current_user, "bearer", False):
        return answer
    if len(body) >= LEAST and request.accept_encodings["gzip"] > 0:
        # No time of day in it: the same answer is the same bytes.
        answer.set_data(gzip.compress(body, LEVEL, mtime=0))
        answer.headers["Content-Encoding"] = "gzip"
    return answer
