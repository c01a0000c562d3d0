//! Latchkey: an API-key authority at the edge.

mod entry;
