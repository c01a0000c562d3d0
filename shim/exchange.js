// What the wasm asks of JavaScript for each request, in few calls and with few texts: each text that crosses costs more
// than what is done with it. Names of fields cross once, and are numbers from then on.
const names = [];

// The number of a name.
export function number(name) {
  const known = names.indexOf(name);
  return known < 0 ? names.push(name) - 1 : known;
}

// A field of a request by the number of its name; null without one.
export function field(headers, number) {
  return headers.get(names[number]);
}

// `fields` are lines: one character for the number of the name, then the value, then a line break.
export function respond(status, fields, body) {
  // Of all that `Response` takes, the platform reads a plain object fastest.
  const headers = {};
  let again;
  for (let at = 0, end; at < fields.length; at = end + 1) {
    end = fields.indexOf("\n", at);
    const name = names[fields.charCodeAt(at) - 32];
    const value = fields.slice(at + 1, end);
    if (headers[name] === undefined) headers[name] = value;
    else (again ??= []).push([name, value]);
  }
  const response = new Response(body ?? null, { status, headers });
  if (again) for (const [name, value] of again) response.headers.append(name, value);
  return response;
}
