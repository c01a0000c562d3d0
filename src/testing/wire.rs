//! What every call of a port passes through on its way: it is counted, something may happen just before it, it may be
//! lost on the way out, or its answer on the way back.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    future::pending,
    rc::Rc,
};

use crate::ports::Outage;

/// A call of a port. Guards are told apart by their subject and by what is asked of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    FindOrg,
    CreateOrg,
    FindKey,
    FindKeyByDigest,
    ListKeys,
    CreateKey,
    UpdateKey,
    ListAudit,
    ListUnpublished,
    FindUnpublished,
    ListOrgs,
    UpdateOrg,
    DeleteKey,
    ListStaleTemporary,
    HasImports,
    NotePublished,
    CreateSession,
    FindSession,
    ListSessions,
    UpdateSession,
    PurgeSessions,
    CheckLedger,
    NoteKeyUse,
    NoteOrgUse,
    ListBusiest,
    PurgeUse,
    IndexFind,
    IndexPut,
    IndexRemove,
    CheckIndex,
    KeyAcquire,
    Settle,
    KeyRelease,
    KeyAdopt,
    OrgAcquire,
    OrgRelease,
    OrgAdopt,
    ReadUsage,
    CheckGuards,
    Throttle,
    FetchDescription,
    FindDescription,
    ReplaceDescription,
    KeySetFetch,
    KeySetKept,
    KeySetKeep,
    CheckSignature,
}

impl Call {
    pub fn is_ledger(self) -> bool {
        use Call::*;
        matches!(
            self,
            FindOrg
                | CreateOrg
                | FindKey
                | FindKeyByDigest
                | ListKeys
                | CreateKey
                | UpdateKey
                | ListAudit
                | ListUnpublished
                | FindUnpublished
                | ListOrgs
                | UpdateOrg
                | DeleteKey
                | ListStaleTemporary
                | HasImports
                | NotePublished
                | CreateSession
                | FindSession
                | ListSessions
                | UpdateSession
                | PurgeSessions
                | CheckLedger
                | NoteKeyUse
                | NoteOrgUse
                | ListBusiest
                | PurgeUse
                | FindDescription
                | ReplaceDescription
        )
    }

    pub fn is_index(self) -> bool {
        matches!(self, Self::IndexFind | Self::IndexPut | Self::IndexRemove | Self::CheckIndex)
    }

    pub fn is_guard(self) -> bool {
        !self.is_ledger() && !self.is_index() && !self.is_of_members() && !matches!(self, Self::Throttle | Self::FetchDescription)
    }

    /// A call that only member tokens make.
    pub fn is_of_members(self) -> bool {
        matches!(self, Self::KeySetFetch | Self::KeySetKept | Self::KeySetKeep | Self::CheckSignature)
    }

    fn outage(self) -> Outage {
        let cause = format!("{self:?} was made to fail");
        match self {
            _ if self.is_ledger() => Outage::Ledger { cause },
            Self::KeySetKept | Self::KeySetKeep => Outage::Index { cause },
            Self::KeySetFetch => Outage::IdentityProvider { cause },
            Self::FetchDescription => Outage::Description { cause },
            Self::CheckSignature => Outage::Signatures { cause },
            _ if self.is_index() => Outage::Index { cause },
            _ => Outage::Guard { cause },
        }
    }
}

/// How many more times something happens.
#[derive(Clone, Copy)]
pub enum Times {
    Exactly(u32),
    ForEver,
}

impl Times {
    fn happens(&mut self) -> bool {
        match self {
            Self::ForEver | Self::Exactly(1..) => {
                if let Self::Exactly(left) = self {
                    *left -= 1;
                }
                true
            }
            Self::Exactly(0) => false,
        }
    }
}

/// Where a call stays for ever.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hang {
    OnItsWay,
    OnItsWayBack,
}

type Hook = Box<dyn FnOnce()>;

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    lost: HashMap<Call, Times>,
    unanswered: HashMap<Call, Times>,
    hung: HashMap<Call, Hang>,
    hooks: HashMap<Call, VecDeque<Hook>>,
}

/// The wire. Clones share it.
#[derive(Clone, Default)]
pub struct Wire(Rc<RefCell<State>>);

impl Wire {
    /// Makes the call fail without effect.
    pub fn fail(&self, call: Call, times: Times) {
        self.0.borrow_mut().lost.insert(call, times);
    }

    /// Lets the call have its effect and loses its answer.
    pub fn lose_answer(&self, call: Call, times: Times) {
        self.0.borrow_mut().unanswered.insert(call, times);
    }

    /// Lets calls of a guard never arrive, and never come back.
    pub fn hang_before(&self, call: Call) {
        self.0.borrow_mut().hung.insert(call, Hang::OnItsWay);
    }

    /// Lets calls of a guard have their effect, and never come back.
    pub fn hang(&self, call: Call) {
        self.0.borrow_mut().hung.insert(call, Hang::OnItsWayBack);
    }

    /// Everything works again.
    pub fn mend(&self) {
        let mut state = self.0.borrow_mut();
        state.hung.clear();
        state.lost.clear();
        state.unanswered.clear();
    }

    /// Runs `hook` just before the next such call. Hooks of one call run one at a time, in the order in which they were set.
    pub fn before(&self, call: Call, hook: impl FnOnce() + 'static) {
        self.0.borrow_mut().hooks.entry(call).or_default().push_back(Box::new(hook));
    }

    /// All calls since the beginning, or since [`Wire::forget_calls`].
    pub fn calls(&self) -> Vec<Call> {
        self.0.borrow().calls.clone()
    }

    pub fn count(&self, call: Call) -> usize {
        self.count_where(|made| made == call)
    }

    pub fn count_where(&self, which: impl Fn(Call) -> bool) -> usize {
        self.0.borrow().calls.iter().filter(|call| which(**call)).count()
    }

    pub fn forget_calls(&self) {
        self.0.borrow_mut().calls.clear();
    }

    /// A call on its way out.
    pub fn enter(&self, call: Call) -> Result<(), Outage> {
        self.0.borrow_mut().calls.push(call);
        // The hook may use the wire itself: it runs while nothing is borrowed.
        let hook = self.0.borrow_mut().hooks.get_mut(&call).and_then(VecDeque::pop_front);
        if let Some(hook) = hook {
            hook();
        }
        let lost = self.0.borrow_mut().lost.get_mut(&call).is_some_and(Times::happens);
        if lost { Err(call.outage()) } else { Ok(()) }
    }

    /// Its answer on the way back.
    pub fn leave(&self, call: Call) -> Result<(), Outage> {
        let lost = self.0.borrow_mut().unanswered.get_mut(&call).is_some_and(Times::happens);
        if lost { Err(call.outage()) } else { Ok(()) }
    }

    /// Comes back from the way out, and from the way back, unless the call hangs there.
    pub async fn travel(&self, call: Call, back: bool) {
        let where_to = if back { Hang::OnItsWayBack } else { Hang::OnItsWay };
        let hangs = self.0.borrow().hung.get(&call) == Some(&where_to);
        if hangs {
            pending::<()>().await;
        }
    }

    /// A whole call.
    pub fn pass<T>(&self, call: Call, work: impl FnOnce() -> Result<T, Outage>) -> Result<T, Outage> {
        self.enter(call)?;
        let answer = work()?;
        self.leave(call)?;
        Ok(answer)
    }
}
