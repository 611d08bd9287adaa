/** JSON and event streams over fetch. Owns the error shape and the language header; knows no route. */

export class ApiError extends Error {
  /** As the server names it; "Unreachable" when it did not answer at all. */
  readonly kind: string;
  /** HTTP's; 0 when the server did not answer. */
  readonly status: number;

  /** `message` is a sentence to show. */
  constructor(kind: string, message: string, status: number) {
    super(message);
    this.kind = kind;
    this.status = status;
  }
}

export interface Surroundings {
  /** The language of sentences that the server writes. */
  language: () => string;
  /** What to say when the server cannot be reached. */
  unreachable: () => string;
  /** The server wants a key that this page has not shown. */
  locked?: () => void;
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export class Http {
  #around: Surroundings;
  #root: string;

  /** `root`: what every path begins with. */
  constructor(around: Surroundings, root = "/samovar") {
    this.#around = around;
    this.#root = root;
  }

  /** The answer's JSON. Throws ApiError. */
  async call<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    return read<T>(await this.#fetch(path, { method, ...sent }, sent.body ? "application/json" : null));
  }

  /** Sends a file as it is; the answer's JSON. Throws ApiError. */
  async upload<T>(path: string, file: Blob): Promise<T> {
    return read<T>(await this.#fetch(path, { method: "POST", body: file }, "application/octet-stream"));
  }

  /** Text as it comes. Throws ApiError when the server refuses, and what fetch throws when the stream breaks. */
  async *stream(path: string, signal: AbortSignal): AsyncGenerator<string> {
    const response = await this.#fetch(path, { signal, cache: "no-store" }, null);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
  }

  async #fetch(path: string, init: RequestInit, type: string | null): Promise<Response> {
    const headers = { "Accept-Language": this.#around.language(), ...(type ? { "Content-Type": type } : {}) };
    let response: Response;
    try {
      response = await fetch(`${this.#root}${path}`, { ...init, headers });
    } catch {
      throw new ApiError("Unreachable", this.#around.unreachable(), 0);
    }
    if (response.status === 401) this.#around.locked?.();
    if (!response.ok) throw await errorOf(response);
    return response;
  }
}

async function read<T>(response: Response): Promise<T> {
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

async function errorOf(response: Response): Promise<ApiError> {
  const fallback = `${response.status} ${response.statusText}`.trim();
  try {
    const body = (await response.json()) as { error?: { kind?: string; message?: string } };
    return new ApiError(body.error?.kind ?? "Error", body.error?.message ?? fallback, response.status);
  } catch {
    return new ApiError("Error", fallback, response.status);
  }
}
