//! Opaque page cursors, bound to the list that handed them out.
//!
//! In scope: packing a position and noticing that it was altered or belongs to another list.
//! Out of scope: secrecy; a cursor says only where a page ended, and access is checked by the route.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

const SEAL_BYTES: usize = 8;

/// The cursor was not handed out by this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor of this list; start again without one")]
pub struct ForeignCursor;

/// Packs a position of a list. `list` names the list with every filter and the order that shape it.
#[must_use]
pub fn seal(list: &str, position: &str) -> String {
    let mut bytes = digest(list, position).to_vec();
    bytes.extend_from_slice(position.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position that [`seal`] packed for the same list.
///
/// # Errors
/// [`ForeignCursor`] when the text was altered or was made for another list.
pub fn open(list: &str, cursor: &str) -> Result<String, ForeignCursor> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| ForeignCursor)?;
    let (seal, position) = bytes.split_at_checked(SEAL_BYTES).ok_or(ForeignCursor)?;
    let position = std::str::from_utf8(position).map_err(|_| ForeignCursor)?;
    if digest(list, position) == seal { Ok(position.to_owned()) } else { Err(ForeignCursor) }
}

fn digest(list: &str, position: &str) -> [u8; SEAL_BYTES] {
    let whole: [u8; 32] = Sha256::new().chain_update(list).chain_update([0]).chain_update(position).finalize().into();
    let [a, b, c, d, e, f, g, h, ..] = whole;
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_opens_in_its_own_list_only(list in ".{0,20}", other in ".{0,20}", position in ".{0,40}") {
            let cursor = seal(&list, &position);
            prop_assert_eq!(open(&list, &cursor), Ok(position));
            if list != other {
                prop_assert_eq!(open(&other, &cursor), Err(ForeignCursor));
            }
        }

        #[test]
        fn an_altered_cursor_is_refused(position in "[a-z0-9]{1,30}", at in 0usize..50, with in 0usize..62) {
            let cursor = seal("keys", &position);
            let at = at % cursor.len();
            let with = char::from(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[with]);
            let mut altered = cursor.clone();
            altered.replace_range(at..=at, &with.to_string());
            if altered != cursor {
                prop_assert_eq!(open("keys", &altered), Err(ForeignCursor));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = open("keys", &text);
        }
    }
}
