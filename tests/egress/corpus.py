"""Texts with secrets and personal data, and texts that must survive, made by a seeded generator when a test runs.

Nothing here is real, and no literal looks like a live key: every one is put together from parts. `cases(seed)` yields
(class, text, hidden values with whether each is a secret, strings that must survive).
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
TABLES = [
    "sales.orders",
    "crm.calls",
    "hr_stage.people",
    "finance.payouts",
    "dim_customer",
    "fct_orders",
    "stg_leads",
    "public.stores",
    "marketing.campaigns",
    "analytics.web_events",
    "raw.shopify_orders",
]


@dataclass
class Case:
    """One text with what must go and what must stay."""

    cls: str
    text: str
    hidden: list[tuple[str, bool]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


def _of(r: random.Random, letters: str, size: int) -> str:
    return "".join(r.choice(letters) for _ in range(size))


def _luhn_end(digits: str) -> str:
    total = 0
    for index, digit in enumerate(reversed(digits)):
        number = int(digit)
        if index % 2 == 0:
            number = number * 2 - 9 if number > 4 else number * 2
        total += number
    return digits + str(-total % 10)


# --- secrets with a shape --------------------------------------------------------------------------------------

B64 = ALNUM + "+/"
URL64 = ALNUM + "-_"
UPPER = string.ascii_uppercase + string.digits

KEYS: dict[str, Callable[[random.Random], str]] = {
    "aws": lambda r: r.choice(["AK", "AS"]) + "IA" + _of(r, UPPER, 16),
    "aws secret": lambda r: _mixed(r, B64, 40),
    "github": lambda r: "gh" + r.choice("pousr") + "_" + _of(r, ALNUM, 36),
    "github fine": lambda r: "github" + "_pat_" + _of(r, ALNUM, 22) + "_" + _of(r, ALNUM, 59),
    "gitlab": lambda r: "gl" + r.choice(["pat", "dt", "rt", "cbt", "ptt"]) + "-" + _of(r, URL64, 20),
    "slack": lambda r: (
        "xox"
        + r.choice("bpas")
        + "-"
        + "-".join([_of(r, string.digits, 12), _of(r, string.digits, 12), _of(r, ALNUM, 24)])
    ),
    "slack app": lambda r: (
        "xapp" + "-1-" + _of(r, UPPER, 11) + "-" + _of(r, string.digits, 13) + "-" + _of(r, HEX, 64)
    ),
    "slack hook": lambda r: (
        "https://hooks."
        + "slack.com/services/T"
        + _of(r, UPPER, 8)
        + "/B"
        + _of(r, UPPER, 8)
        + "/"
        + _of(r, ALNUM, 24)
    ),
    "stripe": lambda r: (
        r.choice(["sk", "rk"]) + "_" + r.choice(["live", "test"]) + "_" + _of(r, ALNUM, r.choice([24, 99]))
    ),
    "stripe hook": lambda r: "whsec" + "_" + _of(r, ALNUM, 32),
    "openai": lambda r: "sk" + "-proj-" + _of(r, URL64, r.choice([48, 156])),
    "openai old": lambda r: "sk" + "-" + _of(r, ALNUM, 20) + "T3Blbk" + "FJ" + _of(r, ALNUM, 20),
    "openai service": lambda r: "sk" + "-svcacct-" + _of(r, URL64, 74),
    "anthropic": lambda r: "sk" + "-ant-api03-" + _of(r, URL64, 93) + "AA",
    "google": lambda r: "AI" + "za" + _of(r, URL64, 35),
    "google oauth": lambda r: "GOC" + "SPX-" + _of(r, URL64, 28),
    "google access": lambda r: "ya" + "29." + _of(r, URL64, 80),
    "sendgrid": lambda r: "S" + "G." + _of(r, URL64, 22) + "." + _of(r, URL64, 43),
    "npm": lambda r: "npm" + "_" + _of(r, ALNUM, 36),
    "pypi": lambda r: "pypi" + "-AgEIcHlwaS5vcmc" + _of(r, URL64, 70),
    "databricks": lambda r: "da" + "pi" + _of(r, HEX, 32),
    "hugging face": lambda r: "h" + "f_" + _of(r, string.ascii_letters, 34),
    "azure storage": lambda r: base64.b64encode(r.randbytes(64)).decode(),
    "azure client": lambda r: _of(r, ALNUM, 3) + "8" + "Q~" + _of(r, ALNUM + "_~.", 34),
    "twilio": lambda r: "S" + "K" + _of(r, HEX, 32),
    "mailgun": lambda r: "key" + "-" + _of(r, HEX, 32),
    "mailchimp": lambda r: _of(r, HEX, 32) + "-us" + str(r.randint(1, 21)),
    "digitalocean": lambda r: "dop" + "_v1_" + _of(r, HEX, 64),
    "shopify": lambda r: "shp" + "at_" + _of(r, HEX, 32),
    "square": lambda r: "sq0" + "atp-" + _of(r, URL64, 22),
    "new relic": lambda r: "NR" + "AK-" + _of(r, UPPER, 27),
    "vault": lambda r: "hv" + "s." + _of(r, URL64, 90),
    "terraform": lambda r: _of(r, ALNUM, 14) + ".atlas" + "v1." + _of(r, URL64, 67),
    "atlassian": lambda r: "ATA" + "TT3" + _of(r, URL64, 180),
    "telegram": lambda r: _of(r, "123456789", 10) + ":A" + "A" + _of(r, URL64, 33),
    "discord": lambda r: (
        r.choice("MNO") + _of(r, ALNUM, 23) + "." + _of(r, ALNUM, 6) + "." + _of(r, URL64, 38)
    ),
    "grafana": lambda r: "gl" + "sa_" + _of(r, ALNUM, 32) + "_" + _of(r, HEX, 8),
    "linear": lambda r: "lin" + "_api_" + _of(r, ALNUM, 40),
    "notion": lambda r: "nt" + "n_" + _of(r, ALNUM, 46),
    "airtable": lambda r: "pat" + _of(r, ALNUM, 14) + "." + _of(r, HEX, 64),
    "hubspot": lambda r: "pat" + "-na1-" + "-".join(_of(r, HEX, n) for n in (8, 4, 4, 4, 12)),
    "docker": lambda r: "dckr" + "_pat_" + _of(r, URL64, 27),
    "figma": lambda r: "fig" + "d_" + _of(r, URL64, 40),
    "postman": lambda r: "PM" + "AK-" + _of(r, HEX, 24) + "-" + _of(r, HEX, 34),
    "dbt cloud": lambda r: "dbt" + r.choice("cu") + "_" + _of(r, ALNUM, 40),
    "planetscale": lambda r: "pscale" + "_tkn_" + _of(r, URL64, 43),
    "supabase": lambda r: "sb" + "p_" + _of(r, HEX, 40),
    "groq": lambda r: "gs" + "k_" + _of(r, ALNUM, 52),
    "replicate": lambda r: "r8" + "_" + _of(r, ALNUM, 37),
    "perplexity": lambda r: "pp" + "lx-" + _of(r, ALNUM, 48),
    "rubygems": lambda r: "ruby" + "gems_" + _of(r, HEX, 48),
    "prefect": lambda r: "pn" + "u_" + _of(r, ALNUM, 36),
    "pulumi": lambda r: "pu" + "l-" + _of(r, HEX, 40),
    "doppler": lambda r: "dp" + ".pt." + _of(r, ALNUM, 43),
    "sentry": lambda r: "sntr" + "yu_" + _of(r, HEX, 64),
    "sonar": lambda r: "sq" + "p_" + _of(r, HEX, 40),
    "langsmith": lambda r: "ls" + "v2_pt_" + _of(r, HEX, 32) + "_" + _of(r, HEX, 10),
    "alibaba": lambda r: "LT" + "AI" + _of(r, ALNUM, 20),
    "mapbox": lambda r: "sk" + ".eyJ" + _of(r, ALNUM, 60) + "." + _of(r, URL64, 22),
    "bitbucket": lambda r: "AT" + "BB" + _of(r, ALNUM, 32),
    "razorpay": lambda r: "rzp" + "_live_" + _of(r, ALNUM, 14),
    "tailscale": lambda r: "ts" + "key-auth-" + _of(r, ALNUM, 12) + "-" + _of(r, ALNUM, 32),
    "age": lambda r: "AGE-SECRET" + "-KEY-1" + _of(r, UPPER, 58),
    "jwt": lambda r: _jwt(r),
    "dynatrace": lambda r: "dt0" + "c01." + _of(r, UPPER, 24) + "." + _of(r, UPPER, 64),
}


def _mixed(r: random.Random, letters: str, size: int) -> str:
    while True:
        token = _of(r, letters, size)
        if (
            any(map(str.isdigit, token))
            and any(map(str.islower, token))
            and any(map(str.isupper, token))
            and token[0].isalnum()
            and token[-1].isalnum()
        ):
            return token


def _jwt(r: random.Random) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return ".".join(
        [
            part({"alg": r.choice(["HS256", "RS256"]), "typ": "JWT"}),
            part({"sub": _of(r, string.digits, 8), "iat": 1700000000}),
            _of(r, URL64, 43),
        ]
    )


KEY_TEMPLATES = [
    "The loader for {t} uses {v}, is that a good idea?",
    "dbt clones with token {v} from git for {t}",
    "Comment on {t}: {v}",
    "export SOME_TOKEN={v} # for lineage of {t}",
    "alerts of {t} go out with {v}",
    "column api_key of {t} holds values such as {v}",
    "I put {v} in AI settings and got 401 on {t}",
    "SERVICE_API_KEY={v}",
    "geocoder key: {v} used by {t}",
    "{v}",
    "why does ({v}) not work?",
    '{{"key": "{v}", "table": "{t}"}}',
    "key '{v}' expired; {t} is stale",
    "header X-Api-Key: {v} when reading {t}",
    "https://api.example.com/v1/things?api_key={v}&table={t}",
    "my colleague pasted `{v}` in the description of {t}.",
    "- token: {v}\n- table: {t}",
    "Use {v}\nfor {t}",
    "<key>{v}</key> in {t}",
    "Is {v} still valid?",
    "{v} {v} appears twice in {t}",
    "rotate\t{v}\tplease",
    "set -x; curl -H 'x-token:{v}' https://x.example/{t}",
]

# --- passwords -------------------------------------------------------------------------------------------------


def _password(r: random.Random) -> str:
    word = r.choice(
        [
            "summer",
            "Tiger",
            "Welcome",
            "dragon",
            "Winter",
            "Shop",
            "monkey",
            "Qwerty",
            "hunter",
            "Blue",
            "Falcon",
            "tr0ub4dor",
        ]
    )
    return r.choice(
        [
            lambda: word + str(r.randint(10, 9999)) + r.choice(["!", "", "#", "$", "?"]),
            lambda: _mixed(r, ALNUM, r.randint(10, 20)),
            lambda: _mixed(r, ALNUM, 11) + r.choice("!$%^&*"),
            lambda: word.replace("o", "0").replace("e", "3") + "&" + str(r.randint(2, 99)),
            lambda: (
                _of(r, string.ascii_lowercase, 4)
                + r.choice("!@#$%")
                + _of(r, ALNUM, 5)
                + str(r.randint(1, 9))
            ),
            lambda: "P@ss" + "w0rd" + str(r.randint(1, 99)),
        ]
    )()


PASSWORD_TEMPLATES = [
    "my password is {v} and the table {t} is empty",
    "the password for {t} is {v}",
    "the db password for user etl is {v}.",
    "password of the loader user: {v}",
    "Password: {v}",
    "pwd={v}; table={t}",
    "passwd {v} does not work for {t}",
    "PASSWORD='{v}' python load.py {t}",
    '{{"user": "etl", "password": "{v}", "schema": "{t}"}}',
    "Server=sql01;Database=dw;User Id=etl;Password={v};Encrypt=true",
    "Driver={{ODBC}};Server=x;Uid=etl;Pwd={v};",
    "host=db port=5432 dbname=dw user=etl password={v}",
    "jdbc:postgresql://db.internal/dw?user=etl&password={v}&ssl=true",
    "jdbc:sqlserver://db;databaseName=dw;user=etl;password={v}",
    "CREATE USER etl WITH PASSWORD '{v}'",
    "CREATE USER 'etl'@'%' IDENTIFIED BY '{v}';",
    "ALTER ROLE etl PASSWORD '{v}' -- for {t}",
    "mysql -u root -p{v} -h db shop",
    "PGPASSWORD={v} psql -h db shop",
    'export DB_PASSWORD="{v}"',
    "DB_PASS={v}",
    "spark.hadoop.javax.jdo.option.ConnectionPassword {v}",
    "  password: {v}\n  schema: {t}",
    '  pass: "{v}"\n  dbname: dw',
    "<password>{v}</password>",
    "login etl / {v} works on {t}",
    "credentials: etl / {v}",
    "creds etl:{v} for {t}",
    "the secret is {v}",
    "client_secret={v}",
    "Passwort: {v}, Tabelle {t}",
    "das Passwort lautet {v}",
    "Mein Kennwort ist {v}",
    "le mot de passe est {v}",
    "mot de passe : {v}",
    "la contraseña es {v}",
    "a senha é {v}",
    "wachtwoord: {v}",
    "hasło: {v}",
    "пароль: {v}",
    "密码：{v}",
    "パスワードは {v}" if False else "パスワード: {v}",
    "passphrase = {v}",
    "password is: {v}",
    "password -> {v}",
    "password => '{v}'",
    'password ("{v}") is wrong',
    "use password {v} to read {t}",
    "with password {v}, the query on {t} fails",
    "I changed the password to {v} yesterday",
    "reset my password to {v}",
    "curl -u etl:{v} https://api.example.com/{t}",
    "--password {v} --table {t}",
    "--password={v}",
    "sshpass -p '{v}' ssh etl@host",
    "machine db.example.com login etl password {v}",
    "db.example.com:5432:dw:etl:{v}",
    "snowsql -a ab123 -u etl; SNOWSQL_PWD={v}",
    "SNOWFLAKE_PASSWORD: {v}",
    "conn = connect(user='etl', password='{v}', database='dw')",
    'connect("etl", password = "{v}")',
    "os.environ['DB_PASSWORD'] = '{v}'",
    "requests.get(url, auth=('etl', password:='{v}'))",
    "user=etl&passwd={v}&table=x",
    "pw: {v}",
    "PW = {v}",
    "my pw is {v}",
    "the admin password was {v} before",
    "password\n{v}" if False else "password:\n{v}",
    "What does {t} hold? (password={v})",
    'Password for demo: "{v}"',
    "default password is `{v}`",
]

URLS = [
    "postgres://loader:{v}@db.internal:5432/shop?sslmode=require fails for schema sales",
    "postgresql+psycopg://etl:{v}@10.1.2.3/dw",
    "mysql+pymysql://root:{v}@10.1.2.3/crm",
    "snowflake://svc_cat:{v}@ab12345.eu-central-1/ANALYTICS/PUBLIC?warehouse=WH",
    "mongodb+srv://app:{v}@cluster0.ab1cd.mongodb.net/shop",
    "redis://:{v}@cache.internal:6379/0",
    "amqp://guest:{v}@mq.internal:5672//",
    "https://user:{v}@git.example.com/acme/dbt.git",
    "ftp://files:{v}@ftp.example.com/exports",
    "clickhouse://default:{v}@ch.internal:8123/default",
    "bigquery via socks5://proxy:{v}@proxy.internal:1080",
    "DATABASE_URL=postgres://etl:{v}@db/shop",
    'url: "mssql+pyodbc://sa:{v}@sql01/dw?driver=x"',
    "trino://etl:{v}@trino.internal:8443/hive/default is slow",
    "oracle+oracledb://etl:{v}@db:1521/?service_name=x",
    "jdbc:oracle:thin:etl/{v}@//db:1521/x",
    "reporting logs on with etl/{v}@//db:1521/ORCL",
    "mysql -u root -p'{v}' shop",
]

# --- personal data ---------------------------------------------------------------------------------------------


def _card(r: random.Random) -> str:
    prefix, size = r.choice(
        [
            ("4", 16),
            ("51", 16),
            ("55", 16),
            ("2221", 16),
            ("34", 15),
            ("37", 15),
            ("6011", 16),
            ("65", 16),
            ("3530", 16),
            ("36", 14),
        ]
    )
    digits = _luhn_end(prefix + _of(r, string.digits, size - len(prefix) - 1))
    style = r.choice(["plain", " ", "-"])
    if style == "plain":
        return digits
    if size == 15:
        return style.join([digits[:4], digits[4:10], digits[10:]])
    if size == 14:
        return style.join([digits[:4], digits[4:10], digits[10:]])
    return style.join(digits[i : i + 4] for i in range(0, 16, 4))


def _iban(r: random.Random) -> str:
    country, shape = r.choice(
        [
            ("DE", "d" * 18),
            ("GB", "aaaa" + "d" * 14),
            ("FR", "d" * 23),
            ("NL", "aaaa" + "d" * 10),
            ("ES", "d" * 20),
            ("IT", "a" + "d" * 22),
            ("CH", "d" * 17),
            ("AT", "d" * 16),
            ("BE", "d" * 12),
            ("PL", "d" * 24),
            ("SE", "d" * 20),
            ("NO", "d" * 11),
            ("PT", "d" * 21),
            ("IE", "aaaa" + "d" * 14),
            ("CZ", "d" * 20),
        ]
    )
    body = "".join(r.choice(string.digits if c == "d" else string.ascii_uppercase) for c in shape)
    number = int("".join(str(int(c, 36)) for c in body + country + "00"))
    code = f"{country}{98 - number % 97:02d}{body}"
    return code if r.random() < 0.5 else " ".join(code[i : i + 4] for i in range(0, len(code), 4))


def _email(r: random.Random) -> str:
    name = r.choice(
        [
            "jane.doe",
            "o'brien",
            "müller",
            "a_b-c",
            "ann",
            "k.smith+dwh",
            "j",
            "maría.lópez",
            "x99",
            "first.middle.last",
            "Åsa.Öberg",
            "info-eu",
            "JOHN.SMITH",
        ]
    )
    host = r.choice(
        [
            "example.com",
            "mail.example.co.uk",
            "exämple.de",
            "sub.domain.example.org",
            "acme-corp.io",
            "firma.example.ch",
            "uni-x.edu",
            "gmail.com",
            "xn--exmple-cua.de",
            "corp.local",
        ]
    )
    return f"{name}@{host}"


def _phone(r: random.Random) -> str:
    d = lambda n: _of(r, string.digits, n)  # noqa: E731
    n = r.choice("2345678")
    return r.choice(
        [
            f"+49 30 {n}{d(6)}",
            f"+49 (0)30 {n}{d(6)}",
            f"+49 171 {n}{d(6)}",
            f"+4917{n}{d(7)}",
            f"+44 20 7946 0{d(3)}",
            f"+44 7700 900{d(3)}",
            f"+33 1 42 {d(2)} {d(2)} {d(2)}",
            f"+33 6 12 {d(2)} {d(2)} {d(2)}",
            f"+91 98765 {d(5)}",
            f"+1-415-555-01{d(2)}",
            f"+1 (415) 555-01{d(2)}",
            f"+1 415 555 01{d(2)}",
            f"+1.415.555.01{d(2)}",
            f"+1415555{d(4)}",
            f"(212) 555-01{d(2)}",
            f"212-555-01{d(2)}",
            f"(212)555-01{d(2)}",
            f"07700 900{d(3)}",
            f"+34 612 {d(3)} {d(3)}",
            f"+39 06 {n}{d(3)} {d(4)}",
            f"+31 6 {n}{d(7)}",
            f"+41 44 668 {d(2)} {d(2)}",
            f"+55 11 9{n}{d(3)}-{d(4)}",
            f"+61 4{d(2)} {d(3)} {d(3)}",
            f"+81 3-{n}{d(3)}-{d(4)}",
            f"+86 138 {d(4)} {d(4)}",
            f"+48 601 {d(3)} {d(3)}",
            f"+46 70 {d(3)} {d(2)} {d(2)}",
            f"0049 30 {n}{d(6)}",
            f"030 {n}{d(6)}",
            f"0171 {n}{d(6)}",
            f"06 12 {d(2)} {d(2)} {d(2)}",
        ]
    )


def _ssn(r: random.Random) -> str:
    return f"{r.choice([r.randint(1, 665), r.randint(667, 899)]):03d}-{r.randint(1, 99):02d}-{r.randint(1, 9999):04d}"


def _dni(r: random.Random) -> str:
    number = r.randint(10_000_000, 99_999_999)
    return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"


def _cpf(r: random.Random) -> str:
    digits = [r.randint(0, 9) for _ in range(9)]
    for size in (10, 11):
        total = sum(value * (size - index) for index, value in enumerate(digits))
        digits.append(total * 10 % 11 % 10)
    text = "".join(map(str, digits))
    return f"{text[:3]}.{text[3:6]}.{text[6:9]}-{text[9:]}"


def _nino(r: random.Random) -> str:
    text = r.choice("ABCEGHJKLMNPRSTWXYZ") + r.choice("ABCEGHJKLMNPRSTWXYZ")
    if text in ("BG", "GB", "NK", "KN", "NT", "TN", "ZZ"):
        text = "AB"
    digits = _of(r, string.digits, 6)
    end = r.choice("ABCD")
    return r.choice([f"{text}{digits}{end}", f"{text} {digits[:2]} {digits[2:4]} {digits[4:]} {end}"])


NATIONAL: list[tuple[str, Callable[[random.Random], str]]] = [
    ("DNI {v} of the client", _dni),
    ("NIF: {v}", _dni),
    ("su DNI es {v}", _dni),
    ("client {v} complained", _dni),
    ("CPF {v} no cadastro", _cpf),
    ("o CPF dele: {v}", _cpf),
    ("value {v} in {t}", _cpf),
    ("National Insurance number {v} in payroll_uk", _nino),
    ("NI number: {v}", _nino),
    ("NINO {v}", _nino),
    ("{v} appears in {t}", _nino),
    ("BSN 111222333 staat in {t}".replace("111222333", "{v}"), lambda r: "111222333"),
    ("Steuer-ID {v}", lambda r: "36 574 261 809"),
    ("Steueridentifikationsnummer: {v}", lambda r: "36574261809"),
    ("PESEL {v} w tabeli {t}", lambda r: "44051401359"),
    ("codice fiscale {v}", lambda r: "RCCMNL83S18D969H"),
    ("il CF è {v}", lambda r: "RCCMNL83S18D969H"),
    ("numéro de sécurité sociale {v}", lambda r: "2 95 10 99 126 111 93"),
    ("NIR {v}", lambda r: "295109912611193"),
    ("personnummer {v}", lambda r: "880320-0016"),
    ("fødselsnummer {v}", lambda r: "15108695088"),
    ("CPR-nummer {v}", lambda r: "211062-5629"),
    ("henkilötunnus {v}", lambda r: "131052-308T"),
    ("AHV {v}", lambda r: "756.9217.0769.85"),
    ("Aadhaar {v}", lambda r: "2341 2341 2346"),
    ("PAN card {v}", lambda r: "ACUPA7085R"),
    ("RUT {v}", lambda r: "12.531.909-2"),
    ("CURP {v}", lambda r: "BOXW310820HNERXN09"),
    ("TFN {v}", lambda r: "123 456 782"),
    ("SIN {v}", lambda r: "123-456-782"),
    ("social insurance number {v}", lambda r: "123 456 782"),
    ("NRIC {v}", lambda r: "S1234567D"),
    ("身份证号 {v}", lambda r: "11010519491231002X"),
    ("NHS number {v}", lambda r: "943 476 5870"),
    ("passport number {v}", lambda r: "C01X00T47"),
    ("passport: {v}", lambda r: "533380006"),
    ("driver's license {v}", lambda r: "D1234567"),
    ("TC kimlik no {v}", lambda r: "17291716060"),
    ("CNP {v}", lambda r: "1630615123457"),
    ("rodné číslo {v}", lambda r: "710319/2745"),
    ("OIB {v}", lambda r: "33392005961"),
    ("PPS number {v}", lambda r: "6433435F"),
    ("CUIT {v}", lambda r: "20-05536168-2"),
    ("MRN {v}", lambda r: "00482913"),
    ("tax id {v}", lambda r: "98-7654321"),
    ("rijksregisternummer {v}", lambda r: "85.07.30-033.28"),
    ("주민등록번호 {v}", lambda r: "971013-9019902"[:7] + "1019902"),
    ("ITIN {v}", lambda r: "912-90-3456"),
    ("cédula {v}", lambda r: "1.032.456.789"),
    ("teudat zehut {v}", lambda r: "39337423"),
]

PERSON_TEMPLATES: list[tuple[str, str, Callable[[random.Random], str], list[str]]] = (
    [
        ("card", tpl, _card, [])
        for tpl in (
            "Customer paid with {v} on 2024-05-01",
            "card {v} in the column note",
            "see card {v} for order 10045",
            "values like {v} in payments.pan",
            "is {v} valid?",
            "{v}",
            "cc: {v}, {t}",
            "the row has {v} as pan",
            "Visa {v} exp 12/27",
            "credit card number {v} was stored in {t}",
            "charged {v} twice",
            "find {v} in {t}",
            "mastercard ending? full number {v}",
            "Why does {t} contain {v}?",
        )
    ]
    + [
        ("iban", tpl, _iban, ["finance.payouts"])
        for tpl in (
            "refund to {v} from finance.payouts",
            "IBAN {v} finance.payouts",
            "finance.payouts: account {v}, ok?",
            "{v} is in finance.payouts",
            "(IBAN: {v}) finance.payouts",
            "iban={v};finance.payouts",
        )
    ]
    + [
        ("ssn", tpl, _ssn, ["hr_stage.people"])
        for tpl in (
            "SSN {v} is in hr_stage.people",
            "social security number: {v} hr_stage.people",
            "find {v} in hr_stage.people",
            "employee {v} (hr_stage.people)",
            "hr_stage.people ssn={v}",
            "his SSN is {v}, hr_stage.people",
        )
    ]
    + [
        ("email", tpl, _email, ["dim_customer"])
        for tpl in (
            "Why is {v} twice in dim_customer?",
            "owner of dim_customer: {v}",
            "<{v}> dim_customer",
            "mailto:{v} dim_customer",
            "select * from dim_customer where email = '{v}'",
            "({v}), dim_customer",
            "dim_customer: contact {v}.",
            "email={v}&t=dim_customer",
            "{v},dim_customer",
            "mail {v}/dim_customer" if False else "mail {v} / dim_customer",
            '"{v}" in dim_customer',
            "dim_customer\n{v}",
            "who is {v}; see dim_customer",
        )
    ]
    + [
        ("phone", tpl, _phone, ["crm.calls"])
        for tpl in (
            "phone {v} has no row in crm.calls",
            "tel. {v}, crm.calls",
            "mobile: {v} crm.calls",
            "call me at {v} about crm.calls",
            "crm.calls: {v} called twice" if False else "crm.calls holds the phone number {v}",
            "fax {v} crm.calls",
            "Telefon: {v}; crm.calls",
            "whatsapp {v} crm.calls",
            "reach the owner of crm.calls on {v}",
        )
    ]
)

# --- what must survive -----------------------------------------------------------------------------------------


def _word(r: random.Random) -> str:
    return r.choice(
        "customer order payment invoice visit session product region stock shipment refund ledger account contact campaign lead".split()
    )


def _negatives(r: random.Random) -> Iterator[tuple[str, str, list[str]]]:
    w, x, t = _word(r), _word(r), r.choice(TABLES)
    d = lambda n: str(r.randint(1, 9)) + _of(r, string.digits, n - 1)  # noqa: E731
    h = lambda n: _of(r, HEX, n)  # noqa: E731
    uuid = "-".join(h(n) for n in (8, 4, 4, 4, 12))
    day = f"20{r.randint(10, 29)}-{r.randint(1, 12):02d}-{r.randint(1, 28):02d}"
    yield (
        "name",
        f"Which tables have a column {w}_email_address or {x}_phone_number?",
        [f"{w}_email_address", f"{x}_phone_number"],
    )
    yield (
        "name",
        f"Explain the columns credit_card_hash, iban_masked, ssn_last4, {w}_password_hash and {x}_token_id of {t}",
        ["credit_card_hash", "iban_masked", "ssn_last4", f"{w}_password_hash", f"{x}_token_id", t],
    )
    yield (
        "name",
        f"table sk_{w}_dim, key sk_live_{x}_flag, column sk_test, pk_{w}, fk_{x}_id, hf_{w}_daily",
        [f"sk_{w}_dim", f"sk_live_{x}_flag", "sk_test", f"pk_{w}", f"fk_{x}_id", f"hf_{w}_daily"],
    )
    yield (
        "name",
        f"primary key: {w}_id, foreign key = {x}_id, sort key {w}_date, partition key is {x}_region",
        [f"primary key: {w}_id", f"{x}_id", f"sort key {w}_date", f"{x}_region"],
    )
    yield (
        "name",
        f"The view v_{w}_by_{x}_2024_q3 reads {t} and stg__{w}_{x}_v2",
        [f"v_{w}_by_{x}_2024_q3", t, f"stg__{w}_{x}_v2"],
    )
    yield (
        "name",
        f"camel case: {w}OrderID, {x.title()}Token, passwordResetAt, apiKeyId in {t}",
        [f"{w}OrderID", f"{x.title()}Token", "passwordResetAt", "apiKeyId"],
    )
    yield (
        "name",
        f"FctCustomerOrderLineItemSnapshotDailyV2 and DimProductCategoryHierarchyLevel3 join {t}",
        ["FctCustomerOrderLineItemSnapshotDailyV2", "DimProductCategoryHierarchyLevel3"],
    )
    yield (
        "version",
        f"We moved from dbt 1.{r.randint(1, 9)}.{r.randint(0, 9)} to 1.8.0 and sqlglot 25.{r.randint(1, 9)}.1.2 on build 1.2.3.{r.randint(1, 255)}",
        ["sqlglot 25.", "on build 1.2.3."],
    )
    yield (
        "version",
        f"python 3.11.{r.randint(1, 9)}, PostgreSQL 15.{r.randint(1, 20)}, node v20.{r.randint(1, 20)}.0, openssl 3.0.{r.randint(1, 15)}-1~deb12u2",
        ["PostgreSQL 15.", "node v20."],
    )
    yield "order_id", f"order {d(16)} is missing in fct_orders", ["fct_orders", "order "]
    for number in (
        _luhn_end("4" + _of(r, string.digits, 14)),
        _luhn_end("54" + _of(r, string.digits, 13)),
        _luhn_end("37" + _of(r, string.digits, 12)),
    ):
        yield "order_id", f"order {number} is missing in fct_orders", [number, "fct_orders"]
        yield "order_id", f"what happened to order_id = {number}?", [number]
        yield "order_id", f"Order no. {number} and invoice {d(10)} are in {t}", [number, t]
        yield "order_id", f"event id {number} arrived twice", [number]
    yield "hash", f"last commit {h(40)} changed models/orders.sql", ["models/orders.sql"]
    a, b, c = h(40), h(64), h(32)
    yield "hash", f"commit {a}", [a]
    yield "hash", f"sha256:{b} is the image digest", [b]
    yield "hash", f"md5 {c} of the file, short {a[:8]} and {a[:12]}", [c, a[:8], a[:12]]
    yield "hash", f"the row hash {b} of {t} differs from {c}", [b, c]
    yield "hash", f'etag "{c}-12", git describe v1.2-14-g{a[:7]}', [c, f"v1.2-14-g{a[:7]}"]
    yield "uuid", f"open resource {uuid} in the catalog", [uuid]
    yield (
        "uuid",
        f"job {uuid.upper()} of run {uuid.replace('-', '')} failed",
        [uuid.upper(), uuid.replace("-", "")],
    )
    yield "uuid", f"table tmp_{uuid.replace('-', '_')} is left over", [f"tmp_{uuid.replace('-', '_')}"]
    yield "uuid", f"Snowflake query id 01{h(6)}-0{h(3)}-{h(4)}-0000-{h(12)}", ["-0000-"]
    yield (
        "date",
        f"rows between {day} and 2024-02-29, loaded at {day}T06:30:00Z",
        [day, "2024-02-29", f"{day}T06:30:00Z"],
    )
    yield (
        "date",
        f"{day} 06:30:00.123456+02:00, 31.12.2024, 12/31/2024, 20240501, Q3 2024, FY2024-25, 2024-W18",
        ["31.12.2024", "12/31/2024", "20240501", "2024-W18"],
    )
    yield "date", f"valid_from {day} valid_to 9999-12-31", [day, "9999-12-31"]
    yield "number", f"sum(total) is {d(10)}.55 and the count is {d(10)}", ["sum(total) is"]
    n1, n2 = f"{r.randint(1, 999)},{r.randint(100, 999)},{r.randint(100, 999)}.00", d(11)
    yield "number", f"revenue {n1} EUR, {n2} rows, 99.95 %, -12.5, 1e-9, 3/4", [n1, n2, "99.95 %"]
    yield (
        "number",
        f"max id is {d(12)}, 2147483647, 9223372036854775807",
        ["2147483647", "9223372036854775807"],
    )
    for text, kept in (
        ("How do I reset a password? The password column is hashed.", "password column is hashed"),
        ("What does the token bucket limit mean for the api_key table?", "token bucket"),
        ("Is the password field encrypted? password is required, password: optional", "password is required"),
        ("The secret of good models is naming.", "secret of good models is naming"),
        ("tokens: 4096, max_tokens=2048, token_count = 15, total tokens is 3000", "max_tokens=2048"),
        ("password_changed_at = '2024-05-01' and password_length: 12", "'2024-05-01'"),
        ("Which dashboards use the key metric and the pass rate?", "key metric and the pass rate"),
        ("the access key to success is documentation", "access key to success"),
        (
            "A token is issued per session; the token expires after 30 minutes",
            "token expires after 30 minutes",
        ),
        ("credentials are rotated monthly by the platform team", "credentials are rotated"),
        ("Passwords must never be stored in plain text", "Passwords must never be stored"),
        ("login count per day, login success rate 99/100", "login success rate"),
        ("Who owns the API keys table and the secrets table?", "API keys table"),
        ("pin code length is 4 and pass through rate", "pass through rate"),
        ("The password policy is strict: password minimum length is 12", "minimum length is 12"),
        ("token: text not null, password: varchar(255), secret: boolean", "varchar(255)"),
        ("password VARCHAR(255) NOT NULL, api_key TEXT, token UUID", "api_key TEXT"),
        ("What is the token?", "What is the token?"),
        ("the key is customer_id", "customer_id"),
        ("Authorization is handled by roles; authorization: see wiki", "see wiki"),
        ("authentication with basic auth or bearer tokens is supported", "bearer tokens is supported"),
        ("The basic authentication table and bearer_bonds", "bearer_bonds"),
        (
            "glossary terms: Bearer bond, Basic plan, Private key account, Token economy, Secret santa, Pass-through",
            "Private key account",
        ),
        ("the call center received 1200 calls, 35 emails", "1200 calls, 35 emails"),
        ("Why is the phone column null in 20240501?", "20240501"),
        ("phone numbers are stored as text(20)", "text(20)"),
        ("contact 3 of 5, ticket 12345678", "12345678"),
        ("mobile share is 45.3 % of 1,234,567 visits", "1,234,567"),
        ("the number of orders is 4815162342", "4815162342"),
        ("column cvv must be empty, cvv_result 'M'", "cvv must be empty"),
        ("passport_no and driving_licence_no are PII columns", "passport_no"),
        ("the born-digital archive started on 2001-01-01", "2001-01-01"),
        ("Explain DNI, CPF, SSN and IBAN in the glossary", "DNI, CPF, SSN and IBAN"),
        ("VAT rate DE 19, FR 20", "DE 19"),
    ):
        yield "word", text, [kept]
    yield (
        "code",
        f"SELECT id, email FROM sales.customers WHERE email LIKE '%@example.com' AND {w}_id = 12345",
        ["SELECT id, email FROM sales.customers", "%@example.com"],
    )
    yield (
        "code",
        "SELECT * FROM users u JOIN logins l ON l.user_id = u.id WHERE u.password = :password AND u.token = $1",
        [":password", "$1"],
    )
    yield "code", "UPDATE users SET password = crypt(:pw, gen_salt('bf')) WHERE id = ?", ["crypt(:pw"]
    yield (
        "code",
        "password = os.environ['DB_PASSWORD']; token = getenv('TOKEN'); key = settings.API_KEY",
        ["os.environ['DB_PASSWORD']"],
    )
    yield (
        "code",
        "password: {{ env_var('DBT_PASSWORD') }}, user: \"{{ env_var('DBT_USER') }}\"",
        ["{{ env_var('DBT_PASSWORD') }}"],
    )
    yield (
        "code",
        f"@media, @dataclass, @{w}_mention and user@host are no addresses; {{{{ ref('{w}') }}}}",
        ["@media", "@dataclass", f"@{w}_mention"],
    )
    yield "code", f"case when {w}_key is null then -1 else {w}_key end as {x}_sk", [f"{w}_key is null"]
    yield (
        "code",
        "git clone git@github.com:acme/dbt-models.git && pip install lodash@4.17.21",
        ["git@github.com:acme/dbt-models.git"],
    )
    yield (
        "code",
        f"CREATE TABLE {t} (id bigint PRIMARY KEY, token char(36), secret_key_id int)",
        ["token char(36)", "secret_key_id int"],
    )
    yield (
        "path",
        f"s3://lake/raw/{w}/2024/05/part-0000{r.randint(0, 9)}-{uuid}-c000.snappy.parquet",
        [f"s3://lake/raw/{w}/2024/05/part-0000"],
    )
    yield (
        "path",
        f"abfss://raw@lake1.dfs.core.windows.net/{w}/year=2024/month=05/",
        [f"abfss://raw@lake1.dfs.core.windows.net/{w}/year=2024/month=05/"],
    )
    yield (
        "path",
        f"models/marts/{w}/fct_{x}.sql, /usr/local/bin/python3, C:\\data\\{w}.csv, ../seeds/{x}_2024.csv",
        [f"models/marts/{w}/fct_{x}.sql", f"../seeds/{x}_2024.csv"],
    )
    yield (
        "path",
        f"gs://bucket-{w}/exports/{day}/{x}-000000000000.avro",
        [f"gs://bucket-{w}/exports/{day}/{x}-000000000000.avro"],
    )
    yield (
        "url",
        f"https://docs.example.com/guide/passwords?page={r.randint(1, 9)}#tokens",
        ["https://docs.example.com/guide/passwords?page="],
    )
    yield (
        "url",
        f"https://bi.example.com/dashboards/{r.randint(100, 9999)}?filter={w}%20{x}&tab=2",
        [f"?filter={w}%20{x}&tab=2"],
    )
    yield (
        "url",
        "see https://example.com/@team/posts and https://git.example.com/acme/dw/-/blob/main/models/a.sql#L10",
        ["https://example.com/@team/posts"],
    )
    yield (
        "db_url",
        f"postgresql://db.internal:5432/{w} without user info",
        [f"postgresql://db.internal:5432/{w}"],
    )
    yield (
        "db_url",
        "postgres://${DB_USER}:${DB_PASSWORD}@host/db and mysql://user:<password>@host/db are templates",
        ["${DB_PASSWORD}", "<password>"],
    )
    yield (
        "db_url",
        "postgres://etl@db.internal/shop asks, postgres://user:***@host/db hides",
        ["postgres://etl@db.internal/shop", "***"],
    )
    yield "id", "SKU 978-3-16-148410-0 and EAN 4006381333931", ["978-3-16-148410-0", "4006381333931"]
    yield (
        "id",
        f"invoice INV-2024-{d(6)}, ticket DATA-{d(4)}, batch 20240501-{d(4)}, PR #{d(4)}",
        ["INV-2024-", "DATA-", "batch 20240501-"],
    )
    yield (
        "id",
        f"customer {d(8)}, account id {d(12)}, product SKU-{d(5)}-{d(3)}, part {d(3)}-{d(4)}-{d(2)}",
        ["account id ", "product SKU-"],
    )
    yield "range", f"temperature -12.5 to 38.0, id in (100-20-3000), {w} between 10 and 20", ["100-20-3000"]
    yield (
        "range",
        "pages 100-120, 10:30-11:45, 1-2-3, 2019-2024, 3.5-4.2",
        ["100-120", "10:30-11:45", "2019-2024"],
    )
    yield (
        "ip",
        f"the warehouse listens on 10.0.0.{r.randint(1, 254)} and 192.168.1.20, gateway 172.16.4.1:5432",
        ["192.168.1.20", "172.16.4.1:5432"],
    )
    yield (
        "ip",
        "cidr 10.0.0.0/8, ipv6 ::1, mac 00:1a:2b:3c:4d:5e, port 5432, 127.0.0.1",
        ["10.0.0.0/8", "127.0.0.1"],
    )
    yield (
        "epoch",
        f"event_ts {r.randint(1600000000000, 1800000000000)} and {r.randint(1600000000000000, 1800000000000000)}",
        ["event_ts 1"],
    )
    yield (
        "epoch",
        f"updated at {r.randint(1600000000, 1800000000)}, offset {d(15)}, lsn 0/{h(7).upper()}",
        ["updated at 1"],
    )
    yield "iban_like", "code DE00 1234 5678 9012 3456 78 is our test code with a wrong check", ["DE00 1234"]
    yield (
        "iban_like",
        f"region codes EU10, US20; batch AB12 CD34 EF56; cost center DE{d(4)}",
        ["AB12 CD34 EF56"],
    )
    yield (
        "example",
        "example password: <your-password>, PASSWORD=changeme in the template, token=YOUR_TOKEN, api_key=xxxxxxxx",
        ["<your-password>", "changeme", "YOUR_TOKEN"],
    )
    yield (
        "example",
        "password: ******** and token: [redacted], secret=${SECRET}, key: ...",
        ["********", "${SECRET}"],
    )
    yield "phone_like", "page 212-555 of the manual, ratio 16:9, 24/7, 1-2-3", ["212-555", "16:9", "24/7"]
    yield (
        "phone_like",
        f"part no 555-0100-22, rev 415.555, sections 12.3.4, scores 98-76-54, grid 3x4x5 {d(4)}",
        ["555-0100-22", "415.555"],
    )
    yield (
        "name",
        f"schema names: {w}.{x}_2024, raw.{w}__v3, tmp.{x}_bak_20240501, {w}_{x}_{d(6)}",
        [f"{w}.{x}_2024", f"tmp.{x}_bak_20240501"],
    )


# --- all of it -------------------------------------------------------------------------------------------------


def cases(seed: int, rounds: int = 3) -> Iterator[Case]:
    """Every template with fresh values, `rounds` times."""
    r = random.Random(seed)
    for _ in range(rounds):
        for make in KEYS.values():
            template, table, value = r.choice(KEY_TEMPLATES), r.choice(TABLES), make(r)
            kept = [table] if "{t}" in template else []
            yield Case("key", template.format(v=value, t=table), [(value, True)], kept)
        for template in PASSWORD_TEMPLATES:
            table, value = r.choice(TABLES), _password(r)
            kept = [table] if "{t}" in template else []
            yield Case("password", template.format(v=value, t=table), [(value, True)], kept)
        for template in URLS:
            value = r.choice(
                [
                    _of(r, ALNUM, 14) + "x1",
                    _password(r).replace("?", "!").replace("#", "%23"),
                    _of(r, ALNUM, 9) + "%21",
                ]
            )
            yield Case("db_url", template.format(v=value), [(value, True)])
        basic = base64.b64encode(f"admin:{_password(r)}".encode()).decode()
        yield Case("basic", f"Authorization: Basic {basic}", [(basic, True)])
        yield Case("basic", f"curl -H 'authorization: basic {basic}' https://x.example", [(basic, True)])
        bearer = _mixed(r, URL64, 40)
        yield Case("bearer", f"Authorization: Bearer {bearer}", [(bearer, True)])
        lines = [_of(r, B64, 64) for _ in range(12)]
        kind = r.choice(["RSA ", "EC ", "OPENSSH ", "", "ENCRYPTED ", "DSA "])
        pem = "\n".join([f"-----BEGIN {kind}PRIVATE KEY-----", *lines, f"-----END {kind}PRIVATE KEY-----"])
        yield Case(
            "private_key",
            f"My key:\n{pem}\nWhat is wrong with the snowflake connector?",
            [(line, True) for line in lines],
            ["snowflake connector"],
        )
        yield Case(
            "private_key",
            json.dumps({"private_key": pem + "\n", "table": "sales.orders"}),
            [(line, True) for line in lines],
            ["sales.orders"],
        )
        yield Case(
            "private_key",
            "\n".join([f"-----BEGIN {kind}PRIVATE KEY-----", *lines]),
            [(line, True) for line in lines],
        )
        for cls, template, make, kept in PERSON_TEMPLATES:
            for _again in range(2):
                value, table = make(r), r.choice(TABLES)
                yield Case(cls, template.format(v=value, t=table), [(value, False)], list(kept))
        for template, make in NATIONAL:
            value, table = make(r), r.choice(TABLES)
            yield Case(
                "national_id",
                template.format(v=value, t=table),
                [(value, False)],
                [table] if "{t}" in template else [],
            )
        mail, phone, card = _email(r), _phone(r), _card(r)
        yield Case(
            "mixed",
            f"Ann ({mail}, phone {phone}) paid by card {card} for order 88121",
            [(mail, False), (phone, False), (card, False)],
            ["88121"],
        )
        for cls, text, kept in _negatives(r):
            yield Case(cls, text, [], kept)
