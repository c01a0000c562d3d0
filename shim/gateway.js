// The gateway's part that is the platform's: a request goes on, an answer comes back. Bodies are passed by reference and
// flow without ever being looked at here. Names and fields cross as lines.

export function fieldNames(headers) {
  return [...headers.keys()].join("\n");
}

const each = (lines) => lines.split("\n").slice(0, -1);

function drop(headers, names) {
  for (const name of each(names)) headers.delete(name);
}

function field(line) {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1)];
}

// The origin's answer as soon as its fields are there. Throws null when that took too long.
export async function passOn(request, env, url, dropped, set, limitMs) {
  const headers = new Headers(request.headers);
  drop(headers, dropped);
  for (const line of each(set)) headers.set(...field(line));
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), limitMs);
  const init = { headers, redirect: "manual", signal: giveUp.signal };
  try {
    if (url === undefined) return await env.ORIGIN.fetch(new Request(request, init));
    // No cache may answer one key with what another was told: the credential that told them apart is gone from the request.
    return await fetch(new Request(url, new Request(request, { ...init, cache: "no-store" })));
  } catch (error) {
    throw giveUp.signal.aborted ? null : error;
  } finally {
    clearTimeout(timer);
  }
}

// The answer as the client gets it. Throws if the platform has no such answer, as one with the status 999.
export function passBack(response, dropped, added) {
  let answer;
  try {
    answer = new Response(response.body, response);
  } catch (error) {
    // Nobody will read it: let go of its connection.
    response.body?.cancel().catch(() => {});
    throw error;
  }
  drop(answer.headers, dropped);
  for (const line of each(added)) answer.headers.append(...field(line));
  return answer;
}
