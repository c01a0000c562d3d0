// Asks Latchkey whether a key is good. No dependencies: Node 22, Deno, Bun and Workers run it as it stands.

export type Decision = { valid: boolean; code: string; retryAfterSeconds: number; body: Record<string, unknown> };

const DEADLINE_MS = 3_000;

/** Never throws: whatever goes wrong, the decision is "no". `UNAVAILABLE` is Latchkey's fault or the network's: answer 503. */
export async function verify(url: string, serviceKey: string, key: string, question: object = {}): Promise<Decision> {
  const deadline = Date.now() + DEADLINE_MS;
  let retryAfterSeconds = 1;
  while (true) {
    try {
      const answer = await fetch(new URL("/v1/verify", url), {
        method: "POST",
        headers: { Authorization: `Bearer ${serviceKey}`, "Content-Type": "application/json" },
        body: JSON.stringify({ ...question, key }),
        redirect: "error",
        signal: AbortSignal.timeout(Math.max(1, deadline - Date.now())),
      });
      if (answer.status === 200) {
        const body = await answer.json();
        // Only these two together are a yes.
        const valid = body.valid === true && body.code === "VALID";
        const wait = Math.ceil((Number(body.retry_after_ms) || 0) / 1000);
        return { valid, code: valid ? "VALID" : denial(body.code), retryAfterSeconds: wait, body };
      }
      // 401 and 403 are about the service key: trying again does not help.
      if (answer.status !== 429 && answer.status !== 503) return unavailable(retryAfterSeconds);
      retryAfterSeconds = Math.max(1, Number(answer.headers.get("Retry-After")) || 1);
    } catch {
      // The cause may repeat the request, so it goes nowhere.
      return unavailable(retryAfterSeconds);
    }
    if (Date.now() + retryAfterSeconds * 1000 >= deadline) return unavailable(retryAfterSeconds);
    await new Promise((resolve) => setTimeout(resolve, retryAfterSeconds * 1000));
  }
}

function denial(code: unknown): string {
  return typeof code === "string" && code !== "VALID" ? code : "UNAVAILABLE";
}

function unavailable(retryAfterSeconds: number): Decision {
  return { valid: false, code: "UNAVAILABLE", retryAfterSeconds, body: {} };
}
