"""Run SQL: the guard, the gates, execution, results that stay with the asker, shapes for the model.

Enters: SQL text from a person or a model, a viewer, an integration. Leaves: a verdict; rows to the asker's own
session; column names and types to the model. Keeps laws 5 (results never leave) and 6 (closed unless every gate is
open). `check` and `check_names` are pure; `run` is the one function that runs SQL.
"""

from __future__ import annotations

from plugin.run_sql.guard import check
from plugin.run_sql.names import Name, NameIndex, NamesChecked, check_names
from plugin.run_sql.verdict import Verdict, VisibleTable, VisibleTables

__all__ = [
    "Name",
    "NameIndex",
    "NamesChecked",
    "Verdict",
    "VisibleTable",
    "VisibleTables",
    "check",
    "check_names",
]
