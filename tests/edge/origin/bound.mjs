// A worker behind the gateway, as the service binding ORIGIN, for the edge tests. It tells what it received, as JSON; a
// WebSocket answers each message with itself; /fails throws, /hangs never answers, /redirects leads elsewhere.
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (request.headers.get("upgrade") === "websocket") return echo();
    if (pathname === "/v1/fails") throw new Error("this worker failed");
    if (pathname === "/v1/hangs") await scheduler.wait(3_600_000);
    if (pathname === "/v1/redirects") return Response.redirect("https://elsewhere.example/", 302);
    const fields = [...request.headers].flat();
    return Response.json({ method: request.method, url: request.url, fields, body: await request.text() });
  },
};

function echo() {
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  server.addEventListener("message", (event) => server.send(event.data));
  server.addEventListener("close", (event) => server.close(event.code));
  return new Response(null, { status: 101, webSocket: client });
}
