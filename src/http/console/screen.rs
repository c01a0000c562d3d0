//! What the console's routes show and do. They stand in the route table like all others.

macro_rules! screens {
    ($($name:ident $id:literal $doc:literal;)*) => {
        /// A page of the console, or something done in it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Screen {
            $(#[doc = $doc] $name,)*
        }

        impl Screen {
            /// The operation's id, which is also its handler's name.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self {
                    $(Self::$name => $id,)*
                }
            }
        }
    };
}

screens! {
    Portal "portal" "`GET /portal`";
    NewKey "portal_new_key" "`GET /portal/keys/new`";
    CreateKey "portal_create_key" "`POST /portal/keys`";
    ShowKey "portal_show_key" "`GET /portal/keys/{key}`";
    EditKey "portal_edit_key" "`POST /portal/keys/{key}`";
    AskStep "portal_ask" "`GET /portal/keys/{key}/ask`";
    RevokeKey "portal_revoke_key" "`POST /portal/keys/{key}/revoke`";
    ReactivateKey "portal_reactivate_key" "`POST /portal/keys/{key}/reactivate`";
    DeleteKey "portal_delete_key" "`POST /portal/keys/{key}/delete`";
    RotateKey "portal_rotate_key" "`POST /portal/keys/{key}/rotate`";
    CompleteRotation "portal_complete_rotation" "`POST /portal/keys/{key}/complete`";
    Audit "portal_audit" "`GET /portal/audit`";
    Permissions "portal_permissions" "`GET /portal/permissions`";
    OperatorOrgs "operator_orgs" "`GET /operator`";
    OperatorSignIn "operator_sign_in" "`POST /operator/sign-in`";
    OperatorSignOut "operator_sign_out" "`POST /operator/sign-out`";
    OperatorCreateOrg "operator_create_org" "`POST /operator/orgs`";
    OperatorOrg "operator_org" "`GET /operator/orgs/{org}`";
    OperatorEditOrg "operator_edit_org" "`POST /operator/orgs/{org}`";
    OperatorAudit "operator_audit" "`GET /operator/orgs/{org}/audit`";
}
