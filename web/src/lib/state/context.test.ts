import { beforeEach, expect, test, vi } from "vitest";
import type { Client } from "../api/client.ts";
import type { Context, ModelState, Outlook } from "../api/types.ts";
import { ContextChoice } from "./context.svelte.ts";
import { Model } from "./model.svelte.ts";
import { Settings } from "./settings.svelte.ts";
import { Toasts } from "./toasts.svelte.ts";

const USUAL: Context = { ctx: null, alpha: null, cache: { keys: "f16", values: "f16" } };
const KEPT: Context = { ctx: 8192, alpha: 2.65, cache: { keys: "q8_0", values: "f16" } };
const outlook = (window: number, chosen: Context | null): Outlook => ({
  trained: 4096,
  window,
  base: 10_000,
  alpha: 1,
  suggested: { alpha: 1, base: 10_000 },
  notes: [],
  curve: [],
  cache: [
    { type: "f16", size: 2 * window, keys: window, values: window },
    { type: "q8_0", size: window, keys: window / 2, values: window / 2 },
  ],
  chosen,
  default: USUAL,
});

const client = { outlook: vi.fn(), load: vi.fn() };
let model: Model;
let choice: ContextChoice;

const becomes = (state: ModelState["state"], context: Context | null, error: string | null = null) =>
  (model.state = { name: "tiny", state, progress: 0, error, notes: [], context });

beforeEach(() => {
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
  client.outlook.mockReset().mockImplementation(async (_name, window) => outlook(window ?? 4096, null));
  client.load.mockReset().mockImplementation(async () => model.state);
  model = new Model(client as unknown as Client, new Toasts(new Settings()));
  choice = new ContextChoice("tiny", model);
});

test("it begins with what is kept for the model, else with what the settings say", async () => {
  await choice.look();
  expect([choice.window, choice.alpha, choice.keys, choice.memory]).toEqual([4096, null, "f16", 8192]);
  client.outlook.mockImplementation(async () => outlook(8192, KEPT));
  choice = new ContextChoice("tiny", model);
  await choice.look();
  expect([choice.window, choice.alpha, choice.keys, choice.values]).toEqual([8192, 2.65, "q8_0", "f16"]);
});

test("an answer that comes late is not taken for what was asked since", async () => {
  await choice.look();
  choice.window = 512;
  const late = choice.look();
  choice.window = 1024;
  await late;
  expect(choice.outlook?.window).toBe(4096);
});

test("keys and values each count as what they are kept as", async () => {
  await choice.look();
  choice.keys = "q8_0";
  expect(choice.memory).toBe(4096 + 2048);
});

test("a load is over when the model is ready with what was chosen, not with what it had before", async () => {
  becomes("ready", null);
  await choice.look();
  [choice.window, choice.alpha, choice.keys] = [8192, 2.65, "q8_0"];
  await choice.load();
  expect(client.load).toHaveBeenCalledWith("tiny", KEPT);
  expect([choice.loading, choice.loaded]).toEqual([true, false]);
  becomes("loading", KEPT);
  expect(choice.loading).toBe(true);
  becomes("ready", KEPT);
  expect([choice.loading, choice.loaded]).toEqual([false, true]);
});

test("why it cannot be loaded so is said where it was chosen, and it can be tried again", async () => {
  await choice.look();
  choice.window = 8192;
  await choice.load();
  becomes("failed", { ...USUAL, ctx: 8192 }, "Only 6,144 tokens fit.");
  expect([choice.loading, choice.failure]).toEqual([false, "Only 6,144 tokens fit."]);
  client.load.mockRejectedValueOnce(new Error("No library has such a cache."));
  await choice.load();
  expect([choice.loading, choice.failure]).toEqual([false, "No library has such a cache."]);
});

test("going back is over when the model has what the settings say", async () => {
  becomes("ready", KEPT);
  await choice.look();
  await choice.back();
  expect(client.load).toHaveBeenCalledWith("tiny", { default: true });
  expect(choice.loaded).toBe(false);
  becomes("ready", null);
  expect(choice.loaded).toBe(true);
});
