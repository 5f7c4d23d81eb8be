"""``mien serve``: a gallery over HTTP."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mien.cli._options import Commands, a_number, a_path, add_gallery
from mien.cli._output import printable
from mien.errors import StoreUnavailable

if TYPE_CHECKING:
    from mien.server.access import Access

__all__ = ["register", "run"]

EPILOG = """\
The first start makes an admin's API key and prints it, once; paste it into the page to sign in. Beyond this machine,
serve with --certificate, or behind a proxy that does TLS: keys and faces travel with every request.

examples:
  mien serve --gallery people.mien
  curl -H "Authorization: Bearer $MIEN_KEY" -F image=@party.jpg http://127.0.0.1:8000/v1/collections/main/identify
"""


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
    parser.add_argument("--port", type=a_number, default=8000, metavar="PORT", help="where to listen (default: 8000)")
    parser.add_argument("--state", type=a_path, metavar="FILE", help="file of the keys (default: in your data folder)")
    parser.add_argument("--certificate", type=a_path, metavar="FILE", help="serve with TLS: certificates, PEM")
    parser.add_argument("--certificate-key", type=a_path, metavar="FILE", help="the certificate's private key, PEM")
    parser.add_argument("--queue", type=a_number, default=64, metavar="N", help="requests that may wait (default: 64)")
    parser.add_argument("--new-admin-key", action="store_true", help="make another admin's key, print it, and end")
    add_gallery(parser, collections=False)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted; what was accepted is finished."""
    try:
        import uvicorn
    except ImportError as error:
        raise StoreUnavailable('the service needs more packages: pip install "mien[server]"') from error
    from mien.server import Settings, create_app

    state = arguments.state or _state()
    if arguments.new_admin_key:
        _print_key(_opened(state))
        return 0
    app = create_app(
        Settings(gallery=arguments.gallery, state=state, key_file=arguments.key_file, queue=arguments.queue)
    )
    scheme = "https" if arguments.certificate else "http"
    address = f"{scheme}://{arguments.host}:{arguments.port}"
    print(f"serving a page at {address}/ and REST at {address}/v1", flush=True)
    access = app.state.service.access
    if not access.every_key():
        _print_key(access)
        if not app.state.service.galleries.names():
            # The page works at once, without somebody having to know what a collection is.
            access.declare("main", consent_required=True)
    uvicorn.run(
        app,
        host=arguments.host,
        port=arguments.port,
        log_level="warning",
        server_header=False,
        ssl_certfile=arguments.certificate,
        ssl_keyfile=arguments.certificate_key,
    )
    return 0


def _opened(state: Path) -> Access:
    from mien.server.access import Access
    from mien.server.database import Database

    return Access(Database(state))


def _print_key(access: Access) -> None:
    from mien.server.access import Role

    _, secret = access.issue("admin", Role.admin)
    print(f"admin's API key, shown this once: {printable(secret)}", flush=True)


def _state() -> Path:
    import platformdirs

    return platformdirs.user_data_path("mien", appauthor=False, ensure_exists=True) / "service.db"
