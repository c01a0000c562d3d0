// Tokens that no provider would issue: any header, any claims, any signature. Made with node:crypto directly, because a
// library for tokens refuses to make most of them.
//
//   {"header": …, "claims": …, "signer": …}   header and claims: JSON, or a text that is taken as it stands
//
// Signers:
//   {"key": NAME, "alg": "PS256", "der": true}   a key's signature; alg is the key's own unless said; DER for ECDSA
//   {"secret": TEXT}                             HMAC-SHA256 with that text
//   {"signature": TEXT}                          that third part; "" for none
//   {"encrypt_to": NAME}                         no signature but a JWE of five parts to that key
import { constants, createCipheriv, createHmac, publicEncrypt, randomBytes, sign } from "node:crypto";

const DIGESTS = { 256: "sha256", 384: "sha384", 512: "sha512" };

export function mint({ header, claims, signer }, keyNamed) {
  if (signer.encrypt_to !== undefined) return encrypted(header, claims, keyNamed(signer.encrypt_to).publicKey);
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${signature(input, signer, keyNamed)}`;
}

function part(content) {
  return Buffer.from(typeof content === "string" ? content : JSON.stringify(content)).toString("base64url");
}

function signature(input, signer, keyNamed) {
  if (signer.signature !== undefined) return signer.signature;
  if (signer.secret !== undefined) return createHmac("sha256", signer.secret).update(input).digest("base64url");
  const key = keyNamed(signer.key);
  return signed(Buffer.from(input), signer.alg ?? key.alg, key.privateKey, signer.der).toString("base64url");
}

function signed(input, alg, privateKey, der) {
  if (alg === "EdDSA") return sign(null, input, privateKey);
  const digest = DIGESTS[alg.match(/\d+/)[0]];
  switch (alg.slice(0, 2)) {
    case "RS":
      return sign(digest, input, privateKey);
    case "PS":
      return sign(digest, input, {
        key: privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      });
    case "ES":
      return sign(digest, input, { key: privateKey, dsaEncoding: der ? "der" : "ieee-p1363" });
    default:
      throw new Error(`no way to sign ${alg}`);
  }
}

// RFC 7516 with RSA-OAEP-256 and A256GCM: what it says is true, only it is not signed.
function encrypted(header, claims, publicKey) {
  const [key, iv] = [randomBytes(32), randomBytes(12)];
  const protectedHeader = part({ ...header, alg: "RSA-OAEP-256", enc: "A256GCM" });
  const wrapped = publicEncrypt({ key: publicKey, oaepHash: "sha256" }, key);
  const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(protectedHeader));
  const text = Buffer.concat([cipher.update(JSON.stringify(claims)), cipher.final()]);
  const rest = [wrapped, iv, text, cipher.getAuthTag()].map((bytes) => bytes.toString("base64url"));
  return [protectedHeader, ...rest].join(".");
}
