//! The guards in memory: the same steps as `object::guard`, with stored text in place of the object's storage.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use async_trait::async_trait;

use super::{
    clock::MemoryClock,
    ledger::MemoryLedger,
    rows::MemoryRows,
    wire::{Call, Wire},
};
use crate::{
    base::time::Timestamp,
    limit::guard::{Command, Guard, Reply, Terms},
    ports::{Clock, Guards, Ledger, Outage, Ports, Subject},
    service::roll_up,
    usage::{
        account::Standing,
        book::{self, Contents},
        report::{Message, Report},
        retention, roll,
    },
};

/// What becomes of a reply on its way.
type Forgery = Box<dyn Fn(&Subject, Reply) -> Reply>;

/// The guards of all subjects. Clones share them.
#[derive(Clone)]
pub struct MemoryGuards {
    wire: Wire,
    ledger: MemoryLedger,
    clock: MemoryClock,
    cells: Rc<RefCell<HashMap<Subject, String>>>,
    books: Rc<RefCell<HashMap<Subject, MemoryRows>>>,
    alarms: Rc<RefCell<HashMap<Subject, Timestamp>>>,
    forgery: Rc<RefCell<Option<Forgery>>>,
}

impl MemoryGuards {
    pub fn new(wire: Wire, ledger: MemoryLedger, clock: MemoryClock) -> Self {
        Self { wire, ledger, clock, cells: Rc::default(), books: Rc::default(), alarms: Rc::default(), forgery: Rc::default() }
    }

    /// From here on replies arrive as this makes them.
    pub fn forge(&self, forgery: impl Fn(&Subject, Reply) -> Reply + 'static) {
        *self.forgery.borrow_mut() = Some(Box::new(forgery));
    }

    /// From here on replies arrive as they are.
    pub fn forge_nothing(&self) {
        self.forgery.take();
    }

    /// The guard of the subject loses its storage.
    pub fn forget(&self, subject: &Subject) {
        self.cells.borrow_mut().remove(subject);
        self.books.borrow_mut().remove(subject);
    }

    /// Terms that come into force without anybody being told.
    pub fn adopt(&self, subject: &Subject, terms: Terms) {
        let now = self.clock.now();
        let mut guard = self.load(subject).unwrap_or_else(|| Guard::new(terms.clone(), 0, now));
        guard.apply(Command::Adopt { terms, lease_ms: 0 }, now);
        self.save(subject, &guard);
    }

    fn load(&self, subject: &Subject) -> Option<Guard> {
        self.cells.borrow().get(subject).map(|stored| serde_json::from_str(stored).unwrap())
    }

    fn save(&self, subject: &Subject, guard: &Guard) {
        self.cells.borrow_mut().insert(subject.clone(), serde_json::to_string(guard).unwrap());
    }

    async fn answer(&self, subject: &Subject, message: Message<Command, Report>) -> Result<Reply, Outage> {
        let Message { command, report } = message;
        let truth = match &self.load(subject) {
            Some(guard) if !guard.is_behind(&command) => None,
            _ => self.read_truth(subject, &command).await?,
        };
        let now = self.clock.now();
        let stored = self.load(subject);
        let Some((guard, reply)) = Guard::step(stored.clone(), truth, command.clone(), now) else { return Ok(Reply::Unknown) };
        self.save(subject, &guard);
        let rows = self.books.borrow_mut().entry(subject.clone()).or_default().clone();
        if let Some(report) = report {
            let Ok(()) = book::enter(&rows, &report, Standing::after(&guard, &command, &reply, now), now);
        }
        if guard.is_gone() {
            let Ok(()) = retention::strip(&rows);
        }
        let record = guard.record().or(stored.as_ref().and_then(Guard::record));
        let Ok(due) = roll::plan(&rows, || roll_up::owner(subject, record), now);
        self.set_alarm(subject, due);
        Ok(reply)
    }

    /// When the subject's guard is to be woken, if at all.
    pub fn alarm(&self, subject: &Subject) -> Option<Timestamp> {
        self.alarms.borrow().get(subject).copied()
    }

    /// Wakes the subject's guard if it is time.
    pub async fn wake(&self, ports: &Ports, subject: &Subject) {
        if self.alarm(subject).is_none_or(|due| due > self.clock.now()) {
            return;
        }
        self.alarms.borrow_mut().remove(subject);
        let rows = self.books.borrow_mut().entry(subject.clone()).or_default().clone();
        let Ok(due) = roll_up::wake(ports, &rows).await;
        self.set_alarm(subject, due);
    }

    fn set_alarm(&self, subject: &Subject, due: Option<Timestamp>) {
        due.map(|due| self.alarms.borrow_mut().insert(subject.clone(), due));
    }

    async fn read_truth(&self, subject: &Subject, command: &Command) -> Result<Option<Terms>, Outage> {
        let found = match subject {
            Subject::Key(id) => self.ledger.find_key(id).await?.map(|key| key.terms().unwrap()),
            Subject::Org(id) => self.ledger.find_org(id).await?.map(|org| org.terms().unwrap()),
        };
        let adopted = match command {
            Command::Adopt { terms, .. } => Some(terms.clone()),
            _ => None,
        };
        Ok(found.or(adopted))
    }
}

fn call(subject: &Subject, command: &Command) -> Call {
    match (subject, command) {
        (Subject::Key(_), Command::Acquire { .. } | Command::Peek { .. }) => Call::KeyAcquire,
        (_, Command::Settle { .. }) => Call::Settle,
        (Subject::Key(_), Command::Release { .. }) => Call::KeyRelease,
        (Subject::Key(_), Command::Adopt { .. }) => Call::KeyAdopt,
        (Subject::Org(_), Command::Acquire { .. } | Command::Peek { .. }) => Call::OrgAcquire,
        (Subject::Org(_), Command::Release { .. }) => Call::OrgRelease,
        (Subject::Org(_), Command::Adopt { .. }) => Call::OrgAdopt,
    }
}

#[async_trait(?Send)]
impl Guards for MemoryGuards {
    async fn send(&self, subject: &Subject, command: &Command, report: Option<&Report>) -> Result<Reply, Outage> {
        let call = call(subject, command);
        self.wire.enter(call)?;
        self.wire.travel(call, false).await;
        // Over the same text as on the platform: what the wire format loses is lost here too.
        let text = serde_json::to_string(&Message { command, report }).unwrap();
        let reply = self.answer(subject, serde_json::from_str(&text).unwrap()).await?;
        self.wire.travel(call, true).await;
        self.wire.leave(call)?;
        let reply = match &*self.forgery.borrow() {
            Some(forgery) => forgery(subject, reply),
            None => reply,
        };
        Ok(serde_json::from_str(&serde_json::to_string(&reply).unwrap()).unwrap())
    }

    async fn read_usage(&self, subject: &Subject) -> Result<Contents, Outage> {
        self.wire.pass(Call::ReadUsage, || {
            let rows = self.books.borrow().get(subject).cloned().unwrap_or_default();
            let Ok(contents) = book::contents(&rows, self.clock.now());
            Ok(contents)
        })
    }

    async fn check(&self) -> Result<(), Outage> {
        self.wire.pass(Call::CheckGuards, || Ok(()))
    }
}
