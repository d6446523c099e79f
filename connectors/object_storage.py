"""One file of a folder in object storage: Amazon S3 and what speaks its protocol, Google Cloud Storage, Azure.

Read by obstore (MIT, one wheel around Apache Arrow's object_store). fsspec with s3fs, gcsfs and adlfs was here before:
each pins a release of fsspec, and s3fs a release of botocore, so that beside boto3 pip settled on an s3fs of years ago.
"""

from __future__ import annotations

import importlib.util
import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from connectors.errors import BadSettings, MissingDriver, SourceError, UnreachableSource
from connectors.http import LOOPBACK

SCHEMES = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az")
AS_OBSTORE = {"gcs": "gs"}
OPTIONS = {
    "s3": {
        "key": "access_key_id",
        "secret": "secret_access_key",
        "token": "session_token",
        "endpoint_url": "endpoint",
        "anon": "skip_signature",
    },
    "gs": {
        "token": "bearer_token",
        "endpoint": "base_url",
        "endpoint_url": "base_url",
        "anon": "skip_signature",
    },
    "az": {"anon": "skip_signature"},
}
"""fsspec's names (s3fs, gcsfs, adlfs), which people have in their notes, and one name for an endpoint everywhere."""
ENDPOINTS = (
    "endpoint",
    "base_url",
    "azure_storage_endpoint",
    "azure_endpoint",
    "aws_endpoint_url",
    "google_base_url",
)
OF_THE_CLIENT = re.compile(
    r"(?:aws_|google_|azure_)?(?:allow_http|allow_invalid_certificates|connect_timeout|default_content_type|http1_only"
    r"|http2_\w+|pool_\w+|proxy_\w+|randomize_addresses|timeout|user_agent)",
    re.IGNORECASE,
)
"""Settings of the HTTP client, which people have beside an endpoint (delta-rs, polars): obstore ends in a panic, which
is no Exception, where they stand among those of a store."""
PATIENCE = {"max_retries": 2, "retry_timeout": timedelta(seconds=30)}


def fetch(
    url: str, name: str, options: str | None, *, largest: int, plain_http: bool = False
) -> bytes | None:
    """The file `name` of the folder at `url`, such as s3://bucket/target; None where there is none.

    `options` is a JSON object of obstore's settings, or None for the credentials of the machine; `largest` is in bytes;
    without `plain_http` an endpoint in `options` has TLS, or is this machine.
    Raises MissingDriver, BadSettings for options that nothing can use and for a file that is too large, and
    UnreachableSource, which names the kind of failure and never a key.
    """
    scheme, _, rest = url.partition("://")
    config = _config(options, scheme)
    try:
        from obstore import exceptions, store
    except ImportError as error:
        raise MissingDriver(
            f"{scheme}:// needs one more package: pip install 'docent[object-storage]'"
        ) from error
    try:
        endpoints = [urlsplit(address) for address in _endpoints(config)]
    except ValueError as error:
        raise BadSettings("the endpoint in the setting 'storage' is no address") from error
    bare = [each.hostname for each in endpoints if each.scheme.lower() == "http"]
    without_tls = bool(bare)
    if not plain_http and any(host not in LOOPBACK for host in bare):
        raise BadSettings(
            "the endpoint in the setting 'storage' must begin with https://, or set plain_http for your own network"
        )
    opened: Any = store.from_url  # typed for each store apart; which one it is the address says
    try:
        folder = opened(
            f"{AS_OBSTORE.get(scheme, scheme)}://{rest.rstrip('/')}/",
            config=config or None,
            client_options={"allow_http": True} if without_tls else None,
            retry_config=PATIENCE,
            credential_provider=_of_this_machine(scheme) if not config else None,
        )
    except (exceptions.BaseError, TypeError, ValueError) as error:
        names = ", ".join(config) or "nothing"
        raise BadSettings(
            f"the settings 'url' and 'storage' (with {names}) do not fit {scheme}://: {type(error).__name__}"
        ) from error
    try:
        found = folder.get(name)
        if found.meta["size"] > largest:
            raise BadSettings(f"{name} is larger than {largest // 1024**2} MB")
        return bytes(found.bytes())
    except (exceptions.NotFoundError, FileNotFoundError):
        return None
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise UnreachableSource(
            f"{scheme}:// does not let these credentials read {name}; they need to get the objects under {url},"
            " and on S3 to list them: else it answers the same for a file that is not there"
        ) from error
    except SourceError:
        raise
    except Exception as error:  # what the store's own client raises: its text may hold a signed address
        why = "no credentials were found" if "token request" in str(error) else type(error).__name__
        raise UnreachableSource(f"cannot read {name} from {scheme}://: {why}") from error


def _config(options: str | None, scheme: str) -> dict[str, Any]:
    if not options:
        return {}
    try:
        given: Any = json.loads(options)
    except ValueError as error:
        raise BadSettings("the setting 'storage' is not JSON") from error
    if not isinstance(given, dict):
        raise BadSettings("the setting 'storage' is not a JSON object")
    store = "s3" if scheme.startswith("s3") else "gs" if scheme in ("gs", "gcs") else "az"
    about = next((name for name in given if OF_THE_CLIENT.fullmatch(name)), None)
    if about is not None:
        raise BadSettings(
            f"{about} in the setting 'storage' is none of {scheme}://; for an endpoint without TLS set plain_http"
        )
    return {OPTIONS[store].get(str(name), str(name)): value for name, value in given.items()}


def _endpoints(config: dict[str, Any]) -> list[str]:
    """Where requests go instead of the vendor: a setting of its own, or a line in Google's key of a service account."""
    found = [str(value) for name, value in config.items() if name.lower() in ENDPOINTS]
    for name, value in config.items():
        if name.lower().endswith("service_account_key"):
            try:
                key = json.loads(str(value))
            except ValueError as error:
                raise BadSettings(f"{name} in the setting 'storage' is not the JSON text of a key") from error
            found += [str(key["gcs_base_url"])] if isinstance(key, dict) and key.get("gcs_base_url") else []
    return found


def _of_this_machine(scheme: str) -> Any:
    """What a person's ~/.aws says, where boto3 is there to read it; else obstore asks the environment and the role."""
    if not scheme.startswith("s3") or importlib.util.find_spec("boto3") is None:
        return None
    import boto3
    from obstore.auth.boto3 import Boto3CredentialProvider

    session = boto3.Session()
    return Boto3CredentialProvider(session) if session.get_credentials() is not None else None
