"""A project's artifacts in object storage: the real client library against moto's S3 server, and what
answers as Google's and Azure's do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote

import pytest

from connectors import connect
from connectors.errors import BadSettings, SourceError, UnreachableSource
from connectors.object_storage import fetch
from connectors.records import Asset

pytest.importorskip("obstore", reason="needs obstore: pip install -e '.[connector-tests]'")
PROJECT = Path(__file__).parent / "dbt_project"
SECRET = "s3cret-" + "x" * 20


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    boto3 = pytest.importorskip("boto3")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0, verbose=False)
    server.start()
    address = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    try:
        client = boto3.client(
            "s3",
            endpoint_url=address,
            region_name="us-east-1",
            aws_access_key_id="k",
            aws_secret_access_key=SECRET,
        )
        client.create_bucket(Bucket="acme-lake")
        for name in ("manifest.json", "catalog.json", "run_results.json"):
            client.put_object(Bucket="acme-lake", Key=f"target/{name}", Body=(PROJECT / name).read_bytes())
        yield address
    finally:
        server.stop()


def storage(endpoint: str, **more: object) -> str:
    return json.dumps({"access_key_id": "k", "secret_access_key": SECRET, "endpoint": endpoint, **more})


def test_a_project_in_a_bucket_is_the_project_of_the_folder(endpoint: str) -> None:
    bucket = connect("dbt", {"url": "s3://acme-lake/target"}, {"storage": storage(endpoint)})
    folder = connect("dbt", {"path": str(PROJECT)}, {})
    assert bucket.check() == folder.check()
    found, expected = (
        {each.key for each in one.extract() if isinstance(each, Asset)} for one in (bucket, folder)
    )
    assert found == expected and found


@pytest.mark.parametrize("url", ["s3://acme-lake/target/", "s3a://acme-lake/target"])
def test_names_that_fsspec_has_for_a_key_are_understood(endpoint: str, url: str) -> None:
    options = json.dumps({"key": "k", "secret": SECRET, "endpoint_url": endpoint})
    assert fetch(url, "catalog.json", options, largest=10**9) == (PROJECT / "catalog.json").read_bytes()


def test_the_keys_of_this_machine(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A profile in ~/.aws, which boto3 reads, is enough."""
    (tmp_path / "credentials").write_text(
        f"[default]\naws_access_key_id = k\naws_secret_access_key = {SECRET}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert fetch("s3://acme-lake/target", "manifest.json", None, largest=10**9)


def test_what_is_not_there_and_what_is_too_large(endpoint: str) -> None:
    assert fetch("s3://acme-lake/target", "sources.json", storage(endpoint), largest=10**9) is None
    with pytest.raises(UnreachableSource, match="no manifest.json under s3://acme-lake/other; run dbt first"):
        connect("dbt", {"url": "s3://acme-lake/other"}, {"storage": storage(endpoint)}).check()
    with pytest.raises(BadSettings, match="larger than 0 MB"):
        fetch("s3://acme-lake/target", "manifest.json", storage(endpoint), largest=10)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("key=secret", "not JSON"),
        ("[1]", "not a JSON object"),
        (json.dumps({"acces_key": SECRET}), r"\(with acces_key\) do not fit s3://"),
        (json.dumps({"key": {"value": SECRET}}), r"\(with access_key_id\) do not fit s3://"),
        (storage("http://minio.internal:9000"), "must begin with https://, or set plain_http"),
        (storage("http://127.0.0.1:9"), "cannot read manifest.json from s3://"),
    ],
)
def test_options_that_cannot_be_used_are_told_without_their_values(options: str, sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence) as told:
        connect("dbt", {"url": "s3://acme-lake/target"}, {"storage": options}).check()
    assert SECRET not in str(told.value)


class Bucket(BaseHTTPRequestHandler):
    """Answers as Google and Azure do for one folder: tried with gcp-storage-emulator and Azurite, too heavy to depend on."""

    def do_GET(self) -> None:
        """One object, or 404."""
        asked.append((unquote(self.path.partition("?")[0]), self.headers.get("authorization", "")))
        name = asked[-1][0].rpartition("/")[2]
        found = PROJECT / name
        content = found.read_bytes() if "/lake/target/" in asked[-1][0] and found.is_file() else b""
        self.send_response(200 if content else 404)
        for header, value in {
            "ETag": '"1"',
            "Last-Modified": "Sun, 22 Nov 2026 20:00:00 GMT",
            "Content-Length": str(len(content)),
        }.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


asked: list[tuple[str, str]] = []


@pytest.fixture
def bucket() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    Thread(target=server.serve_forever, daemon=True).start()
    asked.clear()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("url", "options", "signed"),
    [
        ("gs://lake/target", {"endpoint": "", "token": "x"}, "Bearer x"),
        ("gcs://lake/target/", {"endpoint_url": "", "anon": True}, ""),
        ("gs://lake/target", {"base_url": "", "bearer_token": "x"}, "Bearer x"),
        (
            "abfs://lake/target",
            {"endpoint": "", "account_name": "acme", "account_key": "a2V5"},
            "SharedKey acme:",
        ),
        (
            "abfss://lake@acme.dfs.core.windows.net/target",
            {"endpoint": "", "account_key": "a2V5"},
            "SharedKey acme:",
        ),
    ],
)
def test_googles_and_azures_stores_are_read_by_the_names_that_people_have(
    bucket: str, url: str, options: dict[str, object], signed: str
) -> None:
    at = bucket + "/acme" if url.startswith("abfs") else bucket
    given = json.dumps({name: at if value == "" else value for name, value in options.items()})
    assert (
        connect("dbt", {"url": url}, {"storage": given})
        .check()
        .startswith("dbt 1.11.16, project retail, 3 models")
    )
    assert fetch(url, "sources.json", given, largest=10**9) is None
    assert {authorization.startswith(signed) for _path, authorization in asked} == {True}


@pytest.mark.parametrize(
    "options",
    [
        {"endpoint": "http://10.9.9.9"},
        {"google_base_url": "HTTP://10.9.9.9"},
        {"service_account_key": json.dumps({"gcs_base_url": "http://10.9.9.9", "disable_oauth": True})},
    ],
)
def test_no_name_of_an_endpoint_goes_without_tls(options: dict[str, str]) -> None:
    with pytest.raises(BadSettings, match="must begin with https://, or set plain_http"):
        fetch("gs://lake/target", "manifest.json", json.dumps(options), largest=10)


@pytest.mark.parametrize(
    ("url", "options", "sentence"),
    [
        (
            "s3://lake/target",
            {"AWS_ALLOW_HTTP": "true", "endpoint": "http://10.9.9.9"},
            "AWS_ALLOW_HTTP.*plain_http",
        ),
        ("gs://lake/target", {"allow_invalid_certificates": "true"}, "allow_invalid_certificates"),
        ("abfs://lake/target", {"proxy_url": "http://10.9.9.9"}, "proxy_url"),
        ("s3://lake/target", {"endpoint": "http://[bad"}, "is no address"),
    ],
)
def test_options_that_ended_in_a_panic_are_told(url: str, options: dict[str, str], sentence: str) -> None:
    """People have these beside an endpoint from other tools; obstore's panic is no Exception."""
    with pytest.raises(BadSettings, match=sentence):
        fetch(url, "manifest.json", json.dumps(options), largest=10)
