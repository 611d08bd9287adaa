/**
 * A scripted server for the page, so that it can be built, looked at and measured without a model:
 *
 *     node tests/fake/main.ts [--port 7860] [--rate 60] [--messages 6] [--tied]
 *
 * It serves the built page and the page's API, and prints its address. Nothing is kept. With --tied it ends when its
 * standard input does: whoever started it need not know its process, which may be behind a wrapper.
 */

import { createReadStream, existsSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { parseArgs } from "node:util";
import { Missing, ROUTES, type Body } from "./routes.ts";
import { World } from "./world.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "7860" },
    rate: { type: "string", default: "60" },
    messages: { type: "string", default: "6" },
    tied: { type: "boolean", default: false },
  },
});

const BUILT = join(import.meta.dirname, "../../../src/samovar/web");
const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
/** As strict as the real server, so that a breach shows here. */
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

const world = new World(Number(values.rate));
const DAY = 86_400;
const past = (days: number) => Date.now() / 1000 - days * DAY;
world.remember("Two samovars for one wedding", 4, past(3));
world.remember("Почему небо голубое и почему закат бывает красным", 2, past(1));
world.remember("How tea is made", Number(values.messages));

function stream(request: IncomingMessage, response: ServerResponse, channel: string, ...first: [string, unknown][]): void {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  const send = (event: string, data: unknown) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  for (const event of first) send(...event);
  request.on("close", world.listen(channel, send));
}

async function api(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  const path = url.pathname.slice("/samovar".length);
  if (path === "/events") return stream(request, response, "server", ["model", world.model], ["build", world.build]);
  const watched = /^\/conversations\/(\w+)\/events$/.exec(path)?.[1];
  const conversation = watched ? world.conversations.get(watched) : undefined;
  if (watched && conversation && !conversation.deleted) {
    return stream(request, response, watched, ["conversation", conversation]);
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = (chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : {}) as Body;
  const reply = (status: number, data: unknown) => {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(data ?? {}));
  };
  try {
    for (const [method, pattern, run] of ROUTES) {
      const match = method === request.method ? pattern.exec(path) : null;
      const query = (url.searchParams.get("query") ?? "").toLowerCase();
      if (match) return reply(200, run(world, match[1] ?? "", body, query, Number(url.searchParams.get("ctx"))));
    }
    throw new Missing("There is nothing at this address.");
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    reply(404, { error: { kind: "NotFound", message: error.message } });
  }
}

function page(response: ServerResponse, path: string): void {
  const file = join(BUILT, normalize(path));
  const found = path !== "/" && existsSync(file) ? file : join(BUILT, "index.html");
  response.writeHead(200, { "Content-Type": TYPES[extname(found)] ?? "", "Content-Security-Policy": POLICY });
  createReadStream(found).pipe(response);
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.pathname.startsWith("/samovar/")) void api(request, response, url);
  else page(response, url.pathname);
});
server.listen(Number(values.port), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
if (values.tied) process.stdin.on("end", () => process.exit()).resume();
