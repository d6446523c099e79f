"""What every table shares: the naming of constraints and the type of a moment in time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, MetaData
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, MappedColumn
from sqlalchemy.types import NullType, TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}


class Base(DeclarativeBase):
    """Every table of the store. Each row is keyed by its workspace, but for accounts and sessions."""

    metadata = MetaData(naming_convention=NAMING)

    def __init_subclass__(cls, **given: Any) -> None:
        _read_annotations(cls)
        super().__init_subclass__(**given)


def _read_annotations(mapped: type[Base]) -> None:
    """Take NULL or NOT NULL from `Mapped[... | None]`, where the column says all else: its type, or what it refers to.

    SQLAlchemy evaluates each annotation as Python, which is a third of what mapping a table costs. Of a column that
    leaves its type to the annotation, the annotation stays.
    """
    annotations = mapped.__dict__.get("__annotations__", {})
    for name in [*annotations]:
        given = mapped.__dict__.get(name)
        if not isinstance(given, MappedColumn) or not str(annotations[name]).startswith("Mapped["):
            continue
        column = given.column
        if column.foreign_keys or not isinstance(column.type, NullType):
            column.nullable = str(annotations[name]).endswith("| None]")
            del annotations[name]


def also_on_postgresql() -> None:
    """Have partial indexes be partial on PostgreSQL as they are on SQLite, for whoever looks at the tables as a whole.

    They are not declared so, because SQLAlchemy loads a dialect, and with it the drivers that it may have, at the first
    argument that bears its name.
    """
    for table in Base.metadata.tables.values():
        for index in table.indexes:
            where = index.dialect_options["sqlite"]["where"]
            if where is not None:
                index.dialect_options["postgresql"]["where"] = where


class Moment(TypeDecorator[datetime]):
    """A point in time, always UTC and timezone-aware in Python, also on SQLite, which knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse a naive time; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone reached the store")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)
