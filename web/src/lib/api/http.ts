/** JSON over fetch. Owns the error shape and the language header; knows no route. */

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
}

type Method = "GET" | "POST" | "PATCH" | "DELETE";
export type Call = <T>(method: Method, path: string, body?: unknown) => Promise<T>;

export function createCall(around: Surroundings): Call {
  return async <T>(method: Method, path: string, body?: unknown): Promise<T> => {
    const headers: Record<string, string> = { "Accept-Language": around.language(), Accept: "application/json" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let response: Response;
    try {
      response = await fetch(`/samovar${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch {
      throw new ApiError("Unreachable", around.unreachable(), 0);
    }
    if (!response.ok) throw await errorOf(response);
    const text = await response.text();
    return (text ? JSON.parse(text) : undefined) as T;
  };
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
