//! Rows of portal sessions.

use async_trait::async_trait;
use serde::Deserialize;

use super::{
    D1Ledger, audit, bind, outage,
    statement::{Statement, Values},
};
use crate::{
    audit::entry::AuditEntry,
    authn::portal::{PortalSession, User},
    base::{
        id::{OrgId, PortalSessionId},
        json,
        time::Timestamp,
    },
    ports::{Outage, SessionQuery, Sessions, Written},
    token::digest::Digest,
};

/// The condition that a batch's change of a session was made, for its audit entry.
const AUDIT_IF_MADE: &str = "EXISTS (SELECT 1 FROM portal_sessions WHERE id = ?9 AND last_change = ?1)";

#[derive(Deserialize)]
struct SessionRow {
    id: String,
    org_id: String,
    user_id: String,
    user_name: String,
    role: String,
    link_sha256: String,
    cookie_sha256: Option<String>,
    created_at: i64,
    created_by: String,
    opened_at: Option<i64>,
    expires_at: i64,
    ended_at: Option<i64>,
    version: u64,
}

impl SessionRow {
    fn into_session(self) -> Result<PortalSession, Outage> {
        Ok(PortalSession {
            id: PortalSessionId::parse(&self.id).map_err(outage)?,
            org_id: OrgId::parse(&self.org_id).map_err(outage)?,
            user: User { id: self.user_id, name: self.user_name },
            role: self.role,
            link: Digest::from_hex(&self.link_sha256).map_err(outage)?,
            cookie: self.cookie_sha256.as_deref().map(Digest::from_hex).transpose().map_err(outage)?,
            created_at: Timestamp::from_ms(self.created_at),
            created_by: json::read(&self.created_by).map_err(outage)?,
            opened_at: self.opened_at.map(Timestamp::from_ms),
            expires_at: Timestamp::from_ms(self.expires_at),
            ended_at: self.ended_at.map(Timestamp::from_ms),
            version: self.version,
        })
    }
}

impl D1Ledger {
    async fn session_where(&self, column: &str, value: &str) -> Result<Option<PortalSession>, Outage> {
        let sql = format!("SELECT * FROM portal_sessions WHERE {column} = ?1");
        let rows: Vec<SessionRow> = self.rows(Statement::new(sql, [bind::text(value)])).await?;
        rows.into_iter().next().map(SessionRow::into_session).transpose()
    }
}

#[async_trait(?Send)]
impl Sessions for D1Ledger {
    async fn create(&self, session: &PortalSession, audit: &AuditEntry) -> Result<(), Outage> {
        let sql = "INSERT INTO portal_sessions (id, org_id, user_id, user_name, role, link_sha256, created_at, created_by, expires_at, \
             over_at, version, last_change) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        let values = [
            bind::text(&session.id.text()),
            bind::text(&session.org_id.text()),
            bind::text(&session.user.id),
            bind::text(&session.user.name),
            bind::text(&session.role),
            bind::text(&session.link.hex()),
            bind::time(session.created_at),
            bind::json(&session.created_by)?,
            bind::time(session.expires_at),
            bind::time(session.over_at()),
            bind::integer(session.version),
            bind::text(&audit.id.text()),
        ];
        let insert = Statement::new(sql, values);
        let audit = audit::insert(audit, AUDIT_IF_MADE)?;
        self.batch(vec![insert, audit]).await.map(drop)
    }

    async fn find(&self, id: &PortalSessionId) -> Result<Option<PortalSession>, Outage> {
        self.session_where("id", id.text().as_str()).await
    }

    async fn find_by_link(&self, link: &Digest) -> Result<Option<PortalSession>, Outage> {
        self.session_where("link_sha256", &link.hex()).await
    }

    async fn find_by_cookie(&self, cookie: &Digest) -> Result<Option<PortalSession>, Outage> {
        self.session_where("cookie_sha256", &cookie.hex()).await
    }

    async fn list(&self, org: &OrgId, query: &SessionQuery) -> Result<Vec<PortalSession>, Outage> {
        let rows: Vec<SessionRow> = self.rows(statement(org, query)).await?;
        rows.into_iter().map(SessionRow::into_session).collect()
    }

    /// One transaction: of two changes that were made on the same version, one finds its row and the other does not. This
    /// is what lets exactly one of two openings of a link win.
    async fn update(&self, session: &PortalSession, read_version: u64, audit: &AuditEntry) -> Result<Written, Outage> {
        let sql = "UPDATE portal_sessions SET role = ?3, cookie_sha256 = ?4, opened_at = ?5, ended_at = ?6, over_at = ?7, version = ?8, \
             last_change = ?9 WHERE id = ?1 AND version = ?2 RETURNING id";
        let values = [
            bind::text(&session.id.text()),
            bind::integer(read_version),
            bind::text(&session.role),
            bind::maybe_text(session.cookie.map(|cookie| cookie.hex()).as_deref()),
            bind::maybe_time(session.opened_at),
            bind::maybe_time(session.ended_at),
            bind::time(session.over_at()),
            bind::integer(session.version),
            bind::text(&audit.id.text()),
        ];
        let update = Statement::new(sql, values);
        let audit = audit::insert(audit, AUDIT_IF_MADE)?;
        let made = self.batch(vec![update, audit]).await?;
        Ok(if made { Written::Done } else { Written::LostRace })
    }

    async fn purge(&self, moment: Timestamp, limit: u32) -> Result<(), Outage> {
        let sql = "DELETE FROM portal_sessions WHERE id IN (SELECT id FROM portal_sessions WHERE over_at < ?1 ORDER BY over_at LIMIT ?2)";
        self.query(Statement::new(sql, [bind::time(moment), bind::integer(limit.into())])).await.map(drop)
    }
}

fn statement(org: &OrgId, query: &SessionQuery) -> Statement {
    let mut values = Values::default();
    let mut conditions = vec![format!("org_id = {}", values.add(bind::text(&org.text())))];
    if let Some(user) = &query.user {
        conditions.push(format!("user_id = {}", values.add(bind::text(user))));
    }
    if let Some((at, id)) = &query.after {
        let (at, id) = (values.add(bind::time(*at)), values.add(bind::text(id)));
        conditions.push(format!("(created_at, id) < ({at}, {id})"));
    }
    let limit = values.add(bind::integer(query.limit.into()));
    let sql = format!("SELECT * FROM portal_sessions WHERE {} ORDER BY created_at DESC, id DESC LIMIT {limit}", conditions.join(" AND "));
    Statement::new(sql, values)
}
