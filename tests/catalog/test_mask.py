"""No literal survives the mask, in any dialect, and nothing raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.catalog.mask import HIDDEN, mask_default, mask_literals

DIALECTS = (
    "postgres",
    "mysql",
    "sqlite",
    "duckdb",
    "snowflake",
    "bigquery",
    "databricks",
    "tsql",
    "oracle",
    "",
    "nope",
)
SECRET = "zqxcanary"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "literal",
    [
        "'{}'",
        "'it''s {}'",
        "N'{}'",
        "'{}''{}'",
        "-- {}\n1",
        "/* {} */ 1",
        "'a' || '{}'",
        "x'{}'",
        "CAST('{}' AS text)",
        "DATE '{}'",
        "U&'{}'",
        "'{}",
        "'\n{}\n'",
    ],
)
def test_a_string_does_not_survive(literal: str, dialect: str) -> None:
    masked = mask_literals(f"SELECT a, {literal.replace('{}', SECRET)} FROM t", dialect)
    assert SECRET not in masked


@pytest.mark.parametrize(
    ("dialect", "literal"),
    [
        ("postgres", "E'it\\'s {}'"),
        ("postgres", "$${}$$"),
        ("postgres", "$tag$ ' {} $tag$"),
        ("postgres", "/* a /* {} */ {} */ 1"),
        ("duckdb", "$${}$$"),
        ("snowflake", "$${}$$"),
        ("mysql", "'it\\'s {}'"),
        ("mysql", '"{}"'),
        ("mysql", "# {}\n1"),
        ("mysql", "/*! {} */ 1"),
        ("mysql", "_utf8mb4'{}'"),
        ("bigquery", "'''it's {}'''"),
        ("bigquery", 'r"""{}"""'),
        ("oracle", "q'[it's {}]'"),
        ("sqlite", '"{}"'),
        ("", "'it\\'s {}'"),
    ],
)
def test_the_dialects_own_strings_do_not_survive(dialect: str, literal: str) -> None:
    masked = mask_literals(f"SELECT a FROM t WHERE b = {literal.replace('{}', SECRET)}", dialect)
    assert SECRET not in masked


@pytest.mark.parametrize(
    "number", ["42987", "3.14159", ".5772", "6.02e23", "0xDEADBEEF", "1_000_777", "-99123"]
)
def test_numbers_do_not_survive(number: str) -> None:
    masked = mask_literals(f"SELECT a1 FROM t2 WHERE b > {number}", "postgres")
    assert masked.replace("-", "") == "SELECT a1 FROM t2 WHERE b > ?"


@pytest.mark.parametrize("dialect", ["impala", "starrocks", "couchbase", "nope", "", "sqlite"])
def test_where_double_quotes_may_hold_a_string_they_are_taken_for_one(dialect: str) -> None:
    masked = mask_literals(f'SELECT "a b"."c" FROM t WHERE b = "{SECRET}"', dialect, {"c"})
    assert SECRET not in masked and '"c"' in masked


def test_what_is_no_literal_stays() -> None:
    sql = 'SELECT "My Col", t1.col_2::numeric(10,2) FROM s."Odd Table" t1 WHERE a = \'x\''
    assert mask_literals(sql, "postgres") == sql.replace("'x'", "?")
    assert mask_literals('SELECT "a" FROM "t"', "sqlite", {"a"}) == 'SELECT "a" FROM "t"'


@given(st.text(), st.sampled_from(DIALECTS))
def test_it_never_raises(sql: str, dialect: str) -> None:
    assert isinstance(mask_literals(sql, dialect), str)
    mask_default(sql, dialect)


@given(
    st.text(alphabet=st.characters(exclude_characters="'\\\x00"), max_size=30).map(
        lambda text: SECRET + text
    ),
    st.text(alphabet=st.characters(exclude_characters="'\\\x00"), max_size=30),
    st.sampled_from([each for each in DIALECTS if each]),
)
def test_values_around_each_other_do_not_survive(first: str, second: str, dialect: str) -> None:
    masked = mask_literals(f"SELECT '{first}', b, '{second}{SECRET}' FROM t", dialect)
    assert SECRET not in masked
    assert masked == HIDDEN or masked == "SELECT ?, b, ? FROM t"


@pytest.mark.parametrize(
    ("default", "dialect", "masked"),
    [
        ("'active'::text", "postgres", "?::text"),
        ("nextval('s'::regclass)", "postgres", "nextval(?::regclass)"),
        ("now()", "postgres", "now()"),
        ("active", "mysql", "?"),
        ("current_timestamp()", "mysql", "current_timestamp()"),
        ("17", "sqlite", "?"),
        (None, "sqlite", None),
    ],
)
def test_defaults(default: str | None, dialect: str, masked: str | None) -> None:
    assert mask_default(default, dialect) == masked


@pytest.mark.parametrize("dialect", ["postgres", "snowflake", "mysql", "tsql", ""])
@pytest.mark.parametrize(
    "template",
    [
        '{% if url_param("{}") == "{}" %} AND a = b {% endif %}',
        "AND a IN ({{ \"'\" + \"','\".join(filter_values('{}')) + \"'\" }})",
        "AND a = {{ url_param('{}') }} {# {} #}",
        "AND a = '{{ url_param('k', '{}') }}' AND b = c",
        'AND a = \'{{ url_param("k", "{}") | upper }}\' AND b = c',
        'AND "{{ f("{}") }}" = 1',
        "AND a = {{ it's {} ",
    ],
)
def test_literals_in_templates_do_not_survive(template: str, dialect: str) -> None:
    masked = mask_literals(f"SELECT a FROM t WHERE b = c {template.replace('{}', SECRET)}", dialect)
    assert SECRET not in masked and masked.startswith("SELECT a FROM t WHERE b = c")


def test_what_is_no_literal_of_a_template_stays() -> None:
    sql = "SELECT {{ cols }} FROM {{ dataset(12) }} {% if is_x('y') %} WHERE \"a b\" = 1 {% endif %}"
    told = 'SELECT {{ cols }} FROM {{ dataset(?) }} {% if is_x(?) %} WHERE "a b" = ? {% endif %}'
    assert mask_literals(sql, "postgres") == told


_NOISE = st.text(alphabet="{}%#\"' ab,", max_size=8)
_LITERAL = st.tuples(_NOISE, _NOISE).map(lambda pair: (pair[0] + SECRET + pair[1]).replace("'", "''"))
_IN_QUOTES = st.text(alphabet="%{} ab", max_size=5).map(lambda text: text + SECRET)


@given(
    st.lists(
        st.one_of(
            _LITERAL.map("'{}'".format),
            _NOISE.map(lambda text: "'" + text.replace("'", "''") + "'"),
            _IN_QUOTES.map(lambda text: "{{ f('" + text + "') }}"),
            _IN_QUOTES.map(lambda text: '{% if f("' + text + '") %}'),
            st.just('"a column"'),
        ),
        max_size=8,
    ),
    st.sampled_from(["postgres", "snowflake", "mysql"]),
)
def test_braces_in_literals_and_literals_in_braces_do_not_survive(pieces: list[str], dialect: str) -> None:
    assert SECRET not in mask_literals("SELECT " + " , ".join(pieces), dialect)
