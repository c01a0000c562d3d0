// The parts of wrangler.toml that a fleet needs, so that names and ids are written down once.
import { experimental_readRawConfig } from "wrangler";

export function readConfig(path) {
  const { rawConfig } = experimental_readRawConfig({ config: path });
  const [database] = rawConfig.d1_databases;
  return {
    name: rawConfig.name,
    compatibilityDate: rawConfig.compatibility_date,
    kv: Object.fromEntries(rawConfig.kv_namespaces.map(({ binding, id }) => [binding, id])),
    d1: Object.fromEntries(rawConfig.d1_databases.map((d1) => [d1.binding, d1.database_id])),
    durableObjects: rawConfig.durable_objects.bindings.map((object) => ({
      name: object.name,
      className: object.class_name,
    })),
    ratelimits: Object.fromEntries(rawConfig.ratelimits.map(({ name, ...limiter }) => [name, limiter])),
    migrationsDir: database.migrations_dir,
    assets: rawConfig.assets,
  };
}
