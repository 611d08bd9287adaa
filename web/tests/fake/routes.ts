/** The page's API over the scripted world: a table of method, path and what it does. */

import type { Context, Conversation, Message, Own, Sampling } from "../../src/lib/api/types.ts";
import { outlook } from "./outlook.ts";
import { DECLARED, kept, PRESETS } from "./sampling.ts";
import type { World } from "./world.ts";

export interface Body extends Partial<Own> {
  title?: string;
  system?: string;
  current?: string;
  parent?: string | null;
  content?: string;
  name?: string;
  sampling?: Partial<Sampling> | null;
  ctx?: number;
  alpha?: number | null;
  cache?: Context["cache"];
}

const contextIn = ({ ctx, alpha = null, cache }: Body): Context | null =>
  ctx && cache ? { ctx, alpha, cache } : null;

const TEMPLATES = [{ name: "ChatML", template: "{% for message in messages %}{{ message.content }}{% endfor %}" }];
const NOTHING_OF_ITS_OWN: Own = { threads: null, library: null, template: null, preset: null };
const ownIn = ({ threads = null, library = null, template = null, preset = null }: Body): Own => ({
  threads,
  library,
  template,
  preset,
});

type Route = readonly [string, RegExp, (world: World, id: string, body: Body, query: string, ctx: number) => unknown];

export class Missing extends Error {}

const head = ({ id, title, created, updated, current, sampling }: Conversation) => ({
  id,
  title,
  created,
  updated,
  current,
  sampling,
});

function conversation(world: World, id: string): Conversation {
  const found = world.conversations.get(id);
  if (!found || found.deleted) throw new Missing("There is no such conversation.");
  return found;
}

function message(world: World, id: string): [Conversation, Message] {
  const found = world.message(id);
  if (!found) throw new Missing("There is no such message.");
  return found;
}

function begin(world: World, { title, system }: Body): Conversation {
  const made = world.create(title);
  if (system) world.add(made, null, "system", system);
  return made;
}

function hide(world: World, id: string, deleted: boolean): void {
  const found = world.conversations.get(id);
  if (found) found.deleted = deleted;
  world.say("server", "conversations", {});
}

export const ROUTES: readonly Route[] = [
  ["GET", /^\/state$/, (world) => ({ version: "0.1.0", model: world.model, models: world.models })],
  ["GET", /^\/sampling$/, () => DECLARED],
  ["GET", /^\/presets$/, () => PRESETS],
  ["GET", /^\/presets\/(\w+)$/, (_, name) => PRESETS.find((preset) => preset.name === name)],
  ["GET", /^\/models\/(.+)\/context$/, (world, _name, _body, _query, wanted) => outlook(wanted, world.model.context)],
  ["GET", /^\/models\/templates$/, () => TEMPLATES],
  ["GET", /^\/models\/(.+)\/template$/, () => ({ template: TEMPLATES[0]!.template })],
  ["GET", /^\/models\/(.+)\/settings$/, (world, name) => world.own.get(name) ?? NOTHING_OF_ITS_OWN],
  ["PUT", /^\/models\/(.+)\/settings$/, (world, name, body) => world.keep(name, ownIn(body))],
  ["POST", /^\/models\/load$/, (world, _, body) => world.load(body.name ?? null, contextIn(body))],
  ["POST", /^\/models\/unload$/, (world) => world.load(null)],
  ["POST", /^\/build$/, (world) => world.compile(true)],
  ["DELETE", /^\/build$/, (world) => world.compile(false)],
  [
    "GET",
    /^\/conversations$/,
    (world, _id, _body, query) =>
      [...world.conversations.values()]
        .filter((one) => !one.deleted)
        .filter((one) => JSON.stringify([one.title, one.messages.map((m) => m.content)]).toLowerCase().includes(query))
        .sort((a, b) => b.updated - a.updated)
        .map(({ id, title, updated, messages }) => ({
          id,
          title,
          updated,
          snippet: (messages.find((m) => m.content.toLowerCase().includes(query))?.content ?? "").slice(0, 80),
        })),
  ],
  ["POST", /^\/conversations$/, (world, _, body) => begin(world, body)],
  ["POST", /^\/conversations\/draft$/, () => ({})],
  ["GET", /^\/conversations\/(\w+)$/, conversation],
  [
    "PATCH",
    /^\/conversations\/(\w+)$/,
    (world, id, body) => {
      const found = conversation(world, id);
      if (body.title !== undefined) world.retitle(found, body.title);
      if (body.current !== undefined) {
        found.current = body.current;
        world.say(id, "current", { current: body.current });
      }
      if (body.sampling !== undefined) {
        found.sampling = kept(body.sampling);
        world.say(id, "sampling", { sampling: found.sampling });
      }
      return head(found);
    },
  ],
  ["DELETE", /^\/conversations\/(\w+)$/, (world, id) => hide(world, id, true)],
  ["POST", /^\/conversations\/(\w+)\/restore$/, (world, id) => hide(world, id, false)],
  ["POST", /^\/conversations\/(\w+)\/draft$/, (world, id) => (conversation(world, id), {})],
  ["POST", /^\/conversations\/(\w+)\/stop$/, (world, id) => (world.stop(id), {})],
  [
    "POST",
    /^\/conversations\/(\w+)\/messages$/,
    (world, id, body) => {
      const found = conversation(world, id);
      const own = world.add(found, body.parent ?? null, "user", body.content ?? "");
      world.say(id, "message", own);
      return { message: own, answer: world.answer(found, own) };
    },
  ],
  [
    "POST",
    /^\/messages\/(\w+)\/regenerate$/,
    (world, id) => {
      const [found, old] = message(world, id);
      return { answer: world.answer(found, message(world, old.parent ?? "")[1]) };
    },
  ],
  [
    "POST",
    /^\/messages\/(\w+)\/continue$/,
    (world, id) => {
      const [found, answer] = message(world, id);
      world.write(found, answer, " And so on: steam rises, the evening is long, and nobody hurries.");
      return { answer };
    },
  ],
  [
    "PATCH",
    /^\/messages\/(\w+)$/,
    (world, id, body) => {
      const [found, changed] = message(world, id);
      changed.content = body.content ?? "";
      world.say(found.id, "message", changed);
      return changed;
    },
  ],
  [
    "POST",
    /^\/messages\/(\w+)\/fork$/,
    (world, id, body) => {
      const [found, old] = message(world, id);
      const own = world.add(found, old.parent, "user", body.content ?? "");
      world.say(found.id, "message", own);
      return { message: own, answer: world.answer(found, own) };
    },
  ],
  [
    "POST",
    /^\/messages\/(\w+)\/branch$/,
    (world, id) => {
      const [found] = message(world, id);
      const made = world.create(`${found.title} (branch)`);
      const path: Message[] = [];
      for (let at: string | null = id; at; at = path[0]!.parent) path.unshift(message(world, at)[1]);
      for (const one of path) world.add(made, made.current, one.role, one.content);
      return made;
    },
  ],
  [
    "GET",
    /^\/messages\/(\w+)\/prompt$/,
    (world, id) => {
      const [, answer] = message(world, id);
      const question = message(world, answer.parent ?? "")[1].content;
      const opening = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n";
      const parts = [
        { text: `${opening}${question} `, special: true },
        { text: "<|im_end|>", special: false },
        { text: " is not an end here.<|im_end|>\n<|im_start|>assistant\n", special: true },
      ];
      return { parts, tokens: 47 };
    },
  ],
];
