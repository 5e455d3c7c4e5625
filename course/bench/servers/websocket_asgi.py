"""The same as websocket-app.ts, in Python: for uvicorn, which calls it with scope, receive and send."""

import gc

room = {}


async def app(scope, receive, send):
    if scope["type"] == "http":
        gc.collect()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
    elif scope["type"] == "websocket":
        await websocket(scope, receive, send)
    else:
        raise NotImplementedError(scope["type"])


async def websocket(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    in_room = scope["path"] == "/room"
    if in_room:
        room[id(send)] = send
    try:
        while (event := await receive())["type"] == "websocket.receive":
            message = {**event, "type": "websocket.send"}
            for send_one in list(room.values()) if in_room else [send]:
                await send_one(message)
    finally:
        room.pop(id(send), None)
