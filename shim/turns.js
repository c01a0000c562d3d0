// Work for a microtask, without the platform's `queueMicrotask` and what that does around it.
export function soon(work) {
  Promise.resolve().then(work);
}
