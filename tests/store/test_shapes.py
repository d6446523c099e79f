"""The values that leave the store are found from the package by name, whichever file they are in."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from plugin.store import shapes
from plugin.store.shapes import SUBJECTS


def test_every_value_of_every_file_is_had_from_the_package() -> None:
    files = {path.stem: path for path in Path(str(shapes.__file__)).parent.glob("*.py")}
    del files["__init__"]
    made = {
        subject: {
            each.name if isinstance(each, ast.ClassDef) else ast.unparse(each.targets[0])
            for each in ast.parse(path.read_text()).body
            if isinstance(each, ast.ClassDef | ast.Assign)
        }
        for subject, path in files.items()
    }
    assert {subject: set(names.split()) for subject, names in SUBJECTS.items()} == made
    for subject, names in made.items():
        for name in names - {"CHANGES"}:
            assert getattr(shapes, name).__module__ == f"plugin.store.shapes.{subject}"


def test_what_no_file_has_the_package_has_not() -> None:
    with pytest.raises(AttributeError, match="Invoice"):
        _ = shapes.Invoice  # type: ignore[attr-defined]
