//! Nobody watches over a deployment in memory: points go nowhere, and there is nothing to read.

use async_trait::async_trait;

use crate::{
    base::time::Timestamp,
    ports::{
        Outage,
        watch::{Analytics, Gauges, Point, Reading},
    },
};

/// A deployment that is not watched.
pub struct Unwatched;

impl Analytics for Unwatched {
    fn is_kept(&self) -> bool {
        false
    }

    fn write(&self, _point: &Point) {}
}

#[async_trait(?Send)]
impl Gauges for Unwatched {
    async fn read(&self, _now: Timestamp) -> Result<Reading, Outage> {
        Ok(Reading::default())
    }
}
