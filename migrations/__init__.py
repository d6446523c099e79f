"""Alembic revisions of the catalog database, in the package so that an installed Docent can migrate."""
