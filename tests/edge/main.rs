//! Black-box tests against the built wasm on the real runtime: real KV, D1 and Durable Objects, nothing mocked.

#![allow(
    clippy::expect_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may end with a panic; its message is the finding"
)]

mod client;
mod given;
mod origin;
mod provider;
mod runtime;

mod abroad;
mod backup;
mod bad_input;
mod batch;
mod coverage;
mod credentials;
mod deploy;
mod docs;
mod doctor;
mod edits;
mod endings;
mod floods;
mod forward_auth;
mod friday;
mod gateway;
mod gateway_failures;
mod gateway_fields;
mod gateway_pages;
mod gateway_sockets;
mod gateway_streams;
mod guard_nonsense;
mod hostile_tokens;
mod imports;
mod key_sets;
mod keys;
mod kills;
mod leases;
mod leases_under_load;
mod limits;
mod lists;
mod load;
mod matrix;
mod member_tokens;
mod metrics;
mod observability;
mod orgs;
mod outages;
mod own_keys;
mod pages;
mod portal;
mod portal_admin;
mod portal_state;
mod provider_outages;
mod restart;
mod restore;
mod revocation;
mod roll_ups;
mod rotation;
mod routes;
mod service_keys;
mod storage_calls;
mod temporary;
mod usage;
mod usage_at_scale;
mod verify;
mod verify_clients;
mod whoami;
