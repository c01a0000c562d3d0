// A file that is kept beside the worker, as the answer to another address. What the platform says of it stays: its type,
// its tag, how long it may be kept; `policy` is a second content security policy, so that both hold.
export async function keptFile(request, env, path, requestId, policy) {
  if (env.ASSETS === undefined) throw new Error("there is no binding ASSETS");
  const { method, headers } = request;
  const known = headers.get("if-none-match");
  const file = await env.ASSETS.fetch(new URL(path, request.url), { method, headers: known === null ? {} : { "if-none-match": known } });
  if (file.status !== 200 && file.status !== 304) throw new Error(`answered with status ${file.status}`);
  const answer = new Response(file.body, file);
  answer.headers.set("x-request-id", requestId);
  if (policy) answer.headers.append("content-security-policy", policy);
  return answer;
}
