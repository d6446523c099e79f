"""A set of texts that was written before the patterns were looked at, from vendors' documentation and from what people
paste: with something to hide, and such that must survive. Nothing is real; every key is drawn when it runs.

    python -m tests.egress.held_out [--seed N]

At first sight 73 of 77 values were hidden, 39 of 39 words beside them kept, 60 of 60 harmless texts untouched. The four:
Airflow's FERNET_KEY (mended: names of keys), two addresses of the ranges for documentation (no device has them: the set
has public ones now), and the name that Confluent calls an API key (it signs nobody in: out of the set).
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import string
from collections.abc import Iterator

from stdnum import iban, luhn
from stdnum.br import cpf
from stdnum.es import dni
from stdnum.fr import nir
from stdnum.nl import bsn
from stdnum.pl import pesel

from plugin.egress.redact import redact

ALNUM, HEX = string.ascii_letters + string.digits, "0123456789abcdef"
Text = tuple[str, str, list[str], list[str]]
"""Name, text, what must go, what must stay."""


def texts(seed: int) -> Iterator[Text]:
    """Those with something to hide."""
    r = random.Random(seed)

    def k(n: int, alphabet: str = ALNUM) -> str:
        return (
            "".join(r.choice(alphabet) for _ in range(n - 2)) + r.choice(string.digits) + r.choice("abcdef")
        )

    def d(n: int) -> str:
        return str(r.randint(10 ** (n - 1), 10**n - 1))

    def one(name: str, text: str, *values: str, keep: str = "") -> Text:
        shown = text
        for at, value in enumerate(values):
            shown = shown.replace(f"<{at}>", value)
        return name, shown, list(values), keep.split("|") if keep else []

    secret = k(24)
    # --- keys of vendors, in the shapes of their documentation
    yield one("gitlab runner", "runner for dbt_ci registered with <0>", "gl" + "rt-" + k(20), keep="dbt_ci")
    yield one(
        "grafana",
        "the dashboard job posts with gl" + "sa_<0>_<1> to /api/ds/query",
        k(32),
        k(8, HEX),
        keep="/api/ds/query",
    )
    yield one(
        "databricks", "spark.databricks.token <0>", "da" + "pi" + k(32, HEX), keep="spark.databricks.token"
    )
    yield one("supabase", "supabase login --token <0>", "sb" + "p_" + k(40, HEX), keep="supabase")
    yield one("shopify", "X-Shopify-Access-Token: <0>", "shp" + "at_" + k(32, HEX))
    yield one("notion", "sync of raw.notion_pages uses <0>", "nt" + "n_" + k(46), keep="raw.notion_pages")
    yield one("linear", "Authorization: <0>", "lin" + "_api_" + k(40))
    yield one("planetscale", "pscale service token <0>", "pscale" + "_tkn_" + k(43))
    yield one("doppler", "doppler run --token=<0> -- dbt build", "dp" + ".pt." + k(43), keep="dbt build")
    yield one("digitalocean", "doctl auth init -t <0>", "dop" + "_v1_" + k(64, HEX))
    yield one("airtable", "airtable base export with <0>.<1>", "pat" + k(14), k(64, HEX))
    yield one("hugging face", "HF_TOKEN=<0> python embed.py", "hf" + "_" + k(34), keep="embed.py")
    yield one("replicate", "client = Replicate(api_token='<0>')", "r" + "8_" + k(37))
    yield one(
        "postman", "newman run c.json --postman-api-key <0>", "PM" + "AK-" + k(24, HEX) + "-" + k(34, HEX)
    )
    yield one(
        "new relic",
        "NEW_RELIC_USER_KEY <0> in the terraform of ops.alerts",
        "NR" + "AK-" + k(27, string.ascii_uppercase + string.digits),
        keep="ops.alerts",
    )
    yield one(
        "dbt cloud",
        "curl -H 'Authorization: Token <0>' cloud.getdbt.com/api/v2/accounts",
        "db" + "tc_" + k(40),
        keep="cloud.getdbt.com",
    )
    yield one("prefect", "PREFECT_API_KEY='<0>'", "pn" + "u_" + k(36))
    yield one("pulumi", "export PULUMI_ACCESS_TOKEN=<0>", "pul" + "-" + k(40, HEX))
    yield one(
        "sentry",
        "sentry-cli --auth-token <0> releases list",
        "snt" + "rys_" + base64.b64encode(k(60).encode()).decode() + "_" + k(43),
    )
    yield one(
        "posthog",
        "personal key <0> for analytics.web_events",
        "ph" + "x_" + k(43),
        keep="analytics.web_events",
    )
    yield one(
        "confluent",
        f"sasl.username={k(16, string.ascii_uppercase + string.digits)}\nsasl.password=<0>",
        k(64),
        keep="sasl.username",
    )
    yield one("tailscale", "tskey <0> on the bastion", "ts" + "key-auth-" + k(17) + "-" + k(32))
    yield one("sonar", "sonar.token=<0>", "sq" + "p_" + k(40, HEX))
    yield one("dockerhub", "docker login -u loader -p <0>", "dckr" + "_pat_" + k(27))
    yield one("groq", "GROQ key: <0>", "gs" + "k_" + k(52))
    yield one("cloudflare", "CF_API_TOKEN: <0>", k(40))
    yield one("openrouter", "base_url openrouter, key <0>", "sk" + "-or-v1-" + k(64, HEX))
    yield one("google", "maps lookups of dim_store call with <0>", "AI" + "za" + k(35), keep="dim_store")
    yield one(
        "vault", "VAULT_TOKEN=<0> vault kv get secret/warehouse", "hv" + "s." + k(90), keep="secret/warehouse"
    )
    yield one("okta", "Authorization: SSWS <0>", "00" + k(40))
    # --- files, addresses and command lines
    yield one(
        "pgpass",
        "my .pgpass says db.internal:5432:shop:loader:<0> and still it asks",
        secret,
        keep="db.internal",
    )
    yield one(
        "jdbc sql server",
        "jdbc:sqlserver://sql01:1433;databaseName=Sales;user=etl;password=<0>;encrypt=true",
        secret,
        keep="databaseName=Sales",
    )
    yield one(
        "odbc", "Driver={ODBC Driver 18 for SQL Server};Server=tcp:x.example,1433;Uid=etl;Pwd=<0>;", secret
    )
    yield one(
        "jaas",
        'sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="svc" password="<0>";',
        secret,
    )
    yield one("snowsql", "snowsql -a acme-eu1 -u LOADER --private-key-passphrase <0>", secret)
    yield one(
        "profiles.yml",
        "prod:\n  type: snowflake\n  account: acme\n  user: DBT\n  pass: <0>\n  threads: 8",
        secret,
        keep="threads: 8",
    )
    yield one(
        "kubernetes",
        "apiVersion: v1\nkind: Secret\ndata:\n  password: <0>\n",
        base64.b64encode(secret.encode()).decode(),
        keep="kind: Secret",
    )
    yield one(
        "azure storage",
        "DefaultEndpointsProtocol=https;AccountName=lake;AccountKey=<0>;EndpointSuffix=core.windows.net",
        base64.b64encode(r.randbytes(64)).decode(),
        keep="AccountName=lake",
    )
    yield one(
        "azure sas",
        "https://lake.blob.core.windows.net/raw/orders.parquet?sv=2024-05-04&sp=r&se=2027-01-01&sig=<0>",
        base64.b64encode(r.randbytes(32))
        .decode()
        .replace("+", "%2B")
        .replace("/", "%2F")
        .replace("=", "%3D"),
        keep="orders.parquet",
    )
    yield one(
        "s3 presigned",
        "COPY of https://b.s3.amazonaws.com/x.csv?X-Amz-Credential=A&X-Amz-Signature=<0>",
        k(64, HEX),
        keep="x.csv",
    )
    yield one("aws session", "aws_session_token = <0>", "IQoJ" + k(300), keep="aws_session_token")
    yield one(
        "service account",
        json.dumps(
            {
                "type": "service_account",
                "private_key": "-----BEGIN PRIVATE" + " KEY-----\nMIIE<0>\n-----END PRIVATE" + " KEY-----\n",
            }
        ),
        k(120),
        keep="service_account",
    )
    yield one(
        "ssh",
        "-----BEGIN OPENSSH" + " PRIVATE KEY-----\nb3Bl<0>\n-----END OPENSSH" + " PRIVATE KEY-----",
        k(140),
    )
    yield one(
        "slack hook",
        "alerts of fct_orders go to https://hooks.slack.com/services/T0<0>/B0<1>/<2>",
        k(8).upper(),
        k(8).upper(),
        k(24),
        keep="fct_orders",
    )
    yield one("mongo", "mongodb+srv://etl:<0>@cluster0.ab1cd.mongodb.net/shop", secret, keep="mongodb.net")
    yield one("redis", "redis://:<0>@cache:6379/0", secret, keep="cache:6379")
    yield one("mssql cli", "sqlcmd -S sql01 -U etl -P '<0>' -Q 'select 1'", secret, keep="select 1")
    yield one("mysql cli", "mysqldump -h db -uetl -p<0> shop orders", secret, keep="shop orders")
    yield one("netrc", "machine artifacts.example login etl password <0>", secret, keep="artifacts.example")
    yield one(
        "airflow",
        "AIRFLOW_CONN_WAREHOUSE='postgres://etl:<0>@db/shop'",
        secret,
        keep="AIRFLOW_CONN_WAREHOUSE",
    )
    yield one("fernet", "AIRFLOW__CORE__FERNET_KEY=<0>", base64.urlsafe_b64encode(r.randbytes(32)).decode())
    yield one(
        "sql",
        "ALTER USER loader WITH PASSWORD '<0>' does not work on public.stores",
        secret,
        keep="public.stores",
    )
    yield one(
        "snowflake sql", "create user etl password='<0>' default_role = loader", secret, keep="default_role"
    )
    yield one(
        "prose german",
        "Das Passwort lautet <0>, die Tabelle heisst stg_leads",
        "Q" + k(10) + "!7",
        keep="stg_leads",
    )
    yield one("prose", "login etl, pw: <0>, then open dim_customer", "w" + k(9) + "#3", keep="dim_customer")
    # --- people
    yield one(
        "iban",
        "refund to <0> in finance.payouts",
        in_fours(iban_of("DE", d(18)), " "),
        keep="finance.payouts",
    )
    yield one("card", "paid by card <0> exp 09/29", in_fours(card_of("5412", r), "-"))
    yield one("amex", "the row says 3714 <0>", "496353 98431")
    yield one("phone de", "Rückruf unter <0> zu crm.calls", "+49 (0)30 9018 " + d(4), keep="crm.calls")
    yield one("phone uk", "call 0044 20 7946 0<0> about it", d(3))
    yield one("phone us", "ring me: (212) 555-<0> ext. 12", "01" + d(2))
    yield one(
        "mail", "who is <0> in hr_stage.people?", "o'neil.mary+dwh@mail.example.co.uk", keep="hr_stage.people"
    )
    yield one(
        "mail wordy", "write to jane dot miller at example dot com: <0>", "jane_miller%test@example.com"
    )
    yield one(
        "pesel",
        "PESEL <0> appears twice in dim_customer",
        with_check("0" + d(9), pesel.calc_check_digit),
        keep="dim_customer",
    )
    yield one("bsn", "BSN <0> is a test person?", bsn_of(r))
    yield one("nir", "numéro de sécurité sociale <0>", nir_of(r))
    yield one("dni", "cliente con DNI <0>", (n := "5" + d(7)) + dni.calc_check_digit(n))
    yield one("cpf", "cpf do cliente: <0>", cpf_of(r))
    yield one("rijksregister", "rijksregisternummer <0>", belgian_of(r))
    yield one(
        "ssn",
        "his social security number is <0>, see hr_stage.people",
        f"5{d(2)}-{r.randint(10, 99)}-{d(4)}",
        keep="hr_stage.people",
    )
    yield one(
        "address of a device",
        "failed logins from <0> and <1> in raw.audit",
        f"185.220.{r.randint(2, 250)}.{r.randint(2, 250)}",
        "2a02:8109:9340::8a2e:370:" + k(4, HEX),
        keep="raw.audit",
    )


def in_fours(number: str, between: str) -> str:
    return between.join(number[at : at + 4] for at in range(0, len(number), 4))


def iban_of(country: str, number: str) -> str:
    return next(
        f"{country}{c:02d}{number}" for c in range(2, 99) if iban.is_valid(f"{country}{c:02d}{number}")
    )


def card_of(start: str, r: random.Random) -> str:
    body = start + "".join(r.choice(string.digits) for _ in range(15 - len(start)))
    return body + luhn.calc_check_digit(body)


def with_check(body: str, check: object) -> str:
    return body + str(check(body))  # type: ignore[operator]


def bsn_of(r: random.Random) -> str:
    return next(n for n in iter(lambda: f"{r.randint(100000000, 999999999)}", "") if bsn.is_valid(n))


def nir_of(r: random.Random) -> str:
    body = f"2{r.randint(50, 99)}{r.randint(1, 12):02d}75{r.randint(100, 999)}{r.randint(100, 999)}"
    return body + nir.calc_check_digits(body)


def cpf_of(r: random.Random) -> str:
    return cpf.format(
        next(n for n in iter(lambda: f"{r.randint(10**10, 10**11 - 1)}", "") if cpf.is_valid(n))
    )


def belgian_of(r: random.Random) -> str:
    body = f"{r.randint(50, 99)}{r.randint(1, 12):02d}{r.randint(1, 28):02d}{r.randint(1, 997):03d}"
    n = f"{body}{97 - int(body) % 97:02d}"
    return f"{n[:2]}.{n[2:4]}.{n[4:6]}-{n[6:9]}.{n[9:]}"


SURVIVE = """
select customer_id, count(*) from sales.orders where order_date >= date '2026-01-01' group by 1 having count(*) > 10
Why does stg_shopify__orders have 1,204,551 rows and fct_orders 1,204,549?
Is the column api_key_id in dim_integration the id of a key or the key itself?
What is the difference between password_hash and password_changed_at in auth.users?
The uuid 6f1c2a34-9d0e-4b7c-8a55-0f3e2d1c4b5a is the run id of the dbt job
commit 9f2c1e7ab3d45f60718293a4b5c6d7e8f9012345 renamed the token column to session_ref
sha256:3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8550 is the image of the loader
orders_2026_11_20_0630.parquet has 14 columns and 31536000 seconds of history
arn:aws:s3:::acme-lake-prod/raw/orders/dt=2026-11-20/ is the prefix
bigquery project acme-analytics-prod-4711, dataset mart_finance_v2
Which tables hold the IBAN, and which only the last four digits?
Join dim_customer on customer_sk = 1000234 and dim_date on date_key = 20261120
SELECT TO_TIMESTAMP(1732104000), TO_DATE('20.11.2026', 'DD.MM.YYYY')
In Snowflake: ALTER SESSION SET TIMEZONE = 'Europe/Berlin', QUERY_TAG = 'nightly_4412'
the warehouse is XSMALL, credits 0.0342, bytes scanned 12884901888
What does secret_rotation_days mean in ops.vault_policies?
dbt run --select +fct_orders --vars '{"start_date": "2026-01-01"}'
kafka topic prod.orders.v3 partition 12 offset 998877665
Error 1045 (28000): Access denied for user 'etl'@'db-01' (using password: YES)
ORA-01017: invalid username/password; logon denied
FATAL: password authentication failed for user "loader"
what is our token budget for a question, 12000 or 120000?
The price of SKU 4006381333931 is 12.49 EUR, EAN in product.ean
version 15.20.3.1 of the connector and 10.11.4-MariaDB
mart.kpi_ytd_2025_q4 and mart.kpi_ytd_2026_q1 differ by 3.1415926 percent
The latitude 52.520008 and longitude 13.404954 come from geo.stores
credit_card_type is an enum of visa, mastercard and amex; no number is stored
ip_address in raw.web_logs is truncated to /24 before load
phone_normalized is E.164, e.g. a plus sign, the country code and digits
email_domain is the part after the at sign
Basic questions first: who owns finance.payouts?
The bearer of the bond is in column bearer_name
What is the key of sales.order_items: order_id, line_no or both?
primary key (tenant_id, account_id), foreign key account_id references crm.accounts (id)
SELECT md5(email) AS email_hash FROM crm.contacts LIMIT 100
CREATE TABLE t (pin_code char(6), ssn_last4 char(4), passport_country char(2))
column 0x1F4A is the checksum, 0xDEADBEEF the marker of an empty block
Is PAT short for profit after tax in finance.pnl?
Slack alerts go to #data-quality, PagerDuty service PD-DWH-02
s3://acme-lake/bronze/events/2026/11/20/part-00017-c000.snappy.parquet
job run 8823771102 took 00:14:32 and wrote 18446744073709551615 at most
the ratio of fct_sessions to fct_visits was 1.0837 on 2026-11-19T23:59:59Z
which dashboards use metric gross_margin_pct_v2?
Where do I find the definition of MRR, ARR and NRR for 2026-Q3?
iso 3166 codes in geo.country: DE, FR, US, BR; iso 4217: EUR, USD
invoice INV-2026-004711 and order PO-88213-B are test documents
Ticket DATA-1423 asks to drop legacy.tbl_kunden_alt_2019_bak
SELECT * FROM information_schema.columns WHERE column_name LIKE '%secret%'
GRANT SELECT ON ALL TABLES IN SCHEMA mart TO ROLE reporting_ro
docker image registry.example/loader:2026.11.20-rc3 runs at 05:30
The API returns 429 after 1000 requests in 60 seconds
airflow dag load_orders_v7, task copy_into_stage, try 3 of 5
partition by range (order_date) interval 1 month, 84 partitions since 2019-12
Who changed the description of customer_lifetime_value last?
Compare sum(net_amount) = 1482991.37 with sum(gross_amount) = 1764760.33
the api token of the source expires in 30 days, who renews it?
My password expired; which team manages access to the warehouse?
Is user_password_reset_token stored in app.users encrypted?
hash_diff = 'a1b2c3' in dv.sat_customer, hub key hk_customer
Do we keep the card's expiry (09/29) in payments.cards?
""".strip().splitlines()


def leaks(value: str, text: str) -> bool:
    """Is the value, or most of it in one piece, still there?"""
    size = max(4, int(len(value) * 0.9))
    return any(value[at : at + size] in text for at in range(len(value) - size + 1))


def wrong(seed: int) -> list[str]:
    """What leaked, was lost or was changed, in words."""
    found = []
    for name, text, gone, stays in texts(seed):
        sent = redact(text, regions=("US", "DE", "GB")).text
        found += [f"{name}: leaked {value!r}" for value in gone if leaks(value, sent)]
        found += [f"{name}: lost {each!r}" for each in stays if each not in sent]
    return found + [
        f"changed: {each}" for each in SURVIVE if redact(each, regions=("US", "DE", "GB")).text != each
    ]


def main() -> int:
    """Measure and print what went wrong."""
    options = argparse.ArgumentParser(prog="python -m tests.egress.held_out")
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    hidden = lost = values = kept = wanted = 0
    for name, text, gone, stays in texts(asked.seed):
        sent = redact(text, regions=("US", "DE", "GB")).text
        values += len(gone)
        wanted += len(stays)
        leaked = [value for value in gone if leaks(value, sent)]
        missing = [each for each in stays if each not in sent]
        hidden += len(gone) - len(leaked)
        kept += len(stays) - len(missing)
        if leaked or missing:
            print(f"{name}: leaked {leaked}, lost {missing}\n    {sent}")
    for text in SURVIVE:
        sent = redact(text, regions=("US", "DE", "GB")).text
        if sent != text:
            lost += 1
            print(f"changed: {text}\n     to: {sent}")
    print(
        f"hidden {hidden} of {values}, kept {kept} of {wanted}, untouched {len(SURVIVE) - lost} of {len(SURVIVE)}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
