import { beforeEach, expect, test, vi } from "vitest";
import type { Client } from "../api/client.ts";
import type { ModelState } from "../api/types.ts";
import { Model } from "./model.svelte.ts";
import { Settings } from "./settings.svelte.ts";
import { Toasts } from "./toasts.svelte.ts";

const told = (state: ModelState["state"], error: string | null = null): ModelState => ({
  name: "tiny",
  state,
  progress: 1,
  error,
  notes: [],
  context: null,
});

const client = { watch: vi.fn(), load: vi.fn(), state: vi.fn() };
let model: Model;
let connection: { model: (state: ModelState) => void };

beforeEach(() => {
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
  client.watch.mockReset().mockImplementation((events) => (connection = events));
  client.load.mockReset().mockResolvedValue(told("loading"));
  client.state.mockReset().mockResolvedValue({ version: "1", model: told("loading"), models: [] });
  model = new Model(client as unknown as Client, new Toasts(new Settings()));
  model.connect(vi.fn(), vi.fn());
  connection.model(told("ready"));
});

test("what the reply to a load says is shown at once", async () => {
  await model.loadWith("tiny", null);
  expect(model.state.state).toBe("loading");
});

test("a reply that the connection has overtaken does not hide what became of the load", async () => {
  for (const asked of [() => model.loadWith("tiny", null), () => model.load("tiny"), () => model.refresh()]) {
    const asking = asked();
    connection.model(told("failed", "It does not fit."));
    await asking;
    expect([model.state.state, model.state.error]).toEqual(["failed", "It does not fit."]);
  }
});
