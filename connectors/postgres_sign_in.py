"""How every connection over PostgreSQL's protocol is opened: to PostgreSQL and Redshift, to read, to run and to push.

Enters: where the server is and what the connection is called there. Leaves: psycopg's options. None of them is taken
from the account that runs Docent: no PGPASSWORD, no ~/.pgpass, no PGOPTIONS, no Kerberos ticket.

Source: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

from __future__ import annotations

import os
from typing import Any

from connectors.servers import Server


def sign_in(server: Server, *, name: str) -> dict[str, Any]:
    """The options of `psycopg.connect` for `server`; `name` is what its list of sessions shows."""
    files = {"sslrootcert": server.ssl_ca, "sslcert": server.ssl_cert, "sslkey": server.ssl_key}
    return {
        "host": server.host,
        "port": server.port,
        "user": server.user or None,
        "password": server.password or "",
        "passfile": os.devnull + "/none",  # none at all: a file of no lines makes libpq warn on stderr
        "options": "",
        "gssencmode": "disable",
        "dbname": server.database or None,
        "sslmode": server.ssl_mode,
        "connect_timeout": server.connect_timeout,
        "application_name": name,
        "autocommit": True,
        "prepare_threshold": None,
        **{option: path for option, path in files.items() if path},
    }
