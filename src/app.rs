//! Wiring: which adapter stands behind which port.

use std::{cell::OnceCell, rc::Rc};

use worker::{Context, Env};

use crate::{
    base::id::RequestId,
    config::Config,
    http::{answer::Answer, call::Call, inbound::Inbound, problem::Problem, reply::Reply, router},
    ports::{Background, Chore, Outage, Ports},
    service::{chores, failure::Failure, keys, memory::Memory, portal, publish, roll_up},
    storage::{
        analytics::PlatformAnalytics,
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
    static PORTS: OnceCell<Ports> = const { OnceCell::new() };
    static CONFIG: OnceCell<Rc<Config>> = const { OnceCell::new() };
}

/// The platform behind every port; nothing is left to do after the answer. Bindings are looked up when they are used.
pub fn ports(env: &Env) -> Ports {
    Ports {
        background: Rc::new(NoBackground),
        ledger: Rc::new(D1Ledger::new(env.clone())),
        sessions: Rc::new(D1Ledger::new(env.clone())),
        rolls: Rc::new(D1Ledger::new(env.clone())),
        index: Rc::new(KvIndex::new(env.clone())),
        guards: Rc::new(DurableGuards::new(env.clone())),
        throttle: Rc::new(PlatformThrottle::new(env.clone())),
        analytics: Rc::new(PlatformAnalytics::new(env.clone())),
        gauges: Rc::new(D1Ledger::new(env.clone())),
        descriptions: Rc::new(D1Ledger::new(env.clone())),
        key_sets: Rc::new(PublishedKeySets::new(env.clone())),
        signatures: Rc::new(PlatformSignatures),
        clock: Rc::new(PlatformClock),
        entropy: Rc::new(PlatformEntropy),
    }
}

/// The ports of requests. All requests of an isolate have the same bindings.
fn request_ports(env: &Env) -> Ports {
    PORTS.with(|known| known.get_or_init(|| ports(env)).clone())
}

/// Where nothing is left to do after the answer.
struct NoBackground;

impl Background for NoBackground {
    fn later(&self, _chore: Chore) {}

    fn log(&self, line: &str) {
        worker::console_error!("{line}");
    }
}

/// What a request leaves to do is done in its own context, for as long as the platform lets it.
struct RequestBackground {
    ports: Ports,
    context: Context,
}

impl Background for RequestBackground {
    fn later(&self, chore: Chore) {
        let (ports, memory) = (self.ports.clone(), MEMORY.with(Memory::clone));
        self.context.wait_until(async move {
            chores::run(&ports, &memory, &chore).await;
        });
    }

    fn log(&self, line: &str) {
        NoBackground.log(line);
    }
}

/// Answers a request.
pub async fn fetch(inbound: Inbound, env: &Env, context: Context) -> Answer {
    let ports = request_ports(env);
    let ports = Ports { background: Rc::new(RequestBackground { ports: ports.clone(), context }), ..ports };
    let config = config(env);
    let memory = MEMORY.with(Memory::clone);
    let request_id = match RequestId::new(ports.clock.now(), ports.entropy.as_ref()) {
        Ok(request_id) => request_id,
        Err(refusal) => return Answer::Made(no_request_id(&inbound, Outage::from(refusal))),
    };
    let call = Call {
        inbound: &inbound,
        body: Ok(Vec::new()),
        params: Vec::new(),
        ports: &ports,
        env,
        memory: &memory,
        config: &config,
        principal: None,
        request_id: &request_id,
    };
    router::respond(call).await
}

/// The settings. A change of them starts new isolates, so each reads them once.
fn config(env: &Env) -> Rc<Config> {
    let variable = |name: &str| env.var(name).ok().map(|value| value.to_string());
    let read = || Rc::new(Config::read(variable, |name| env.service(name).is_ok()));
    CONFIG.with(|config| config.get_or_init(read).clone())
}

/// Publishes what is still in the outbox, and removes temporary keys that are long over.
pub async fn scheduled(env: &Env) {
    let ports = request_ports(env);
    if let Err(failure) = publish::sweep(&ports).await {
        worker::console_error!("the outbox is not empty: {failure}");
    }
    if let Err(failure) = keys::purge(&ports).await {
        worker::console_error!("temporary keys were not removed: {failure}");
    }
    if let Err(outage) = roll_up::purge(&ports).await {
        worker::console_error!("the use of keys that nobody uses was not removed: {outage}");
    }
    if let Err(failure) = portal::purge(&ports).await {
        worker::console_error!("portal sessions were not removed: {failure}");
    }
}

fn no_request_id(inbound: &Inbound, outage: Outage) -> Reply {
    let nobody = RequestId::nil();
    Problem::from(Failure::Unavailable(outage)).into_reply(inbound.origin(), &nobody).with("Cache-Control", "no-store")
}
