// Joins a TypeScript file with what it imports.
import { build } from "esbuild";

const [, , source, outfile] = process.argv;
await build({ entryPoints: [source], outfile, bundle: true, platform: "node", format: "esm", nodePaths: ["node_modules"], logLevel: "error" });
