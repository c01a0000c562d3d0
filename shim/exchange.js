// What the wasm asks of JavaScript for each request, in few calls and with few texts: each text that crosses costs more
// than what is done with it. Names of fields cross once, and are numbers from then on.
const names = [];

// The number of a name.
export function number(name) {
  const known = names.indexOf(name);
  return known < 0 ? names.push(name) - 1 : known;
}

// The method and the URL, with the space between that neither has.
export function line(request) {
  return `${request.method} ${request.url}`;
}

// Fields of a request, by the numbers of their names: each in a line, which no value has. A line begins with a colon; that
// of a field which is not there is empty.
export function fields(headers, numbers) {
  let lines = "";
  for (const number of numbers) {
    const value = headers.get(names[number.charCodeAt(0) - 32]);
    lines += value === null ? "\n" : `:${value}\n`;
  }
  return lines;
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
