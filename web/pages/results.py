"""Rows of Run SQL as a page of their own and as a CSV or Parquet file, for whoever ran it and nobody else."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, url_for

from plugin.errors import NotFound
from web.rows import csv_of, page_of, parquet_of

bp = Blueprint("results", __name__, url_prefix="/results")
PAGE = 200


@bp.errorhandler(NotFound)
def gone(error: NotFound) -> tuple[str, int]:
    """The same page for rows that are gone, somebody else's and none: what ends them, and the way to them again."""
    return render_template("results/gone.html"), 404


@bp.get("/<result_id>")
def show(result_id: str) -> str:
    """Some rows of one's own result."""
    offset = max(0, request.args.get("offset", 0, int) or 0)
    result = page_of(result_id, offset=min(offset, 10**9), limit=PAGE)

    def at(start: int) -> str:
        return url_for("results.show", result_id=result_id, offset=start or None)

    return render_template(
        "results/show.html", result=result, offset=offset,
        next_url=at(offset + PAGE) if offset + PAGE < result["row_count"] else None,
        previous_url=at(max(0, offset - PAGE)) if offset else None,
    )  # fmt: skip


@bp.get("/<result_id>.csv")
def download(result_id: str) -> Response:
    """One's own result as CSV; formulas are made harmless."""
    response = Response(csv_of(result_id), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="docent-result.csv"'
    return response


@bp.get("/<result_id>.parquet")
def download_parquet(result_id: str) -> Response:
    """One's own result as Parquet."""
    response = Response(parquet_of(result_id), mimetype="application/vnd.apache.parquet")
    response.headers["Content-Disposition"] = 'attachment; filename="docent-result.parquet"'
    return response
