"""An answer's Markdown as HTML that is safe whatever a model or a column comment put into it (law 8).

A small subset: paragraphs, emphasis, lists, tables, headings, quotes, code, rules. Raw HTML is text. There are no
images and no links, with one exception: citations and known names lead to this app's own `/r/<id>`. What the parser
makes goes through nh3 with an allow-list as a second wall. Placeholders of local results (`{{r1.total}}`) become
empty marks that the asker's page fills in; their values are never here.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from plugin.tools.arguments import visible

Known = Mapping[str, Any]
"""What is known about a name: `{"id", "qualified_name", "kind"}`, or `{"unknown": True, "nearest": {...} | None}`."""

CITATION = re.compile(r"\[(\d{1,3})\]")
PLACEHOLDER = re.compile(r"\{\{\s*(r\d{1,4}(?:\.(?:[^{}\n]|\{\{[^{}\n]{0,120}\}\}){0,490})?)\s*\}\}")
_SIGNS = {ord(sign): 0xE000 + ord(sign) for sign in "|_*~`\\"}
"""What stands for the signs of a placeholder while Markdown is read: a bar would end a cell of a table there, and the
column `_net_` be emphasis."""
_WRITTEN = {stand_in: sign for sign, stand_in in _SIGNS.items()}
NAME = re.compile(r"[^\W\d][\w$]*(?:\.[^\W\d][\w$]*){0,4}\Z")
LOOSE_NAME = re.compile(
    r"(?<![\w./@:-])[^\W\d][\w$]*(?:\.[^\W\d][\w$]*){1,4}(?![\w/@:]|\.\w)|\b[^\W\d_]+(?:_\w+)+\b"
)

_TAGS = {
    "p", "br", "strong", "em", "s", "code", "pre", "span", "ul", "ol", "li", "h3", "h4", "h5", "h6", "blockquote",
    "hr", "table", "thead", "tbody", "tr", "th", "td", "a", "div",
}  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "class", "data-cite", "data-resource", "aria-label", "title"},
    "span": {"class", "data-bind", "data-nearest", "data-nearest-id", "title"},
    "code": {"class"},
    "pre": {"class", "tabindex", "data-sql"},
    "ol": {"start"},
    "div": {"class"},
    "th": {"class"},
    "td": {"class"},
}
_OWN_LINK = re.compile(r"/r/\d{1,18}\Z")
_CLASS = re.compile(r"[\w -]{1,80}\Z")


def render(
    markdown: str,
    *,
    citations: Sequence[Mapping[str, Any]] = (),
    names: Mapping[str, Known] | None = None,
    dialect: str | None = None,
) -> str:
    """The answer as safe HTML. `citations` are the answer's own `{n, id, qualified_name}`; others stay text.

    `names` says which names in the text are known (they become links) and which are not (they are underlined, with
    the nearest real one). Never raises: what cannot be parsed comes back escaped.
    """
    writer = _Html({int(each["n"]): each for each in citations}, names or {}, dialect)
    return nh3.clean(
        writer.render(_whole(visible(markdown))).translate(_WRITTEN),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        link_rel=None,
        url_schemes=set(),
        strip_comments=True,
    )


def names_in(markdown: str) -> tuple[str, ...]:
    """Every table-like or column-like name in the text outside code blocks, in order, each once.

    A name in `code` counts whatever it looks like; in running text only what has a dot or an underscore does.
    """
    found: dict[str, None] = {}
    for block in _PARSER.parse(_whole(visible(markdown))):
        for token in block.children or ():
            if token.type == "code_inline":
                if NAME.match(token.content.strip()):
                    found.setdefault(token.content.strip())
            elif token.type == "text":
                text = PLACEHOLDER.sub(" ", token.content)
                found.update((match.group(0), None) for match in LOOSE_NAME.finditer(text))
    return tuple(found)


def highlight(sql: str) -> str:
    """SQL as escaped HTML with Pygments' short classes; plain escaped text where it cannot be read."""
    from pygments import highlight as colour
    from pygments.formatters.html import HtmlFormatter
    from pygments.lexers.sql import SqlLexer

    coloured: str = colour(visible(sql), SqlLexer(stripnl=True), HtmlFormatter(nowrap=True))
    return coloured


def _whole(markdown: str) -> str:
    return PLACEHOLDER.sub(lambda match: match[0].translate(_SIGNS), markdown)


def _parser() -> MarkdownIt:
    # "zero" switches everything off; only what is named here can ever come out. `html_block`, `link`, `image`,
    # `autolink`, `reference` and `entity` are left off on purpose.
    parser = MarkdownIt("zero", {"html": False, "linkify": False, "maxNesting": 20})
    parser.enable(
        ["emphasis", "strikethrough", "backticks", "escape", "newline", "fence", "list", "heading", "blockquote",
         "table", "hr"]
    )  # fmt: skip
    return parser


_PARSER = _parser()


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "a" and name == "href":
        return value if _OWN_LINK.match(value) else None
    if name == "class":
        return value if _CLASS.match(value) else None
    return value


class _Html:
    """Writes the HTML of one answer from the parser's tokens."""

    def __init__(
        self, citations: Mapping[int, Mapping[str, Any]], names: Mapping[str, Known], dialect: str | None
    ):
        self._citations = citations
        self._names = names
        self._dialect = dialect

    def render(self, markdown: str) -> str:
        out: list[str] = []
        for token in _PARSER.parse(markdown):
            out.append(self._block(token))
        return "".join(out)

    def _block(self, token: Token) -> str:
        if token.type == "inline":
            return "".join(self._inline(child) for child in token.children or ())
        if token.type in ("fence", "code_block"):
            return self._code(token)
        if token.type == "hr":
            return "<hr>"
        if token.hidden or not token.tag:
            return ""
        tag = {"h1": "h3", "h2": "h3", "h3": "h4"}.get(token.tag, token.tag)
        if token.nesting < 0:
            return f"</{tag}>"
        if tag in ("th", "td") and "right" in str(token.attrGet("style") or ""):
            return f'<{tag} class="num">'
        if tag == "ol" and token.attrGet("start"):
            return f'<ol start="{int(str(token.attrGet("start")))}">'
        return f"<{tag}>"

    def _inline(self, token: Token) -> str:
        if token.type == "text":
            return self._text(token.content)
        if token.type == "code_inline":
            bound = PLACEHOLDER.fullmatch(token.content.strip())
            if bound:
                return _placeholder(bound)
            return self._name(token.content.strip(), token.content, code=True)
        if token.type in ("softbreak", "hardbreak"):
            return "\n" if token.type == "softbreak" else "<br>"
        if token.tag:
            return f"</{token.tag}>" if token.nesting < 0 else f"<{token.tag}>"
        return html.escape(token.content)

    def _text(self, text: str) -> str:
        return _replace(
            text,
            (PLACEHOLDER, _placeholder),
            (CITATION, self._citation),
            (LOOSE_NAME, lambda match: self._name(match.group(0), match.group(0), code=False)),
        )

    def _citation(self, match: re.Match[str]) -> str:
        cited = self._citations.get(int(match.group(1)))
        if cited is None:
            return html.escape(match.group(0))
        label = html.escape(f"Source {cited['n']}: {cited['qualified_name']}", quote=True)
        number = int(cited["n"])
        return f'<a class="cite" href="/r/{int(cited["id"])}" data-cite="{number}" aria-label="{label}">{number}</a>'

    def _name(self, name: str, text: str, *, code: bool) -> str:
        shown = f"<code>{html.escape(text)}</code>" if code else html.escape(text)
        known = self._names.get(name)
        if known is None:
            return shown
        if known.get("unknown"):
            near = known.get("nearest")
            if not near:
                return f'<span class="unknown" title="Not in the catalog">{shown}</span>'
            title = html.escape(f"Not in the catalog. Nearest: {near['qualified_name']}", quote=True)
            nearest = html.escape(str(near["qualified_name"]), quote=True)
            return (
                f'<span class="unknown" title="{title}" data-nearest="{nearest}" '
                f'data-nearest-id="{int(near["id"])}">{shown}</span>'
            )
        return f'<a class="name" href="/r/{int(known["id"])}" data-resource="{int(known["id"])}">{shown}</a>'

    def _code(self, token: Token) -> str:
        language = (token.info or "").strip().split(" ")[0].lower()
        if language in SQL_LANGUAGES or (not language and looks_like_sql(token.content)):
            return (
                f'<pre class="sql-text" tabindex="0"><code class="hl">{highlight(token.content)}</code></pre>'
            )
        return f'<pre tabindex="0"><code>{html.escape(token.content)}</code></pre>'


SQL_LANGUAGES = frozenset(
    "sql postgres postgresql mysql mariadb sqlite duckdb snowflake bigquery tsql redshift databricks clickhouse trino "
    "oracle plsql psql pgsql".split()
)
_STARTS_SQL = re.compile(
    r"\s*(?:--[^\n]*\n\s*)*(?:select|with|insert|update|delete|create|drop|alter|explain)\b", re.I
)


def looks_like_sql(text: str) -> bool:
    """Does this text begin like a statement?"""
    return bool(_STARTS_SQL.match(text))


def _placeholder(match: re.Match[str]) -> str:
    bound = html.escape(match.group(1).strip(), quote=True)
    return f'<span class="local" data-bind="{bound}"></span>'


def _replace(text: str, *rules: tuple[re.Pattern[str], Callable[[re.Match[str]], str]]) -> str:
    """Apply the first rule that matches earliest, again and again; what lies between is escaped."""
    out: list[str] = []
    position = 0
    while True:
        matches = [(match.start(), order, match, write) for order, (pattern, write) in enumerate(rules)
                   if (match := pattern.search(text, position))]  # fmt: skip
        if not matches:
            out.append(html.escape(text[position:]))
            return "".join(out)
        _, _, match, write = min(matches, key=lambda each: each[:2])
        out.append(html.escape(text[position : match.start()]))
        out.append(write(match))
        position = match.end()
