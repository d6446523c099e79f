"""The ssl_* settings against real servers: what each mode accepts, refuses and says, on PostgreSQL and MariaDB."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pymysql
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors import connect
from connectors.errors import BadSettings, SignInRefused, SourceError, UnreachableSource
from connectors.records import Table
from tests.own_servers import mariadb_of_own, postgres_of_own

NOW = datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, and both as PEM."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        form, bare = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        return self.key.private_bytes(serialization.Encoding.PEM, form, bare)


def issued(name: str, by: Pair | None = None, host: str = "") -> Pair:
    """A certificate for `name`, signed by `by` or by itself as an authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=1))
        .not_valid_after(NOW + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if by is None:
        usage = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "encipher_only", "decipher_only"), False,
        )  # fmt: skip
        made = made.add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
    else:
        parent = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
        made = made.add_extension(parent, critical=False)
    if host:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return Pair(made.sign(by.key if by else key, hashes.SHA256()), key)


@dataclass(frozen=True)
class Papers:
    """Files that a client is given."""

    ca: str
    other_ca: str
    certificate: str
    key: str


@pytest.fixture(scope="module")
def authority() -> Pair:
    return issued("Test authority")


@pytest.fixture(scope="module")
def papers(authority: Pair, tmp_path_factory: pytest.TempPathFactory) -> Papers:
    folder = tmp_path_factory.mktemp("papers")
    client = issued("secured", authority)

    def written(name: str, content: bytes) -> str:
        path = folder / name
        path.write_bytes(content)
        path.chmod(0o600)
        return str(path)

    return Papers(
        written("ca.pem", authority.pem),
        written("other.pem", issued("Other authority").pem),
        written("client.pem", client.pem),
        written("client.key", client.key_pem),
    )


@pytest.fixture(scope="module")
def files(authority: Pair) -> dict[str, bytes]:
    """What the server has: its certificate is for "localhost", not for an address."""
    server = issued("localhost", authority, host="localhost")
    return {"server.crt": server.pem, "server.key": server.key_pem, "ca.crt": authority.pem}


@pytest.fixture(scope="module")
def postgres(files: dict[str, bytes]) -> Iterator[str]:
    """Takes `secured` over TLS alone and `papered` with a certificate of our authority alone."""
    access = "hostssl all secured all trust\nhost all secured all reject\nhostssl all papered all trust clientcert=verify-ca"
    tls = ("ssl=on", "ssl_cert_file=server.crt", "ssl_key_file=server.key", "ssl_ca_file=ca.crt")
    with postgres_of_own(*tls, access=access, files=files) as port:
        with psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", autocommit=True) as db:
            db.execute("CREATE ROLE secured LOGIN")
            db.execute("CREATE ROLE papered LOGIN")
            db.execute("CREATE TABLE kept (id int)")
        yield f"postgresql://{{user}}@{{host}}:{port}/postgres"


@pytest.fixture(scope="module")
def mariadb(files: dict[str, bytes]) -> Iterator[str]:
    """Takes nobody over the network without TLS, and `papered` with a certificate alone."""
    tls = ("--ssl-cert={data}/server.crt", "--ssl-key={data}/server.key", "--ssl-ca={data}/ca.crt")
    with mariadb_of_own(*tls, "--require-secure-transport=ON", files=files) as port:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            pymysql.connect(host="127.0.0.1", port=port, user="root", ssl=context) as db,
            db.cursor() as cursor,
        ):
            cursor.execute("CREATE DATABASE shop")
            cursor.execute("CREATE TABLE shop.kept (id int)")
            for user, rule in (("secured", ""), ("papered", "REQUIRE X509")):
                cursor.execute(f"CREATE USER {user}@'%' {rule}")
                cursor.execute(f"GRANT SELECT ON shop.* TO {user}@'%'")
        yield f"mysql://{{user}}@{{host}}:{port}/shop"


@pytest.fixture(scope="module", params=["postgres", "mysql"])
def source(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param, request.getfixturevalue("postgres" if request.param == "postgres" else "mariadb")


def read(
    source: tuple[str, str], user: str = "secured", host: str = "localhost", **settings: str
) -> list[str]:
    """Names of the tables that the connector reads there."""
    kind, url = source
    connector = connect(kind, {"url": url.format(user=user, host=host), **settings}, {})
    return [each.name for each in connector.extract() if isinstance(each, Table)]


@pytest.mark.parametrize("mode", ["prefer", "require", "verify-ca", "verify-full"])
def test_a_mode_that_the_server_fulfils(source: tuple[str, str], papers: Papers, mode: str) -> None:
    assert "kept" in read(source, ssl_mode=mode, ssl_ca=papers.ca)


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_another_authority_is_refused(source: tuple[str, str], papers: Papers, mode: str) -> None:
    with pytest.raises(UnreachableSource, match=f"no TLS connection.*'{mode}'"):
        read(source, ssl_mode=mode, ssl_ca=papers.other_ca)


def test_only_verify_full_looks_at_the_name(source: tuple[str, str], papers: Papers) -> None:
    assert "kept" in read(source, host="127.0.0.1", ssl_mode="verify-ca", ssl_ca=papers.ca)
    with pytest.raises(UnreachableSource, match="no TLS connection"):
        read(source, host="127.0.0.1", ssl_mode="verify-full", ssl_ca=papers.ca)


def test_verify_full_without_an_authority_asks_the_system_s(source: tuple[str, str]) -> None:
    with pytest.raises(UnreachableSource, match="no TLS connection"):
        read(source, ssl_mode="verify-full")


def test_a_server_that_wants_tls_says_so(source: tuple[str, str]) -> None:
    with pytest.raises(SourceError, match="'disable'.*TLS|TLS.*'disable'"):
        read(source, ssl_mode="disable")


def test_a_certificate_of_the_client(source: tuple[str, str], papers: Papers) -> None:
    given = {"ssl_mode": "verify-full", "ssl_ca": papers.ca}
    with pytest.raises(SourceError):
        read(source, user="papered", **given)
    assert "kept" in read(source, user="papered", ssl_cert=papers.certificate, ssl_key=papers.key, **given)


def test_a_file_that_is_none(source: tuple[str, str], tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    with pytest.raises((BadSettings, UnreachableSource), match=r"ssl_ca|TLS"):
        read(source, ssl_mode="verify-ca", ssl_ca=str(broken))


def test_require_of_a_server_without_tls() -> None:
    with postgres_of_own() as port, pytest.raises(UnreachableSource, match="no TLS connection.*'require'"):
        read(("postgres", f"postgresql://{{user}}@{{host}}:{port}/postgres"), "postgres", ssl_mode="require")


def test_nothing_is_taken_from_the_account(
    source: tuple[str, str], papers: Papers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libpq would pick up certificates in ~/.postgresql, and an authority there would turn require into more."""
    own = tmp_path / ".postgresql"
    own.mkdir()
    (own / "root.crt").write_bytes(Path(papers.other_ca).read_bytes())
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "kept" in read(source, ssl_mode="require")
    for name, given in (("postgresql.crt", papers.certificate), ("postgresql.key", papers.key)):
        (own / name).write_bytes(Path(given).read_bytes())
        (own / name).chmod(0o600)
    with pytest.raises((UnreachableSource, SignInRefused)):
        read(source, user="papered", ssl_mode="require")
