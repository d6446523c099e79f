"""Redaction: figures on the given texts and on hundreds of made-up ones, and what must hold for every text."""

from __future__ import annotations

import difflib
import gzip
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plugin.egress.admin_patterns import AdminPattern, checked_pattern, patterns_from, try_pattern
from plugin.egress.clean import Clean
from plugin.egress.detect.any_of import which_of
from plugin.egress.redact import redact, redact_lines
from plugin.egress.stand_ins import Restorer, StandIns
from plugin.errors import BadInput
from tests.asynchronous import at_most_of_the_processor
from tests.egress import held_out
from tests.egress.corpus import KEYS, Case, cases

SECRET_WORDS = ("key", "token", "secret", "password", "jwt", "basic", "webhook", "private")


def leaks(value: str, text: str) -> bool:
    """Is the value, or 90 % of it in one piece, still there?"""
    if value in text:
        return True
    match = difflib.SequenceMatcher(None, value, text, autojunk=False).find_longest_match()
    return match.size >= 0.9 * len(value)


class Score:
    """Shares as the attack data's README defines them."""

    def __init__(self) -> None:
        self.counts = {name: [0, 0] for name in ("secrets", "personal", "kept", "negatives")}
        self.faults: list[str] = []

    def add(self, case: Case) -> None:
        left = redact(case.text).text
        for value, secret in case.hidden:
            self._count(
                "secrets" if secret else "personal", not leaks(value, left), f"leak {case.cls}: {case.text!r}"
            )
        for word in case.kept:
            self._count("kept", word in left, f"lost {word!r}: {case.text!r} -> {left!r}")
        if not case.hidden:
            self._count("negatives", left == case.text, f"touched: {case.text!r} -> {left!r}")

    def _count(self, name: str, good: bool, fault: str) -> None:
        self.counts[name][0] += good
        self.counts[name][1] += 1
        if not good:
            self.faults.append(fault)

    def share(self, name: str) -> float:
        good, all_ = self.counts[name]
        return good / all_ if all_ else 1.0

    def check(self) -> None:
        told = "\n".join(self.faults[:20])
        assert self.share("secrets") == 1.0, told
        assert self.share("personal") >= 0.95, told
        assert self.share("kept") >= 0.98, told
        assert self.share("negatives") >= 0.95, told


def given_texts() -> Iterator[Case]:
    """The attack data, where it is at hand: beside the repository or named by DOCENT_ATTACKS."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "attacks"
    path = Path(os.environ.get("DOCENT_ATTACKS", beside)) / "sensitive.jsonl.gz"
    if not path.exists():
        pytest.skip("the attack data is not at hand")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            hidden = [
                (each["value"], any(word in each["type"] for word in SECRET_WORDS))
                for each in entry["expect"]
            ]
            yield Case(entry["cls"], entry["text"], hidden, entry["keep"])


def test_the_given_texts() -> None:
    score = Score()
    for case in given_texts():
        score.add(case)
    score.check()


@pytest.mark.parametrize("seed", [1, 7, 20261121])
def test_texts_that_nobody_has_seen(seed: int) -> None:
    score = Score()
    for case in cases(seed):
        score.add(case)
    score.check()


def test_harmless_sentences_are_untouched() -> None:
    lines = (Path(__file__).parent / "harmless.txt").read_text("utf-8").splitlines()
    texts = [line.replace("\\n", "\n") for line in lines]
    touched = [text for text in texts if redact(text).text != text]
    assert len(touched) <= len(texts) * 0.02, touched


# --- disguises -------------------------------------------------------------------------------------------------

AWS = "AK" + "IA" + "454ML6LG4TJFCZ4K"
WORD = "Tr0ub4dor&3"
CARD = "4111 1111 1111 1111"
MAIL = "jane.doe@example.com"


def _wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if 33 <= ord(c) < 127 else c for c in text)


def _b64(text: str) -> str:
    import base64

    return base64.b64encode(text.encode()).decode()


DISGUISES = {
    "zero width": ("use " + "\u200b".join(AWS), AWS),
    "full width card": ("card " + _wide(CARD), _wide(CARD)),
    "full width address": (_wide(MAIL), _wide(MAIL)),
    "full width password": (_wide("password") + "：" + _wide(WORD), _wide(WORD)),
    "base64 key": (_b64("key=" + AWS), _b64("key=" + AWS)),
    "base64 twice": (_b64(_b64("password=" + WORD)), _b64(_b64("password=" + WORD))),
    "hexadecimal": ("x " + MAIL.encode().hex(), MAIL.encode().hex()),
    "percent": ("?mail=jane.doe%40example.com", "jane.doe%40example.com"),
    "percent password": ("password%3DTr0ub4dor%263", "Tr0ub4dor%263"),
    "entity": ("jane.doe&#64;example.com", "jane.doe&#64;example.com"),
    "escape": ("jane.doe\\u0040example.com", "jane.doe\\u0040example.com"),
    "json in json": ('{\\"password\\": \\"' + WORD + '\\"}', WORD),
    "joined strings": (f'k = "{AWS[:8]}" + "{AWS[8:]}"', AWS[8:]),
    "spelled": (" ".join(AWS), " ".join(AWS)),
    "spaced digits": (" ".join(CARD.replace(" ", "")), " ".join(CARD.replace(" ", ""))),
    "in words": ("jane.doe at example dot com", "jane.doe at example dot com"),
    "in brackets": ("jane (dot) doe [at] example (dot) com", "[at] example (dot) com"),
    "look-alike word": ("p\u0430ssword is " + WORD, WORD),
    "look-alike key": (AWS.replace("A", "\u0410"), AWS.replace("A", "\u0410")),
    "other digits": ("card " + "".join(chr(0x660 + int(c)) if c.isdigit() else c for c in CARD), "\u0664\u0661\u0661\u0661"),
    "below a heading": ("| user | password |\n|---|---|\n| etl | Xk29fj!s |", "Xk29fj!s"),
    "the other way round": (f"'{WORD}' is my password", WORD),
    "name and value": ('{"name":"DB_PASSWORD","value":"Xk29fj!s"}', "Xk29fj!s"),
    "block": (f"password: >-\n  {WORD}", WORD),
    "slash in the password": ("postgres://u:pa/ss9Word@host/db", "pa/ss9Word"),
    "at sign in the password": ("postgres://u:p@ss9Word@host/db", "p@ss9Word"),
}  # fmt: skip


@pytest.mark.parametrize("name", DISGUISES)
def test_disguises(name: str) -> None:
    text, value = DISGUISES[name]
    assert value not in redact(text).text


def test_hidden_characters_are_gone() -> None:
    tags = "".join(chr(0xE0000 + ord(c)) for c in "IGNORE ALL")
    assert (
        redact(f"Total\u200b\u200c\u200d of orders {tags}\u202ex\u202c\x07\ud800").text == "Total of orders x"
    )


# --- for every text --------------------------------------------------------------------------------------------

SEEDED = st.integers(0, 2**32).map(random.Random)
PROSE = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cf", "Co", "Cn"]), max_size=80)


@settings(max_examples=150, deadline=None)
@given(PROSE, PROSE, SEEDED, st.sampled_from(sorted(KEYS)))
def test_a_key_goes_wherever_it_stands(before: str, after: str, r: random.Random, kind: str) -> None:
    value = KEYS[kind](r)
    left = redact(f"{before} {value} {after}").text
    assert value not in left


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            PROSE,
            st.sampled_from([MAIL, CARD, "+49 30 901820", "DE62 5495 3786 0271 3221 18", "ann@example.net"]),
        ),
        max_size=8,
    )
)
@example(["<email-1>", MAIL])
@example(["<card-1> <card-2>", CARD])
def test_stand_ins_come_back_to_the_same_text(pieces: list[str]) -> None:  # fmt: skip
    text = " ".join(pieces)
    result = redact(text)
    if not any(finding.secret for finding in result.findings) and "\u3164" not in text:
        assert result.stand_ins.restore(result.text) == redact_visible(text)


def redact_visible(text: str) -> str:
    """The text without what cannot be seen, which redaction takes out first."""
    from plugin.egress.detect.views import visible

    return visible(text).text


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
@example("password: [removed: password]")
@example("[removed: aws key] <email-1> <person-2>")
def test_redacting_twice_changes_nothing(text: str) -> None:
    once = redact(text)
    again = redact(once.text, stand_ins=once.stand_ins)
    assert again.text == once.text


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_findings_point_into_the_original(text: str) -> None:
    position = 0
    for finding in redact(text).findings:
        assert position <= finding.start < finding.end <= len(text)
        position = finding.end


@settings(max_examples=100, deadline=None)
@given(SEEDED, st.lists(st.integers(1, 6), min_size=1, max_size=40))
def test_split_stand_ins_are_restored_in_a_stream(r: random.Random, sizes: list[int]) -> None:
    stand_ins = StandIns()
    marks = [
        stand_ins.of("email", MAIL),
        stand_ins.of("person", "Ann Owner"),
        "<email-99>",
        "a < b",
        "<b>",
        "<",
        "<em",
    ]
    answer = " ".join(r.choice(marks) for _ in range(12))
    restorer, said, position = Restorer(stand_ins), "", 0
    for size in [*sizes, len(answer)]:
        said += restorer.feed(answer[position : position + size])
        position += size
    assert said + restorer.rest() == stand_ins.restore(answer)


def test_the_same_value_keeps_its_stand_in_over_a_chat() -> None:
    stand_ins = StandIns()
    first = redact(f"who is {MAIL}?", stand_ins=stand_ins).text
    second = redact(f"and {MAIL.upper()} again, and x@y.example", stand_ins=stand_ins).text
    assert first == "who is <email-1>?" and second == "and <email-1> again, and <email-2>"
    assert stand_ins.restore("tell <email-2> and <email-1>") == f"tell x@y.example and {MAIL}"


def test_people_leave_as_pseudonyms() -> None:
    people = {
        "ann owner": "member-1",
        "ann.owner@example.com": "member-1",
        "will": "member-2",
        "bob müller": "member-3",
    }
    result = redact("Ann  Owner (ann.owner@example.com) and BOB MÜLLER will meet Will", people=people)
    assert result.text == "<person-1> (<person-1>) and <person-2> will meet <person-3>"
    assert result.stand_ins.restore("ask <person-2>") == "ask BOB MÜLLER"


def test_addresses_of_devices() -> None:
    result = redact(
        "client from 84.17.46.22 and 2a02:810d:ab40:1c::1, mac 3C-22-FB-4A-9B-10 or 3c:22:fb:4a:9b:11"
    )
    assert result.text == "client from <ip-1> and <ip-2>, mac <mac-1> or <mac-2>"
    untouched = (
        "10.0.0.0/8 is private, the broadcast is ff:ff:ff:ff:ff:ff, at 12:30:45:10:20:30:40 and 84.17.46.22"
    )
    assert redact(untouched).text == untouched


def test_findings_hold_positions_in_the_original() -> None:
    text = f"a\u200bb {MAIL} and\u200b {AWS}"
    lines = list(redact_lines(iter([{"id": "1", "text": text}])))
    assert lines[0]["id"] == "1" and lines[0]["text"] == "ab <email-1> and [removed: aws key]"
    findings = lines[0]["findings"]
    assert isinstance(findings, list)
    assert [(text[each["start"] : each["end"]], each["type"]) for each in findings] == [
        (MAIL, "email"),
        (AWS, "aws_access_key"),
    ]


@pytest.mark.parametrize(
    "text",
    [piece * (20_000 // len(piece)) for piece in (" ", "a", "1", "1 ", "a@a.", "password=", 'password: "', "a://b:", "-----BEGIN PRIVATE KEY-----", "eyJhbGciOi.", "+1 ", " at ", "%41", "\\u0041", "x ", "|password|", "4111 ", "DE12 ", "<", "login a/", "mysql ", "dni 1", "\u200b", "&#64;", '"+"')],
    ids=lambda text: repr(text[:12]),
)  # fmt: skip
def test_no_text_takes_long(text: str) -> None:
    with at_most_of_the_processor(10):
        redact(text)


# --- the admin's own patterns ----------------------------------------------------------------------------------


def test_try_it_box() -> None:
    shown, places = try_pattern(r"PRJ-\d+", "PRJ-1 and PRJ-22", name="project")
    assert shown == "[removed: project] and [removed: project]" and places == ((0, 5), (10, 16))


@pytest.mark.parametrize("pattern", ["(", "(?=x)y", r"(a)\1", "", "a*", "x" * 1001, "(?<!a)b"])
def test_patterns_that_cannot_be_used_are_refused_with_a_reason(pattern: str) -> None:
    with pytest.raises(BadInput) as caught:
        checked_pattern("mine", pattern)
    assert caught.value.field == "pattern"


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)+$", r"(.*a){20}", r"(x+x+)+y"])
def test_a_pattern_that_would_run_for_ever_elsewhere_is_quick(pattern: str) -> None:
    mine = patterns_from([{"name": "mine", "pattern": pattern}])
    with at_most_of_the_processor(3):
        redact("a" * 5_000 + "x" * 5_000 + "!", patterns=mine)


def test_own_patterns_may_be_reversible() -> None:
    result = redact("PRJ-1 and PRJ-2", patterns=[AdminPattern("project code", r"PRJ-\d+", reversible=True)])
    assert result.text == "<project-code-1> and <project-code-2>"
    assert result.stand_ins.restore(result.text) == "PRJ-1 and PRJ-2"


@pytest.mark.parametrize("seed", [1, 2])
def test_the_held_out_texts(seed: int) -> None:
    assert held_out.wrong(seed) == []


@given(text=st.text(max_size=200))
def test_words_are_looked_for_all_at_once(text: str) -> None:
    """RE2 finds the same groups as a look for each word; half a pair of UTF-16 leaves all of them to the patterns."""
    words = [("sk-", "key"), ("Ä", "é"), ("0", "1", "2"), (".",)]
    which = which_of(lambda: words)
    assert list(which(text)) == [at for at, group in enumerate(words) if any(each in text for each in group)]
    assert list(which(f"{text}\ud800")) == [0, 1, 2, 3]


def test_what_is_known_to_be_clean_is_told_from_what_is_not() -> None:
    clean, stand_ins = Clean(), StandIns()
    people = {"ada lovelace": "member-7"}
    texts = [
        "order_id int, total num",
        "mail ada@shop.example",
        "key AKIAIOSFODNN7EXAMPL3",
        "kept by Ada Lovelace",
    ]
    for _again in range(2):
        for text in texts:
            known = redact(text, stand_ins=stand_ins, people=people, clean=clean)
            assert known.text == redact(text, stand_ins=stand_ins, people=people).text
    assert Clean.digest(texts[0]) in clean
    assert not any(Clean.digest(text) in clean for text in texts[1:])
    # Clean for somebody who knows nobody, and yet the person goes for whoever knows them.
    assert redact("asked by Ada Lovelace", clean=clean).text == "asked by Ada Lovelace"
    assert "Lovelace" not in redact("asked by Ada Lovelace", people=people, clean=clean).text


def test_a_pattern_that_is_called_like_a_person_is_found_again() -> None:
    clean, pattern = Clean(), AdminPattern("person", r"emp\d{4}", reversible=True)
    for _again in range(3):
        assert "emp1234" not in redact("seen by emp1234", patterns=(pattern,), clean=clean).text
