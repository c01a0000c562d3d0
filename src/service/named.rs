//! Records in a table by the ids that they hold: what names a subject is not kept twice.

use std::{
    borrow::Borrow,
    hash::{Hash, Hasher},
    rc::Rc,
};

use super::shelf::Guarded;
use crate::base::id::Id;

/// A record, for a table to know it by its subject's id.
pub struct Named<R>(pub Rc<R>);

/// What has an id, or is one.
pub trait Identified<I> {
    /// The id.
    fn named(&self) -> &I;
}

impl<K> Identified<Self> for Id<K> {
    fn named(&self) -> &Self {
        self
    }
}

impl<R: Guarded> Identified<R::Id> for Named<R> {
    fn named(&self) -> &R::Id {
        self.0.id()
    }
}

impl<'a, R: Guarded + 'a> Borrow<dyn Identified<R::Id> + 'a> for Named<R> {
    fn borrow(&self) -> &(dyn Identified<R::Id> + 'a) {
        self
    }
}

impl<I: Hash> Hash for dyn Identified<I> + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.named().hash(state);
    }
}

impl<I: PartialEq> PartialEq for dyn Identified<I> + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.named() == other.named()
    }
}

impl<I: Eq> Eq for dyn Identified<I> + '_ {}

impl<R: Guarded> Hash for Named<R> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id().hash(state);
    }
}

impl<R: Guarded> PartialEq for Named<R> {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl<R: Guarded> Eq for Named<R> {}
