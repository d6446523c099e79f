"""The sample: a warehouse, people and knowledge of Harbor Goods, a made-up retailer.

`build` makes two real databases (DuckDB and SQLite) in DOCENT_HOME, a workspace with members of each role and four
teams, syncs the databases through the real connectors, and adds what people would have written. Safe to run twice.
"""

from plugin.demo.build import build
from plugin.demo.people import PASSWORD, PEOPLE

__all__ = ["PASSWORD", "PEOPLE", "build"]
