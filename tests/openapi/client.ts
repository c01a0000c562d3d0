// A client whose types were generated from the document: makes a key, verifies it, revokes it, verifies it again.
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi";

const [, , baseUrl, token, org] = process.argv;
const client = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } });

function good<T>({ data, error }: { data?: T; error?: components["schemas"]["Problem"] }): T {
  if (data === undefined) throw new Error(`${error?.code}: ${error?.detail}`);
  return data;
}

const path = { org: org ?? "" };
const made = good(
  await client.POST("/v1/orgs/{org}/keys", { params: { path }, body: { name: "Generated", permissions: ["leads:read"] } }),
);
const question: components["schemas"]["Question"] = { key: made.secret, permissions: { all: ["leads:read"] } };
// It fits the generated type. What openapi-fetch makes of that to leave out read-only members cannot follow a type that
// contains itself, as a requirement does.
const ask = async () => good(await client.POST("/v1/verify", { body: question as never }));
const before = await ask();
const revoked = good(
  await client.POST("/v1/orgs/{org}/keys/{key}/revoke", { params: { path: { ...path, key: made.key.id } }, body: { reason: "done" } }),
);
const after = await ask();
const { response, error } = await client.GET("/v1/orgs/{org}/keys/{key}", { params: { path: { ...path, key: "key_none" } } });
const report = { made: made.key.status, before: before.code, revoked: revoked.status, after: after.code, unknown: [response.status, error?.code] };
console.log(JSON.stringify(report));
