// What the wasm asks of JavaScript for each answer, in one call.

// `fields` are lines: a name, its value, the next name …, each with its line break.
export function respond(status, fields, body) {
  // Of all that `Response` takes, the platform reads a plain object fastest.
  const headers = {};
  let again;
  for (let at = 0; at < fields.length; ) {
    const end = fields.indexOf("\n", at);
    const last = fields.indexOf("\n", end + 1);
    const name = fields.slice(at, end);
    const value = fields.slice(end + 1, last);
    if (name in headers) (again ??= []).push([name, value]);
    else headers[name] = value;
    at = last + 1;
  }
  const response = new Response(body ?? null, { status, headers });
  for (const [name, value] of again ?? []) response.headers.append(name, value);
  return response;
}
