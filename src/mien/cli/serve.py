"""``mien serve``: a gallery over HTTP."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli._options import Commands, a_count, a_number, a_path, add_gallery
from mien.cli._output import printable

if TYPE_CHECKING:
    from fastapi import FastAPI

    from mien.server.access import Access

__all__ = ["register", "run"]

EPILOG = """\
The first start makes an admin's API key and prints it, once; paste it into the page to sign in. Beyond this machine,
serve with --certificate, or behind a proxy that does TLS: keys and faces travel with every request.

examples:
  mien serve --gallery people.mien
  curl -H "Authorization: Bearer $MIEN_KEY" -F image=@party.jpg http://127.0.0.1:8000/v1/collections/main/identify
"""

UNENCRYPTED = "keys and faces travel unencrypted beyond this machine; give --certificate, or put a TLS proxy before it"


def register(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "serve",
        help="serve a gallery over HTTP: a web page, and REST",
        description="Serve a gallery over HTTP, to holders of API keys: a page, and REST (see /v1/openapi.json).",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="where to listen (default: 127.0.0.1)")
    parser.add_argument("--port", type=a_count, default=8000, metavar="PORT", help="default: 8000; 0 for a free one")
    parser.add_argument("--state", type=a_path, metavar="FILE", help="file of the keys (default: in your data folder)")
    parser.add_argument("--certificate", type=a_path, metavar="FILE", help="serve with TLS: certificates, PEM")
    parser.add_argument("--certificate-key", type=a_path, metavar="FILE", help="the certificate's private key, PEM")
    parser.add_argument(
        "--crop-key",
        type=a_path,
        metavar="FILE",
        help="what seals pictures of faces, made where there is none (default: $MIEN_CROP_KEY, else beside --state)",
    )
    parser.add_argument("--reports", type=a_path, metavar="DIR", help="show reports of `mien evaluate` on the page")
    parser.add_argument("--queue", type=a_number, default=64, metavar="N", help="requests that may wait (default: 64)")
    parser.add_argument(
        "--rate", type=a_count, default=3000, metavar="N", help="requests a minute with a key (default: 3000; 0: any)"
    )
    parser.add_argument(
        "--metrics-address",
        metavar="HOST:PORT",
        help="serve Prometheus' metrics there, without a key (also at /v1/metrics, with an admin's)",
    )
    parser.add_argument("--log-format", choices=["text", "json"], default="text", help="of stderr (default: text)")
    parser.add_argument(
        "--drain",
        type=a_count,
        default=0,
        metavar="SECONDS",
        help="when stopped, serve on for so long while /v1/ready says 503 (default: 0)",
    )
    parser.add_argument(
        "--max-streams", type=a_count, default=4, metavar="N", help="streams that are watched at once (default: 4)"
    )
    parser.add_argument(
        "--max-upload", type=a_number, default=2048, metavar="MIB", help="of the files of a job (default: 2048)"
    )
    parser.add_argument(
        "--webhook-allow-private",
        action="store_true",
        help="webhooks may lead to this machine and its networks, and without TLS (default: to public addresses alone)",
    )
    parser.add_argument("--new-admin-key", action="store_true", help="make another admin's key, print it, and end")
    add_gallery(parser, collections=False)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted; what was accepted is finished."""
    from mien.server import Settings, create_app
    from mien.server.listening import check_certificate, is_loopback, listening

    state = arguments.state or _state()
    if arguments.new_admin_key:
        _print_key(_opened(state))
        return 0
    certificate, key = arguments.certificate, arguments.certificate_key
    check_certificate(certificate, key)
    with listening(arguments.host, arguments.port) as listener:
        settings = Settings(
            gallery=arguments.gallery,
            state=state,
            key_file=arguments.key_file,
            crop_key=arguments.crop_key or _crop_key(),
            reports=arguments.reports,
            queue=arguments.queue,
            rate=arguments.rate,
            max_streams=arguments.max_streams,
            max_upload=arguments.max_upload << 20,
            webhook_allow_private=arguments.webhook_allow_private,
        )
        app = create_app(settings)
        # What it needs beyond FastAPI; without that, the line before has said what to install.
        from mien.server import logs, running

        logs.install(arguments.log_format)
        with _metrics(app, arguments.metrics_address):
            if not (certificate or is_loopback(arguments.host)):
                print(f"mien: warning: {UNENCRYPTED}", file=sys.stderr, flush=True)
            _introduce(app, arguments, listener.getsockname()[1])
            running.serve(app, listener, certificate=certificate, certificate_key=key, drain=arguments.drain)
    return 0


def _metrics(app: FastAPI, address: str | None) -> AbstractContextManager[None]:
    return app.state.service.metrics.serving(address) if address else nullcontext()


def _introduce(app: FastAPI, arguments: argparse.Namespace, port: int) -> None:
    """Say where it listens, and at the first start with which key."""
    scheme = "https" if arguments.certificate else "http"
    host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    address = f"{scheme}://{host}:{port}"
    print(f"serving a page at {address}/ and REST at {address}/v1", flush=True)
    access = app.state.service.access
    if not access.every_key():
        _print_key(access)
        if not app.state.service.galleries.names():
            # The page works at once, without somebody having to know what a collection is.
            access.declare("main", consent_required=True)


def _opened(state: Path) -> Access:
    from mien.server.access import Access
    from mien.server.database import Database

    return Access(Database(state))


def _print_key(access: Access) -> None:
    from mien.server.access import Role

    _, secret = access.issue("admin", Role.admin)
    print(f"admin's API key, shown this once: {printable(secret)}", flush=True)


def _crop_key() -> Path | None:
    value = os.environ.get("MIEN_CROP_KEY")
    return Path(value) if value else None


def _state() -> Path:
    import platformdirs

    return platformdirs.user_data_path("mien", appauthor=False, ensure_exists=True) / "service.db"
