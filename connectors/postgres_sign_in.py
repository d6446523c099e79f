"""How every connection over PostgreSQL's protocol is opened: to PostgreSQL and Redshift, to read, to run and to push.

Enters: where the server is and what the connection is called there. Leaves: psycopg's options. None of them is taken
from the account that runs Docent: no PGPASSWORD, no ~/.pgpass, no ~/.postgresql, no PGOPTIONS, no Kerberos ticket.

Source: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

from __future__ import annotations

import os
from typing import Any

from connectors.servers import Server

_NOWHERE = os.devnull + "/none"
"""A path at which there is no file. A file of no lines would do too, but for a warning on stderr."""


def sign_in(server: Server, *, name: str) -> dict[str, Any]:
    """The options of `psycopg.connect` for `server`; `name` is what its list of sessions shows."""
    authorities = "system" if server.ssl_mode == "verify-full" else _NOWHERE
    return {
        "host": server.host,
        "port": server.port,
        "user": server.user or None,
        "password": server.password or "",
        "passfile": _NOWHERE,
        "options": "",
        "gssencmode": "disable",
        "dbname": server.database or None,
        "sslmode": server.ssl_mode,
        "connect_timeout": server.connect_timeout,
        "application_name": name,
        "autocommit": True,
        "prepare_threshold": None,
        "sslrootcert": server.ssl_ca or authorities,
        "sslcert": server.ssl_cert or _NOWHERE,
        "sslkey": server.ssl_key or _NOWHERE,
    }
