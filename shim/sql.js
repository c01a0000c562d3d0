// A statement on the SQLite storage of a Durable Object. Only texts are kept there: what its rows give comes as one list,
// value after value.
export function exec(state, statement, values) {
  return [...state.storage.sql.exec(statement, ...values).raw()].flat();
}
