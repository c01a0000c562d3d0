// The load of a closed loop: so many connections, each asking again as soon as it was answered. One JSON document comes
// in, one goes out.
//
//   {"url", "pid", "connections", "warmup_seconds", "seconds" | "each_once": true,
//    "requests": [{"method", "path", "headers", "body"}]}
//
// `pid` is the runtime's: what its threads used is read in the moments in which the load begins and ends. Each connection
// asks its own part of the requests, or all of them where there are fewer than connections.
import { readFileSync } from "node:fs";
import autocannon from "autocannon";

// What Linux counts in, on every architecture that workerd runs on.
const TICK_US = 10_000;

const spec = JSON.parse(readFileSync(0, "utf8"));

// User and system time of all threads, also of those that ended. The name in parentheses may hold spaces.
function cpuUs(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

function partOf(index) {
  const part = spec.requests.filter((_, number) => number % spec.connections === index % spec.connections);
  return part.length > 0 && spec.requests.length >= spec.connections ? part : spec.requests;
}

async function fire(length) {
  const latencies = [];
  let next = 0;
  const before = cpuUs(spec.pid);
  const started = performance.now();
  // Its own clock is looked at once a second only: too seldom for requests that are asked once each.
  let ended = started;
  const result = await new Promise((resolve, reject) => {
    const setupClient = (client) => client.setRequests(partOf(next++));
    const options = { url: spec.url, connections: spec.connections, timeout: 30, setupClient, ...length };
    const load = autocannon(options, (error, outcome) => (error ? reject(error) : resolve(outcome)));
    load.on("response", (_client, _status, _bytes, milliseconds) => {
      latencies.push(milliseconds);
      ended = performance.now();
    });
  });
  return { result, latencies, seconds: (ended - started) / 1000, cpu: cpuUs(spec.pid) - before };
}

if (spec.warmup_seconds > 0) await fire({ duration: spec.warmup_seconds });
const { result, latencies, seconds, cpu } = await fire(spec.each_once ? { amount: spec.requests.length } : { duration: spec.seconds });

latencies.sort((a, b) => a - b);
const percentile = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
const statuses = Object.fromEntries(Object.entries(result.statusCodeStats).map(([status, { count }]) => [status, count]));
console.log(
  JSON.stringify({
    requests: latencies.length,
    seconds,
    cpu_us: cpu,
    errors: result.errors + result.timeouts,
    statuses,
    p50_ms: percentile(0.5),
    p90_ms: percentile(0.9),
    p99_ms: percentile(0.99),
  }),
);
