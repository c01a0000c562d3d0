// The worker's entry: hands the platform's events to the wasm, and replaces a wasm instance that died.
//
// Rust panics abort (`panic = "abort"`): the instance that panicked may hold half-made changes, so no event may run in
// it again. The panic hook of the `worker` crate and the trap handlers below mark it dead; the next event makes a new
// instance first. Plain functions and no Proxy: this runs on every request.
import * as wasm from "latchkey-wasm";

// Shared with the panic hook: `criticalError` says that the instance is dead, `instanceId` which instance it is.
const life = wasm.__worker_init_state();

// A Rust stack trace is deeper than V8's default of ten frames.
Error.stackTraceLimit = 50;

function revive() {
  console.error("latchkey: the wasm instance died; starting a new one");
  wasm.__wbg_reset_state();
  // Only now: if the new instance does not start, the next event must try again.
  life.criticalError = false;
}

function markIfDead(error) {
  // A trap, or a stack that overflowed inside the wasm: both leave its memory in an unknown state.
  const trap = error instanceof WebAssembly.RuntimeError;
  const overflow = error instanceof RangeError && /call stack/i.test(error.message);
  if (trap || overflow) life.criticalError = true;
}

// Futures are polled where promises end and in microtasks, where nobody can catch: a trap there surfaces only as an event.
addEventListener("error", (event) => markIfDead(event.error));
addEventListener("unhandledrejection", (event) => markIfDead(event.reason));

function enter(call) {
  if (life.criticalError) revive();
  try {
    return call();
  } catch (error) {
    markIfDead(error);
    throw error;
  }
}

export default {
  // Spelled out instead of `enter`: the one hot path, spared a closure per request.
  fetch(request, env, ctx) {
    if (life.criticalError) revive();
    try {
      return wasm.fetch(request, env, ctx);
    } catch (error) {
      markIfDead(error);
      throw error;
    }
  },
  scheduled(event, env, ctx) {
    return enter(() => wasm.scheduled(event, env, ctx));
  },
};

// A Durable Object class over the Rust one of the same name. The platform keeps the JavaScript object for as long as
// the object lives, which may be longer than the wasm instance: after a death the Rust half is made anew from what the
// platform gave, and finds its state in its storage.
function durableObject(name) {
  const methods = Object.getOwnPropertyNames(wasm[name].prototype);
  const shell = class {
    #state;
    #env;
    #inner;
    #instanceId;

    constructor(state, env) {
      this.#state = state;
      this.#env = env;
      enter(() => this.#build());
    }

    #build() {
      this.#inner = new wasm[name](this.#state, this.#env);
      this.#instanceId = life.instanceId;
    }

    static call(self, method, args) {
      return enter(() => {
        if (self.#instanceId !== life.instanceId) self.#build();
        return self.#inner[method](...args);
      });
    }
  };
  // Only the handlers that Rust has: the platform asks an object whether it has `alarm` before it sets one.
  for (const method of ["fetch", "alarm"]) {
    if (methods.includes(method)) {
      shell.prototype[method] = function (...args) {
        return shell.call(this, method, args);
      };
    }
  }
  return shell;
}

export const KeyGuard = durableObject("KeyGuard");
export const OrgGuard = durableObject("OrgGuard");
