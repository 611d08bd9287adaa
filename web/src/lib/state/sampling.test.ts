import { beforeEach, expect, test, vi } from "vitest";
import type { Client } from "../api/client.ts";
import type { Parameter, Preset } from "../api/types.ts";
import { Presets } from "./presets.svelte.ts";
import { Sampling, type Choice, type Save } from "./sampling.svelte.ts";
import { Settings } from "./settings.svelte.ts";
import { Toasts } from "./toasts.svelte.ts";

const knob = (name: string, neutral: number, usual: number, rest: Partial<Parameter> = {}): Parameter => ({
  name,
  kind: "float",
  neutral,
  default: usual,
  minimum: 0,
  maximum: 5,
  step: name,
  switch: true,
  help: "",
  ...rest,
});

const TEMPERATURE = knob("temperature", 1, 0.8);
const DRY = knob("dry_multiplier", 0, 0);
const DRY_BASE = knob("dry_base", 1.75, 1.75, { switch: false });
const WARM: Preset = {
  name: "warm",
  title: "Warm",
  about: "",
  builtin: true,
  problem: null,
  values: { temperature: 1.4 },
  order: ["temperature"],
  complete: { temperature: 1.4, dry_multiplier: 0 },
};

const DECLARED = { parameters: [TEMPERATURE, DRY, DRY_BASE], steps: [] };

const toasts = new Toasts(new Settings());
let saved: (Partial<Choice> | null)[];
let presets: Presets;

/** Keeps what it is given, as the server does. */
const keep: Save = async (choice) => {
  saved.push(choice);
  return choice as Choice | null;
};

beforeEach(async () => {
  vi.useFakeTimers();
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
  saved = [];
  toasts.list = [];
  const client = {
    sampling: async () => DECLARED,
    presets: async () => [WARM],
    preset: async () => WARM,
  } as Partial<Client> as Client;
  presets = new Presets(client, toasts);
  await presets.load("en");
});

test("what nobody set is the product's default, and unchanged", () => {
  const sampling = new Sampling(presets, toasts, keep);
  expect(sampling.value(TEMPERATURE)).toBe(0.8);
  expect(sampling.changed(TEMPERATURE)).toBe(false);
  expect(sampling.isNeutral(TEMPERATURE)).toBe(false);
});

test("a preset is taken with its order, and what differs from it is changed", async () => {
  const sampling = new Sampling(presets, toasts, keep);
  await sampling.choose("warm");
  expect(sampling.choice).toEqual({ values: WARM.complete, order: WARM.order, preset: "warm" });
  expect(sampling.changed(TEMPERATURE)).toBe(false);
  sampling.set(TEMPERATURE, 1);
  expect([sampling.changed(TEMPERATURE), sampling.isNeutral(TEMPERATURE), sampling.preset]).toEqual([true, true, "warm"]);
});

test("a row of changes is saved once, after a pause, with every value named", async () => {
  const sampling = new Sampling(presets, toasts, keep);
  for (const value of [1, 1.1, 1.2]) sampling.set(TEMPERATURE, value);
  expect(saved).toEqual([]);
  await vi.runAllTimersAsync();
  expect(saved).toEqual([{ values: { temperature: 1.2, dry_multiplier: 0, dry_base: 1.75 }, order: [], preset: null }]);
});

test("an answer that is asked for now does not wait for the pause", async () => {
  const sampling = new Sampling(presets, toasts, keep);
  sampling.set(TEMPERATURE, 2);
  expect(await sampling.settle()).toBe(true);
  expect(saved).toHaveLength(1);
  await vi.runAllTimersAsync();
  expect(saved).toHaveLength(1);
});

test("what another tab sets is seen, but not in front of what is being set here", async () => {
  const sampling = new Sampling(presets, toasts, keep);
  sampling.take({ values: { temperature: 0.5 }, order: [], preset: null });
  expect(sampling.value(TEMPERATURE)).toBe(0.5);
  sampling.set(TEMPERATURE, 2);
  sampling.take({ values: { temperature: 0.6 }, order: [], preset: null });
  expect(sampling.value(TEMPERATURE)).toBe(2);
  await sampling.settle();
  sampling.take({ values: { temperature: 0.7 }, order: [], preset: null });
  expect(sampling.value(TEMPERATURE)).toBe(0.7);
});

test("what could not be saved is taken back with the server's sentence, and the next answer can be asked for", async () => {
  const refuse: Save = () => Promise.reject(new Error("Too hot."));
  const sampling = new Sampling(presets, toasts, refuse, { values: { temperature: 0.5 }, order: [], preset: null });
  sampling.set(TEMPERATURE, 5);
  expect(await sampling.settle()).toBe(false);
  expect(sampling.value(TEMPERATURE)).toBe(0.5);
  expect(toasts.list.map(({ text }) => text)).toEqual(["Too hot."]);
  expect(await sampling.settle()).toBe(true);
});

test("DRY is raised to where it begins to help, and then a little at a time", () => {
  const sampling = new Sampling(presets, toasts, keep);
  const raised = [1, 2, 3].map(() => {
    sampling.raiseDry();
    return sampling.value(DRY);
  });
  expect(raised).toEqual([0.8, 1, 1.2]);
});

test("all to neutral, then a preset of it names nothing", () => {
  const sampling = new Sampling(presets, toasts, keep);
  sampling.neutralize();
  expect(presets.parameters.every((one) => sampling.isNeutral(one))).toBe(true);
  expect(presets.named((one) => sampling.value(one))).toEqual({});
  sampling.set(TEMPERATURE, 1.4);
  expect(presets.named((one) => sampling.value(one))).toEqual({ temperature: 1.4 });
});

test("what was not set here is what the model's own preset says, and so is a change of one value", async () => {
  let ofModel: string | null = "warm";
  const around = { preset: async () => WARM, presets: async () => [WARM], sampling: async () => DECLARED } as Partial<Client>;
  presets = new Presets(around as Client, toasts, () => ofModel);
  await presets.load("en");
  await presets.get("warm");
  const sampling = new Sampling(presets, toasts, keep);
  expect([sampling.preset, sampling.overModel]).toEqual(["warm", true]);
  expect([sampling.value(TEMPERATURE), sampling.changed(TEMPERATURE)]).toEqual([1.4, false]);
  sampling.take({ values: { dry_multiplier: 0.5 }, order: [], preset: null });
  expect([sampling.value(TEMPERATURE), sampling.value(DRY), sampling.changed(DRY)]).toEqual([1.4, 0.5, true]);
  sampling.take({ values: {}, order: [], preset: "warm" });
  expect(sampling.overModel).toBe(false);
  sampling.take(null);
  ofModel = "gone";
  expect([sampling.overModel, sampling.value(TEMPERATURE)]).toEqual([false, 0.8]);
});
