"""The control paths: what the front knows, its counts, and which regions are dead."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from arca.emulator.front.conditions import host_name

if TYPE_CHECKING:
    from arca.emulator.front.front import Front

HOST_NAMES = ("127.0.0.1", "localhost")
OWN_SITES = ("none", "same-origin")
"""Values of Sec-Fetch-Site of what a person typed into a browser (Fetch Metadata, W3C)."""


class Regions(BaseModel):
    """The body of PUT /front/regions."""

    model_config = ConfigDict(extra="forbid", strict=True)

    dead: list[str]


def application(front: "Front") -> web.Application:
    """Return the application of the control port."""

    async def known(_: web.Request) -> web.Response:
        return web.json_response(front.as_json())

    async def refresh(_: web.Request) -> web.Response:
        await front.refresh()
        return web.json_response(front.as_json())

    async def statistics(_: web.Request) -> web.Response:
        return web.json_response(front.statistics.as_json())

    async def reset(_: web.Request) -> web.Response:
        front.statistics.reset()
        return web.json_response(front.statistics.as_json())

    async def regions(_: web.Request) -> web.Response:
        return web.json_response({"dead": sorted(front.dead)})

    async def set_regions(request: web.Request) -> web.Response:
        try:
            asked = Regions.model_validate_json(await request.read())
        except ValidationError as error:
            return web.json_response({"error": str(error)}, status=400)
        front.set_dead(asked.dead)
        return await regions(request)

    made = web.Application(middlewares=[_programs_only])
    made.router.add_get("/front", known)
    made.router.add_post("/front/refresh", refresh)
    made.router.add_get("/front/statistics", statistics)
    made.router.add_delete("/front/statistics", reset)
    made.router.add_get("/front/regions", regions)
    made.router.add_put("/front/regions", set_regions)
    return made


@web.middleware
async def _programs_only(request: web.Request, handler: Callable[[web.Request], Any]) -> Any:
    """Refuse web pages, which a browser would let reach loopback."""
    foreign = request.headers.get("Sec-Fetch-Site", "none") not in OWN_SITES
    if foreign or "Origin" in request.headers or host_name(request.host) not in HOST_NAMES:
        return web.json_response({"error": "programs on this machine only"}, status=403)
    return await handler(request)
