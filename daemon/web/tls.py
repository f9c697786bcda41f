"""TLS for the private listener."""

from __future__ import annotations

import ssl
from pathlib import Path

from daemon.core.errors import BadConfig


def server_context(
    cert_file: Path, key_file: Path | None = None, client_ca_file: Path | None = None
) -> ssl.SSLContext:
    """A server's context; ``client_ca_file`` names the authority of clients' certificates.

    A client may do without a certificate (others use tokens), but one that
    the authority has not signed ends the handshake.  Raises BadConfig.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert_file, key_file)
    except (OSError, ssl.SSLError) as error:
        raise BadConfig(
            f"listen.tls: {cert_file} and {key_file or cert_file} are no certificate with its key: {error}"
        ) from error
    if client_ca_file is not None:
        try:
            context.load_verify_locations(cafile=client_ca_file)
        except (OSError, ssl.SSLError) as error:
            raise BadConfig(f"listen.tls.client_ca_file: {client_ca_file}: {error}") from error
        context.verify_mode = ssl.CERT_OPTIONAL
    return context
