// The keys of the identity provider and of whoever attacks it.
import { generateKeyPairSync, randomUUID } from "node:crypto";

const KINDS = {
  RS256: ["rsa", { modulusLength: 2048 }],
  ES256: ["ec", { namedCurve: "P-256" }],
  EdDSA: ["ed25519", {}],
};

// The algorithms that the provider signs with, one key each.
export const ALGORITHMS = Object.keys(KINDS);

// Keys that the provider does not have. A test may publish one: the last four are such as must not be trusted even then.
const FOREIGN = {
  "attacker-RS256": { alg: "RS256", kind: KINDS.RS256 },
  "attacker-ES256": { alg: "ES256", kind: KINDS.ES256 },
  "attacker-EdDSA": { alg: "EdDSA", kind: KINDS.EdDSA },
  "weak-RS256": { alg: "RS256", kind: ["rsa", { modulusLength: 1024 }] },
  "P-384": { alg: "ES384", kind: ["ec", { namedCurve: "P-384" }] },
  secp256k1: { alg: "ES256K", kind: ["ec", { namedCurve: "secp256k1" }] },
  Ed448: { alg: "EdDSA", kind: ["ed448", {}] },
};

const foreign = new Map();

function make(kid, alg, [type, options]) {
  const { privateKey, publicKey } = generateKeyPairSync(type, options);
  const jwk = { ...publicKey.export({ format: "jwk" }), kid, use: "sig", alg };
  return { alg, privateKey, publicKey, jwk, pem: publicKey.export({ type: "spki", format: "pem" }) };
}

// A whole new set for the provider, under key ids never seen before.
export function newKeySet() {
  return new Map(ALGORITHMS.map((alg) => [alg, make(randomUUID(), alg, KINDS[alg])]));
}

// Private JWKs, as the provider wants them.
export function privateJwks(keySet) {
  const keys = [...keySet.values()].map(({ privateKey, jwk }) => ({ ...jwk, ...privateKey.export({ format: "jwk" }) }));
  return { keys };
}

// A key by its name: an algorithm's name is the provider's current key for it. Foreign keys are made when first asked
// for (RSA takes a while) and stay the same from then on; their key id is their name.
export function keyNamed(name, current) {
  if (current.has(name)) return current.get(name);
  if (!Object.hasOwn(FOREIGN, name)) throw new Error(`no key is called ${name}`);
  if (!foreign.has(name)) foreign.set(name, make(name, FOREIGN[name].alg, FOREIGN[name].kind));
  return foreign.get(name);
}
