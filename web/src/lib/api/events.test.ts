import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Connection, type ServerEvents } from "./events.ts";
import { ApiError, Http } from "./http.ts";

/** A server whose streams the test writes to: one entry per connection that was asked for. */
class Server {
  readonly asked: { headers: Record<string, string>; signal: AbortSignal; write: (text: string) => void; end: () => void }[] = [];
  refuses: Response | null = null;

  fetch = (_url: string, init: { headers: Record<string, string>; signal: AbortSignal }): Promise<Response> => {
    if (this.refuses) return Promise.resolve(this.refuses);
    const bytes = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => {
        const write = (text: string) => stream.enqueue(bytes.encode(text));
        this.asked.push({ headers: init.headers, signal: init.signal, write, end: () => stream.close() });
      },
    });
    return Promise.resolve(new Response(body));
  };
}

let server: Server;
let connection: Connection<ServerEvents>;
const model = vi.fn();
const onOpen = vi.fn();
const onDown = vi.fn();

function connect(): void {
  const http = new Http({ language: () => "ru", unreachable: () => "nobody there" });
  connection = new Connection<ServerEvents>(http, "/events", { model, conversations: () => {}, build: () => {} }, { onOpen, onDown });
}

const hide = async (hidden: boolean) => {
  vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
  document.dispatchEvent(new Event("visibilitychange"));
  await vi.advanceTimersByTimeAsync(0);
};

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  server = new Server();
  vi.stubGlobal("fetch", server.fetch);
});

afterEach(() => {
  connection.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("events reach their handlers, unknown ones are left alone", async () => {
  connect();
  server.asked[0]!.write('event: model\ndata: {"state":"re');
  server.asked[0]!.write('ady"}\n\nevent: news\ndata: 1\n\nevent: toString\ndata: 1\n\n');
  await vi.advanceTimersByTimeAsync(0);
  expect(model.mock.calls).toEqual([[{ state: "ready" }]]);
  expect(onOpen).toHaveBeenCalledTimes(1);
});

test("the server is asked in the language of the page", () => {
  connect();
  expect(server.asked[0]!.headers["Accept-Language"]).toBe("ru");
});

test("a connection that ends is made again", async () => {
  connect();
  server.asked[0]!.write(": ping\n\n");
  server.asked[0]!.end();
  await vi.advanceTimersByTimeAsync(0);
  expect(onDown).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1000);
  expect(server.asked).toHaveLength(2);
});

test("a refusal comes with its reason, and closing ends the attempts", async () => {
  const body = JSON.stringify({ error: { kind: "NotFound", message: "No such conversation." } });
  server.refuses = new Response(body, { status: 404 });
  onDown.mockImplementationOnce(() => connection.close());
  connect();
  await vi.advanceTimersByTimeAsync(0);
  expect(onDown).toHaveBeenCalledWith(new ApiError("NotFound", "No such conversation.", 404));
  server.refuses = null;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.asked).toHaveLength(0);
});

test("a page that stays hidden lets its connection go, and takes it up again when it is looked at", async () => {
  connect();
  await hide(true);
  expect(server.asked[0]!.signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(server.asked[0]!.signal.aborted).toBe(true);
  await hide(false);
  expect(server.asked).toHaveLength(2);
});

test("a page that is hidden for a moment keeps its connection", async () => {
  connect();
  await hide(true);
  await vi.advanceTimersByTimeAsync(1000);
  await hide(false);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(server.asked).toHaveLength(1);
  expect(server.asked[0]!.signal.aborted).toBe(false);
});

test("what an old connection still brings after a renewal is not told", async () => {
  connect();
  connection.renew();
  server.asked[0]!.write('event: model\ndata: {"state":"none"}\n\n');
  server.asked[1]!.write('event: model\ndata: {"state":"ready"}\n\n');
  await vi.advanceTimersByTimeAsync(0);
  expect(model.mock.calls).toEqual([[{ state: "ready" }]]);
});

test("a connection that breaks while the page is hidden is made when it is looked at, and stays", async () => {
  connect();
  await hide(true);
  server.asked[0]!.end();
  await vi.advanceTimersByTimeAsync(1000);
  expect(server.asked).toHaveLength(1);
  await hide(false);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.asked).toHaveLength(2);
  expect(server.asked[1]!.signal.aborted).toBe(false);
});
