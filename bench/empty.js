// Answers 200 with nothing: the yardstick of `cargo xtask bench`.
export default {
  fetch() {
    return new Response();
  },
};
