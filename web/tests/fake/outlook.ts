/** The context of a model like Llama 2: trained on 4096 tokens, 512 KiB of cache a token. */

import type { Context, Outlook } from "../../src/lib/api/types.ts";

const TRAINED = 4096;
const alphaAt = (context: number) => (context > TRAINED ? Math.ceil(20 * (context / TRAINED) ** 1.4) / 20 : 1);

export function outlook(wanted: number, chosen: Context | null): Outlook {
  const window = wanted || chosen?.ctx || TRAINED;
  const alpha = alphaAt(window);
  const base = 10_000 * alpha ** (64 / 63);
  const curve = Array.from({ length: 25 }, (_, i) => TRAINED + i * (TRAINED / 8)).map((context) => ({
    context,
    alpha: alphaAt(context),
  }));
  const bits = { f16: 16, q8_0: 8.5, q5_1: 6, q4_0: 4.5 };
  return {
    trained: TRAINED,
    window,
    base: 10_000,
    alpha,
    suggested: { alpha, base },
    notes: window > 3 * TRAINED ? ["Past three times the trained context most models lose the thread."] : [],
    curve,
    cache: Object.entries(bits).map(([type, n]) => ({ type, size: window * 32_768 * n })).map((cost) => ({
      ...cost,
      keys: cost.size / 2,
      values: cost.size / 2,
    })),
    chosen,
    default: { ctx: null, alpha: null, cache: { keys: "f16", values: "f16" } },
  };
}
