// A statement on the SQLite storage of a Durable Object. Only texts are kept there: what its rows give comes as one list,
// value after value.
export function exec(state, statement, values) {
  return [...state.storage.sql.exec(statement, ...values).raw()].flat();
}

// Has the object woken at that time. A failure that is not awaited breaks the object, and its storage is as it was before.
export function setAlarm(state, time) {
  void state.storage.setAlarm(time);
}
