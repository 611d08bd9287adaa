import { beforeEach, expect, test, vi } from "vitest";
import type { Client } from "../api/client.ts";
import type { Own } from "../api/types.ts";
import { Model } from "./model.svelte.ts";
import { OwnChoice } from "./own.svelte.ts";
import { Settings } from "./settings.svelte.ts";
import { Toasts } from "./toasts.svelte.ts";

const NOTHING: Own = { threads: null, library: null, template: null, preset: null };
const CHATML = { name: "ChatML", template: "{{ messages }}" };

const client = { own: vi.fn(), setOwn: vi.fn(), template: vi.fn(), templates: vi.fn(), load: vi.fn(), unload: vi.fn() };
let model: Model;
let choice: OwnChoice;

beforeEach(async () => {
  vi.stubGlobal("matchMedia", () => ({ matches: false }));
  client.own.mockReset().mockResolvedValue(NOTHING);
  client.setOwn.mockReset().mockImplementation(async (_name, own) => own);
  client.template.mockReset().mockResolvedValue({ template: "{{ from_file }}" });
  client.templates.mockReset().mockResolvedValue([CHATML]);
  model = new Model(client as unknown as Client, new Toasts(new Settings()));
  model.state = { name: "tiny", state: "ready", progress: 1, error: null, notes: [], context: null };
  choice = new OwnChoice("tiny", model);
  await choice.look();
});

test("nothing is changed at first, and only some changes wait for a load", () => {
  expect([choice.known, choice.changed, choice.needsLoad]).toEqual([true, false, false]);
  [choice.preset, choice.template] = ["creative", "{{ messages }}"];
  expect([choice.changed, choice.needsLoad]).toEqual([true, false]);
  choice.threads = 2;
  expect(choice.needsLoad).toBe(true);
  [choice.preset, choice.template, choice.threads] = [null, "", null];
  expect(choice.changed).toBe(false);
});

test("what is kept is sent whole, and an empty template is none", async () => {
  [choice.threads, choice.library, choice.preset, choice.template] = [4, "ik", "creative", ""];
  expect(await choice.save()).toBe(true);
  expect(client.setOwn).toHaveBeenCalledWith("tiny", { threads: 4, library: "ik", template: null, preset: "creative" });
  expect([choice.changed, model.preset]).toEqual([false, "creative"]);
});

test("why it is not kept is said where it was written, and what was written stays", async () => {
  client.setOwn.mockRejectedValueOnce(new Error("This chat template does not work."));
  choice.template = "{% if %}";
  expect(await choice.save()).toBe(false);
  expect([choice.failure, choice.template, choice.changed, choice.saving]).toEqual([
    "This chat template does not work.",
    "{% if %}",
    true,
    false,
  ]);
});

test("the file's own template is read once, when it is asked for", async () => {
  expect(client.template).not.toHaveBeenCalled();
  expect([await choice.readFile(), await choice.readFile()]).toEqual(["{{ from_file }}", "{{ from_file }}"]);
  expect(client.template).toHaveBeenCalledTimes(1);
  client.template.mockResolvedValue({ template: null });
  expect(await new OwnChoice("bare", model).readFile()).toBe("");
});

test("the preset of the page's model is looked up, and that of another model is not taken for it", async () => {
  client.own.mockResolvedValue({ ...NOTHING, preset: "creative" });
  await model.lookUpPreset();
  expect(model.preset).toBe("creative");
  await new OwnChoice("other", model).save();
  expect(model.preset).toBe("creative");
  model.state = { ...model.state, name: null };
  await model.lookUpPreset();
  expect(model.preset).toBeNull();
});
