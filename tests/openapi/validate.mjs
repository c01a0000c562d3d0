// Judges the document and real answers by JSON Schema. Reads one JSON text: {"document", "answers": [{"operation", "status",
// "type", "fields", "body"}]}; prints the list of what is wrong.
import { text } from "node:stream/consumers";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";

const { document, answers } = JSON.parse(await text(process.stdin));
const faults = [];

// Clients must bear members that come later; the test must not. So each object that lists its members is closed here.
function close(node) {
  if (typeof node !== "object" || node === null) return;
  if (node.properties && node.additionalProperties === undefined) node.additionalProperties = false;
  for (const value of Object.values(node)) close(value);
}

const operations = new Map();
for (const [path, item] of Object.entries(document.paths)) {
  for (const [method, operation] of Object.entries(item)) {
    if (operation.operationId) operations.set(operation.operationId, { ...operation, name: `${method.toUpperCase()} ${path}` });
  }
}
close(document.components.schemas);
for (const { responses } of operations.values()) {
  for (const { content } of Object.values(responses)) for (const { schema } of Object.values(content ?? {})) close(schema);
}

const ajv = new Ajv2020({ allErrors: true, strict: false });
formats(ajv);
ajv.addSchema({ $id: "https://latchkey.invalid/openapi.json", components: document.components });
const compiled = new Map();

function judge(schema, value, what) {
  const key = JSON.stringify(schema);
  const absolute = JSON.parse(key.replaceAll('"#/components', '"https://latchkey.invalid/openapi.json#/components'));
  if (!compiled.has(key)) compiled.set(key, ajv.compile(absolute));
  const validate = compiled.get(key);
  if (!validate(value)) faults.push(...validate.errors.map((error) => `${what}${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`));
}

function resolve(node) {
  return node?.$ref ? node.$ref.split("/").slice(1).reduce((found, part) => found[part], document) : node;
}

// Every example of the document.
for (const [id, { requestBody, responses }] of operations) {
  const contents = [["request", requestBody?.content], ...Object.entries(responses).map(([status, { content }]) => [status, content])];
  for (const [place, content] of contents) {
    for (const { schema, example, examples } of Object.values(content ?? {})) {
      const all = [...(example === undefined ? [] : [example]), ...Object.values(examples ?? {}).map((each) => resolve(each).value)];
      for (const value of all) judge(schema, value, `${id} ${place}: example `);
    }
  }
}

// Every answer that a running edge gave.
for (const { operation: id, status, type, fields, body } of answers) {
  const operation = operations.get(id);
  const what = `${id} ${status}: `;
  const response = operation?.responses[status];
  if (!response) {
    faults.push(`${what}is not described`);
    continue;
  }
  const described = new Map(Object.entries(response.headers).map(([name, header]) => [name.toLowerCase(), resolve(header)]));
  for (const [name, { required }] of described) if (required && !fields.includes(name)) faults.push(`${what}lacks ${name}`);
  for (const name of fields) if (!described.has(name)) faults.push(`${what}has the field ${name}`);
  const content = response.content?.[type];
  if (type && body && !content) faults.push(`${what}is ${type}`);
  else if (content && /json/.test(type)) judge(content.schema, JSON.parse(body), what);
}
console.log(JSON.stringify(faults));
