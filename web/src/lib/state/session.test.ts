import { expect, test, vi } from "vitest";
import { ApiError } from "../api/http.ts";
import type { Client } from "../api/client.ts";
import type { Session as Told } from "../api/types.ts";
import { Session } from "./session.svelte.ts";

const OPEN: Told = { asked: false, name: null };
const LOCKED: Told = { asked: true, name: null };
const INSIDE: Told = { asked: true, name: "owner" };

function sessionOf(client: Partial<Client>): Session {
  return new Session(client as Client);
}

test("nothing is known until the server has told, and then it is as it says", async () => {
  const session = sessionOf({ session: async () => LOCKED });
  expect([session.told, session.locked]).toEqual([null, false]);
  await session.look();
  expect(session.locked).toBe(true);
});

test("a server that cannot be asked is no reason to ask for a key", async () => {
  const session = sessionOf({ session: () => Promise.reject(new ApiError("Unreachable", "gone", 0)) });
  await session.look();
  expect(session.told).toEqual(OPEN);
});

test("who shows the right key is inside, and who shows a wrong one reads why not", async () => {
  const signIn = vi.fn<Client["signIn"]>();
  const session = sessionOf({ session: async () => LOCKED, signIn });
  await session.look();
  signIn.mockRejectedValueOnce(new ApiError("Unauthorized", "No such key.", 401));
  await session.signIn("wrong");
  expect([session.locked, session.refusal, session.busy]).toEqual([true, "No such key.", false]);
  signIn.mockResolvedValueOnce(INSIDE);
  await session.signIn("right");
  expect([session.locked, session.refusal]).toEqual([false, null]);
});

test("a session that has ended is noticed once, by whatever request was refused", async () => {
  const look = vi.fn(async () => INSIDE);
  const session = sessionOf({ session: look });
  await session.look();
  look.mockResolvedValue(LOCKED);
  session.lost();
  await vi.waitFor(() => expect(session.locked).toBe(true));
  session.lost();
  expect(look).toHaveBeenCalledTimes(2);
});
