"""sqlglot's writer without the passes over each SELECT that only concern what a statement does not hold.

The writers of most dialects look at every SELECT several times before they write it, for what another dialect would
have put there: an EXPLODE in the projections, an UNNEST in FROM. Some of those looks build a scope of the SELECT or
copy parts of it, which takes longer than the writing. Here those passes are left out for a statement that holds no node
of any kind that they are about. One that is not known here is always made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, cast

from sqlglot import exp
from sqlglot.generator import Generator
from sqlglot.transforms import preprocess

_ABOUT: dict[str, type[exp.Expr]] = {
    "explode_projection_to_unnest": exp.Explode,
    "unqualify_unnest": exp.Unnest,
    "unnest_generate_date_array_using_recursive_cte": exp.Unnest,
    "_transform_generate_date_array": exp.GenerateDateArray,
    "_qualify_unnested_columns": exp.Unnest,
    "_eliminate_dot_variant_lookup": exp.Unnest,
}
"""Passes that change nothing in a SELECT below which there is no node of this kind, read in sqlglot's source."""


def spare_passes(generator: Generator, kinds: Iterable[type[exp.Expr]]) -> None:
    """Let this writer, which is used for one tree only, leave out what does not concern nodes of these kinds."""
    kind: Any = type(generator)
    wanted = tuple({about for _, about in _passes_of(kind) if about is not None})
    # All or none: a pass for one kind makes nodes of another, as EXPLODE becomes UNNEST.
    if wanted and not any(issubclass(each, wanted) for each in kinds):
        generator._dispatch = {**generator._dispatch, exp.Select: _writer(kind)}


@cache
def _passes_of(
    kind: Any,
) -> tuple[tuple[Callable[[exp.Expr], exp.Expr], type[exp.Expr] | None], ...]:
    """The passes over a SELECT with what each is about, None for one that is always made; () where they are not
    told."""
    made: Any = kind.TRANSFORMS.get(exp.Select)
    held = [cell.cell_contents for cell in getattr(made, "__closure__", None) or ()]
    listed = [each for each in held if isinstance(each, list)]
    others = [each for each in held if each is not None and not isinstance(each, list)]
    if len(listed) != 1 or others:
        return ()
    return tuple((each, _ABOUT.get(each.__qualname__.partition(".")[0])) for each in listed[0])


@cache
def _writer(kind: Any) -> Callable[..., str]:
    kept = [each for each, about in _passes_of(kind) if about is None]
    return preprocess(kept) if kept else cast(Callable[..., str], kind.select_sql)
