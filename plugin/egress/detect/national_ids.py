"""Numbers that states, health services and tax offices give to people: shape, words that announce one, check digits.

A line: kind, words that announce it (regular expression, any case), shape, validator in python-stdnum or "", and
whether the shape with its check digits is telling enough without any announcing word. After an announcing word a
number counts even where its check digit is wrong: a mistyped number is still somebody's. It is one file because the
table is most of it.
"""

# ruff: noqa: E501 - a pattern is easier to read in one piece
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module

from plugin.egress.detect.any_of import which_of
from plugin.egress.detect.found import Span

_S = r"[ .\-]?"
_TABLE: tuple[tuple[str, str, str, str, bool], ...] = (
    (
        "us_ssn",
        r"ssns?|social security(?: (?:number|no\.?|#|nr))?|soc\.? sec\.?",
        r"\d{3}[- .]?\d{2}[- .]?\d{4}",
        "us.ssn",
        False,
    ),
    ("us_itin", r"itin|individual taxpayer", r"9\d{2}[- ]?\d{2}[- ]?\d{4}", "us.itin", False),
    ("us_ein", r"ein|employer identification(?: number)?|federal tax id", r"\d{2}-?\d{7}", "us.ein", False),
    (
        "es_nif",
        r"d\.?n\.?i\.?|n\.?i\.?f\.?|n\.?i\.?e\.?|documento nacional",
        r"(?:\d{8}|[XYZKLMxyzklm]" + _S + r"\d{7})" + _S + r"[A-Za-z]",
        "es.nif",
        True,
    ),
    ("br_cpf", r"cpf", r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", "br.cpf", False),
    ("br_cpf", "", r"\d{3}\.\d{3}\.\d{3}-\d{2}", "br.cpf", True),
    ("br_cnpj", r"cnpj", r"\d{2}\.?\d{3}\.?\d{3}/?\d{4}-?\d{2}", "br.cnpj", False),
    ("br_cnpj", "", r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}", "br.cnpj", True),
    ("br_rg", r"\brg", r"\d{1,2}\.\d{3}\.\d{3}-[\dXx]", "", False),
    (
        "uk_nino",
        r"national insurance(?: (?:number|no\.?|nr))?|nino|ni (?:number|no\.?)",
        r"[A-Za-z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-Da-d]?",
        "",
        False,
    ),
    (
        "uk_nino",
        "",
        r"(?!BG|GB|NK|KN|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]",
        "",
        True,
    ),
    ("uk_nhs", r"nhs(?: (?:number|no\.?))?", r"\d{3}[- ]?\d{3}[- ]?\d{4}", "gb.nhs", False),
    ("uk_utr", r"utr|unique taxpayer reference", r"\d{5} ?\d{5}K?", "gb.utr", False),
    (
        "de_tax_id",
        r"steuer-?(?:id|ident\w*|nummer|nr\.?)|idnr\.?|tax id(?:entification)?(?: number)?",
        r"\d{2} ?\d{3} ?\d{3} ?\d{3}|\d{2,3}/\d{3,4}/\d{4,5}",
        "de.idnr",
        False,
    ),
    (
        "de_social_security",
        r"sozialversicherungs\w*|rentenversicherungs\w*|sv-?nummer|rvnr",
        r"\d{2} ?\d{6} ?[A-Za-z] ?\d{3}",
        "",
        False,
    ),
    ("de_id_card", r"personalausweis\w*|ausweis(?:nummer|nr\.?)?", r"[A-Z0-9]{9,10}(?:[<D]\S*)?", "", False),
    ("de_health", r"krankenversicher\w*|versichertennummer|kvnr", r"[A-Z]\d{9}", "", False),
    (
        "fr_nir",
        r"n\.?i\.?r\.?|insee|s[ée]curit[ée] sociale|num[ée]ro de s[ée]cu\w*",
        r"[12]"
        + _S
        + r"\d{2}"
        + _S
        + r"\d{2}"
        + _S
        + r"\d[\dAB]"
        + _S
        + r"\d{3}"
        + _S
        + r"\d{3}(?:"
        + _S
        + r"\d{2})?",
        "fr.nir",
        False,
    ),
    ("fr_nir", "", r"[12] \d{2} (?:0[1-9]|1[0-2]|[2-9]\d) \d[\dAB] \d{3} \d{3}(?: \d{2})?", "fr.nir", True),
    ("fr_nir", "", r"[12]\d{2}(?:0[1-9]|1[0-2])\d[\dAB]\d{8}", "fr.nir", True),
    ("fr_tax_id", r"num[ée]ro fiscal|spi", r"[0-3]\d ?\d{2} ?\d{3} ?\d{3} ?\d{3}", "fr.nif", False),
    (
        "it_codice_fiscale",
        r"codice fiscale|c\.?f\.?",
        r"[A-Za-z]{6}[0-9LMNPQRSTUVlmnpqrstuv]{2}[A-Za-z][0-9LMNPQRSTUVlmnpqrstuv]{2}[A-Za-z][0-9LMNPQRSTUVlmnpqrstuv]{3}[A-Za-z]",
        "it.codicefiscale",
        True,
    ),
    ("it_partita_iva", r"partita iva|p\.?\s?iva", r"(?:IT)?\d{11}", "it.iva", False),
    (
        "nl_bsn",
        r"bsn|burgerservicenummer|sofi(?:nummer)?",
        r"\d{4}[. ]?\d{2}[. ]?\d{3}|\d{9}|\d{8}",
        "nl.bsn",
        False,
    ),
    (
        "be_national_number",
        r"rijksregister\w*|registre national|niss|insz|national register",
        r"\d{2}[. ]?\d{2}[. ]?\d{2}[- ]?\d{3}[. ]?\d{2}",
        "be.nn",
        False,
    ),
    ("be_national_number", "", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", "be.nn", True),
    (
        "ch_ahv",
        r"ahv(?:-?n(?:umme)?r\.?)?|avs|oasi|navs13",
        r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}",
        "ch.ssn",
        False,
    ),
    ("ch_ahv", "", r"756\.\d{4}\.\d{4}\.\d{2}", "ch.ssn", True),
    ("at_svnr", r"svnr|sozialversicherungs\w*|versicherungsnummer", r"\d{4} ?\d{6}", "at.vnr", False),
    (
        "se_personnummer",
        r"person(?:al identity )?(?:nummer|number|nr)|samordningsnummer|pnr",
        r"(?:19|20)?\d{6}[-+ ]?\d{4}",
        "se.personnummer",
        False,
    ),
    (
        "no_fodselsnummer",
        r"f[øo]dselsnummer|personnummer|d-nummer|fnr",
        r"\d{6} ?\d{5}",
        "no.fodselsnummer",
        False,
    ),
    ("dk_cpr", r"cpr(?:-?(?:nummer|nr\.?|number))?", r"\d{6}[- ]?\d{4}", "dk.cpr", False),
    ("fi_hetu", r"hetu|henkil[öo]tunnus|personbeteckning", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Z]", "fi.hetu", True),
    ("is_kennitala", r"kennitala", r"\d{6}-?\d{4}", "is_.kennitala", False),
    ("pl_pesel", r"pesel", r"\d{11}", "pl.pesel", False),
    ("pl_nip", r"\bnip", r"\d{3}-?\d{3}-?\d{2}-?\d{2}", "pl.nip", False),
    ("cz_rodne_cislo", r"rodn[ée] [čc][íi]slo|r\.?č\.?", r"\d{6}/?\d{3,4}", "cz.rc", False),
    ("cz_rodne_cislo", "", r"\d{2}(?:[05][1-9]|[16][0-2])[0-3]\d/\d{4}", "cz.rc", True),
    ("ro_cnp", r"cnp|cod numeric personal", r"[1-9]\d{12}", "ro.cnp", False),
    ("bg_egn", r"egn|егн", r"\d{10}", "bg.egn", False),
    ("hr_oib", r"oib", r"\d{11}", "hr.oib", False),
    ("si_emso", r"em[šs]o|jmbg", r"\d{13}", "si.emso", False),
    ("hu_taj", r"taj(?:-?sz[áa]m)?", r"\d{3}[ -]?\d{3}[ -]?\d{3}", "", False),
    (
        "ie_pps",
        r"pps(?:n|s)?(?: (?:number|no\.?))?|personal public service",
        r"\d{7}[A-Wa-w][A-IWa-iw]?",
        "ie.pps",
        False,
    ),
    ("ie_pps", "", r"\d{7}[A-W][A-IW]?", "ie.pps", True),
    ("gr_amka", r"amka|αμκα|afm|αφμ", r"\d{11}|\d{9}", "", False),
    ("pt_nif", r"nif|contribuinte|nipc", r"\d{3} ?\d{3} ?\d{3}", "pt.nif", False),
    ("pt_cc", r"cart[ãa]o de cidad[ãa]o", r"\d{8} ?\d ?[A-Z0-9]{2}\d", "", False),
    ("ee_isikukood", r"isikukood|asmens kodas|personas kods", r"\d{11}|\d{6}-?\d{5}", "", False),
    (
        "tr_kimlik",
        r"t\.?c\.? ?kimlik(?: ?(?:no|numaras[ıi]))?|tckn|kimlik no",
        r"[1-9]\d{10}",
        "tr.tckimlik",
        False,
    ),
    ("ru_inn", r"инн|снилс|snils|паспорт", r"\d{3}-\d{3}-\d{3} ?\d{2}|\d{10,12}|\d{4} \d{6}", "", False),
    ("ua_rntrc", r"рнокпп|іпн", r"\d{10}", "", False),
    ("il_id", r"teudat zehut|t\.?z\.?|israeli id|תעודת זהות", r"\d{8,9}", "", False),
    (
        "za_id",
        r"south african id|sa id|rsa id|id number",
        r"\d{6} ?\d{4} ?\d{2} ?\d|\d{13}",
        "za.idnr",
        False,
    ),
    ("eg_id", r"egyptian national id|الرقم القومي", r"[23]\d{13}", "", False),
    ("in_aadhaar", r"aadhaa?r|uidai|आधार", r"[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}", "in_.aadhaar", False),
    ("in_aadhaar", "", r"[2-9]\d{3} \d{4} \d{4}", "in_.aadhaar", True),
    (
        "in_pan",
        r"pan(?: (?:card|number|no\.?))?|permanent account number",
        r"[A-Za-z]{5}\d{4}[A-Za-z]",
        "in_.pan",
        False,
    ),
    ("in_pan", "", r"[A-Z]{3}[PCHFATBLJG][A-Z]\d{4}[A-Z]", "in_.pan", True),
    ("pk_cnic", r"cnic|nicop", r"\d{5}-?\d{7}-?\d", "pk.cnic", False),
    ("pk_cnic", "", r"[1-7]\d{4}-\d{7}-\d", "pk.cnic", True),
    ("cn_resident_id", r"身份证(?:号码?)?|居民身份|resident id(?:entity)?", r"\d{17}[\dXx]", "cn.ric", False),
    (
        "cn_resident_id",
        "",
        r"[1-6]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\d{3}[\dXx]",
        "cn.ric",
        True,
    ),
    ("hk_id", r"hkid|hong kong id", r"[A-Za-z]{1,2}\d{6} ?\(?[0-9Aa]\)?", "", False),
    ("hk_id", "", r"[A-Z]{1,2}\d{6}\([0-9A]\)", "", True),
    ("tw_id", r"taiwan(?:ese)? id|身分證(?:字號)?", r"[A-Z][12]\d{8}", "", False),
    (
        "jp_my_number",
        r"my ?number|マイナンバー|個人番号|kojin bango",
        r"\d{4}[ -]?\d{4}[ -]?\d{4}",
        "",
        False,
    ),
    ("kr_rrn", r"주민등록번호|rrn|resident registration", r"\d{6}-?[1-8]\d{6}", "kr.rrn", False),
    ("kr_rrn", "", r"\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])-[1-8]\d{6}", "kr.rrn", True),
    ("sg_nric", r"nric|fin(?: number)?", r"[STFGMstfgm]\d{7}[A-Za-z]", "", False),
    ("sg_nric", "", r"[STFGM]\d{7}[A-Z]", "sg", True),
    ("my_nric", r"mykad|ic (?:number|no\.?)|nric|kad pengenalan", r"\d{6}-?\d{2}-?\d{4}", "my.nric", False),
    ("my_nric", "", r"\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])-\d{2}-\d{4}", "my.nric", True),
    ("th_id", r"thai (?:national )?id|บัตรประชาชน", r"\d-?\d{4}-?\d{5}-?\d{2}-?\d", "th.pin", False),
    ("th_id", "", r"[1-8]-\d{4}-\d{5}-\d{2}-\d", "th.pin", True),
    ("id_nik", r"\bnik|ktp", r"\d{16}", "id.nik", False),
    ("ph_id", r"philsys|sss(?: number)?|umid", r"\d{4}-\d{4}-\d{4}(?:-\d{4})?|\d{2}-\d{7}-\d", "", False),
    ("vn_id", r"cccd|cmnd|căn cước", r"\d{12}|\d{9}", "", False),
    ("au_tfn", r"tfn|tax file(?: number)?", r"\d{3} ?\d{3} ?\d{2,3}", "au.tfn", False),
    ("au_medicare", r"medicare(?: (?:number|card|no\.?))?", r"[2-6]\d{3} ?\d{5} ?\d(?:[ /-]?\d)?", "", False),
    ("us_medicare", r"medicare|mbi", r"[1-9][A-Z][A-Z0-9]\d-?[A-Z][A-Z0-9]\d-?[A-Z]{2}\d{2}", "", False),
    ("nz_ird", r"ird(?: (?:number|no\.?))?", r"\d{2,3}[- ]?\d{3}[- ]?\d{3}", "nz.ird", False),
    (
        "ca_sin",
        r"sin|social insurance(?: (?:number|no\.?))?|nas",
        r"\d{3}[- ]?\d{3}[- ]?\d{3}",
        "ca.sin",
        False,
    ),
    ("mx_curp", r"curp", r"[A-Za-z]{4}\d{6}[HMXhmx][A-Za-z]{5}[A-Za-z0-9]\d", "mx.curp", False),
    ("mx_curp", "", r"[A-Z][AEIOUX][A-Z]{2}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d", "", True),
    ("mx_rfc", r"rfc", r"[A-Za-zÑñ&]{3,4}\d{6}[A-Za-z0-9]{3}", "", False),
    ("ar_dni", r"dni|documento", r"\d{2}\.?\d{3}\.?\d{3}", "", False),
    ("ar_cuit", r"cui[tl]", r"\d{2}-?\d{8}-?\d", "ar.cuit", False),
    ("ar_cuit", "", r"(?:2[0347]|3[034])-\d{8}-\d", "ar.cuit", True),
    ("cl_rut", r"ru[tn]", r"\d{1,2}\.?\d{3}\.?\d{3}-?[\dkK]", "cl.rut", False),
    ("cl_rut", "", r"\d{1,2}\.\d{3}\.\d{3}-[\dkK]", "cl.rut", True),
    ("co_cedula", r"c[ée]dula(?: de \w+)?|c\.c\.", r"\d{1,3}(?:[.,]?\d{3}){1,3}|\d{3}-\d{7}-\d", "", False),
    ("pe_dni", r"ruc|cui", r"\d{8,11}", "", False),
    ("uy_ci", r"ci uruguay\w*|c\.i\.", r"\d\.?\d{3}\.?\d{3}-?\d", "", False),
    (
        "passport",
        r"passport(?: (?:number|no\.?|nr\.?|#|id))?|pass-?(?:nummer|nr\.?)|reisepass\w*|passeport|pasaporte|passaporto|护照(?:号码?)?",
        r"(?=[A-Za-z]{0,3}\d)[A-Za-z]{0,3}\d[A-Za-z0-9]{5,8}",
        "",
        False,
    ),
    (
        "driving_licence",
        r"driv(?:er'?s?|ing) licen[cs]e(?: (?:number|no\.?|#))?|licen[cs]e number|dl (?:number|no\.?|#)|f[üu]hrerschein\w*|permis de conduire",
        r"(?=[A-Za-z0-9\-]*\d{3})[A-Za-z0-9][A-Za-z0-9\- ]{4,19}[A-Za-z0-9]",
        "",
        False,
    ),
    (
        "medical_record",
        r"mrn|medical record(?: (?:number|no\.?))?|patient (?:id|number|no\.?)|health (?:card|insurance|plan)(?: (?:id|number|no\.?))?",
        r"(?=[A-Za-z0-9\-]*\d{3})[A-Za-z0-9][A-Za-z0-9\-]{4,18}",
        "",
        False,
    ),
    (
        "vat_number",
        r"vat(?: (?:id|number|no\.?|reg\w*))?|ust-?id(?:-?nr\.?)?|tva(?: intracommunautaire)?|btw(?:-?n(?:umme)?r\.?)?|uid-nummer",
        r"(?:AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI) ?[A-Z0-9]{2,4}[ .]?\d{3}[ .]?\d{2,6}[A-Z0-9]{0,3}",
        "",
        False,
    ),
    (
        "licence_plate",
        r"licen[cs]e plate(?: (?:number|no\.?))?|number plate|kfz-?kennzeichen|kennzeichen|plaque d'immatriculation|matr[íi]cula",
        r"[A-ZÄÖÜ]{1,3}[- ]?[A-Z]{0,2}[- ]?\d{1,4}[- ]?[A-Z]{0,3}",
        "",
        False,
    ),
    (
        "national_id",
        r"national id(?:entity)?(?: (?:card|number|no\.?))?|identity (?:card|number|document)(?: (?:number|no\.?))?|id card(?: (?:number|no\.?))?|citizen (?:id|number)|tax(?:payer)? (?:id|number|identification)(?: (?:number|no\.?))?|\btin",
        r"(?=(?:[A-Za-z.\- /]*\d){5})[A-Za-z0-9][A-Za-z0-9.\-/]{5,18}[A-Za-z0-9]",
        "",
        False,
    ),
    ("imei", r"imei", r"\d{2}-?\d{6}-?\d{6}-?\d", "", False),
)

_EDGE_BEFORE, _EDGE_AFTER = r"(?<![\w.\-/])", r"(?![\w])(?![.\-/]\d)"
_START = re.compile(r"(?<![\w.\-/])(?=[A-Za-z]{0,6} ?\d)")
"""Where a number of a person may begin; everything else is passed over quickly."""


def _stems(words: str) -> tuple[str, ...]:
    """Letters that must be in a text (in lower case, without its dots) for these announcing words to be in it."""
    found: list[str] = []
    for word in _top_level(words):
        plain = word.replace(r"\.?", "").replace(r"\.", "").replace(r"\b", "")
        stems = [""]
        for piece in re.finditer(r"\[([^\]]+)\](\??)|(.)", plain):
            if piece.group(1):
                if piece.group(2):
                    break
                stems = [stem + letter for stem in stems for letter in piece.group(1)]
            elif piece.group(3) in "\\(?*+-":
                if piece.group(3) in "?*":
                    stems = [stem[:-1] for stem in stems]
                break
            else:
                stems = [stem + piece.group(3) for stem in stems]
        found.extend(stems)
    return tuple(dict.fromkeys(found))


def _top_level(words: str) -> Iterator[str]:
    depth, begin = 0, 0
    for index, character in enumerate(words):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and depth == 0:
            yield words[begin:index]
            begin = index + 1
    yield words[begin:]


_FREE = tuple(
    (kind, re.compile("(?:" + shape + ")" + _EDGE_AFTER), check)
    for kind, _words, shape, check, free in _TABLE
    if free
)
_ANNOUNCED = tuple(
    (
        kind,
        _stems(words),
        re.compile(rf"(?<![\w.])(?:{words})(?![\w])", re.IGNORECASE),
        re.compile(_EDGE_BEFORE + "(?:" + shape + ")" + _EDGE_AFTER),
    )
    for kind, words, shape, check, free in _TABLE
    if words
)
_announced_in = which_of(lambda: (stems for _kind, stems, _words, _shape in _ANNOUNCED))
_BETWEEN = re.compile(
    r"[\s:=#(\"'.,\-]*(?:(?:is|was|number|no|nr|nummer|num[ée]ro|n[úu]mero|id|ist|est|es|é|of|the|value|values|like|such as|e\.g|eg|for|client|customer|do|da|del|de|card|with|ending|from|des|kunden|numer|code|del cliente|\w+'s)\b[\s:=#(\"'.,]*){0,4}",
    re.IGNORECASE,
)
_NOT_PEOPLE = re.compile(
    r"(?:\bin\s*\(\s*|\brange\s+|\bbetween\s+|\bid\s*=\s*|(?:order|invoice|ticket|batch|sku|version|build|part|serial|tracking|isbn|page|section|code)\s*(?:no\.?|number|id|#|:)?\s*)\Z",
    re.IGNORECASE,
)
_SSN = re.compile(r"(?<![\w.\-/])(?!000|666)[0-8]\d{2}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\w])(?![.\-/]\d)")
_DATE_LIKE = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])")


@cache
def _validator(check: str) -> Callable[[str], bool]:
    if check == "sg":
        return _sg_nric
    found: Callable[[str], bool] = import_module(f"stdnum.{check}").is_valid
    return found


def national_ids_in(text: str) -> Iterator[Span]:
    """Numbers of people in this view, announced ones and those whose shape is telling."""
    for ssn in _SSN.finditer(text):
        if not _NOT_PEOPLE.search(text[max(0, ssn.start() - 24) : ssn.start()]):
            yield Span(ssn.start(), ssn.end(), "us_ssn", "national-id", False, 6)
    starts = [found.start() for found in _START.finditer(text)]
    if not starts:
        return
    for start in starts:
        if sum(map(str.isdigit, text[start : start + 26])) < 6:
            continue
        for kind, shape, check in _FREE:
            found = shape.match(text, start)
            if found is None or _DATE_LIKE.match(found.group(0)):
                continue
            if _NOT_PEOPLE.search(text[max(0, start - 24) : start]):
                continue
            if not check or _validator(check)(found.group(0)):
                yield Span(start, found.end(), kind, "national-id", False, 6)
    plain = text.lower().replace(".", "")
    for at in _announced_in(plain):
        kind, _stems_of_it, words, shape = _ANNOUNCED[at]
        for word in words.finditer(text):
            after = _BETWEEN.match(text, word.end())
            position = after.end() if after else word.end()
            value = shape.match(text, position) or shape.match(text, word.end() + _blank(text, word.end()))
            if value is not None and any(map(str.isdigit, value.group(0))):
                yield Span(value.start(), value.end(), kind, "national-id", False, 6)
                continue
            before = re.search(r"\s{0,3}[(\[]?\s{0,3}\Z", text[max(0, word.start() - 8) : word.start()])
            if before is not None:
                end = word.start() - len(before.group(0))
                for earlier in shape.finditer(text, max(0, end - 24), end):
                    if earlier.end() == end and sum(map(str.isdigit, earlier.group(0))) >= 6:
                        yield Span(earlier.start(), earlier.end(), kind, "national-id", False, 5)


def _blank(text: str, position: int) -> int:
    found = re.match(r"[\s:=#]*", text[position : position + 12])
    return found.end() if found else 0


def _sg_nric(value: str) -> bool:
    """The check letter of a Singapore identity number."""
    total = sum(int(digit) * weight for digit, weight in zip(value[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True))
    total += {"T": 4, "G": 4, "M": 3}.get(value[0], 0)
    letters = {
        "S": "JZIHGFEDCBA",
        "T": "JZIHGFEDCBA",
        "F": "XWUTRQPNMLK",
        "G": "XWUTRQPNMLK",
        "M": "XWUTRQPNJLK",
    }
    return letters[value[0]][total % 11] == value[8]
