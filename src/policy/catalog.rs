//! The permissions that exist in an organization: resources and what can be done with each.

use serde::{Deserialize, Serialize};

use super::scope::{self, Permission};
use crate::base::document::{Faults, Field};

/// A kind of thing that keys may act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// The part of a permission before its colon.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it is, in a sentence.
    pub description: String,
    /// The parts after the colon that exist. None at all: the name itself is the permission, a whole capability.
    pub actions: Vec<String>,
}

/// All resources of an organization, in the order in which people see them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Catalog(Vec<Resource>);

const MAX_RESOURCES: usize = 100;
const MAX_ACTIONS: usize = 20;
const MAX_TITLE_CHARS: usize = 100;
const MAX_DESCRIPTION_CHARS: usize = 500;

impl Catalog {
    /// Whether the permission exists here. A permission that left the catalog stops counting at once.
    #[must_use]
    pub fn contains(&self, permission: &Permission) -> bool {
        match permission.parts() {
            Some((resource, action)) => self.resource(resource).is_some_and(|found| found.actions.iter().any(|known| known == action)),
            None => self.resource(permission.as_str()).is_some_and(|found| found.actions.is_empty()),
        }
    }

    /// The resource of that name.
    #[must_use]
    pub fn resource(&self, name: &str) -> Option<&Resource> {
        self.0.iter().find(|resource| resource.name == name)
    }

    /// Every resource, in catalog order.
    #[must_use]
    pub fn resources(&self) -> &[Resource] {
        &self.0
    }

    /// Every permission that exists, in catalog order.
    pub fn permissions(&self) -> impl Iterator<Item = Permission> + '_ {
        self.0.iter().flat_map(Resource::permissions)
    }

    /// Reads a list of resources.
    pub fn read(field: &Field<'_>, faults: &mut Faults) -> Option<Self> {
        let items = field.list(faults)?;
        if items.len() > MAX_RESOURCES {
            faults.value(&field.pointer, format!("must hold at most {MAX_RESOURCES} resources"));
        }
        let mut resources: Vec<Resource> = Vec::new();
        for item in &items {
            let Some(resource) = Resource::read(item, faults) else { continue };
            if resources.iter().any(|earlier| earlier.name == resource.name) {
                faults.value(&format!("{}/name", item.pointer), "is the name of an earlier resource");
            }
            resources.push(resource);
        }
        Some(Self(resources))
    }

    /// Reads a list of permissions, all of which must exist here. Repeated ones count once.
    pub fn read_permissions(&self, field: &Field<'_>, faults: &mut Faults) -> Option<Vec<Permission>> {
        let mut permissions = Vec::new();
        for item in field.list(faults)? {
            let Some(permission) = scope::read_permission(&item, faults) else { continue };
            if !self.contains(&permission) {
                faults.value(&item.pointer, "is not a permission of this organization; GET /v1/orgs/{org}/permissions lists them");
            } else if !permissions.contains(&permission) {
                permissions.push(permission);
            }
        }
        Some(permissions)
    }
}

impl Resource {
    fn permissions(&self) -> impl Iterator<Item = Permission> + '_ {
        let whole = self.actions.is_empty().then(|| Permission::capability(&self.name));
        whole.into_iter().chain(self.actions.iter().map(|action| Permission::of(&self.name, action)))
    }

    fn read(field: &Field<'_>, faults: &mut Faults) -> Option<Self> {
        let mut members = field.object(faults)?;
        let name = members.required("name", faults).and_then(|name| scope::read_word(&name, faults));
        let title = members.optional("title").and_then(|title| bounded(&title, MAX_TITLE_CHARS, faults));
        let description = members.optional("description").and_then(|text| bounded(&text, MAX_DESCRIPTION_CHARS, faults));
        let actions = members.required("actions", faults).and_then(|actions| read_actions(&actions, faults));
        members.close(faults);
        let name = name?;
        Some(Self { title: title.unwrap_or_else(|| name.clone()), description: description.unwrap_or_default(), actions: actions?, name })
    }
}

fn read_actions(field: &Field<'_>, faults: &mut Faults) -> Option<Vec<String>> {
    let items = field.list(faults)?;
    if items.is_empty() || items.len() > MAX_ACTIONS {
        faults.value(&field.pointer, format!("must hold 1 to {MAX_ACTIONS} actions"));
    }
    let mut actions: Vec<String> = Vec::new();
    for item in &items {
        let Some(action) = scope::read_word(item, faults) else { continue };
        if actions.contains(&action) {
            faults.value(&item.pointer, "is named twice");
        }
        actions.push(action);
    }
    Some(actions)
}

fn bounded(field: &Field<'_>, max_chars: usize, faults: &mut Faults) -> Option<String> {
    let text = field.text(faults)?;
    if text.chars().count() > max_chars || text.chars().any(char::is_control) {
        faults.value(&field.pointer, format!("must be at most {max_chars} characters, none of them a control character"));
    }
    Some(text.to_owned())
}
