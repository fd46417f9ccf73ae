"""Which certificates are trusted."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache
from pathlib import Path

from tau2.errors import ConfigError


@lru_cache(maxsize=16)
def tls_context(verify: bool | str = True) -> ssl.SSLContext:
    """Return the TLS settings of connections.

    Args:
        verify: True to trust the system's authorities and, unless SSL_CERT_FILE or SSL_CERT_DIR
            names others, those of certifi. A path to trust the authorities in that file or folder
            instead. False to trust every certificate.

    Raises:
        ConfigError: The path holds no certificates.
    """
    if isinstance(verify, str):
        context = _trusting_only(verify)
    else:
        context = ssl.create_default_context()
        if not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
            import certifi  # noqa: PLC0415  -- only calls over TLS need it

            context.load_verify_locations(certifi.where())
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def _trusting_only(path: str) -> ssl.SSLContext:
    is_folder = Path(path).is_dir()
    try:
        return ssl.create_default_context(
            cafile=None if is_folder else path, capath=path if is_folder else None
        )
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(
            f"ssl_verify names {path!r}, which holds no certificates: {error}"
        ) from error
