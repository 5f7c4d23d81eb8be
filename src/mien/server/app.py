"""The application: routes over one gallery, each with who may use it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mien import __version__
from mien.errors import StoreUnavailable

if TYPE_CHECKING:
    from fastapi import FastAPI

    from mien.server.settings import Settings

__all__ = ["create_app"]


def create_app(settings: Settings) -> FastAPI:
    """An ASGI application that serves a gallery.

    Raises:
        StoreUnavailable: ``pip install "mien[server]"`` is missing, or the gallery cannot be opened.
    """
    try:
        from fastapi import FastAPI
        from starlette.formparsers import MultiPartParser
    except ImportError as error:
        raise StoreUnavailable('the service needs more packages: pip install "mien[server]"') from error
    from mien.server.envelope import Border, install
    from mien.server.page import install as install_page
    from mien.server.routes import ROUTERS
    from mien.server.routes.parts import EVERYWHERE
    from mien.server.service import Service

    # Faces stay in memory: nothing is spooled to a temporary file.
    MultiPartParser.spool_max_size = settings.max_bytes
    service = Service(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        service.close()

    app = FastAPI(
        title="Mien",
        version=__version__,
        description="Face recognition with decisions at a stated error rate.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        lifespan=lifespan,
    )
    app.state.service = service
    for router in ROUTERS:
        app.include_router(router, prefix="/v1", responses=EVERYWHERE)
    install_page(app)
    install(app)
    app.add_middleware(Border, service=service)
    return app
