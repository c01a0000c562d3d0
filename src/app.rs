//! Wiring: which adapter stands behind which port.

use std::{cell::OnceCell, rc::Rc};

use worker::{Context, Env};

use crate::{
    base::id::RequestId,
    config::Config,
    http::{call::Call, inbound::Inbound, problem::Problem, reply::Reply, router},
    ports::{Background, Chore, Outage, Ports},
    service::{chores, failure::Failure, keys, memory::Memory, portal, publish},
    storage::{
        d1::D1Ledger,
        guards::DurableGuards,
        key_sets::PublishedKeySets,
        kv::KvIndex,
        platform::{PlatformClock, PlatformEntropy},
        signatures::PlatformSignatures,
        throttle::PlatformThrottle,
    },
};

thread_local! {
    static MEMORY: Memory = Memory::default();
    static CONFIG: OnceCell<Rc<Config>> = const { OnceCell::new() };
}

/// The platform behind every port. Bindings are looked up when they are used.
pub fn ports(env: &Env, background: Box<dyn Background>) -> Ports {
    Ports {
        background,
        ledger: Box::new(D1Ledger::new(env.clone())),
        sessions: Box::new(D1Ledger::new(env.clone())),
        index: Box::new(KvIndex::new(env.clone())),
        guards: Box::new(DurableGuards::new(env.clone())),
        throttle: Box::new(PlatformThrottle::new(env.clone())),
        key_sets: Box::new(PublishedKeySets::new(env.clone())),
        signatures: Box::new(PlatformSignatures),
        clock: Box::new(PlatformClock),
        entropy: Box::new(PlatformEntropy),
    }
}

/// Where nothing is left to do after the answer.
pub struct NoBackground;

impl Background for NoBackground {
    fn later(&self, _chore: Chore) {}

    fn log(&self, line: &str) {
        worker::console_error!("{line}");
    }
}

/// What a request leaves to do is done in its own context, for as long as the platform lets it.
struct RequestBackground {
    env: Env,
    context: Context,
}

impl Background for RequestBackground {
    fn later(&self, chore: Chore) {
        let env = self.env.clone();
        self.context.wait_until(async move {
            let (ports, memory) = (ports(&env, Box::new(NoBackground)), MEMORY.with(Memory::clone));
            chores::run(&ports, &memory, &chore).await;
        });
    }

    fn log(&self, line: &str) {
        NoBackground.log(line);
    }
}

/// Answers a request.
pub async fn fetch(inbound: Inbound, env: &Env, context: Context) -> Reply {
    let ports = ports(env, Box::new(RequestBackground { env: env.clone(), context }));
    let config = config(env);
    let memory = MEMORY.with(Memory::clone);
    let request_id = match RequestId::new(ports.clock.now(), ports.entropy.as_ref()) {
        Ok(request_id) => request_id,
        Err(refusal) => return no_request_id(&inbound, Outage::from(refusal)),
    };
    let call = Call {
        inbound: &inbound,
        body: Ok(Vec::new()),
        params: Vec::new(),
        ports: &ports,
        memory: &memory,
        config: &config,
        principal: None,
        request_id: &request_id,
    };
    router::respond(call).await
}

/// The settings. A change of them starts new isolates, so each reads them once.
fn config(env: &Env) -> Rc<Config> {
    let read = || Rc::new(Config::read(|name| env.var(name).ok().map(|value| value.to_string())));
    CONFIG.with(|config| config.get_or_init(read).clone())
}

/// Publishes what is still in the outbox, and removes temporary keys that are long over.
pub async fn scheduled(env: &Env) {
    let ports = ports(env, Box::new(NoBackground));
    if let Err(failure) = publish::sweep(&ports).await {
        worker::console_error!("the outbox is not empty: {failure}");
    }
    if let Err(failure) = keys::purge(&ports).await {
        worker::console_error!("temporary keys were not removed: {failure}");
    }
    if let Err(failure) = portal::purge(&ports).await {
        worker::console_error!("portal sessions were not removed: {failure}");
    }
}

fn no_request_id(inbound: &Inbound, outage: Outage) -> Reply {
    let nobody = RequestId::nil();
    Problem::from(Failure::Unavailable(outage)).into_reply(inbound.origin(), &nobody).with("Cache-Control", "no-store")
}
