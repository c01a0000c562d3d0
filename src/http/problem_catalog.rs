//! Every problem that an answer can name: status, title, and what to do about it.

/// One kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemKind {
    /// The last part of its type URL.
    pub slug: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it means and what to do.
    pub advice: &'static str,
}

impl ProblemKind {
    /// The stable code of the contract. A key that is not found and a resource that is not found share theirs, but
    /// neither status nor advice.
    #[must_use]
    pub fn code(&self) -> &'static str {
        if *self == KEY_NOT_FOUND { NOT_FOUND.slug } else { self.slug }
    }

    /// The kind with that slug.
    #[must_use]
    pub fn find(slug: &str) -> Option<&'static Self> {
        ALL.iter().find(|kind| kind.slug == slug)
    }
}

macro_rules! problems {
    ($($name:ident $status:literal $title:literal $advice:literal;)*) => {
        $(#[doc = $title] pub const $name: ProblemKind =
            ProblemKind { slug: stringify!($name), status: $status, title: $title, advice: $advice };)*
        /// All kinds.
        pub const ALL: &[ProblemKind] = &[$($name),*];
    };
}

problems! {
    MALFORMED_REQUEST 400 "The request cannot be read"
        "The body is not JSON, has another shape than the route takes, or the request carries two credentials. `errors` names each bad field.";
    UNAUTHENTICATED 401 "A credential is needed"
        "Send the credential in the Authorization field: Bearer, a space, the token.";
    INVALID_TOKEN 401 "The credential is not good"
        "The token is unknown, mistyped, or no longer valid. Check that all of it was copied.";
    MALFORMED 401 "The key is not well-formed"
        "A key ends in a checksum, and this one's is wrong, or its shape is. Check that all of it was copied.";
    KEY_NOT_FOUND 401 "There is no such key"
        "The key is well-formed, but was never issued here, or was deleted. Ask your administrator for a new one.";
    REVOKED 401 "The key was revoked"
        "Somebody ended this key. Ask your administrator for a new one.";
    EXPIRED 401 "The key has expired"
        "The key's time is over. Ask your administrator for a new one.";
    ORG_DISABLED 401 "API access is switched off"
        "API access is not enabled for this organization. Ask the platform's support.";
    FORBIDDEN 403 "Not allowed"
        "The credential is good, but does not permit this. The challenge names a permission that would do, or `errors` what is more than a key can grant.";
    IP_NOT_ALLOWED 403 "The address is not allowed"
        "The key may only be used from certain addresses, and this request came from another, or from an unknown one.";
    INSUFFICIENT_PERMISSIONS 403 "A permission is missing"
        "The key does not hold every permission that the request needs. Ask your administrator for a key with the permissions named.";
    ROUTE_NOT_MAPPED 403 "The request is not mapped to a permission"
        "No route of the organization's policy maps this method and path, or the path can be understood in more than one way. Check the address; the platform's operator can add a route.";
    IMPERSONATION_NOT_ALLOWED 403 "The key may not act for a user"
        "Send the request without naming a user, or use a key that may impersonate.";
    POLICY_FORBIDS 403 "The organization's policy forbids this"
        "The organization's policy rules the operation out, for everybody. The platform's operator can change the policy.";
    FEATURE_DISABLED 403 "A feature is switched off"
        "Managing this organization's keys needs a feature that is off. The platform's operator can switch it on.";
    NOT_FOUND 404 "Not found"
        "There is nothing at this address, or nothing that this credential may see.";
    METHOD_NOT_ALLOWED 405 "The method is not allowed here"
        "The Allow field names the methods that this address takes.";
    CONFLICT 409 "It conflicts with what is there"
        "Somebody else changed the resource at the same time, or what is to be added is there already. Read it again and repeat the change if it is still wanted.";
    ILLEGAL_TRANSITION 409 "Its state does not allow this"
        "The detail names the state that the key or portal session is in and the one that the step needs.";
    ROTATION_IN_PROGRESS 409 "A rotation is open"
        "Two secrets of this key work now. Complete the rotation, or wait until its overlap ends, before starting another.";
    TOO_MANY_PLAYGROUND_KEYS 409 "Too many temporary keys"
        "You have as many active temporary keys as one member may have. Revoke one, or wait until one expires.";
    PRECONDITION_FAILED 412 "The resource has moved on"
        "It no longer has the version that If-Match names. Read it again and repeat the change if it is still wanted.";
    BODY_TOO_LARGE 413 "The body is too large"
        "A body may have at most 64 KiB, the description of an API at most 2 MiB.";
    UNSUPPORTED_MEDIA_TYPE 415 "The body's type is not supported"
        "Send JSON, with Content-Type: application/json.";
    VALIDATION_FAILED 422 "A field is not allowed"
        "The body is well-formed, but some fields are unknown or hold what they must not. `errors` names each of them.";
    RATE_LIMITED 429 "Too many requests"
        "The rate limit is used up, or too much came from this address: credentials that are not good, or questions of docs. Wait as long as Retry-After says.";
    NOT_IMPLEMENTED 501 "The method is unknown"
        "Use one of the methods of HTTP that this service knows.";
    BAD_GATEWAY 502 "The API behind cannot be reached"
        "The key was good, but the API that the request was for refused the connection, broke it off, or answered something that is no answer. Whether it did what was asked is not known.";
    UNAVAILABLE 503 "No answer can be given now"
        "Something that the answer depends on cannot be reached. A change is made whole or not at all; read the resource to see which, and try again as Retry-After says.";
    NOT_YET_IN_FORCE 503 "Stored, but not yet in force everywhere"
        "The change is kept and comes into force by itself within minutes. Repeating the call is safe: nothing is done twice, and it fails again until the change is in force.";
    GATEWAY_TIMEOUT 504 "The API behind did not answer in time"
        "The key was good, but the API that the request was for did not begin to answer in time. Whether it did what was asked is not known.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_unique_and_statuses_are_errors() {
        for (index, kind) in ALL.iter().enumerate() {
            assert!((400..600).contains(&kind.status), "{kind:?}");
            assert!(ALL.iter().skip(index + 1).all(|other| other.slug != kind.slug), "{kind:?}");
        }
    }
}
