import asyncio


def pytest_asyncio_loop_factories(config, item):
    """The HTTP server runs in asyncio's own loop and in uvloop, the key manager in uvloop as it does in use."""
    factories = {"asyncio": asyncio.new_event_loop}
    if item.module.__name__ in ("test_http_protocol", "test_kme_server"):
        try:
            import uvloop
        except ImportError:
            return factories
        if item.module.__name__ == "test_kme_server":
            return {"uvloop": uvloop.new_event_loop}
        factories["uvloop"] = uvloop.new_event_loop
    return factories
